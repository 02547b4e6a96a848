// The send queue's way: to the peer, through its memory, and back as answers.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_copy.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"

namespace pushpull::fabric {
namespace {

constexpr uint32_t kRetryForEver = 7;

bool IsLocal(RdmaOp op) { return op == RdmaOp::kBindWindow || op == RdmaOp::kInvalidate; }

}  // namespace

absl::Time SimQueuePair::Later(absl::Duration min, absl::Duration max) const {
  if (max <= absl::ZeroDuration()) return world_->now();
  const absl::Duration range = std::max(max - min, absl::ZeroDuration());
  return world_->now() + min +
         absl::Nanoseconds(
             link_->random.Between(0, static_cast<uint64_t>(absl::ToInt64Nanoseconds(range))));
}

std::span<const RdmaSegment> SimQueuePair::Segments(uint64_t number) const {
  return {send_segments_.data() + sends_.place(number) * limits_.max_send_segments,
          sends_[number].segments};
}

bool SimQueuePair::AllowsSegments(const Send& send, uint64_t number) const {
  if (send.inline_data) return true;
  const auto segments = Segments(number);
  return std::all_of(segments.begin(), segments.end(), [&](const RdmaSegment& segment) {
    return segment.length == 0 || domain_->AllowsLocal(segment);
  });
}

void SimQueuePair::ScheduleEngine(absl::Time due) {
  if (due == absl::InfiniteFuture()) return;
  if (due <= world_->now()) {
    if (engine_now_) return;
    engine_now_ = true;
    world_->Schedule(engine_lane_, due, nullptr, [self = shared_from_this()] {
      self->engine_now_ = false;
      self->RunEngine();
    });
    return;
  }
  if (engine_timer_ != 0 && engine_due_ <= due) return;
  if (engine_timer_ != 0) world_->Cancel(engine_timer_);
  engine_due_ = due;
  engine_timer_ = world_->ScheduleTimer(engine_lane_, due, nullptr, [self = shared_from_this()] {
    self->engine_timer_ = 0;
    self->RunEngine();
  });
}

void SimQueuePair::RunEngine() {
  if (state_ != State::kEstablished) return;
  const std::shared_ptr<SimQueuePair> peer = peer_.lock();
  for (bool progress = true; progress;) {
    progress = Issue();
    if (peer != nullptr) {
      progress |= Arrive(*peer);
      if (state_ == State::kEstablished) progress |= LookAtMemory(*peer);
    }
    if (state_ != State::kEstablished) return;
    progress |= Retire();
    if (state_ != State::kEstablished) return;
  }
  if (peer == nullptr || !peer->CanReceive()) {
    WatchSilence();
  } else {
    silent_until_ = absl::InfiniteFuture();
    if (peer->domain_->has_late_writes()) {
      peer->domain_->ShowLateWrites(peer->number_, world_->now());
    }
  }
  if (state_ == State::kEstablished) ScheduleEngine(NextDue());
}

absl::Time SimQueuePair::NextDue() const {
  absl::Time next = silent_until_;
  if (retired_ < arrived_ && sends_[retired_].stage == Send::Stage::kAnswered &&
      sends_[retired_].due > world_->now()) {
    next = std::min(next, sends_[retired_].due);
  }
  const auto peer = peer_.lock();
  if (peer == nullptr || !peer->CanReceive()) return next;
  if (arrived_ < issued_) next = std::min(next, sends_[arrived_].due);
  if (!looking_.empty()) next = std::min(next, sends_[looking_.front()].due);
  if (issued_ < sends_.end() && !parked_ && !stopped_ && retry_at_ > world_->now()) {
    next = std::min(next, retry_at_);
  }
  if (peer->domain_->has_late_writes()) {
    next = std::min(next, peer->domain_->NextLateWrite(peer->number_));
  }
  return next;
}

// Nobody answers any more: the oldest request fails when all its retries are over.
void SimQueuePair::WatchSilence() {
  if (retired_ == sends_.end()) return;
  if (silent_until_ == absl::InfiniteFuture()) {
    silent_until_ = world_->now() + link_->options.retry_timeout;
  } else if (world_->now() >= silent_until_) {
    CompleteSend(retired_++, RdmaStatus::kRetryExceeded);
    Fail(RdmaEnd::kFailed);
  }
}

bool SimQueuePair::Issue() {
  const SimRdmaDirection& way = direction();
  bool some = false;
  while (issued_ < sends_.end() && !stopped_ && !parked_ && retry_at_ <= world_->now()) {
    Send& send = sends_[issued_];
    if (send.fence && reads_ > 0) break;
    if (send.op == RdmaOp::kRead) {
      // A depth of 0 fails when its turn comes.
      if (reads_ >= std::max<uint32_t>(initiator_depth_, 1)) break;
      ++reads_;
    }
    send.stage = Send::Stage::kUnderWay;
    send.due = last_arrival_ = std::max(last_arrival_, Later(way.min_latency, way.max_latency));
    ++issued_;
    some = true;
  }
  return some;
}

bool SimQueuePair::Arrive(SimQueuePair& peer) {
  bool some = false;
  while (arrived_ < issued_ && sends_[arrived_].due <= world_->now()) {
    if (!ArriveMessage(peer, sends_[arrived_])) break;
    some = true;
  }
  return some;
}

// False: it isn't done, and what is behind it isn't either.
bool SimQueuePair::ArriveMessage(SimQueuePair& peer, Send& send) {
  if (IsLocal(send.op)) {
    ++arrived_;
    Answer(send, DoLocal(send));
    return true;
  }
  if (!peer.CanReceive()) return false;
  if (peer.state_ == State::kAccepting) peer.BecomeEstablished();
  Twist twist;
  if (!direction().faults.empty()) twist = Befall(send);
  if (twist.stop) return false;
  if (!AllowsSegments(send, arrived_)) {
    ++arrived_;
    Answer(send, RdmaStatus::kLocalProtection);
    return true;
  }
  ++counts_.messages;
  RdmaStatus status = RdmaStatus::kSuccess;
  switch (send.op) {
    case RdmaOp::kRead:
      ++counts_.accesses;
      if (initiator_depth_ == 0) {
        status = RdmaStatus::kLocalOperation;
        break;
      }
      if (twist.refuse) {
        status = RdmaStatus::kRemoteAccess;
        Log(send, status, {}, 0);
        break;
      }
      send.stage = Send::Stage::kReading;
      send.due = last_look_ =
          std::max(last_look_, Later(direction().min_read_delay, direction().max_read_delay));
      looking_.push_back(arrived_++);
      return true;
    case RdmaOp::kWrite:
      ++counts_.accesses;
      status = DoWrite(peer, send, twist.refuse);
      break;
    default: {
      uint64_t receive_id = 0;
      if (peer.TakeSend(*this, send, arrived_, twist, &status, &receive_id) == Taken::kNotReady) {
        --counts_.messages;
        NotReady(send);
        return false;
      }
      const uint32_t not_ready = std::exchange(not_ready_, 0);
      starved_attempts_ = 0;
      ++counts_.sends;
      ++counters().sends;
      counters().send_bytes += send.length;
      Log(send, status, {}, receive_id, not_ready);
    }
  }
  ++arrived_;
  Answer(send, status);
  if (status != RdmaStatus::kSuccess && status != RdmaStatus::kLocalOperation) {
    peer.FailAsResponder();
  }
  return true;
}

void SimQueuePair::Answer(Send& send, RdmaStatus status) {
  const SimRdmaDirection& way = other_direction();
  send.stage = Send::Stage::kAnswered;
  send.status = status;
  send.due = last_answer_ = IsLocal(send.op)
                                ? std::max(last_answer_, world_->now())
                                : std::max(last_answer_, Later(way.min_latency, way.max_latency));
  if (status == RdmaStatus::kSuccess) return;
  stopped_ = true;
  issued_ = arrived_;
}

RdmaStatus SimQueuePair::DoLocal(const Send& send) {
  const bool done =
      send.op == RdmaOp::kInvalidate
          ? domain_->Invalidate(send.invalidate_key, number_)
          : domain_->Bind(send.window_key, send.memory_key, send.bound, send.rights, number_);
  const RdmaStatus status = done ? RdmaStatus::kSuccess : RdmaStatus::kWindowBind;
  Log(send, status, {}, 0);
  return status;
}

RdmaStatus SimQueuePair::DoWrite(SimQueuePair& peer, const Send& send, bool refuse) {
  if (refuse || !peer.domain_->AllowsRemote(send.remote_key, send.remote_address, send.length,
                                            RdmaRights::kRemoteWrite, peer.number_)) {
    Log(send, RdmaStatus::kRemoteAccess, peer.domain_->Region(send.remote_key), 0);
    return RdmaStatus::kRemoteAccess;
  }
  ++counters().writes;
  counters().write_bytes += send.length;
  Log(send, RdmaStatus::kSuccess, peer.domain_->Region(send.remote_key), 0);
  if (send.length == 0) return RdmaStatus::kSuccess;
  const RdmaSegment inline_segment = {
      inline_bytes_.data() + sends_.place(arrived_) * limits_.max_inline_bytes,
      static_cast<uint32_t>(send.length), 0};
  const std::span<const RdmaSegment> from =
      send.inline_data ? std::span(&inline_segment, 1) : Segments(arrived_);
  if (peer.domain_->has_late_writes() || direction().late_write_percent > 0) {
    std::vector<uint8_t> data(send.length);
    const RdmaSegment to = {data.data(), static_cast<uint32_t>(data.size()), 0};
    CopySegments(from, {&to, 1}, send.length);
    WriteLate(peer, send.remote_address, data);
    return RdmaStatus::kSuccess;
  }
  const RdmaSegment to = {reinterpret_cast<uint8_t*>(send.remote_address),
                          static_cast<uint32_t>(send.length), 0};
  CopySegments(from, {&to, 1}, send.length);
  return RdmaStatus::kSuccess;
}

void SimQueuePair::WriteLate(SimQueuePair& peer, uint64_t address, base::Bytes data) {
  const absl::Time now = world_->now();
  const bool late = link_->random.Chance(direction().late_write_percent);
  while (!data.empty()) {
    const size_t piece = late ? link_->random.Between(1, data.size()) : data.size();
    peer.domain_->AddLateWrite(
        peer.number_, address, data.first(piece),
        late ? Later(absl::ZeroDuration(), direction().max_write_delay) : now);
    address += piece;
    data = data.subspan(piece);
  }
  peer.domain_->ShowLateWrites(peer.number_, now);
}

bool SimQueuePair::LookAtMemory(SimQueuePair& peer) {
  bool some = false;
  while (!looking_.empty() && peer.CanReceive()) {
    const uint64_t number = looking_.front();
    Send& send = sends_[number];
    if (send.due > world_->now()) break;
    looking_.erase(looking_.begin());
    some = true;
    // What the same end wrote before is what it reads.
    peer.domain_->ShowLateWrites(peer.number_, absl::InfiniteFuture());
    const base::MutableBytes region = peer.domain_->Region(send.remote_key);
    RdmaStatus status = RdmaStatus::kSuccess;
    if (!peer.domain_->AllowsRemote(send.remote_key, send.remote_address, send.length,
                                    RdmaRights::kRemoteRead, peer.number_)) {
      status = RdmaStatus::kRemoteAccess;
    } else if (!AllowsSegments(send, number)) {
      status = RdmaStatus::kLocalProtection;
    } else {
      ++counters().reads;
      counters().read_bytes += send.length;
      const RdmaSegment from = {reinterpret_cast<uint8_t*>(send.remote_address),
                                static_cast<uint32_t>(send.length), 0};
      CopySegments({&from, 1}, Segments(number), send.length);
    }
    Log(send, status, region, 0);
    Answer(send, status);
    if (status == RdmaStatus::kRemoteAccess) peer.FailAsResponder();
    if (status != RdmaStatus::kSuccess) looking_.clear();
  }
  return some;
}

bool SimQueuePair::Retire() {
  bool some = false;
  while (retired_ < arrived_) {
    const Send& send = sends_[retired_];
    if (send.stage != Send::Stage::kAnswered || send.due > world_->now()) break;
    // An answer that was under way when the link fell is lost.
    if (link_->dropped && send.due > link_->dropped_at && !IsLocal(send.op)) break;
    some = true;
    if (send.op == RdmaOp::kRead) --reads_;
    if (send.signalled || send.status != RdmaStatus::kSuccess) CompleteSend(retired_, send.status);
    ++retired_;
    if (send.status != RdmaStatus::kSuccess) {
      Fail(RdmaEnd::kFailed);
      return true;
    }
  }
  return some;
}

// The peer had no receive for it: it, and what was sent behind it, goes again.
void SimQueuePair::NotReady(Send& send) {
  ++counters().rnr_naks;
  for (uint64_t number = arrived_ + 1; number < issued_; ++number) {
    if (sends_[number].op == RdmaOp::kRead) --reads_;
  }
  issued_ = arrived_;
  if (rnr_retry_count_ != kRetryForEver && not_ready_ >= rnr_retry_count_) {
    ++arrived_;
    Answer(send, RdmaStatus::kRnrRetryExceeded);
    return;
  }
  ++not_ready_;
  parked_ = true;
  retry_at_ = Later(other_direction().min_latency, other_direction().max_latency) +
              link_->options.rnr_timer;
  ParkOrRetry();
}

// One that would be sent again for ever sleeps until that is of use; then it goes on in its step.
void SimQueuePair::ParkOrRetry() {
  const auto peer = peer_.lock();
  const bool starves = starved_attempts_ > 0;
  if (rnr_retry_count_ == kRetryForEver && !starves && peer != nullptr && !peer->HasReceive()) {
    return;
  }
  parked_ = false;
  const absl::Duration step = std::max(link_->options.rnr_timer, absl::Nanoseconds(1));
  if (retry_at_ < world_->now()) {
    retry_at_ += absl::Ceil(world_->now() - retry_at_, step);
  }
  ScheduleEngine(retry_at_);
}

SimQueuePair::Twist SimQueuePair::Befall(const Send& send) {
  using Kind = SimRdmaFault::Kind;
  const bool is_access = send.op == RdmaOp::kRead || send.op == RdmaOp::kWrite;
  Twist twist;
  for (const SimRdmaFault& fault : direction().faults) {
    switch (fault.kind) {
      case Kind::kDropLink:
      case Kind::kDisconnect:
        if (fault.at == counts_.messages) {
          twist.stop = true;
          stopped_ = true;
          issued_ = arrived_;
          fault.kind == Kind::kDropLink ? DropLink() : DisconnectBoth();
          return twist;
        }
        break;
      case Kind::kRemoteAccess:
        twist.refuse |= is_access && fault.at == counts_.accesses;
        break;
      default:
        if (is_access || fault.at != counts_.sends) break;
        if (fault.kind == Kind::kTruncateSend) twist.truncate = true, twist.length = fault.value;
        if (fault.kind == Kind::kByteLen) {
          twist.claim = true;
          twist.byte_len = static_cast<uint32_t>(fault.value);
        }
        if (fault.kind == Kind::kInvalidate) {
          twist.invalidate = true;
          twist.key = static_cast<uint32_t>(fault.value);
        }
        if (fault.kind == Kind::kStarve && starved_attempts_ < fault.value) {
          ++starved_attempts_;
          twist.starve = true;
        }
    }
  }
  return twist;
}

void SimQueuePair::DropLink() {
  if (world_is_gone() || link_ == nullptr || link_->dropped) return;
  link_->dropped = true;
  link_->dropped_at = world_->now();
  LoseLink();
  if (const auto peer = peer_.lock()) peer->LoseLink();
}

void SimQueuePair::LoseLink() {
  Wake();
  if (state_ != State::kAccepting) return;
  world_->Schedule(wire_lane_, world_->now() + timeout_, nullptr, [self = shared_from_this()] {
    self->BecomeRefused(RdmaRefusal::Kind::kTimedOut, ETIMEDOUT, {});
  });
}

void SimQueuePair::DisconnectBoth() {
  if (world_is_gone()) return;
  for (auto end : {shared_from_this(), peer_.lock()}) {
    if (end == nullptr) continue;
    world_->Schedule(wire_lane_, world_->now(), nullptr,
                     [end = std::move(end)] { end->BecomeDisconnected(); });
  }
}

void SimQueuePair::Log(const Send& send, RdmaStatus status, base::MutableBytes region,
                       uint64_t receive_id, uint32_t not_ready) const {
  SimRdmaTrace& trace = *link_->trace;
  const uint64_t order = trace.operations++;
  if (trace.log == nullptr) return;
  SimRdmaOperation operation = {.order = order,
                                .time = world_->now(),
                                .connection = link_->number,
                                .to_acceptor = active_,
                                .op = send.op,
                                .status = status,
                                .length = send.length,
                                .region = region,
                                .receive_id = receive_id,
                                .not_ready = not_ready};
  if (send.op == RdmaOp::kRead || send.op == RdmaOp::kWrite) {
    operation.key = send.remote_key;
    operation.address = send.remote_address;
    operation.offset =
        region.empty() ? 0 : send.remote_address - reinterpret_cast<uintptr_t>(region.data());
  } else if (send.op == RdmaOp::kBindWindow) {
    operation.key = send.window_key;
    operation.address = reinterpret_cast<uintptr_t>(send.bound.data());
    operation.length = send.bound.size();
  } else if (send.op != RdmaOp::kSend) {
    operation.key = send.invalidate_key;
  }
  trace.log->OnOperation(operation);
}

}  // namespace pushpull::fabric
