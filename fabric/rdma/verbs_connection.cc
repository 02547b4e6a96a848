#include "fabric/rdma/verbs_connection.h"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_address.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/verbs_queue_pair.h"
#include "fabric/rdma/work.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

// A device that doesn't flush what it should is not waited for longer.
constexpr absl::Duration kDrainTimeout = absl::Seconds(2);
// Between two looks at what else the loop has to do.
constexpr int kBatchesAtOnce = 16;

// InfiniBand's reasons for a reject; iWARP has errno values below 0.
constexpr int kRejectTimeout = 4;
constexpr int kRejectInvalidServiceId = 8;

RdmaRefusal::Kind KindOfReject(int status) {
  if (status == kRejectInvalidServiceId || status == -ECONNREFUSED) {
    return RdmaRefusal::Kind::kNoListener;
  }
  if (status == kRejectTimeout) return RdmaRefusal::Kind::kTimedOut;
  return RdmaRefusal::Kind::kRejected;
}

base::Bytes PrivateData(const rdma_conn_param& param) {
  return {static_cast<const uint8_t*>(param.private_data),
          param.private_data == nullptr ? size_t{0} : size_t{param.private_data_len}};
}

}  // namespace

VerbsConnection::VerbsConnection(EpollLoop* loop, std::unique_ptr<VerbsQueuePair> queue_pair,
                                 const RdmaPeer* asked)
    : loop_(loop),
      queue_pair_(std::move(queue_pair)),
      domain_(queue_pair_->domain()),
      limits_(queue_pair_->limits()),
      local_(LocalAddress(queue_pair_->cm())),
      peer_(PeerAddress(queue_pair_->cm())),
      active_(asked == nullptr),
      timer_(loop),
      batch_(std::max(queue_pair_->options().max_batch, 1u)) {
  if (asked != nullptr) {
    asked_data_.assign(asked->private_data.begin(), asked->private_data.end());
    asked_ = *asked;
    asked_.private_data = asked_data_;
  }
  queue_pair_->SetSink(this);
}

VerbsConnection::~VerbsConnection() {
  CheckThread();
  if (queue_pair_ == nullptr) return;
  queue_pair_->SetSink(nullptr);
  StopWatching();
  if (state_ == State::kEstablished) {
    rdma_disconnect(queue_pair_->cm());
  } else if (!active_ && state_ == State::kIdle) {
    // (One that was accepted is rejected by destroying it. To do it before would keep the kernel
    // waiting for an answer to what it sent, for a minute.)
    rdma_reject(queue_pair_->cm(), nullptr, 0);
  }
}

void VerbsConnection::CheckThread() const {
  CHECK(loop_->OnThread()) << "a connection is used on another thread";
}

void VerbsConnection::StartWatching() {
  manager_watch_ = loop_->Watch(queue_pair_->id().fd(), &manager_watcher_);
  CHECK(manager_watch_ != 0) << "epoll_ctl: " << std::strerror(errno);
  if (busy()) return PollLater();
  completion_watch_ = loop_->Watch(queue_pair_->completion_fd(), &completion_watcher_);
  CHECK(completion_watch_ != 0) << "epoll_ctl: " << std::strerror(errno);
  queue_pair_->Rearm();
}

void VerbsConnection::StopWatching() {
  if (manager_watch_ != 0) loop_->Unwatch(std::exchange(manager_watch_, 0));
  if (completion_watch_ != 0) loop_->Unwatch(std::exchange(completion_watch_, 0));
}

void VerbsConnection::PostHere(void (VerbsConnection::*task)()) {
  loop_->Post([this, life = std::weak_ptr<const void>(life_), task] {
    if (!life.expired()) (this->*task)();
  });
}

