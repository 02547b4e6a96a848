// One body of tests for every maker of loops.

#include "fabric/loop.h"

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "fabric/makers.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using testing::TestWithParam;

class LoopTest : public TestWithParam<MakerKind> {
 protected:
  LoopTest() : maker_(GetParam().make()), loop_(maker_->loop()) {}

  void RunUntil(const std::function<bool()>& done) { maker_->RunUntil(done); }
  // Runs `code` on the loop.
  void OnLoop(const std::function<void()>& code) {
    bool ran = false;
    loop_->Post([&] {
      code();
      ran = true;
    });
    RunUntil([&] { return ran; });
  }

  const std::unique_ptr<Maker> maker_;
  Loop* const loop_;
};

INSTANTIATE_TEST_SUITE_P(Makers, LoopTest, testing::ValuesIn(AllMakers()),
                         [](const auto& info) { return info.param.name; });

TEST_P(LoopTest, PostsKeepTheirOrderAndComeAfterWhatIsRunning) {
  std::vector<int> order;
  loop_->Post([&] {
    order.push_back(0);
    loop_->Post([&] {
      order.push_back(3);
      loop_->Post([&] { order.push_back(6); });
    });
    loop_->Post([&] { order.push_back(4); });
    loop_->Post([&] { order.push_back(5); });
    order.push_back(1);
  });
  RunUntil([&] { return order.size() == 6; });
  ASSERT_EQ(order.size(), 6u);
  EXPECT_EQ(order[0], 0);
  EXPECT_EQ(order[1], 1);
  // 6 may come as soon as 3 has run, but not before 4 and 5 were posted.
  EXPECT_EQ(order[2], 3);
  EXPECT_EQ(order[3], 4);
  EXPECT_EQ(order[4], 5);
  EXPECT_EQ(order[5], 6);
}

