#include "fabric/sim_world.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fabric/loop.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using Outcome = SimWorld::Outcome;

TEST(SimWorldTest, TimeStandsUntilThereIsNothingDueThenJumps) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  EXPECT_EQ(world.now(), SimWorld::kStart);
  EXPECT_EQ(loop->Now(), SimWorld::kStart);
  std::vector<absl::Duration> times;
  const auto note = [&] { times.push_back(loop->Now() - SimWorld::kStart); };
  loop->Post(note);
  loop->StartTimer(absl::Hours(5), note);
  loop->StartTimer(absl::Seconds(1), note);
  EXPECT_EQ(world.RunUntilIdle(), Outcome::kIdle);
  EXPECT_EQ(times,
            (std::vector<absl::Duration>{absl::ZeroDuration(), absl::Seconds(1), absl::Hours(5)}));
  EXPECT_EQ(world.events_run(), 3u);
}

TEST(SimWorldTest, RunUntilSaysWhyItEnded) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  const auto never = [] { return false; };
  EXPECT_EQ(world.RunUntil([] { return true; }), Outcome::kDone);
  EXPECT_EQ(world.RunUntil(never), Outcome::kIdle);
  int fired = 0;
  loop->StartTimer(absl::Seconds(10), [&] { ++fired; });
  EXPECT_EQ(world.RunUntil(never, {.time = absl::Seconds(4)}), Outcome::kDeadline);
  EXPECT_EQ(world.now(), SimWorld::kStart + absl::Seconds(4));
  EXPECT_EQ(world.RunUntil([&] { return fired == 1; }, {.time = absl::Seconds(6)}), Outcome::kDone);
  std::function<void()> forever = [&] { loop->Post(forever); };
  forever();
  EXPECT_EQ(world.RunUntil(never, {.time = absl::Seconds(1), .events = 500}), Outcome::kMaxEvents);
  EXPECT_EQ(world.RunUntilIdle(500), Outcome::kMaxEvents);
  EXPECT_EQ(world.RunFor(absl::Seconds(1), 500), Outcome::kMaxEvents);
  EXPECT_EQ(world.events_run(), 1501u);
}

TEST(SimWorldTest, RunForSetsTheClock) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  int fired = 0;
  loop->StartTimer(absl::Seconds(1), [&] { ++fired; });
  loop->StartTimer(absl::Seconds(2), [&] { ++fired; });
  loop->StartTimer(absl::Seconds(3), [&] { ++fired; });
  EXPECT_EQ(world.RunFor(absl::Seconds(2)), Outcome::kDeadline);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(world.RunFor(absl::Hours(1)), Outcome::kDeadline);
  EXPECT_EQ(fired, 3);
  EXPECT_EQ(world.now(), SimWorld::kStart + absl::Seconds(2) + absl::Hours(1));
}

TEST(SimWorldTest, TimerThatNeverFiresIsIdle) {
  SimWorld world(1);
  world.NewLoop()->StartTimer(absl::InfiniteDuration(), [] { FAIL(); });
  EXPECT_EQ(world.RunUntilIdle(), Outcome::kIdle);
  EXPECT_EQ(world.now(), SimWorld::kStart);
}

TEST(SimWorldTest, CancelledTimersDoNotMoveTheClock) {
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  const Loop::TimerId timer = loop->StartTimer(absl::Hours(1), [] { FAIL(); });
  loop->StartTimer(absl::Seconds(1), [&] { loop->CancelTimer(timer); });
  EXPECT_EQ(world.RunUntilIdle(), Outcome::kIdle);
  EXPECT_EQ(world.now(), SimWorld::kStart + absl::Seconds(1));
}

// The order in which the events of three loops and some timers, all of one instant, run.
std::string OrderOf(uint64_t seed) {
  SimWorld world(seed);
  SimLoop* loops[] = {world.NewLoop(), world.NewLoop(), world.NewLoop()};
  std::string order;
  for (int n = 0; n < 3; ++n) {
    for (int l = 0; l < 3; ++l) {
      const char posted = static_cast<char>('a' + 3 * l + n);
      const char timed = static_cast<char>('A' + 3 * l + n);
      loops[l]->Post([&order, posted] { order += posted; });
      loops[l]->StartTimer(absl::ZeroDuration(), [&order, timed] { order += timed; });
    }
  }
  EXPECT_EQ(world.RunUntilIdle(), Outcome::kIdle);
  return order;
}

TEST(SimWorldTest, OrderWithinAnInstantIsTheSeeds) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const std::string order = OrderOf(seed);
    EXPECT_EQ(order, OrderOf(seed));
    ASSERT_EQ(order.size(), 18u);
    for (int lane = 0; lane < 3; ++lane) {
      for (const char first : {'a', 'A'}) {
        const char base = static_cast<char>(first + 3 * lane);
        EXPECT_LT(order.find(base), order.find(static_cast<char>(base + 1))) << order;
        EXPECT_LT(order.find(static_cast<char>(base + 1)), order.find(static_cast<char>(base + 2)))
            << order;
      }
    }
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 95u);
}

TEST(SimWorldTest, OnThreadIsTheLoopWhoseCodeRuns) {
  SimWorld world(1);
  SimLoop* const a = world.NewLoop();
  SimLoop* const b = world.NewLoop();
  EXPECT_TRUE(a->OnThread());
  EXPECT_TRUE(b->OnThread());
  bool ran = false;
  a->Post([&] {
    EXPECT_TRUE(a->OnThread());
    EXPECT_FALSE(b->OnThread());
    ran = true;
  });
  world.RunUntilIdle();
  EXPECT_TRUE(ran);
}

TEST(SimWorldTest, PendingTasksMayUseTheWorldWhileItDies) {
  struct Restless {
    ~Restless() {
      loop->CancelTimer(timer);
      loop->Post([] { FAIL(); });
      loop->StartTimer(absl::Seconds(1), [] { FAIL(); });
    }
    SimLoop* loop;
    Loop::TimerId timer;
  };
  SimWorld world(1);
  SimLoop* const loop = world.NewLoop();
  const Loop::TimerId timer = loop->StartTimer(absl::Seconds(1), [] { FAIL(); });
  for (int i = 0; i < 5; ++i) {
    loop->Post([r = std::make_unique<Restless>(loop, timer)] { FAIL(); });
    loop->StartTimer(absl::Seconds(i), [r = std::make_unique<Restless>(loop, timer)] { FAIL(); });
  }
}

TEST(SimWorldTest, ForkedRandomnessIsTheSeeds) {
  SimWorld a(7);
  SimWorld b(7);
  SimWorld c(8);
  const uint64_t drawn = a.ForkRandom().Next();
  EXPECT_EQ(drawn, b.ForkRandom().Next());
  EXPECT_NE(drawn, c.ForkRandom().Next());
}

TEST(SimWorldDeathTest, EventsMustNotRunTheWorld) {
  SimWorld world(1);
  world.NewLoop()->Post([&] { world.RunUntilIdle(); });
  EXPECT_DEATH(world.RunUntilIdle(), "run by one of its events");
}

TEST(SimWorldDeathTest, TimersAreTheLoopsOwn) {
  SimWorld world(1);
  SimLoop* const a = world.NewLoop();
  SimLoop* const b = world.NewLoop();
  a->Post([&] { b->StartTimer(absl::ZeroDuration(), [] {}); });
  EXPECT_DEATH(world.RunUntilIdle(), "OnThread");
}

}  // namespace
}  // namespace pushpull::fabric
