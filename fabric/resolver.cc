#include "fabric/resolver.h"

#include <mutex>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Resolver::Resolve(Address address, Done done) {
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({std::move(address), std::move(done)});
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }
  changed_.notify_all();
}

void Resolver::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !questions_.empty(); });
    if (questions_.empty()) return;
    Question question = std::move(questions_.front());
    questions_.pop_front();
    const bool ending = ending_;
    lock.unlock();
    question.done(ending ? Answer(absl::CancelledError("the network was taken down"))
                         : ResolveBlocking(question.address));
    question.done = nullptr;
    lock.lock();
  }
}

}  // namespace pushpull::fabric
