// What runs code: one thread's event loop, real (epoll) or simulated (virtual clock).
//
// Everything above fabric/ (portal, sessions, stores, scenario player) is written against this and
// stream.h, never blocks, and doesn't know which maker it runs on.

#ifndef FABRIC_LOOP_H_
#define FABRIC_LOOP_H_

#include <cstdint>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"

namespace pushpull::fabric {

using Task = absl::AnyInvocable<void()>;

class Loop {
 public:
  // 0 is never a timer.
  using TimerId = uint64_t;

  virtual ~Loop() = default;

  // The loop's clock: monotonic, the same within one turn of the loop. In simulation it is virtual.
  // From the loop's thread only.
  virtual absl::Time Now() const = 0;

  // Runs `task` on the loop's thread after what is running now; tasks of one poster keep their
  // order. From any thread (in simulation all loops share one thread). What a loop has not run when
  // it is destroyed is destroyed with it.
  virtual void Post(Task task) = 0;

  // Runs `task` once, `delay` from now; timers due at the same time run in the order in which they
  // were started. A delay below 0 counts as 0. Never within this call. From the loop's thread only.
  virtual TimerId StartTimer(absl::Duration delay, Task task) = 0;

  // Does nothing for a timer that has fired or is 0; else destroys its task before it returns. From
  // the loop's thread only.
  virtual void CancelTimer(TimerId timer) = 0;

  // Whether the caller is on the loop's thread. While a loop isn't running, every thread is: one
  // may set things up before and take them down afterwards.
  virtual bool OnThread() const = 0;
};

// A timer that is cancelled when its owner dies.
class Timer {
 public:
  Timer() = default;
  explicit Timer(Loop* loop) : loop_(loop) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { Cancel(); }

  // Replaces what was pending.
  void Start(absl::Duration delay, Task task) {
    Cancel();
    id_ = loop_->StartTimer(delay, [this, task = std::move(task)]() mutable {
      id_ = 0;
      // The task may destroy this timer: it is moved out of reach first.
      Task run = std::move(task);
      run();
    });
  }
  void Cancel() {
    if (id_ != 0) loop_->CancelTimer(id_);
    id_ = 0;
  }
  bool pending() const { return id_ != 0; }
  // What was pending is cancelled; from now on it is a timer of that loop.
  void MoveTo(Loop* loop) {
    Cancel();
    loop_ = loop;
  }

 private:
  Loop* loop_ = nullptr;
  Loop::TimerId id_ = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_LOOP_H_
