// The sessions of corpus/traces, played into the whole reference target under every cut at a
// field's border and under random ones: each task ends alike, and the LUNs hold the same.

#include <memory>

#include "base/sanitized.h"
#include "conformance/runner/suite.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/schedule.h"
#include "fuzz/replay/session_receiver.h"
#include "gtest/gtest.h"
#include "tools/endpoints/session_hosts.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

constexpr uint64_t kMaxDeliveries = base::kSanitized ? 30 : 150;  // of a schedule's part

class SessionReplayTest : public testing::TestWithParam<Case> {};

TEST_P(SessionReplayTest, EachDeliveryEndsEachTaskAlike) {
  const auto host = MakeSimSessionHost({});
  const auto receiver = replay::SessionReceiver::Create(host.get(), {});
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  const auto traces = (*receiver)->Record(GetParam());
  ASSERT_TRUE(traces.ok()) << traces.status();
  EXPECT_GE(traces->size(), 2u) << "both directions";
  const auto schedule = replay::Schedule::Parse("fields,coalesce:2,random:1:20");
  for (const replay::Trace& trace : *traces) {
    SCOPED_TRACE(trace.name);
    ASSERT_TRUE((*receiver)->Open(trace).ok());
    auto oracle = replay::Oracle::Make(trace, receiver->get());
    ASSERT_TRUE(oracle.ok()) << oracle.status();
    const auto whole = (*receiver)->PlayForLog(replay::Whole(trace, replay::Source::kTcp));
    ASSERT_TRUE(whole.ok()) << whole.status();
    EXPECT_EQ(whole->event(0).other().text(), "PASS") << "without a cut";
    // A play takes some milliseconds: of streams of many PDUs the pairs of borders are left out.
    replay::Deliveries deliveries(*schedule, trace, (*receiver)->sources(),
                                  {.max_deliveries = kMaxDeliveries});
    const auto result = Compare(trace, receiver->get(), &*oracle, std::nullopt, &deliveries);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_GE(result->deliveries, deliveries.count());
    if (!result->finding.has_value()) continue;
    ADD_FAILURE() << ToString(*result->finding) << "\n"
                  << (*receiver)->PlayForLog(*result->finding)->DebugString() << "\nwhole:\n"
                  << whole->DebugString();
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, SessionReplayTest, testing::ValuesIn(CorpusSessions()),
                         [](const auto& info) { return TestName(info.param.id()); });

}  // namespace
}  // namespace pushpull::tools
