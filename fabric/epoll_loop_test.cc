// What only the real loop has: threads, Stop, descriptors.

#include "fabric/epoll_loop.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fabric/busy_poll.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

TEST(EpollLoopTest, StopFromAnotherThreadEndsARunThatWaits) {
  EpollLoop loop;
  bool before = false;
  std::thread other([&] {
    loop.Post([&] { before = true; });
    loop.Stop();
  });
  loop.Run();
  EXPECT_TRUE(before) << "what was posted before Stop runs";
  other.join();
}

TEST(EpollLoopTest, StopBeforeRunEndsTheNextRun) {
  EpollLoop loop;
  loop.Stop();
  loop.Run();
  bool ran = false;
  loop.Post([&] {
    ran = true;
    loop.Stop();
  });
  loop.Run();
  EXPECT_TRUE(ran);
}

TEST(EpollLoopTest, PostsOfManyThreadsEachKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  LoopThread thread;
  std::vector<std::vector<int>> seen(kThreads);
  {
    std::vector<std::thread> posters;
    for (int t = 0; t < kThreads; ++t) {
      posters.emplace_back([&, t] {
        for (int i = 0; i < kPosts; ++i) {
          thread.loop()->Post([&seen, t, i] { seen[t].push_back(i); });
        }
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  thread.Call([&] {
    for (const std::vector<int>& one : seen) {
      ASSERT_EQ(one.size(), static_cast<size_t>(kPosts));
      for (int i = 0; i < kPosts; ++i) ASSERT_EQ(one[i], i);
    }
  });
}

TEST(EpollLoopTest, LoopThreadRunsWhatWasPostedBeforeItEnds) {
  std::atomic<int> ran = 0;
  {
    LoopThread thread;
    for (int i = 0; i < 1000; ++i) thread.loop()->Post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 1000);
}

TEST(EpollLoopTest, OnThreadTellsThreadsApartWhileItRuns) {
  EpollLoop idle;
  EXPECT_TRUE(idle.OnThread());
  LoopThread thread;
  EXPECT_FALSE(thread.loop()->OnThread());
  bool inside = false;
  thread.Call([&] { inside = thread.loop()->OnThread(); });
  EXPECT_TRUE(inside);
}

TEST(EpollLoopTest, ClockGoesOnWhileItDoesNotRun) {
  EpollLoop loop;
  const absl::Time before = loop.Now();
  while (loop.Now() == before) {
  }
  EXPECT_GT(loop.Now(), before);
}

// Counts, and does what it is told.
class Counter final : public EpollLoop::Watcher {
 public:
  explicit Counter(std::function<void()> readable) : readable_(std::move(readable)) {}
  void OnReadable() override {
    ++reads;
    readable_();
  }
  void OnWritable() override { ++writes; }

  int reads = 0;
  int writes = 0;

 private:
  std::function<void()> readable_;
};

TEST(EpollLoopTest, DescriptorsAreReportedByEdge) {
  EpollLoop loop;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Counter counter([] {});
  const EpollLoop::WatchId watch = loop.Watch(pair[0], &counter);
  ASSERT_NE(watch, 0u);
  loop.RunUntil([&] { return counter.writes > 0; });
  EXPECT_EQ(counter.reads, 0);
  ASSERT_EQ(write(pair[1], "a", 1), 1);
  loop.RunUntil([&] { return counter.reads == 1; });
  // Not read, and not reported again.
  for (int i = 0; i < 5; ++i) {
    bool turned = false;
    loop.Post([&] { turned = true; });
    loop.RunUntil([&] { return turned; });
  }
  EXPECT_EQ(counter.reads, 1);
  ASSERT_EQ(write(pair[1], "b", 1), 1);
  loop.RunUntil([&] { return counter.reads == 2; });
  loop.Unwatch(watch);
  close(pair[0]);
  close(pair[1]);
}

TEST(EpollLoopTest, UnwatchedDescriptorsAreNotCalledInTheSameTurn) {
  EpollLoop loop;
  const int fds[2] = {eventfd(1, EFD_NONBLOCK), eventfd(1, EFD_NONBLOCK)};
  const int quiet_fd = eventfd(0, EFD_NONBLOCK);
  EpollLoop::WatchId watches[2];
  Counter quiet([] {});
  EpollLoop::WatchId quiet_watch = 0;
  int calls = 0;
  const auto make = [&](int other) {
    return Counter([&, other] {
      ++calls;
      loop.Unwatch(std::exchange(watches[other], 0));
      // Its place is taken again at once: the event that was fetched for it must not get there.
      quiet_watch = loop.Watch(quiet_fd, &quiet);
    });
  };
  Counter counters[2] = {make(1), make(0)};
  for (int i = 0; i < 2; ++i) watches[i] = loop.Watch(fds[i], &counters[i]);
  loop.RunUntil([&] { return quiet.writes > 0; });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(quiet.reads, 0);
  loop.Unwatch(quiet_watch);
  for (int i = 0; i < 2; ++i) {
    if (watches[i] != 0) loop.Unwatch(watches[i]);
    close(fds[i]);
  }
  close(quiet_fd);
}

// A loop that was busy and polls for longer than any test takes: all that can come comes through.
TEST(EpollLoopTest, BusyPollingSeesPostsTimersAndDescriptors) {
  LoopThread thread;
  thread.Call([&] { thread.loop()->SetBusyPoll(BusyPoll::Always(absl::Hours(1))); });
  std::atomic<bool> posted = false, fired = false;
  for (int i = 0; i < 100; ++i) {
    thread.Call([&] { posted = true; });  // from another thread: by the descriptor that wakes it
    ASSERT_TRUE(posted.exchange(false));
  }
  std::promise<void> done;
  thread.Call([&] {
    thread.loop()->StartTimer(absl::Milliseconds(2), [&] {
      fired = true;
      done.set_value();
    });
  });
  done.get_future().wait();
  EXPECT_TRUE(fired);
}

// How often the calling thread went to sleep by itself.
int64_t SleepsOfThisThread() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

TEST(EpollLoopTest, StopsSleepingWhereLookingPays) {
  LoopThread thread;
  // What ends its first sleep would have been seen within the hour.
  thread.Call([&] { thread.loop()->SetBusyPoll(BusyPoll::WhileItPays(absl::Hours(1))); });
  for (int i = 0; i < 1000; ++i) thread.Call([] {});
  int64_t before = 0, after = 0;
  thread.Call([&] { before = SleepsOfThisThread(); });
  for (int i = 0; i < 1000; ++i) thread.Call([] {});
  thread.Call([&] { after = SleepsOfThisThread(); });
  EXPECT_LT(after - before, 500) << "locks aside, it sleeps no more";
}

TEST(EpollLoopTest, OwnedWatchersDieWithTheLoop) {
  struct Owned final : EpollLoop::Watcher {
    explicit Owned(bool* d) : destroyed(d) {}
    ~Owned() override { *destroyed = true; }
    void OnReadable() override {}
    void OnWritable() override {}
    bool* destroyed;
  };
  bool destroyed = false;
  const int fd = eventfd(0, EFD_NONBLOCK);
  {
    EpollLoop loop;
    std::unique_ptr<EpollLoop::Watcher> watcher = std::make_unique<Owned>(&destroyed);
    ASSERT_NE(loop.WatchOwned(fd, watcher), 0u);
    EXPECT_EQ(watcher, nullptr);
    EXPECT_FALSE(destroyed);
  }
  EXPECT_TRUE(destroyed);
  close(fd);
}

TEST(EpollLoopTest, WatchSaysWhyTheKernelRefuses) {
  EpollLoop loop;
  Counter counter([] {});
  EXPECT_EQ(loop.Watch(-1, &counter), 0u);
  EXPECT_EQ(errno, EBADF);
}

TEST(EpollLoopDeathTest, DescriptorsMustNotOutliveTheLoop) {
  EXPECT_DEATH(
      {
        Counter counter([] {});
        EpollLoop loop;
        loop.Watch(eventfd(0, EFD_NONBLOCK), &counter);
      },
      "outlive their loop");
}

}  // namespace
}  // namespace pushpull::fabric
