#include "target/session/buffer_budget.h"

#include <utility>

namespace pushpull::target {
namespace {

constexpr size_t kWokenAtOnce = 8;

}  // namespace

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
}

}  // namespace pushpull::target
