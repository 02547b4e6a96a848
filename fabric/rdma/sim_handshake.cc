#include "fabric/rdma/sim_handshake.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/sim_rdma_fabric.h"
#include "fabric/sim_listening.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

// InfiniBand's reasons for a reject.
constexpr int kInvalidServiceId = 8;
constexpr int kConsumerDefined = 28;

using Kind = RdmaRefusal::Kind;
using State = SimQueuePair::State;

}  // namespace

SimHandshake::SimHandshake(std::shared_ptr<SimRdmaFabric> fabric,
                           std::shared_ptr<SimQueuePair> active, const Address& address)
    : fabric_(std::move(fabric)),
      world_(fabric_->world()),
      lane_(world_->NewLane()),
      address_(address),
      active_(std::move(active)) {}

std::vector<uint8_t> SimHandshake::Filled(base::Bytes private_data, size_t size) const {
  std::vector<uint8_t> filled(private_data.begin(), private_data.end());
  if (link_->options.fill_private_data) filled.resize(std::max(size, filled.size()));
  return filled;
}

void SimHandshake::SendMessage(bool to_acceptor, Task event) {
  const SimRdmaOptions& options = link_->options;
  world_->Schedule(lane_,
                   world_->now() + fabric_->DrawLatency(to_acceptor ? options.to_acceptor
                                                                    : options.to_connector),
                   nullptr, [self = shared_from_this(), event = std::move(event)]() mutable {
                     if (!self->link_->dropped) event();
                   });
}

void SimHandshake::Ask(const RdmaConnectOptions& options, RdmaHandler* handler) {
  link_ = fabric_->NewLink(active_, active_->local(), active_->peer_address());
  active_->Begin(State::kConnecting, handler, link_, /*active=*/true);
  if (options.private_data.size() > kRdmaRequestPrivateBytes) {
    over_ = true;
    return active_->BecomeRefused(Kind::kFailed, EINVAL, {});
  }
  const RdmaDeviceLimits& device = active_->domain()->limits();
  options_ = options;
  options_.private_data = {};
  options_.initiator_depth = std::min(options.initiator_depth, device.max_initiator_depth);
  options_.responder_resources =
      std::min(options.responder_resources, device.max_responder_resources);
  asked_data_ = Filled(options.private_data, kRdmaRequestPrivateBytes);
  // As the passive end sees it: what this end serves, that one may have under way.
  asked_ = {.private_data = asked_data_,
            .initiator_depth = options_.responder_resources,
            .responder_resources = options_.initiator_depth};
  timer_ = world_->ScheduleTimer(lane_, world_->now() + options.timeout, nullptr,
                                 [self = shared_from_this()] { self->TimeOut(); });
  SendMessage(true, [self = shared_from_this()] { self->ArriveRequest(); });
}

void SimHandshake::ArriveRequest() {
  if (over_) return;
  auto listening = fabric_->listening().Find(address_);
  if (listening == nullptr) return Refuse(Kind::kNoListener, kInvalidServiceId, {});
  world_->Schedule(
      listening->lane, world_->now(), listening->loop, [self = shared_from_this(), listening] {
        if (!listening->open) {
          return self->Refuse(Kind::kNoListener, kInvalidServiceId, {});
        }
        listening->handler.Run(
            std::unique_ptr<RdmaRequest>(std::make_unique<SimRdmaRequest>(self->fabric_, self)));
      });
}

void SimHandshake::Refuse(RdmaRefusal::Kind kind, int reason, std::vector<uint8_t> private_data) {
  if (over_) return;
  over_ = true;
  SendMessage(false,
              [self = shared_from_this(), kind, reason, private_data = std::move(private_data)] {
                self->world_->Cancel(std::exchange(self->timer_, 0));
                self->active_->BecomeRefused(kind, reason, private_data);
              });
}

void SimHandshake::Reject(base::Bytes private_data) {
  Refuse(Kind::kRejected, kConsumerDefined, Filled(private_data, kRdmaRejectPrivateBytes));
}

void SimHandshake::TimeOut() {
  timer_ = 0;
  over_ = true;
  active_->BecomeRefused(Kind::kTimedOut, ETIMEDOUT, {});
  if (passive_ != nullptr) passive_->BecomeRefused(Kind::kTimedOut, ETIMEDOUT, {});
}

