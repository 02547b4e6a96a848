#include "fabric/rdma/verbs_listener.h"

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/check.h"
#include "fabric/epoll_loop.h"
#include "fabric/handler.h"
#include "fabric/loop.h"
#include "fabric/net_error.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_address.h"
#include "fabric/rdma/verbs_connection.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/verbs_queue_pair.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {
namespace {

// What the peer asked for, out of reach of the event that brought it.
struct Asked {
  explicit Asked(const rdma_conn_param& param)
      : data(static_cast<const uint8_t*>(param.private_data),
             static_cast<const uint8_t*>(param.private_data) +
                 (param.private_data == nullptr ? 0 : param.private_data_len)),
        peer({.private_data = data,
              .initiator_depth = param.initiator_depth,
              .responder_resources = param.responder_resources}) {}
  Asked(const Asked&) = delete;
  Asked& operator=(const Asked&) = delete;

  const std::vector<uint8_t> data;
  const RdmaPeer peer;
};

class VerbsRequest final : public RdmaRequest {
 public:
  VerbsRequest(std::unique_ptr<VerbsId> id, std::shared_ptr<VerbsDomains> domains,
               std::unique_ptr<Asked> asked)
      : id_(std::move(id)),
        domains_(std::move(domains)),
        asked_(std::move(asked)),
        local_(LocalAddress(id_->get())),
        peer_(PeerAddress(id_->get())) {}
  ~VerbsRequest() override {
    if (id_ != nullptr) rdma_reject(id_->get(), nullptr, 0);
  }

  const RdmaPeer& peer() const override { return asked_->peer; }
  Address local_address() const override { return local_; }
  Address peer_address() const override { return peer_; }

  void Open(Loop* loop, const RdmaQueueOptions& queues, OpenHandler done) override {
    CHECK(id_ != nullptr) << "a request is used twice";
    auto* const to = dynamic_cast<EpollLoop*>(loop);
    CHECK(to != nullptr) << "verbs run on epoll loops only";
    auto queue_pair = VerbsQueuePair::Create(id_, *domains_, queues);
    if (!queue_pair.ok()) {
      rdma_reject(id_->get(), nullptr, 0);
      id_ = nullptr;
      return to->Post([status = queue_pair.status(), done = std::move(done)]() mutable {
        done(std::move(status));
      });
    }
    // On its loop, wherever this is; there it's rejected, too, if it comes to nothing.
    to->Post([to, queue_pair = *std::move(queue_pair), asked = asked_,
              done = std::move(done)]() mutable {
      done(std::make_unique<VerbsConnection>(to, std::move(queue_pair), &asked->peer));
    });
  }

  void Reject(base::Bytes private_data) override {
    CHECK(id_ != nullptr) << "a request is used twice";
    CHECK_LE(private_data.size(), kRdmaRejectPrivateBytes);
    rdma_reject(id_->get(), private_data.data(), static_cast<uint8_t>(private_data.size()));
    id_ = nullptr;
  }

 private:
  std::unique_ptr<VerbsId> id_;  // null once it's used
  const std::shared_ptr<VerbsDomains> domains_;
  const std::shared_ptr<const Asked> asked_;
  const Address local_;
  const Address peer_;
};

class VerbsListener final : public RdmaListener, private EpollLoop::Watcher {
 public:
  VerbsListener(EpollLoop* loop, std::unique_ptr<VerbsId> id, Address address,
                std::shared_ptr<VerbsDomains> domains, RdmaNetwork::RequestHandler handler)
      : loop_(loop),
        id_(std::move(id)),
        address_(std::move(address)),
        domains_(std::move(domains)),
        handler_(std::move(handler)) {
    watch_ = loop_->Watch(id_->fd(), this);
  }
  ~VerbsListener() override {
    CHECK(loop_->OnThread()) << "a listener is destroyed on another thread";
    if (watch_ != 0) loop_->Unwatch(watch_);
  }

  bool watched() const { return watch_ != 0; }
  Address address() const override { return address_; }

 private:
  void OnReadable() override {
    while (rdma_cm_event* event = id_->NextEvent()) {
      if (event->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
        rdma_ack_cm_event(event);
        continue;
      }
      rdma_cm_id* const child = event->id;
      auto asked = std::make_unique<Asked>(event->param.conn);
      rdma_ack_cm_event(event);
      // Its events come to a channel of its own: it may outlive this.
      auto id = VerbsId::Adopt(child);
      if (!id.ok()) continue;
      if (!handler_.Run(
              std::make_unique<VerbsRequest>(*std::move(id), domains_, std::move(asked)))) {
        return;
      }
    }
  }
  void OnWritable() override {}

  EpollLoop* const loop_;
  const std::unique_ptr<VerbsId> id_;
  const Address address_;
  const std::shared_ptr<VerbsDomains> domains_;
  Handler<RdmaNetwork::RequestHandler> handler_;
  EpollLoop::WatchId watch_ = 0;
};

// An errno value, or 0.
int Bind(VerbsId& id, SocketAddress address, int backlog) {
  if (rdma_bind_addr(id.get(), address.get()) != 0) return errno;
  return rdma_listen(id.get(), backlog) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RdmaListener>> VerbsListen(EpollLoop* loop, const Address& address,
                                                          int backlog,
                                                          std::shared_ptr<VerbsDomains> domains,
                                                          RdmaNetwork::RequestHandler handler) {
  const std::vector<SocketAddress> candidates = ParseAddress(address);
  if (candidates.empty()) {
    return absl::InvalidArgumentError("cannot listen on " + address.ToString() +
                                      ": not an address of this machine; use a literal one");
  }
  int error = 0;
  for (const SocketAddress& candidate : candidates) {
    auto id = VerbsId::Create();
    if (!id.ok()) return id.status();
    error = Bind(**id, candidate, backlog);
    if (error != 0) continue;
    Address bound = LocalAddress((*id)->get());
    bound.host = candidate.ToAddress().host;
    auto listener = std::make_unique<VerbsListener>(loop, *std::move(id), std::move(bound),
                                                    std::move(domains), std::move(handler));
    if (!listener->watched()) return VerbsError(errno, "cannot watch an RDMA listener");
    return listener;
  }
  if (error == EADDRINUSE) return ListenError(error, address);
  return VerbsError(error, "cannot listen on " + address.ToString());
}

}  // namespace pushpull::fabric
