// The loops that load runs on, and how the main thread waits for them.

#ifndef TOOLS_LOAD_CREW_H_
#define TOOLS_LOAD_CREW_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"
#include "fabric/tcp_network.h"

namespace pushpull::tools {

class Crew {
 public:
  // `interrupted` is asked while the main thread waits.
  Crew(uint32_t threads, std::function<bool()> interrupted) : interrupted_(std::move(interrupted)) {
    for (uint32_t i = 0; i < threads; ++i) {
      threads_.push_back(std::make_unique<fabric::LoopThread>());
    }
  }

  fabric::Network* network() { return &network_; }
  size_t threads() const { return threads_.size(); }
  fabric::Loop* loop(size_t thread) { return threads_[thread % threads_.size()]->loop(); }
  // Runs it on that loop, and waits for its end.
  void Call(size_t thread, absl::FunctionRef<void()> task) {
    threads_[thread % threads_.size()]->Call(task);
  }

  // From the loops: something has changed.
  void Tell() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  // On the main thread: whether `done` came to hold before so much time was over and before
  // somebody interrupted.
  bool Wait(absl::Duration most, const std::function<bool()>& done) {
    const absl::Time end = absl::Now() + most;
    std::unique_lock lock(mutex_);
    while (!done()) {
      if (absl::Now() >= end || interrupted_()) return false;
      const absl::Duration left = std::min(end - absl::Now(), absl::Milliseconds(50));
      changed_.wait_for(lock, absl::ToChronoMilliseconds(left) + std::chrono::milliseconds(1));
    }
    return true;
  }
  bool interrupted() const { return interrupted_(); }

 private:
  const std::function<bool()> interrupted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  fabric::TcpNetwork network_;
  std::vector<std::unique_ptr<fabric::LoopThread>> threads_;
};

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_CREW_H_
