#include "fabric/rdma/sim_queue_pair.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/rdma/queues.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_domain.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"

namespace pushpull::fabric {
SimQueuePair::SimQueuePair(SimWorld* world, SimLoop* loop, std::shared_ptr<SimDomain> domain,
                           const RdmaQueueOptions& queues)
    : world_(world),
      world_life_(world->life()),
      loop_(loop),
      domain_(std::move(domain)),
      limits_(LimitsOf(domain_->limits(), queues)),
      max_batch_(std::max(queues.max_batch, 1u)),
      engine_lane_(world->NewLane()),
      delivery_lane_(world->NewLane()),
      wire_lane_(world->NewLane()),
      number_(engine_lane_),
      sends_(limits_.max_sends),
      send_segments_(sends_.capacity() * limits_.max_send_segments),
      inline_bytes_(sends_.capacity() * limits_.max_inline_bytes),
      receives_(limits_.max_receives),
      receive_segments_(receives_.capacity() * limits_.max_receive_segments),
      receive_completions_(limits_.max_receives),
      send_completions_(limits_.max_sends),
      batch_(std::min(max_batch_, limits_.max_sends + limits_.max_receives)) {}

void SimQueuePair::Begin(State state, RdmaHandler* handler, std::shared_ptr<SimRdmaLink> link,
                         bool active) {
  CHECK(state_ == State::kIdle) << "Establish() is called twice";
  state_ = state;
  handler_ = handler;
  link_ = std::move(link);
  active_ = active;
}

void SimQueuePair::SetPeer(const std::shared_ptr<SimQueuePair>& peer, uint8_t initiator_depth,
                           uint8_t responder_resources, uint8_t rnr_retry_count) {
  peer_ = peer;
  initiator_depth_ = initiator_depth;
  responder_resources_ = responder_resources;
  rnr_retry_count_ = rnr_retry_count;
}

absl::Status SimQueuePair::PostReceives(std::span<const RdmaReceive> receives) {
  if (world_is_gone() || state_ == State::kOver || state_ == State::kDestroyed) {
    return absl::FailedPreconditionError("a receive is posted to a connection that is over");
  }
  CHECK(loop_->OnThread());
  const absl::Status status = CheckReceives(limits_, receives, receives_unseen_);
  if (!status.ok()) return status;
  for (const RdmaReceive& receive : receives) {
    const size_t place = receives_.place(receives_.end());
    std::copy(
        receive.segments.begin(), receive.segments.end(),
        receive_segments_.begin() + static_cast<ptrdiff_t>(place * limits_.max_receive_segments));
    receives_.Push() = {receive.id, static_cast<uint32_t>(receive.segments.size()),
                        TotalLength(receive.segments)};
  }
  receives_unseen_ += static_cast<uint32_t>(receives.size());
  if (state_ == State::kFlushed) {
    Flush();
  } else if (const auto peer = peer_.lock(); peer != nullptr && peer->parked_) {
    peer->ParkOrRetry();
  }
  return absl::OkStatus();
}

absl::Status SimQueuePair::PostSends(std::span<const RdmaWork> works) {
  if (world_is_gone() || !announced_ || state_ == State::kOver || state_ == State::kDestroyed) {
    return absl::FailedPreconditionError(
        "a request is posted to a connection that isn't established, or over");
  }
  CHECK(loop_->OnThread());
  const absl::Status status = CheckSends(limits_, works, sends_.size());
  if (!status.ok()) return status;
  for (const RdmaWork& work : works) AcceptSend(work);
  if (state_ == State::kFlushed) {
    Flush();
  } else {
    ScheduleEngine(world_->now());
  }
  return absl::OkStatus();
}

void SimQueuePair::AcceptSend(const RdmaWork& work) {
  const size_t place = sends_.place(sends_.end());
  Send& send = sends_.Push();
  send.op = work.op;
  send.signalled = work.signalled;
  send.fence = work.fence;
  send.inline_data = work.inline_data;
  send.stage = Send::Stage::kUnderWay;
  send.status = RdmaStatus::kSuccess;
  send.segments = static_cast<uint32_t>(work.segments.size());
  send.id = work.id;
  send.length = TotalLength(work.segments);
  send.remote_address = work.remote_address;
  send.remote_key = work.remote_key;
  send.invalidate_key = work.invalidate_key;
  std::copy(work.segments.begin(), work.segments.end(),
            send_segments_.begin() + static_cast<ptrdiff_t>(place * limits_.max_send_segments));
  if (work.inline_data) {
    uint8_t* to = inline_bytes_.data() + place * limits_.max_inline_bytes;
    for (const RdmaSegment& segment : work.segments) {
      if (segment.length > 0) std::memcpy(to, segment.address, segment.length);
      to += segment.length;
    }
  }
  if (work.op == RdmaOp::kBindWindow) {
    send.window_key = domain_->NoteBind(work.window);
    send.memory_key = work.memory->local_key();
    send.bound = work.bound;
    send.rights = work.rights;
  }
}

void SimQueuePair::Disconnect() {
  if (world_is_gone()) return;
  CHECK(loop_->OnThread());
  if (state_ != State::kEstablished || !announced_) return;
  FinishSomeUnderWay();
  if (state_ == State::kEstablished) Fail(RdmaEnd::kDisconnected);
}

void SimQueuePair::MoveTo(SimLoop* loop, absl::AnyInvocable<void()> done) {
  if (world_is_gone()) return;
  CHECK(loop_->OnThread());
  CHECK(announced_ && !moving_) << "a connection moves that isn't established";
  loop_ = loop;
  moving_ = true;
  loop->Post([self = shared_from_this(), done = std::move(done)]() mutable {
    self->moving_ = false;
    done();
    if (self->state_ != State::kDestroyed) self->ScheduleDelivery();
  });
}

void SimQueuePair::Destroy() {
  handler_ = nullptr;
  if (!world_is_gone()) {
    CHECK(loop_->OnThread());
    if (state_ == State::kEstablished) {
      FinishSomeUnderWay();
      if (state_ == State::kEstablished) Fail(RdmaEnd::kDisconnected);
    }
  }
  state_ = State::kDestroyed;
  domain_->ShowLateWrites(number_, absl::InfiniteFuture());
}

void SimQueuePair::BecomeEstablished() {
  state_ = State::kEstablished;
  link_->record->established = true;
  tell_established_ = true;
  ScheduleDelivery();
  Wake();
}

void SimQueuePair::BecomeRefused(RdmaRefusal::Kind kind, int reason, base::Bytes private_data) {
  if (state_ != State::kConnecting && state_ != State::kAccepting) return;
  state_ = State::kOver;
  private_data_.assign(private_data.begin(), private_data.end());
  refusal_ = {.kind = kind, .reason = reason, .private_data = private_data_};
  tell_refused_ = true;
  receives_.PopUntil(receives_.end());
  ScheduleDelivery();
}

void SimQueuePair::BecomeDisconnected() {
  // What its user says first is that there was a connection.
  if (state_ == State::kAccepting) BecomeEstablished();
  if (state_ != State::kEstablished) return;
  // Answers that came before it count.
  if (!link_->dropped) Retire();
  if (state_ != State::kEstablished) return;
  state_ = State::kFlushed;
  end_ = RdmaEnd::kPeerDisconnected;
  Flush();
}

void SimQueuePair::SetStarved(bool starved) {
  starved_ = starved;
  const auto peer = peer_.lock();
  if (!starved && peer != nullptr && peer->parked_) peer->ParkOrRetry();
}

// What is under way may have been taken by the peer, or not.
void SimQueuePair::FinishSomeUnderWay() {
  const auto peer = peer_.lock();
  if (peer == nullptr || link_->dropped) return;
  Issue();
  while (state_ == State::kEstablished && arrived_ < issued_ && link_->random.Chance(50)) {
    if (!ArriveMessage(*peer, sends_[arrived_])) break;
  }
}

void SimQueuePair::Fail(RdmaEnd end) {
  state_ = State::kFlushed;
  end_ = end;
  Flush();
  TellPeerOfEnd();
}

void SimQueuePair::TellPeerOfEnd() {
  std::shared_ptr<SimQueuePair> peer = peer_.lock();
  if (peer == nullptr || link_->dropped) return;
  // Not before the answers that the peer waits for: these need no software.
  const absl::Time due =
      std::max(Later(direction().min_latency, direction().max_latency), peer->last_answer_);
  world_->Schedule(wire_lane_, due, nullptr, [peer = std::move(peer)] {
    if (!peer->link_->dropped) peer->BecomeDisconnected();
  });
}

void SimQueuePair::Flush() {
  for (; retired_ < sends_.end(); ++retired_) CompleteSend(retired_, RdmaStatus::kFlushed);
  issued_ = arrived_ = retired_;
  looking_.clear();
  while (!receives_.empty()) {
    CompleteReceive({.id = receives_.front().id, .status = RdmaStatus::kFlushed});
  }
  domain_->ShowLateWrites(number_, absl::InfiniteFuture());
  if (const auto peer = peer_.lock()) {
    peer->domain_->ShowLateWrites(peer->number_, absl::InfiniteFuture());
  }
  ScheduleDelivery();
}

void SimQueuePair::CompleteSend(uint64_t number, RdmaStatus status) {
  const Send& send = sends_[number];
  send_completions_.Push() = {{.id = send.id, .op = send.op, .status = status}, number};
  ScheduleDelivery();
}

void SimQueuePair::ScheduleDelivery() {
  if (delivery_scheduled_ || handler_ == nullptr) return;
  delivery_scheduled_ = true;
  const SimRdmaOptions& options = link_->options;
  world_->Schedule(delivery_lane_,
                   Later(options.min_completion_delay, options.max_completion_delay), loop_,
                   [self = shared_from_this()] { self->Deliver(); });
}

void SimQueuePair::Deliver() {
  delivery_scheduled_ = false;
  if (state_ == State::kDestroyed || moving_) return;
  if (!loop_->OnThread()) return ScheduleDelivery();  // it has moved meanwhile
  if (std::exchange(tell_refused_, false)) return handler_->OnRefused(refusal_);
  if (std::exchange(tell_established_, false)) {
    announced_ = true;
    handler_->OnEstablished({.private_data = private_data_,
                             .initiator_depth = initiator_depth_,
                             .responder_resources = responder_resources_});
    if (state_ == State::kDestroyed) return;
  }
  if (const size_t size = FillBatch(); size > 0) {
    handler_->OnCompletions({batch_.data(), size});
    if (state_ == State::kDestroyed) return;
  }
  if (!receive_completions_.empty() || !send_completions_.empty()) {
    ScheduleDelivery();
  } else if (state_ == State::kFlushed) {
    state_ = State::kOver;
    handler_->OnDisconnected(end_);
  }
}

size_t SimQueuePair::FillBatch() {
  const SimRdmaOptions& options = link_->options;
  size_t size = std::min<size_t>(receive_completions_.size() + send_completions_.size(),
                                 std::min<size_t>(batch_.size(), options.max_batch));
  if (options.random_batches && size > 0) size = link_->random.Between(1, size);
  // Neither queue keeps the other from being heard.
  receives_first_ = !receives_first_;
  for (size_t i = 0; i < size; ++i) {
    bool receive = !receive_completions_.empty();
    if (receive && !send_completions_.empty()) {
      receive = options.shuffle_completions ? link_->random.Chance(50) : receives_first_;
    }
    if (receive) {
      batch_[i] = receive_completions_.front();
      receive_completions_.Pop();
      --receives_unseen_;
    } else {
      batch_[i] = send_completions_.front().completion;
      sends_.PopUntil(send_completions_.front().number + 1);
      send_completions_.Pop();
    }
  }
  return size;
}

}  // namespace pushpull::fabric
