// An RDMA network and a loop that measure how long the code above them takes, and not they
// themselves. For benchmarks.

#ifndef TARGET_ISER_TIMED_RDMA_H_
#define TARGET_ISER_TIMED_RDMA_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"

namespace pushpull::target {

// Runs while the code above runs. On one thread.
class Stopwatch {
 public:
  // Switches it for as long as this lives.
  class Switch {
   public:
    Switch(Stopwatch* watch, bool on) : watch_(watch), before_(watch->Set(on)) {}
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;
    ~Switch() { watch_->Set(before_); }

   private:
    Stopwatch* const watch_;
    const bool before_;
  };

  // Without what looking at the clock costs.
  double nanoseconds() const {
    return static_cast<double>(elapsed_.count()) -
           static_cast<double>(looks_) / 2 * CostOfLooking();
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool Set(bool on) {
    if (on == on_) return on;
    ++looks_;
    const Clock::time_point now = Clock::now();
    if (on_) elapsed_ += now - since_;
    since_ = now;
    return std::exchange(on_, on);
  }
  static double CostOfLooking() {
    constexpr int kLooks = 100000;
    const Clock::time_point begin = Clock::now();
    Clock::time_point last = begin;
    for (int i = 0; i < kLooks; ++i) last = Clock::now();
    return static_cast<double>((last - begin).count()) / kLooks;
  }

  bool on_ = false;
  Clock::time_point since_;
  Clock::duration elapsed_{};
  uint64_t looks_ = 0;
};

class TimedLoop final : public fabric::Loop {
 public:
  TimedLoop(fabric::Loop* inner, Stopwatch* watch) : inner_(inner), watch_(watch) {}

  fabric::Loop* inner() const { return inner_; }
  absl::Time Now() const override { return inner_->Now(); }
  void Post(fabric::Task task) override {
    const Stopwatch::Switch off(watch_, false);
    inner_->Post(Timed(std::move(task)));
  }
  TimerId StartTimer(absl::Duration delay, fabric::Task task) override {
    const Stopwatch::Switch off(watch_, false);
    return inner_->StartTimer(delay, Timed(std::move(task)));
  }
  void CancelTimer(TimerId timer) override { inner_->CancelTimer(timer); }
  bool OnThread() const override { return inner_->OnThread(); }

 private:
  fabric::Task Timed(fabric::Task task) {
    return [watch = watch_, task = std::move(task)]() mutable {
      const Stopwatch::Switch on(watch, true);
      task();
    };
  }

  fabric::Loop* const inner_;
  Stopwatch* const watch_;
};

class TimedConnection final : public fabric::RdmaConnection, private fabric::RdmaHandler {
 public:
  TimedConnection(std::unique_ptr<fabric::RdmaConnection> inner, Stopwatch* watch)
      : inner_(std::move(inner)), watch_(watch) {}

  void Establish(const fabric::RdmaConnectOptions& options, fabric::RdmaHandler* handler) override {
    handler_ = handler;
    inner_->Establish(options, this);
  }
  absl::Status PostReceives(std::span<const fabric::RdmaReceive> receives) override {
    const Stopwatch::Switch off(watch_, false);
    return inner_->PostReceives(receives);
  }
  absl::Status PostSends(std::span<const fabric::RdmaWork> works) override {
    const Stopwatch::Switch off(watch_, false);
    return inner_->PostSends(works);
  }
  void Disconnect() override { inner_->Disconnect(); }
  void MoveTo(fabric::Loop* loop, absl::AnyInvocable<void()> done) override {
    inner_->MoveTo(static_cast<TimedLoop*>(loop)->inner(), std::move(done));
  }
  const std::shared_ptr<fabric::RdmaDomain>& domain() const override { return inner_->domain(); }
  const fabric::RdmaLimits& limits() const override { return inner_->limits(); }
  fabric::Address local() const override { return inner_->local(); }
  fabric::Address peer() const override { return inner_->peer(); }

 private:
  void OnEstablished(const fabric::RdmaPeer& peer) override { handler_->OnEstablished(peer); }
  void OnRefused(const fabric::RdmaRefusal& refusal) override { handler_->OnRefused(refusal); }
  void OnCompletions(std::span<const fabric::RdmaCompletion> completions) override {
    const Stopwatch::Switch on(watch_, true);
    handler_->OnCompletions(completions);
  }
  void OnDisconnected(fabric::RdmaEnd end) override { handler_->OnDisconnected(end); }

  const std::unique_ptr<fabric::RdmaConnection> inner_;
  Stopwatch* const watch_;
  fabric::RdmaHandler* handler_ = nullptr;
};

class TimedRequest final : public fabric::RdmaRequest {
 public:
  TimedRequest(std::unique_ptr<fabric::RdmaRequest> inner, Stopwatch* watch)
      : inner_(std::move(inner)), watch_(watch) {}

  const fabric::RdmaPeer& peer() const override { return inner_->peer(); }
  fabric::Address local_address() const override { return inner_->local_address(); }
  fabric::Address peer_address() const override { return inner_->peer_address(); }
  void Open(fabric::Loop* loop, const fabric::RdmaQueueOptions& queues, OpenHandler done) override {
    inner_->Open(static_cast<TimedLoop*>(loop)->inner(), queues,
                 [watch = watch_, done = std::move(done)](auto opened) mutable {
                   if (!opened.ok()) return done(opened.status());
                   done(std::make_unique<TimedConnection>(*std::move(opened), watch));
                 });
  }
  void Reject(base::Bytes private_data) override { inner_->Reject(private_data); }

 private:
  const std::unique_ptr<fabric::RdmaRequest> inner_;
  Stopwatch* const watch_;
};

// Its loops are TimedLoops. It only listens.
class TimedNetwork final : public fabric::RdmaNetwork {
 public:
  TimedNetwork(fabric::RdmaNetwork* inner, Stopwatch* watch) : inner_(inner), watch_(watch) {}

  absl::StatusOr<std::unique_ptr<fabric::RdmaListener>> Listen(fabric::Loop* loop,
                                                               const fabric::Address& address,
                                                               RequestHandler handler) override {
    return inner_->Listen(static_cast<TimedLoop*>(loop)->inner(), address,
                          [watch = watch_, handler = std::move(handler)](auto request) mutable {
                            handler(std::make_unique<TimedRequest>(std::move(request), watch));
                          });
  }
  void Open(fabric::Loop* /*loop*/, const fabric::Address& /*address*/,
            const fabric::RdmaQueueOptions& /*queues*/, OpenHandler done) override {
    done(absl::UnimplementedError("it only listens"));
  }

 private:
  fabric::RdmaNetwork* const inner_;
  Stopwatch* const watch_;
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_TIMED_RDMA_H_
