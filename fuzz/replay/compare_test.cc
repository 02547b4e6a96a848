#include "fuzz/replay/compare.h"

#include <string>

#include "fuzz/replay/replay_testing.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/toy_receiver.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {
namespace {

absl::StatusOr<TraceResult> Play(const Trace& trace, Receiver* receiver, const std::string& text,
                                 const std::optional<Delivery>& own = {}) {
  EXPECT_EQ(receiver->Open(trace), absl::OkStatus());
  const auto oracle = Oracle::Make(trace, receiver);
  if (!oracle.ok()) return oracle.status();
  Deliveries deliveries(*Schedule::Parse(text), trace, receiver->sources());
  return Compare(trace, receiver, *oracle, own, &deliveries);
}

TEST(CompareTest, TheMachineIsTheSameUnderEverySchedule) {
  const auto receiver = MakeRxReceiver();
  for (const bool digests : {false, true}) {
    const Trace trace = MixedTrace(digests, digests);
    const auto result =
        Play(trace, receiver.get(), "all1,fields,ahs,notyet,bytes,queue:3,coalesce:2,mss:100");
    ASSERT_TRUE(result.ok());
    EXPECT_FALSE(result->finding.has_value()) << ToString(*result->finding);
    EXPECT_EQ(result->events, 7u);
    EXPECT_GT(result->deliveries, 2 * trace.bytes.size());
    EXPECT_GT(result->distinct, 50u);
    EXPECT_LT(result->distinct, result->deliveries);
  }
}

TEST(CompareTest, PushIsHeldAgainstPullWhereTheyMustBeEqual) {
  const Trace whole = MixedTrace(false, false);
  Trace cut_off = whole;
  cut_off.bytes.pop_back();
  cut_off = MakeTrace("t", whole.direction, {}, cut_off.bytes);
  const auto receiver = MakeRxReceiver();
  for (const bool has_tail : {false, true}) {
    const auto result = Play(has_tail ? cut_off : whole, receiver.get(), "none,coalesce:2,all1");
    ASSERT_TRUE(result.ok());
    EXPECT_FALSE(result->finding.has_value());
  }
  ASSERT_EQ(receiver->Open(cut_off), absl::OkStatus());
  const auto oracle = Oracle::Make(cut_off, receiver.get());
  EXPECT_EQ(oracle->ReferenceOf(Source::kPush).source, Source::kPush);
  EXPECT_EQ(oracle->ReferenceOf(Source::kBytes).source, Source::kTcp);
  ASSERT_EQ(receiver->Open(whole), absl::OkStatus());
  EXPECT_EQ(Oracle::Make(whole, receiver.get())->ReferenceOf(Source::kPush).source, Source::kTcp);
}

TEST(CompareTest, StopsAtTheFirstFinding) {
  const Trace trace = MixedTrace(false, false);
  ToyReceiver receiver(
      [](const Delivery& delivery) {
        const auto cuts = CutsOf(delivery);
        return cuts.size() == 1 && cuts[0] == 50;
      },
      1);
  const auto result = Play(trace, &receiver, "all1");
  ASSERT_TRUE(result.ok() && result->finding.has_value());
  EXPECT_EQ(CutsOf(*result->finding), std::vector<size_t>{50});
  EXPECT_EQ(result->deliveries, 51u);  // with the whole
}

TEST(CompareTest, TheFilesOwnDeliveryIsPlayed) {
  const Trace trace = MixedTrace(false, false);
  ToyReceiver receiver([](const Delivery& delivery) { return delivery.queue_capacity == 9; }, 0);
  Delivery own = Whole(trace, Source::kTcp);
  EXPECT_FALSE(Play(trace, &receiver, "none", own)->finding.has_value());
  own.queue_capacity = 9;
  EXPECT_TRUE(Play(trace, &receiver, "none", own)->finding.has_value());
}

TEST(CompareTest, AFaultIsAFindingEvenInTheReference) {
  target::BugSet bugs;
  bugs.Add(target::Bug::kRxQueueKeepsReference);
  const auto receiver = MakeRxReceiver(bugs);
  const auto result = Play(MixedTrace(false, false), receiver.get(), "none");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->finding.has_value(), target::kBugsEnabled);
}

}  // namespace
}  // namespace pushpull::replay