void VerbsConnection::Establish(const RdmaConnectOptions& options, RdmaHandler* handler) {
  CheckThread();
  CHECK(state_ == State::kIdle) << "Establish() is called twice";
  state_ = active_ ? State::kConnecting : State::kAccepting;
  handler_ = handler;
  const RdmaDeviceLimits& device = domain_->limits();
  rdma_conn_param param = {};
  param.private_data = options.private_data.data();
  param.private_data_len = static_cast<uint8_t>(options.private_data.size());
  param.initiator_depth = std::min(options.initiator_depth, device.max_initiator_depth);
  param.responder_resources = std::min(options.responder_resources, device.max_responder_resources);
  param.retry_count = options.retry_count;
  param.rnr_retry_count = options.rnr_retry_count;
  if (!active_) {
    param.initiator_depth = std::min(param.initiator_depth, asked_.initiator_depth);
    param.responder_resources = std::min(param.responder_resources, asked_.responder_resources);
  }
  depths_ = {.initiator_depth = param.initiator_depth,
             .responder_resources = param.responder_resources};
  StartWatching();
  int error = 0;
  if (options.private_data.size() > UINT8_MAX) {
    error = EINVAL;
  } else if ((active_ ? rdma_connect(queue_pair_->cm(), &param)
                      : rdma_accept(queue_pair_->cm(), &param)) != 0) {
    error = errno;
  }
  if (error == 0) {
    timer_.Start(options.timeout, [this] { Refuse(RdmaRefusal::Kind::kTimedOut, ETIMEDOUT, {}); });
    return;
  }
  if (!active_) rdma_reject(queue_pair_->cm(), nullptr, 0);
  timer_.Start(absl::ZeroDuration(),
               [this, error] { Refuse(RdmaRefusal::Kind::kFailed, error, {}); });
}

void VerbsConnection::OnManager() {
  const std::weak_ptr<const void> life = life_;
  while (!life.expired() && queue_pair_ != nullptr) {
    rdma_cm_event* event = queue_pair_->id().NextEvent();
    if (event == nullptr || !OnManagerEvent(event)) return;
  }
}

bool VerbsConnection::OnManagerEvent(rdma_cm_event* event) {
  // Nothing can be destroyed before the event is acknowledged, which ends it.
  const rdma_cm_event_type type = event->event;
  const int status = event->status;
  rdma_conn_param param = event->param.conn;
  const base::Bytes data = PrivateData(param);
  const std::vector<uint8_t> private_data(data.begin(), data.end());
  param.private_data = private_data.data();
  rdma_ack_cm_event(event);
  switch (type) {
    case RDMA_CM_EVENT_ESTABLISHED:
      return OnEstablishedEvent(param);
    case RDMA_CM_EVENT_REJECTED:
      return Refuse(KindOfReject(status), status, private_data);
    case RDMA_CM_EVENT_UNREACHABLE:
      return Refuse(
          status == -ETIMEDOUT ? RdmaRefusal::Kind::kTimedOut : RdmaRefusal::Kind::kUnreachable,
          status, {});
    case RDMA_CM_EVENT_CONNECT_ERROR:
      return Refuse(RdmaRefusal::Kind::kFailed, status, {});
    case RDMA_CM_EVENT_DISCONNECTED:
    case RDMA_CM_EVENT_DEVICE_REMOVAL:
      // What came before the end was established.
      if (early_ > 0 && !TellEstablished(asked_.private_data)) return false;
      if (state_ == State::kConnecting || state_ == State::kAccepting) {
        return Refuse(RdmaRefusal::Kind::kUnreachable, status, {});
      }
      // What came before it counts.
      while (state_ == State::kEstablished) {
        const std::weak_ptr<const void> life = life_;
        const bool some = PollSome();
        if (life.expired()) return false;
        if (!some) break;
      }
      BeginEnd(type == RDMA_CM_EVENT_DISCONNECTED ? RdmaEnd::kPeerDisconnected
                                                  : RdmaEnd::kDeviceRemoved);
      return true;
    default:
      return true;
  }
}

bool VerbsConnection::OnEstablishedEvent(const rdma_conn_param& param) {
  if (active_) {
    depths_.initiator_depth = std::min(depths_.initiator_depth, param.initiator_depth);
    depths_.responder_resources = std::min(depths_.responder_resources, param.responder_resources);
  }
  return TellEstablished(active_ ? PrivateData(param) : asked_.private_data);
}

bool VerbsConnection::TellEstablished(base::Bytes private_data) {
  if (state_ != State::kConnecting && state_ != State::kAccepting) return true;
  timer_.Cancel();
  state_ = State::kEstablished;
  const std::weak_ptr<const void> life = life_;
  depths_.private_data = private_data;
  handler_->OnEstablished(depths_);
  if (life.expired()) return false;
  if (early_ > 0) PollLater();
  return true;
}