void SimHandshake::Open(SimLoop* loop, const RdmaQueueOptions& queues,
                        RdmaRequest::OpenHandler done) {
  absl::Status status = fabric_->CheckQueues(queues);
  if (!status.ok()) {
    Reject({});
    return world_->Schedule(
        lane_, world_->now(), loop,
        [status = std::move(status), done = std::move(done)]() mutable { done(status); });
  }
  const SimRdmaRecord& record = *link_->record;
  passive_ =
      std::make_shared<SimQueuePair>(world_, loop, fabric_->DomainOf(record.acceptor.host), queues);
  passive_->SetAddresses(record.acceptor, record.connector);
  fabric_->ends(link_->number).acceptor = passive_;
  auto connection = std::make_unique<SimRdmaConnection>(shared_from_this(), passive_, false);
  world_->Schedule(lane_, world_->now(), loop,
                   [connection = std::move(connection), done = std::move(done)]() mutable {
                     done(std::unique_ptr<RdmaConnection>(std::move(connection)));
                   });
}

void SimHandshake::Accept(const RdmaConnectOptions& options, RdmaHandler* handler) {
  passive_->Begin(State::kAccepting, handler, link_, /*active=*/false);
  if (options.private_data.size() > kRdmaReplyPrivateBytes) {
    Reject({});
    return passive_->BecomeRefused(Kind::kFailed, EINVAL, {});
  }
  if (over_) return passive_->BecomeRefused(Kind::kTimedOut, ETIMEDOUT, {});
  answered_ = true;
  const RdmaDeviceLimits& device = passive_->domain()->limits();
  const uint8_t initiator_depth =
      std::min({options.initiator_depth, asked_.initiator_depth, device.max_initiator_depth});
  const uint8_t responder_resources = std::min(
      {options.responder_resources, asked_.responder_resources, device.max_responder_resources});
  // Each end says how often the other tries again.
  passive_->SetPeer(active_, initiator_depth, responder_resources, options_.rnr_retry_count);
  passive_->set_timeout(options.timeout);
  passive_->SetPrivateData(asked_data_);
  if (link_->dropped) return passive_->LoseLink();
  SendMessage(false, [self = shared_from_this(), initiator_depth, responder_resources,
                      rnr_retry_count = options.rnr_retry_count,
                      data = Filled(options.private_data, kRdmaReplyPrivateBytes)]() mutable {
    if (self->over_) return;
    self->active_->SetPeer(self->passive_, responder_resources, initiator_depth, rnr_retry_count);
    self->ArriveReply(std::move(data));
  });
}

void SimHandshake::ArriveReply(std::vector<uint8_t> private_data) {
  over_ = true;
  world_->Cancel(std::exchange(timer_, 0));
  active_->SetPrivateData(private_data);
  active_->BecomeEstablished();
  SendMessage(true, [self = shared_from_this()] {
    if (self->passive_->state() == State::kAccepting) self->passive_->BecomeEstablished();
  });
}

void SimHandshake::Abandon(bool active) {
  if (fabric_->world_is_gone() || link_ == nullptr || over_) return;
  if (!active) return Reject({});
  over_ = true;
  world_->Cancel(std::exchange(timer_, 0));
  if (!answered_) return;
  SendMessage(true, [self = shared_from_this()] {
    self->passive_->BecomeRefused(Kind::kUnreachable, kConsumerDefined, {});
  });
}

SimRdmaConnection::~SimRdmaConnection() {
  handshake_->Abandon(active_);
  queue_pair_->Destroy();
}

void SimRdmaConnection::Establish(const RdmaConnectOptions& options, RdmaHandler* handler) {
  if (queue_pair_->world_is_gone()) return;
  CHECK(queue_pair_->loop()->OnThread());
  active_ ? handshake_->Ask(options, handler) : handshake_->Accept(options, handler);
}

void SimRdmaConnection::MoveTo(Loop* loop, absl::AnyInvocable<void()> done) {
  if (queue_pair_->world_is_gone()) return;
  queue_pair_->MoveTo(AsSimLoop(loop, queue_pair_->loop()->world()), std::move(done));
}

SimRdmaRequest::~SimRdmaRequest() {
  if (!used_ && !fabric_->world_is_gone()) handshake_->Reject({});
}

void SimRdmaRequest::Open(Loop* loop, const RdmaQueueOptions& queues, OpenHandler done) {
  CHECK(!std::exchange(used_, true)) << "a request is used twice";
  handshake_->Open(fabric_->CheckLoop(loop), queues, std::move(done));
}

void SimRdmaRequest::Reject(base::Bytes private_data) {
  CHECK(!std::exchange(used_, true)) << "a request is used twice";
  CHECK_LE(private_data.size(), kRdmaRejectPrivateBytes);
  handshake_->Reject(private_data);
}

}  // namespace pushpull::fabric
