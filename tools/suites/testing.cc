#include "tools/suites/testing.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play_case.h"
#include "conformance/runner/preconditions.h"
#include "conformance/scenario/scenario_file.h"

namespace pushpull::tools {

using conformance::Case;

std::vector<Case> AllCases() {
  auto files = conformance::BuiltInSuites();
  CHECK(files.ok()) << files.status();
  auto cases = conformance::Expand(*files);
  CHECK(cases.ok()) << cases.status();
  return *std::move(cases);
}

std::vector<Case> CorpusSessions() {
  auto files = conformance::LoadScenarios("corpus/traces");
  CHECK(files.ok()) << files.status();
  std::erase_if(*files, [](const auto& file) { return file.scenario.has_trace(); });
  auto cases = conformance::Expand(*files);
  CHECK(cases.ok()) << cases.status();
  return *std::move(cases);
}

uint64_t SeedsOf(const char* variable, uint64_t otherwise) {
  const char* const given = std::getenv(variable);
  if (given == nullptr) return otherwise;
  uint64_t seeds = 0;
  CHECK(absl::SimpleAtoi(given, &seeds) && seeds > 0)
      << variable << " is \"" << given << "\": give a number, 1 or more";
  return seeds;
}

std::string TestName(const std::string& case_id) {
  std::string name = case_id;
  std::replace_if(name.begin(), name.end(), [](char c) { return !absl::ascii_isalnum(c); }, '_');
  return name;
}

namespace {

conformance::RunOutcome Play(conformance::EndpointFactory* factory, const std::vector<Case>& cases,
                             const conformance::RunOptions& options) {
  conformance::Selection selection;
  selection.only = {"sanity/alive"};
  const std::vector<Case> sanity = conformance::Select(AllCases(), selection);
  CHECK_EQ(sanity.size(), size_t{1});
  return conformance::RunSuites(factory, sanity[0], cases, options);
}

// Adds to `results`.
void PlayOn(conformance::EndpointFactory* sound, conformance::EndpointFactory* factory,
            const std::vector<Case>& cases, std::vector<v1::CaseResult>* results) {
  if (cases.empty()) return;
  const conformance::PlaySettings settings;
  const auto facts =
      conformance::InspectTarget(sound, settings, sound->target_name(), std::nullopt);
  CHECK(facts.ok()) << facts.status();
  for (const Case& c : cases) {
    conformance::PlayCaseOptions options;
    options.settings = &settings;
    options.facts = &*facts;
    results->push_back(conformance::PlayCase(factory, c, options));
  }
}

}  // namespace

conformance::RunOutcome PlaySuites(const std::vector<Case>& cases, EmbeddedSimOptions endpoint,
                                   conformance::RunOptions options) {
  return Play(MakeEmbeddedSimFactory(std::move(endpoint)).get(), cases, options);
}

conformance::RunOutcome PlaySuites(const std::vector<Case>& cases, EmbeddedIserOptions endpoint,
                                   conformance::RunOptions options) {
  return Play(MakeEmbeddedIserFactory(std::move(endpoint)).get(), cases, options);
}

std::vector<v1::CaseResult> PlayDirectly(const std::vector<Case>& cases,
                                         const target::BugSet& bugs) {
  std::vector<Case> over_rdma, over_streams;
  for (const Case& c : cases) {
    const bool streams = conformance::IsOfTransport(c.scenario(), /*rdma=*/false);
    (streams ? over_streams : over_rdma).push_back(c);
  }
  std::vector<v1::CaseResult> results;
  EmbeddedSimOptions streams;
  streams.bugs = bugs;
  PlayOn(MakeEmbeddedSimFactory({}).get(), MakeEmbeddedSimFactory(streams).get(), over_streams,
         &results);
  EmbeddedIserOptions rdma;
  rdma.bugs = bugs;
  PlayOn(MakeEmbeddedIserFactory({}).get(), MakeEmbeddedIserFactory(rdma).get(), over_rdma,
         &results);
  return results;
}

std::string Unexpected(const conformance::RunOutcome& outcome) {
  std::string text;
  if (!outcome.status.ok()) text = absl::StrCat(outcome.status.ToString(), "\n");
  for (const v1::CaseResult& result : outcome.result.result()) {
    if (conformance::IsExpected(result, /*strict=*/true)) continue;
    absl::StrAppend(&text, result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                    result.failure().message(), "\n");
  }
  return text;
}

}  // namespace pushpull::tools