TEST_P(LoopTest, LoopsPostToEachOther) {
  std::vector<int> order;  // touched by loop_ alone
  bool right_thread = true;
  maker_->other_loop()->Post([&] {
    const bool on_other = maker_->other_loop()->OnThread();
    for (int i = 0; i < 100; ++i) {
      loop_->Post([&, on_other, i] {
        right_thread =
            right_thread && on_other && loop_->OnThread() && !maker_->other_loop()->OnThread();
        order.push_back(i);
      });
    }
  });
  RunUntil([&] { return order.size() == 100; });
  EXPECT_TRUE(right_thread);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST_P(LoopTest, TimersFireInTheOrderOfTheirTimes) {
  std::vector<int> order;
  OnLoop([&] {
    const auto start = [&](int ms) {
      loop_->StartTimer(absl::Milliseconds(ms), [&order, ms] { order.push_back(ms); });
    };
    for (const int ms : {3, 1, 2, 0, 5, 4, 1, 3}) start(ms);
    loop_->StartTimer(-absl::Seconds(1), [&] { order.push_back(-1); });
    loop_->StartTimer(absl::InfiniteDuration(), [&] { order.push_back(1000); });
    EXPECT_TRUE(order.empty()) << "fired within StartTimer";
  });
  RunUntil([&] { return order.size() >= 9; });
  EXPECT_EQ(order, (std::vector<int>{0, -1, 1, 1, 2, 3, 3, 4, 5}));
}

TEST_P(LoopTest, TimersOfOneInstantKeepTheirOrder) {
  std::vector<int> order;
  OnLoop([&] {
    for (int i = 0; i < 20; ++i) {
      loop_->StartTimer(absl::Milliseconds(1), [&order, i] { order.push_back(i); });
    }
  });
  RunUntil([&] { return order.size() == 20; });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(order[i], i);
}

TEST_P(LoopTest, TimerNeverFiresBeforeItsTime) {
  absl::Time started;
  absl::Time fired = absl::InfinitePast();
  OnLoop([&] {
    started = loop_->Now();
    loop_->StartTimer(absl::Microseconds(1500), [&] { fired = loop_->Now(); });
  });
  RunUntil([&] { return fired != absl::InfinitePast(); });
  EXPECT_GE(fired - started, absl::Microseconds(1500));
}

TEST_P(LoopTest, CancelledTimerDoesNotFireAndItsTaskIsDestroyed) {
  auto canary = std::make_shared<int>(0);
  bool fired = false;
  bool later = false;
  OnLoop([&] {
    const Loop::TimerId timer =
        loop_->StartTimer(absl::Milliseconds(1), [&fired, canary] { fired = true; });
    EXPECT_EQ(canary.use_count(), 2);
    loop_->CancelTimer(timer);
    EXPECT_EQ(canary.use_count(), 1);
    loop_->CancelTimer(timer);
    loop_->CancelTimer(0);
    loop_->StartTimer(absl::Milliseconds(2), [&] { later = true; });
  });
  RunUntil([&] { return later; });
  EXPECT_FALSE(fired);
}

TEST_P(LoopTest, HandlersMayCancelTimersOfTheSameInstant) {
  bool fired = false;
  bool later = false;
  Loop::TimerId second = 0;
  Loop::TimerId first = 0;
  OnLoop([&] {
    first = loop_->StartTimer(absl::Milliseconds(1), [&] {
      loop_->CancelTimer(second);
      loop_->CancelTimer(first);  // the one that is running: nothing
    });
    second = loop_->StartTimer(absl::Milliseconds(1), [&] { fired = true; });
    loop_->StartTimer(absl::Milliseconds(1), [&] { later = true; });
  });
  RunUntil([&] { return later; });
  EXPECT_FALSE(fired);
}

TEST_P(LoopTest, DestroyingACancelledTaskMayUseTheLoop) {
  struct StartsAnother {
    ~StartsAnother() {
      loop->StartTimer(absl::ZeroDuration(), [flag = fired] { *flag = true; });
    }
    Loop* loop;
    bool* fired;
  };
  bool fired = false;
  OnLoop([&] {
    auto owned = std::make_unique<StartsAnother>(loop_, &fired);
    loop_->CancelTimer(loop_->StartTimer(absl::Seconds(1), [owned = std::move(owned)] {}));
  });
  RunUntil([&] { return fired; });
}

TEST_P(LoopTest, TimerWithNoDelayLetsPostsThrough) {
  // A timer that starts itself again and again holds nobody up.
  int posts = 0;
  bool stop = false;
  std::function<void()> again = [&] {
    if (!stop) loop_->StartTimer(absl::ZeroDuration(), again);
  };
  std::function<void()> post = [&] {
    if (++posts < 50) loop_->Post(post);
  };
  OnLoop([&] {
    again();
    post();
  });
  RunUntil([&] { return posts == 50; });
  stop = true;
}

TEST_P(LoopTest, NowStandsStillWithinATask) {
  OnLoop([&] {
    const absl::Time before = loop_->Now();
    uint64_t work = 0;
    for (int i = 0; i < 100000; ++i) work += static_cast<uint64_t>(i) * work + 1;
    EXPECT_NE(work, 0u);
    EXPECT_EQ(loop_->Now(), before);
  });
}

TEST_P(LoopTest, NowNeverGoesBack) {
  absl::Time last = absl::InfinitePast();
  int steps = 0;
  std::function<void()> step = [&] {
    EXPECT_GE(loop_->Now(), last);
    last = loop_->Now();
    if (++steps < 100) loop_->StartTimer(absl::Microseconds(steps), step);
  };
  OnLoop(step);
  RunUntil([&] { return steps == 100; });
}

TEST_P(LoopTest, TimerObjectReplacesCancelsAndDies) {
  int fired = 0;
  std::unique_ptr<Timer> timer;
  bool later = false;
  OnLoop([&] {
    timer = std::make_unique<Timer>(loop_);
    EXPECT_FALSE(timer->pending());
    timer->Start(absl::Milliseconds(1), [&] { fired += 1; });
    timer->Start(absl::Milliseconds(1), [&] {
      EXPECT_FALSE(timer->pending());
      fired += 10;
      // May start itself again, and be destroyed by its own task.
      timer->Start(absl::Milliseconds(1), [&] {
        timer.reset();
        fired += 100;
      });
    });
    EXPECT_TRUE(timer->pending());
    Timer dies(loop_);
    dies.Start(absl::ZeroDuration(), [&] { fired += 1000; });
    Timer cancelled(loop_);
    cancelled.Start(absl::ZeroDuration(), [&] { fired += 10000; });
    cancelled.Cancel();
    loop_->StartTimer(absl::Milliseconds(5), [&] { later = true; });
  });
  RunUntil([&] { return later && timer == nullptr; });
  EXPECT_EQ(fired, 110);
}

TEST_P(LoopTest, WhatHasNotRunDiesWithTheLoop) {
  struct PostsAgain {
    ~PostsAgain() {
      loop->Post([] { FAIL() << "run after the end"; });
    }
    Loop* loop;
  };
  auto owned = std::make_unique<PostsAgain>(loop_);
  loop_->Post([owned = std::move(owned)] { FAIL() << "run after the end"; });
  loop_->StartTimer(absl::ZeroDuration(), [] { FAIL() << "run after the end"; });
}

TEST_P(LoopTest, ManyTimers) {
  int fired = 0;
  std::vector<Loop::TimerId> cancelled;
  OnLoop([&] {
    for (int i = 0; i < 3000; ++i) {
      const auto timer = loop_->StartTimer(absl::Microseconds((i * 7919) % 1000), [&] { ++fired; });
      if (i % 3 == 0) cancelled.push_back(timer);
    }
    for (const auto timer : cancelled) loop_->CancelTimer(timer);
  });
  RunUntil([&] { return fired == 2000; });
  EXPECT_EQ(fired, 2000);
}

}  // namespace
}  // namespace pushpull::fabric
