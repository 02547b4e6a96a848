// How much memory the data of all sessions' tasks may take. Shared by all loops; every function may
// be called from any thread.
//
// It is asked before memory is taken. There are three parts, and nobody gets anything beyond them:
//
//   bytes     whoever comes first
//   promised  on top of it, for what comes unasked, as the window and FirstBurstLength allow: it
//             can't wait, and is refused where this is used up
//   lent      on top of both, for a session's oldest command, and for the oldest that is HEAD OF
//             QUEUE: lent whole, in the order of asking
//
// So whoever keeps the first part for good stops nobody. Whoever keeps what was lent would: the
// session sees to it that it is given back (ScsiCommands), and each in the line has its turn.

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
  struct Limits {
    uint64_t bytes;
    uint64_t promised;
    uint64_t lent;  // what one command takes, at the least
  };
  // Who waits for a loan.
  struct Borrower {
    uint64_t key = 0;  // of its session
    fabric::Loop* loop = nullptr;
    std::function<void()> wake;  // on `loop`: now it may be there; Borrow() or Leave() follows
  };

  explicit BufferBudget(const Limits& limits) : limits_(limits) {}
  BufferBudget(const BufferBudget&) = delete;
  BufferBudget& operator=(const BufferBudget&) = delete;

  // All of it.
  uint64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  bool used_up() const { return in_use() >= limits_.bytes; }

  [[nodiscard]] bool Take(uint64_t bytes) { return TakeUpTo(limits_.bytes, bytes); }
  [[nodiscard]] bool TakePromised(uint64_t bytes) { return Take(bytes) || TakeAbove(bytes); }
  // `lent` of the bytes were borrowed.
  void Give(uint64_t bytes, uint64_t lent = 0) {
    if (lent > 0) return Return(bytes, lent);
    in_use_.fetch_sub(bytes);
    if (waiting_.load() > 0) Wake();
  }

  // False: there is none, and the borrower stands in the line (once, by its key). Its turn has come
  // when it is first there and there is enough.
  [[nodiscard]] bool Borrow(uint64_t bytes, const Borrower& borrower);
  // It wants none any more.
  void Leave(uint64_t key);
  bool anyone_wants_loan() const { return in_line_.load() > 0; }

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

  bool TakeUpTo(uint64_t limit, uint64_t bytes);
  bool TakeAbove(uint64_t bytes);
  void Return(uint64_t bytes, uint64_t lent);
  void WakeFirstInLine();

  const Limits limits_;
  std::atomic<uint64_t> in_use_{0};
  std::atomic<size_t> waiting_{0};
  std::atomic<size_t> in_line_{0};
  std::mutex mutex_;
  std::deque<Waiter> waiters_;  // these three guarded by mutex_
  std::deque<Borrower> line_;
  uint64_t lent_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_BUFFER_BUDGET_H_
