#include "fuzz/replay/compare.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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
  auto oracle = Oracle::Make(trace, receiver);
  if (!oracle.ok()) return oracle.status();
  Deliveries deliveries(*Schedule::Parse(text), trace, receiver->sources());
  return Compare(trace, receiver, &*oracle, own, &deliveries);
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
  auto oracle = Oracle::Make(cut_off, receiver.get());
  EXPECT_EQ(oracle->ReferenceOf(Source::kPush).source, Source::kPush);
  EXPECT_EQ(oracle->ReferenceOf(Source::kBytes).source, Source::kTcp);
  ASSERT_EQ(receiver->Open(whole), absl::OkStatus());
  EXPECT_EQ(Oracle::Make(whole, receiver.get())->ReferenceOf(Source::kPush).source, Source::kTcp);
}

// Comes to something else each time that `is_odd` says so of the play's number, from 1.
class UnsteadyReceiver final : public Receiver {
 public:
  explicit UnsteadyReceiver(std::function<bool(uint64_t play, size_t cuts)> is_odd)
      : is_odd_(std::move(is_odd)) {}
  std::string name() const override { return "unsteady"; }
  absl::Status Open(const Trace&) override { return absl::OkStatus(); }
  std::vector<Source> sources() const override { return {Source::kTcp}; }
  bool steady() const override { return false; }
  absl::StatusOr<Outcome> Play(const Delivery& delivery) override {
    return Outcome{.events_digest = is_odd_(++plays_, CutsOf(delivery).size()) ? 2u : 1u};
  }
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery&) override { return v1::EventLog(); }

 private:
  const std::function<bool(uint64_t, size_t)> is_odd_;
  uint64_t plays_ = 0;
};

TEST(CompareTest, WhatDiffersOnceAndNotAgainIsUnsteady) {
  const Trace trace = MixedTrace(false, false);
  const auto play = [&](std::function<bool(uint64_t, size_t)> is_odd) {
    UnsteadyReceiver receiver(std::move(is_odd));
    return *Play(trace, &receiver, "all1");
  };
  // The tenth play alone; a cut always; the whole one also, but not the first time.
  const TraceResult once = play([](uint64_t number, size_t) { return number == 10; });
  EXPECT_FALSE(once.finding.has_value());
  EXPECT_EQ(once.unsteady, 1u);
  EXPECT_TRUE(play([](uint64_t, size_t cuts) { return cuts > 0; }).finding.has_value());
  const TraceResult also = play([](uint64_t number, size_t) { return number > 2; });
  EXPECT_FALSE(also.finding.has_value());
  EXPECT_EQ(also.unsteady, 1u) << "from then on it is what a whole one comes to, too";
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

// Each play is the same to a steady receiver: what differs needs no confirmation.
class CountingReceiver final : public Receiver {
 public:
  explicit CountingReceiver(bool steady) : steady_(steady) {}
  std::string name() const override { return "counting"; }
  absl::Status Open(const Trace&) override { return absl::OkStatus(); }
  std::vector<Source> sources() const override { return {Source::kTcp}; }
  bool steady() const override { return steady_; }
  absl::StatusOr<Outcome> Play(const Delivery& delivery) override {
    ++plays;
    const bool cut = !CutsOf(delivery).empty();
    return Outcome{.events_digest = cut && differs ? 2u : 1u,
                   .spans_digest = same_spans ? 0 : plays,
                   .fault = cut && faulty};
  }
  absl::StatusOr<v1::EventLog> PlayForLog(const Delivery&) override { return v1::EventLog(); }

  bool differs = false, faulty = false, same_spans = false;
  uint64_t plays = 0;

 private:
  const bool steady_;
};

TEST(CompareTest, OnlyWhatMayBeUnsteadyIsConfirmed) {
  const Trace trace = MixedTrace(false, false);
  const auto plays = [&trace](bool steady, bool faulty) {
    CountingReceiver receiver(steady);
    (faulty ? receiver.faulty : receiver.differs) = true;
    const auto result = Play(trace, &receiver, "all1");
    EXPECT_TRUE(result.ok() && result->finding.has_value());
    EXPECT_EQ(result->deliveries, 2u);
    return receiver.plays;
  };
  // The reference, once more as a delivery, and the first cut.
  EXPECT_EQ(plays(true, false), 3u);
  EXPECT_EQ(plays(true, true), 3u);
  EXPECT_EQ(plays(false, true), 3u) << "a broken promise is none of comparison";
  EXPECT_EQ(plays(false, false), 3u + 2 * 3);
}

TEST(CompareTest, ProgressIsToldAndMayStop) {
  const Trace trace = MixedTrace(false, false);
  const auto compare = [&trace](bool steady, uint64_t until, std::vector<uint64_t>* told) {
    CountingReceiver receiver(steady);
    auto oracle = Oracle::Make(trace, &receiver);
    Deliveries deliveries(*Schedule::Parse("all1"), trace, receiver.sources());
    return *Compare(trace, &receiver, &*oracle, {}, &deliveries, [&](uint64_t played) {
      told->push_back(played);
      return played < until;
    });
  };
  std::vector<uint64_t> told;
  TraceResult result = compare(false, 5, &told);
  EXPECT_EQ(told, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.deliveries, 5u);
  told.clear();
  result = compare(true, 30, &told);
  EXPECT_EQ(told, (std::vector<uint64_t>{1, 17, 33})) << "not each one of many quick ones";
  EXPECT_EQ(result.deliveries, 33u);
  EXPECT_EQ(result.distinct, 33u);
  told.clear();
  result = compare(true, UINT64_MAX, &told);
  EXPECT_FALSE(result.stopped);
  EXPECT_EQ(result.deliveries, trace.bytes.size()) << "the whole, and each cut";
}

TEST(CompareTest, SpansThatArentToldAreNotCounted) {
  const Trace trace = MixedTrace(false, false);
  CountingReceiver receiver(true);
  receiver.same_spans = true;
  EXPECT_EQ(Play(trace, &receiver, "all1")->distinct, 0u);
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