bool VerbsConnection::Refuse(RdmaRefusal::Kind kind, int reason, base::Bytes private_data) {
  if (state_ != State::kConnecting && state_ != State::kAccepting) return true;
  timer_.Cancel();
  state_ = State::kOver;
  queue_pair_->SetSink(nullptr);
  StopWatching();
  queue_pair_.reset();
  const std::weak_ptr<const void> life = life_;
  handler_->OnRefused({.kind = kind, .reason = reason, .private_data = private_data});
  return !life.expired();
}

absl::Status VerbsConnection::PostReceives(std::span<const RdmaReceive> receives) {
  CheckThread();
  if (state_ == State::kOver) {
    return absl::FailedPreconditionError("a receive is posted to a connection that is over");
  }
  absl::Status status = queue_pair_->CheckReceives(receives);
  if (!status.ok()) return status;
  if (state_ != State::kEnding) return queue_pair_->PostReceives(receives);
  status = CheckLate(receives.size());
  if (!status.ok()) return status;
  for (const RdmaReceive& receive : receives) {
    late_.push_back({.id = receive.id, .op = RdmaOp::kReceive, .status = RdmaStatus::kFlushed});
  }
  PollLater();
  return absl::OkStatus();
}

absl::Status VerbsConnection::PostSends(std::span<const RdmaWork> works) {
  CheckThread();
  if (state_ != State::kEstablished && state_ != State::kEnding) {
    return absl::FailedPreconditionError(
        "a request is posted to a connection that isn't established, or over");
  }
  absl::Status status = queue_pair_->CheckSends(works);
  if (!status.ok()) return status;
  if (state_ == State::kEstablished) {
    status = queue_pair_->PostSends(works);
    if (!status.ok()) BeginEnd(RdmaEnd::kFailed);
    return status;
  }
  status = CheckLate(works.size());
  if (!status.ok()) return status;
  for (const RdmaWork& work : works) {
    late_.push_back({.id = work.id, .op = work.op, .status = RdmaStatus::kFlushed});
  }
  PollLater();
  return absl::OkStatus();
}

// Not all devices flush what is posted behind the end, so it isn't given to them.
absl::Status VerbsConnection::CheckLate(size_t more) const {
  if (late_.size() + more > size_t{limits_.max_sends} + limits_.max_receives) {
    return absl::ResourceExhaustedError("the queue is full");
  }
  return absl::OkStatus();
}

void VerbsConnection::Disconnect() {
  CheckThread();
  BeginEnd(RdmaEnd::kDisconnected);
}

void VerbsConnection::MoveTo(Loop* loop, absl::AnyInvocable<void()> done) {
  CheckThread();
  CHECK(state_ == State::kEstablished || state_ == State::kEnding || state_ == State::kOver)
      << "a connection moves that isn't established";
  queue_pair_->SetSink(nullptr);
  StopWatching();
  poll_posted_ = false;
  life_ = std::make_shared<const char>();
  loop_ = static_cast<EpollLoop*>(loop);
  timer_.MoveTo(loop_);
  loop_->Post([this, life = std::weak_ptr<const void>(life_), done = std::move(done)]() mutable {
    if (life.expired()) return;
    if (state_ != State::kOver) {
      queue_pair_->SetSink(this);
      StartWatching();
      if (state_ == State::kEnding) StartDrainTimer();
    }
    done();
    // What completed meanwhile, and an end.
    if (!life.expired()) PollLater();
  });
}

void VerbsConnection::StartDrainTimer() {
  timer_.Start(kDrainTimeout, [this] {
    give_up_draining_ = true;
    PollLater();
  });
}

void VerbsConnection::BeginEnd(RdmaEnd end) {
  if (state_ != State::kEstablished) return;
  state_ = State::kEnding;
  end_ = end;
  // Asks the peer to end, or answers it, and lets the device flush all.
  rdma_disconnect(queue_pair_->cm());
  queue_pair_->BeginDrain();
  StartDrainTimer();
  PollLater();
}

