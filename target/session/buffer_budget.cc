#include "target/session/buffer_budget.h"

#include <algorithm>
#include <utility>

namespace pushpull::target {
namespace {

constexpr size_t kWokenAtOnce = 8;

}  // namespace

// Never more than there is, not for a moment: others would find none, and wait for nothing.
bool BufferBudget::TakeUpTo(uint64_t limit, uint64_t bytes) {
  uint64_t in_use = in_use_.load(std::memory_order_relaxed);
  while (in_use + bytes <= limit) {
    if (in_use_.compare_exchange_weak(in_use, in_use + bytes, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

bool BufferBudget::TakeAbove(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return TakeUpTo(limits_.bytes + limits_.promised + lent_, bytes);
}

// ---- loans --------------------------------------------------------------------------------------

bool BufferBudget::Borrow(uint64_t bytes, const Borrower& borrower) {
  const std::lock_guard lock(mutex_);
  const bool first = line_.empty() || line_.front().key == borrower.key;
  if (first && (lent_ == 0 || lent_ + bytes <= limits_.lent)) {
    lent_ += bytes;
    in_use_.fetch_add(bytes);
    if (!line_.empty()) line_.pop_front();
    WakeFirstInLine();
    return true;
  }
  if (std::ranges::count(line_, borrower.key, &Borrower::key) == 0) line_.push_back(borrower);
  in_line_.store(line_.size());
  return false;
}

void BufferBudget::Leave(uint64_t key) {
  const std::lock_guard lock(mutex_);
  std::erase_if(line_, [key](const Borrower& borrower) { return borrower.key == key; });
  WakeFirstInLine();
}

void BufferBudget::Return(uint64_t bytes, uint64_t lent) {
  {
    const std::lock_guard lock(mutex_);
    in_use_.fetch_sub(bytes);
    lent_ -= lent;
    WakeFirstInLine();
  }
  if (waiting_.load() > 0) Wake();
}

void BufferBudget::WakeFirstInLine() {
  in_line_.store(line_.size());
  if (!line_.empty()) line_.front().loop->Post(line_.front().wake);
}

// ---- the rest -----------------------------------------------------------------------------------

void BufferBudget::Wait(fabric::Loop* loop, std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  waiters_.push_back({loop, std::move(wake)});
  waiting_.store(waiters_.size());
}

void BufferBudget::Wake() {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < kWokenAtOnce && !waiters_.empty() && !used_up(); ++i) {
    Waiter& waiter = waiters_.front();
    waiter.loop->Post(std::move(waiter.wake));
    waiters_.pop_front();
  }
  waiting_.store(waiters_.size());
}

void BufferBudget::Forget(fabric::Loop* loop) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiters_, [loop](const Waiter& waiter) { return waiter.loop == loop; });
  waiting_.store(waiters_.size());
  std::erase_if(line_, [loop](const Borrower& borrower) { return borrower.loop == loop; });
  WakeFirstInLine();
}

}  // namespace pushpull::target
