#include "fabric/busy_poll.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

constexpr absl::Duration kMost = absl::Microseconds(100);
constexpr absl::Duration kSoon = absl::Microseconds(60);

// How many sleeps that ended soon it takes until it looks again.
int SleepsUntilItLooks(BusyPoll& poll) {
  int sleeps = 0;
  while (poll.window() == absl::ZeroDuration() && sleeps < 10'000) {
    poll.Slept(kSoon);
    ++sleeps;
  }
  return sleeps;
}

TEST(BusyPollTest, NeverAndAlwaysDoNotLearn) {
  BusyPoll never;
  never.Slept(kSoon);
  EXPECT_EQ(never.window(), absl::ZeroDuration());
  BusyPoll always = BusyPoll::Always(kMost);
  EXPECT_EQ(always.window(), kMost);
  always.LookedInVain();
  always.Slept(absl::Seconds(1));
  EXPECT_EQ(always.window(), kMost);
}

TEST(BusyPollTest, LooksOnlyAfterASleepThatWouldHaveBeenSparedByLooking) {
  BusyPoll poll = BusyPoll::WhileItPays(kMost);
  EXPECT_EQ(poll.window(), absl::ZeroDuration());
  poll.Slept(kMost);
  EXPECT_EQ(poll.window(), absl::ZeroDuration()) << "what came that late wouldn't have been seen";
  poll.Slept(kSoon);
  EXPECT_EQ(poll.window(), kMost);
  poll.Slept(absl::Seconds(1));
  EXPECT_EQ(poll.window(), absl::ZeroDuration());
}

TEST(BusyPollTest, EventsThatAreThereAlreadyAreNoSleep) {
  BusyPoll poll = BusyPoll::WhileItPays(kMost);
  poll.Slept(absl::Microseconds(1));
  EXPECT_EQ(poll.window(), absl::ZeroDuration());
  poll.Slept(kSoon);
  poll.LookedInVain();
  for (int i = 0; i < 100; ++i) poll.Slept(absl::Microseconds(1));
  EXPECT_EQ(SleepsUntilItLooks(poll), 2) << "the time till the next try is one of sleeps";
}

TEST(BusyPollTest, GoesOnWhileItFinds) {
  BusyPoll poll = BusyPoll::WhileItPays(kMost);
  poll.Slept(kSoon);
  for (int i = 0; i < 100; ++i) {
    poll.Found();
    ASSERT_EQ(poll.window(), kMost);
  }
}

TEST(BusyPollTest, EachFailureDoublesTheTimeToTheNextTryUpToALimit) {
  BusyPoll poll = BusyPoll::WhileItPays(kMost);
  EXPECT_EQ(SleepsUntilItLooks(poll), 1);
  for (int due = 2; due <= 1024; due *= 2) {
    poll.LookedInVain();
    EXPECT_EQ(SleepsUntilItLooks(poll), due);
  }
  poll.LookedInVain();
  EXPECT_EQ(SleepsUntilItLooks(poll), 1024);
}

TEST(BusyPollTest, SuccessesMakeUpForFailures) {
  BusyPoll poll = BusyPoll::WhileItPays(kMost);
  for (int i = 0; i < 4; ++i) {
    SleepsUntilItLooks(poll);
    poll.LookedInVain();
  }
  EXPECT_EQ(SleepsUntilItLooks(poll), 16);
  poll.Found();
  poll.Found();
  poll.LookedInVain();
  EXPECT_EQ(SleepsUntilItLooks(poll), 8);
}

}  // namespace
}  // namespace pushpull::fabric