void VerbsConnection::OnCompletionEvent() {
  queue_pair_->Rearm();
  // What has come before it was armed again makes no event.
  for (int i = 0; i < kBatchesAtOnce; ++i) {
    const std::weak_ptr<const void> life = life_;
    const bool some = PollSome();
    if (life.expired() || !some) return;
  }
  PollLater();
}

void VerbsConnection::PollLater() {
  if (std::exchange(poll_posted_, true)) return;
  PostHere(&VerbsConnection::PollNow);
}

void VerbsConnection::PollNow() {
  poll_posted_ = false;
  if (queue_pair_ == nullptr || state_ == State::kOver) return;
  const std::weak_ptr<const void> life = life_;
  const bool some = PollSome();
  if (life.expired() || state_ == State::kOver) return;
  if (some || busy()) PollLater();
}

// One batch, or the end. Whether there was something, if this wasn't destroyed.
bool VerbsConnection::PollSome() {
  if (queue_pair_ == nullptr || state_ == State::kOver) return false;
  if (early_ > 0) {
    if (state_ == State::kAccepting) return false;
    Deliver(std::span(batch_).first(std::exchange(early_, 0)));
    return true;
  }
  size_t count = queue_pair_->Poll(batch_);
  if (count == 0 && state_ == State::kEnding) return Finish();
  if (count == 0) return false;
  // The kernel flushes what it fails to connect; it will say so.
  const bool connecting = state_ == State::kConnecting || state_ == State::kAccepting;
  if (connecting && batch_.front().status != RdmaStatus::kSuccess) return false;
  if (state_ == State::kAccepting) {
    // The peer's first message stands for the connection manager's last; the kernel then says
    // itself that it is established. Who disconnects before has it send its reply again and again,
    // for a minute, in which it doesn't let go of the identifier.
    rdma_notify(queue_pair_->cm(), IBV_EVENT_COMM_EST);
    early_ = count;
    return false;
  }
  Deliver(std::span(batch_).first(count));
  return true;
}

bool VerbsConnection::Deliver(std::span<RdmaCompletion> completions) {
  const std::weak_ptr<const void> life = life_;
  const bool failed = std::any_of(
      completions.begin(), completions.end(),
      [](const RdmaCompletion& completion) { return completion.status != RdmaStatus::kSuccess; });
  if (failed) BeginEnd(RdmaEnd::kFailed);
  handler_->OnCompletions(completions);
  return !life.expired();
}

// Nothing more to be polled now, of a connection that ends.
bool VerbsConnection::Finish() {
  if (!queue_pair_->drained()) {
    if (!give_up_draining_) return false;
    // From here on the device touches nothing any more.
    queue_pair_->DestroyQueues();
    const size_t count = queue_pair_->Abandon(batch_);
    if (count > 0) {
      Deliver(std::span(batch_).first(count));
      return true;
    }
  }
  if (!late_.empty()) {
    const size_t count = std::min(late_.size(), batch_.size());
    std::copy(late_.begin(), late_.begin() + static_cast<ptrdiff_t>(count), batch_.begin());
    late_.erase(late_.begin(), late_.begin() + static_cast<ptrdiff_t>(count));
    Deliver(std::span(batch_).first(count));
    return true;
  }
  timer_.Cancel();
  state_ = State::kOver;
  StopWatching();
  handler_->OnDisconnected(end_);
  return true;
}

void VerbsConnection::OnAsyncEvent(ibv_event_type event) {
  // Its owner can't be destroyed now: the event isn't acknowledged.
  loop_->Post([this, life = std::weak_ptr<const void>(life_), event] {
    if (!life.expired()) OnAsyncEventHere(event);
  });
}

void VerbsConnection::OnAsyncEventHere(ibv_event_type event) {
  if (queue_pair_ == nullptr) return;
  if (event == IBV_EVENT_COMM_EST) {
    if (state_ == State::kAccepting) rdma_notify(queue_pair_->cm(), IBV_EVENT_COMM_EST);
    return;
  }
  // Completions tell more, if there are any.
  while (state_ == State::kEstablished) {
    const std::weak_ptr<const void> life = life_;
    const bool some = PollSome();
    if (life.expired()) return;
    if (!some) break;
  }
  BeginEnd(RdmaEnd::kFailed);
}

}  // namespace pushpull::fabric
