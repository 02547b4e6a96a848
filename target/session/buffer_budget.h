// How much memory the data of all sessions' tasks may take. Shared by all loops; every function may
// be called from any thread.
//
// It is asked before memory is taken, and never refuses what was promised: a session whose oldest
// command needs memory takes it, and counts it here; so does the oldest that is HEAD OF QUEUE, and
// what comes unasked (FirstBurstLength for each number of the window). So none ever waits for
// another for good; the others' memory only makes it slower. Who waits is woken once something
// comes free.

#ifndef TARGET_SESSION_BUFFER_BUDGET_H_
#define TARGET_SESSION_BUFFER_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

#include "fabric/loop.h"

namespace pushpull::target {

class BufferBudget {
 public:
  explicit BufferBudget(uint64_t limit) : limit_(limit) {}
  BufferBudget(const BufferBudget&) = delete;
  BufferBudget& operator=(const BufferBudget&) = delete;

  uint64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  bool HasRoom(uint64_t bytes) const { return in_use() + bytes <= limit_; }
  bool used_up() const { return in_use() >= limit_; }

  void Take(uint64_t bytes) { in_use_.fetch_add(bytes, std::memory_order_relaxed); }
  void Give(uint64_t bytes) {
    in_use_.fetch_sub(bytes);
    if (waiting_.load() > 0) Wake();
  }

  // Calls `wake` once on `loop` when memory comes free after this. Whoever finds none then waits
  // anew.
  void Wait(fabric::Loop* loop, std::function<void()> wake);
  // Wakes some of those who wait, while there is room: from Give(), and from who was woken and got
  // what it wanted, so that the others have their turn, too.
  void Wake();
  // The loop ends: nobody on it is woken any more.
  void Forget(fabric::Loop* loop);

 private:
  struct Waiter {
    fabric::Loop* loop;
    std::function<void()> wake;
  };

  const uint64_t limit_;
  std::atomic<uint64_t> in_use_{0};
  std::atomic<size_t> waiting_{0};
  std::mutex mutex_;
  std::deque<Waiter> waiters_;  // guarded by mutex_
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_BUFFER_BUDGET_H_
