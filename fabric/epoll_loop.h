// The real loop: one thread, epoll, a heap of timers, an eventfd to wake it.

#ifndef FABRIC_EPOLL_LOOP_H_
#define FABRIC_EPOLL_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fabric/busy_poll.h"
#include "fabric/loop.h"
#include "fabric/timer_heap.h"

namespace pushpull::fabric {

// Needs two file descriptors; a process that can't have these ends at once (CHECK).
class EpollLoop final : public Loop {
 public:
  // Who watches a file descriptor. Readiness is by edge; errors and hang-ups are both readable and
  // writable. A call may unwatch and destroy any watcher, also the one that is called.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    // Before the others, where there is more to read than bytes: the end, an error, urgent data.
    virtual void OnExceptional() {}
    virtual void OnReadable() = 0;
    virtual void OnWritable() = 0;
  };
  // 0 is never a watch.
  using WatchId = uint64_t;

  EpollLoop();
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;
  // Not while it runs. All streams and listeners of this loop must be gone (CHECK).
  ~EpollLoop() override;

  // Runs on the calling thread until Stop().
  void Run();

  // Runs until `done` says so, which is asked at the start and after each turn, or until Stop().
  void RunUntil(absl::FunctionRef<bool()> done);

  // Makes the run that is on, or else the next one, return. What the caller posted before is run
  // first. From any thread.
  void Stop();

  // Whether and how long it looks for more after something happened, before it sleeps. Never, if
  // nothing is said. While it isn't running, or from its thread.
  void SetBusyPoll(BusyPoll busy_poll) { busy_poll_ = busy_poll; }

  absl::Time Now() const override;
  void Post(Task task) override;
  TimerId StartTimer(absl::Duration delay, Task task) override;
  void CancelTimer(TimerId timer) override;
  bool OnThread() const override;

  // Registers `fd` once, for both directions; what is ready already is reported too. 0 and errno if
  // the kernel refuses. From the loop's thread only, as is Unwatch().
  WatchId Watch(int fd, Watcher* watcher);
  // The loop owns this one: it is destroyed soon after Unwatch(), or with the loop. If the kernel
  // refuses, `watcher` stays where it is.
  WatchId WatchOwned(int fd, std::unique_ptr<Watcher>& watcher);
  // Before the descriptor is closed. No call comes after this.
  void Unwatch(WatchId watch);

 private:
  struct Slot {
    Watcher* watcher = nullptr;
    std::unique_ptr<Watcher> owned;
    uint32_t generation = 0;
    int fd = -1;
  };

  absl::Time ReadClock() const;
  void RunWhile(absl::FunctionRef<bool()> more);
  void Turn();
  // What epoll_wait answers: at once where something was posted, else at the latest when a timer is
  // due.
  int Wait(epoll_event* events, int size);
  void Dispatch(WatchId watch, uint32_t events);
  bool DropPending();
  void RunTimers();
  void RunPosted();
  bool HasPosted();
  Watcher* Find(WatchId watch) const;

  const int epoll_fd_;
  const int wake_fd_;
  const absl::Time start_;
  const std::chrono::steady_clock::time_point steady_start_;

  std::atomic<std::thread::id> thread_;  // none while it isn't running
  absl::Time now_;
  BusyPoll busy_poll_;
  absl::Time busy_until_ = absl::InfinitePast();
  absl::Time slept_from_ = absl::InfiniteFuture();  // of a turn that slept
  bool stop_ = false;
  TimerHeap timers_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint32_t watches_ = 0;
  std::vector<std::unique_ptr<Watcher>> unwatched_;  // owned ones, until the end of the turn

  std::mutex mutex_;
  std::vector<Task> posted_;   // guarded by mutex_
  bool woken_ = false;         // guarded by mutex_: the eventfd was written for what is in posted_
  std::vector<Task> running_;  // what was posted, while it runs
};

// An EpollLoop that runs on a thread of its own, from construction to destruction.
class LoopThread {
 public:
  LoopThread();
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  // Runs what was posted before, then ends the thread.
  ~LoopThread();

  EpollLoop* loop() { return &loop_; }

  // Runs `task` on the loop and waits for its end. Not from the loop's own thread.
  void Call(absl::FunctionRef<void()> task);

 private:
  EpollLoop loop_;
  std::thread thread_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_EPOLL_LOOP_H_
