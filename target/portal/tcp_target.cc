#include "target/portal/tcp_target.h"

#include <algorithm>
#include <functional>
#include <future>
#include <thread>
#include <utility>

#include "base/status.h"

namespace pushpull::target {

namespace {

// For administrators (AdminOptions::max_connections) and files.
constexpr uint32_t kKeptDescriptors = 48;

fabric::TcpOptions NetworkOptions(std::function<void(bool)> on_descriptors) {
  fabric::TcpOptions options;
  options.kept_descriptors = kKeptDescriptors;
  options.on_descriptors = std::move(on_descriptors);
  return options;
}

}  // namespace

TcpTarget::TcpTarget()
    : network_(
          NetworkOptions([this](bool turned_away) { target_->TellDescriptors(turned_away); })) {}

absl::StatusOr<std::unique_ptr<TcpTarget>> TcpTarget::Create(
    TargetOptions options, uint32_t threads, std::unique_ptr<fabric::RdmaNetwork> rdma) {
  if (threads == 0) threads = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  std::unique_ptr<TcpTarget> made(new TcpTarget());
  made->rdma_ = std::move(rdma);
  std::vector<fabric::Loop*> loops;
  for (uint32_t i = 0; i < threads; ++i) {
    made->threads_.push_back(std::make_unique<fabric::LoopThread>());
    loops.push_back(made->threads_.back()->loop());
  }
  PUSHPULL_ASSIGN_OR_RETURN(
      made->target_, Target::Create(std::move(options), &made->network_, loops, made->rdma_.get()));
  return made;
}

absl::StatusOr<fabric::Address> TcpTarget::Listen(const fabric::Address& address) {
  absl::StatusOr<fabric::Address> bound;
  threads_.front()->Call([&] { bound = target_->Listen(address); });
  return bound;
}

absl::StatusOr<fabric::Address> TcpTarget::ListenIser(const fabric::Address& address) {
  absl::StatusOr<fabric::Address> bound;
  threads_.front()->Call([&] { bound = target_->ListenIser(address); });
  return bound;
}

void TcpTarget::SetBusyPoll(fabric::BusyPoll busy_poll) {
  for (const auto& thread : threads_) {
    thread->Call([&] { thread->loop()->SetBusyPoll(busy_poll); });
  }
}

void TcpTarget::StopInOrder(absl::Duration timeout) {
  if (stopped_ || std::exchange(shut_down_, true)) return;
  std::promise<void> done;
  target_->Stop(timeout, [&done] { done.set_value(); });
  done.get_future().wait();
}

void TcpTarget::Stop() {
  if (target_ == nullptr || std::exchange(stopped_, true)) return;
  if (!shut_down_) {
    std::promise<void> done;
    target_->Shutdown([&done] { done.set_value(); });
    done.get_future().wait();
  }
  rdma_.reset();
  threads_.clear();
}

}  // namespace pushpull::target
