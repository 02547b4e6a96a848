#include "fabric/rdma/sim_rdma_network.h"

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "fabric/loop.h"
#include "fabric/net_error.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_handshake.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/sim_rdma_fabric.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class SimRdmaNetwork::SimRdmaListener final : public RdmaListener {
 public:
  SimRdmaListener(std::shared_ptr<SimRdmaFabric> fabric, SimRdmaFabric::Listener listening)
      : fabric_(std::move(fabric)), listening_(std::move(listening)) {}
  ~SimRdmaListener() override { fabric_->listening().Stop(listening_); }

  Address address() const override { return listening_->address; }

 private:
  const std::shared_ptr<SimRdmaFabric> fabric_;
  const SimRdmaFabric::Listener listening_;
};

SimRdmaNetwork::SimRdmaNetwork(SimWorld* world, const SimRdmaOptions& options)
    : fabric_(std::make_shared<SimRdmaFabric>(world, options)) {}

SimRdmaNetwork::~SimRdmaNetwork() = default;

absl::StatusOr<std::unique_ptr<RdmaListener>> SimRdmaNetwork::Listen(Loop* loop,
                                                                     const Address& address,
                                                                     RequestHandler handler) {
  SimLoop* const sim_loop = fabric_->CheckLoop(loop);
  CHECK(sim_loop->OnThread());
  auto listening = fabric_->listening().Listen(sim_loop, address, std::move(handler));
  if (listening == nullptr) return ListenError(EADDRINUSE, address);
  return std::make_unique<SimRdmaListener>(fabric_, std::move(listening));
}

void SimRdmaNetwork::Open(Loop* loop, const Address& address, const RdmaQueueOptions& queues,
                          OpenHandler done) {
  SimLoop* const sim_loop = fabric_->CheckLoop(loop);
  SimWorld* const world = fabric_->world();
  world->Schedule(
      world->NewLane(), world->now(), sim_loop,
      [fabric = fabric_, world, sim_loop, address, queues, done = std::move(done)]() mutable {
        absl::Status status = fabric->CheckQueues(queues);
        if (!status.ok()) return done(std::move(status));
        const std::string& host = fabric->options().connector_host;
        auto queue_pair =
            std::make_shared<SimQueuePair>(world, sim_loop, fabric->DomainOf(host), queues);
        Address peer = NormalSimAddress(address);
        if (IsSimWildcard(peer.host)) peer.host = "127.0.0.1";
        queue_pair->SetAddresses({host, fabric->listening().NextPort()}, peer);
        auto handshake = std::make_shared<SimHandshake>(fabric, queue_pair, peer);
        done(std::unique_ptr<RdmaConnection>(std::make_unique<SimRdmaConnection>(
            std::move(handshake), std::move(queue_pair), /*active=*/true)));
      });
}

void SimRdmaNetwork::set_options(const SimRdmaOptions& options) { fabric_->set_options(options); }

void SimRdmaNetwork::set_log(SimRdmaLog* log) { fabric_->set_log(log); }

std::shared_ptr<RdmaDomain> SimRdmaNetwork::domain(const std::string& host) {
  return fabric_->DomainOf(host);
}

size_t SimRdmaNetwork::keys(const std::string& host) { return fabric_->DomainOf(host)->keys(); }

size_t SimRdmaNetwork::queue_pairs(const std::string& host) const {
  size_t count = 0;
  for (size_t i = 0; i < fabric_->connections(); ++i) {
    for (const auto& end : {fabric_->ends(i).connector, fabric_->ends(i).acceptor}) {
      const auto queue_pair = end.lock();
      if (queue_pair == nullptr || queue_pair->local().host != host) continue;
      if (queue_pair->state() != SimQueuePair::State::kDestroyed) ++count;
    }
  }
  return count;
}

size_t SimRdmaNetwork::connections() const { return fabric_->connections(); }

const SimRdmaRecord& SimRdmaNetwork::connection(size_t number) const {
  return fabric_->record(number);
}

void SimRdmaNetwork::DropLink(size_t number) {
  const SimRdmaFabric::Ends& ends = fabric_->ends(number);
  const auto connector = ends.connector.lock();
  const auto acceptor = ends.acceptor.lock();
  if (connector != nullptr) connector->DropLink();
  if (acceptor != nullptr) acceptor->DropLink();
}

void SimRdmaNetwork::Disconnect(size_t number) {
  for (const auto& end : {fabric_->ends(number).connector, fabric_->ends(number).acceptor}) {
    if (const auto queue_pair = end.lock()) return queue_pair->DisconnectBoth();
  }
}

void SimRdmaNetwork::Starve(size_t number, End end, bool starved) {
  const SimRdmaFabric::Ends& ends = fabric_->ends(number);
  const auto queue_pair = (end == End::kConnector ? ends.connector : ends.acceptor).lock();
  if (queue_pair != nullptr) queue_pair->SetStarved(starved);
}

}  // namespace pushpull::fabric
