#include "fuzz/session/scenario_fuzzer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "base/check.h"
#include "conformance/tap/wire_log.h"
#include "fuzz/planted_bugs.h"
#include "fuzz/session/settings.h"
#include "fuzz/session/state_coverage.h"

namespace pushpull::fuzz {
namespace {

// Where nothing else is there to begin with.
constexpr std::string_view kFirst = "step { login {} } step { probe {} }";

}  // namespace

ScenarioFuzzer::ScenarioFuzzer(bool iser, std::span<uint8_t> counters)
    : mutator_({.iser = iser, .variables = AllSettings()}), counters_(counters) {
  options_.iser = iser;
  options_.bugs = PlantedBugs();
  tell_ = std::getenv("PUSHPULL_FUZZ_TELL") != nullptr;
  states_ = std::getenv("PUSHPULL_FUZZ_STATES") != nullptr;
}

ScenarioFuzzer::~ScenarioFuzzer() {
  for (const std::string& state : reached_) std::fprintf(stdout, "STATE %s\n", state.c_str());
}

bool ScenarioFuzzer::Read(std::string_view text, v1::Scenario* scenario) const {
  if (!text.empty() && text == written_) {
    *scenario = written_scenario_;
    return true;
  }
  return FromText(mutator_.options(), text, scenario);
}

v1::Scenario ScenarioFuzzer::ReadOrFirst(std::string_view text) const {
  v1::Scenario scenario;
  if (Read(text, &scenario)) return scenario;
  scenario.Clear();
  CHECK(FromText(mutator_.options(), kFirst, &scenario));
  return scenario;
}

// What doesn't fit loses its last steps.
size_t ScenarioFuzzer::Write(v1::Scenario scenario, std::span<uint8_t> out) {
  for (;;) {
    std::string text = ToText(scenario);
    if (text.size() <= out.size()) {
      std::copy(text.begin(), text.end(), out.begin());
      written_ = std::move(text);
      written_scenario_ = std::move(scenario);
      return written_.size();
    }
    if (scenario.step_size() == 0) return 0;
    scenario.mutable_step()->RemoveLast();
  }
}

int ScenarioFuzzer::Test(std::string_view input) {
  v1::Scenario scenario;
  if (!Read(input, &scenario)) return -1;
  Tame(mutator_.options(), &scenario);
  StateCoverage coverage(counters_);
  const std::vector<std::string> findings = PlaySession(options_, scenario, &coverage);
  if (states_) reached_.insert(coverage.states().begin(), coverage.states().end());
  if (findings.empty()) return 0;
  if (tell_) {
    std::fprintf(stdout, "FINDING %s\n", findings[0].c_str());
    std::fflush(stdout);  // before the next input is named on standard error
    return 0;
  }
  // Once more, for the reader.
  conformance::WireLog log;
  PlaySession(options_, scenario, &log);
  std::fprintf(stderr, "FINDING %s\n%s\n%s\n", absl::StrJoin(findings, "\nFINDING ").c_str(),
               ToText(scenario).c_str(), conformance::ToText(log).c_str());
  std::abort();
}

size_t ScenarioFuzzer::Mutate(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  base::Random random(seed);
  v1::Scenario scenario = ReadOrFirst({reinterpret_cast<const char*>(data), size});
  mutator_.Mutate(&scenario, &random);
  return Write(std::move(scenario), {data, max_size});
}

size_t ScenarioFuzzer::CrossOver(std::string_view one, std::string_view other,
                                 std::span<uint8_t> out, unsigned seed) {
  base::Random random(seed);
  v1::Scenario scenario = ReadOrFirst(one);
  mutator_.CrossOver(ReadOrFirst(other), &scenario, &random);
  return Write(std::move(scenario), out);
}

}  // namespace pushpull::fuzz
