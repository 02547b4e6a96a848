// All traces of corpus/traces at the receive machine: each single cut, each field's borders, each
// poll that finds nothing; each pair of cuts of the short ones. Under a sanitizer, which plays a
// twentieth as fast, the borders and random deliveries.

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/sanitized.h"
#include "conformance/scenario/scenario_file.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/scenario_trace.h"
#include "fuzz/replay/schedule.h"
#include "gtest/gtest.h"

namespace pushpull::replay {
namespace {

constexpr size_t kPairsUpTo = 600;  // bytes

std::vector<ScenarioTrace> StaticTraces() {
  const auto files = conformance::LoadScenarios("corpus/traces");
  EXPECT_TRUE(files.ok()) << files.status();
  std::vector<ScenarioTrace> traces;
  for (const conformance::ScenarioFile& file : *files) {
    if (!file.scenario.has_trace()) continue;
    auto made = TraceFromScenario(file.scenario, file.scenario.id());
    EXPECT_TRUE(made.ok()) << file.path << ": " << made.status();
    if (made.ok()) traces.push_back(*std::move(made));
  }
  return traces;
}

std::string TestName(const testing::TestParamInfo<ScenarioTrace>& info) {
  std::string name = info.param.trace.name;
  std::replace_if(name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

class TracesReplayTest : public testing::TestWithParam<ScenarioTrace> {};

TEST_P(TracesReplayTest, EachDeliveryGivesTheSameEvents) {
  const Trace& trace = GetParam().trace;
  const std::unique_ptr<Receiver> receiver = MakeRxReceiver();
  ASSERT_TRUE(receiver->Open(trace).ok());
  auto oracle = Oracle::Make(trace, receiver.get());
  ASSERT_TRUE(oracle.ok()) << oracle.status();
  const auto play = [&](const char* text, const std::vector<Source>& sources) {
    const auto schedule = Schedule::Parse(text);
    ASSERT_TRUE(schedule.ok()) << schedule.status();
    Deliveries deliveries(*schedule, trace, sources);
    EXPECT_TRUE(deliveries.left_out().empty());
    const auto result = Compare(trace, receiver.get(), &*oracle, GetParam().delivery, &deliveries);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GE(result->deliveries, deliveries.count());
    EXPECT_GT(result->events, 0u);
    if (result->finding.has_value()) {
      ADD_FAILURE() << trace.name << " differs, or is a fault: " << ToString(*result->finding);
    }
  };
  if (base::kSanitized) return play("fields,random:1:300", receiver->sources());
  play("fields,notyet", receiver->sources());
  // Many, and alike for all streams: by the real one, and pushed.
  std::vector<Source> sources = receiver->sources();
  std::erase(sources, Source::kBytes);
  play(trace.bytes.size() <= kPairsUpTo ? "all1,all2" : "all1", sources);
}

INSTANTIATE_TEST_SUITE_P(Corpus, TracesReplayTest, testing::ValuesIn(StaticTraces()), TestName);

}  // namespace
}  // namespace pushpull::replay
