// The simulated connection manager: how two queue pairs become a connection, or don't.

#ifndef FABRIC_RDMA_SIM_HANDSHAKE_H_
#define FABRIC_RDMA_SIM_HANDSHAKE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/bytes.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/sim_rdma_fabric.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// One attempt to connect. Held by both ends' connections, the request, and the events under way.
class SimHandshake : public std::enable_shared_from_this<SimHandshake> {
 public:
  SimHandshake(std::shared_ptr<SimRdmaFabric> fabric, std::shared_ptr<SimQueuePair> active,
               const Address& address);
  SimHandshake(const SimHandshake&) = delete;
  SimHandshake& operator=(const SimHandshake&) = delete;

  // The active end asks, the passive one answers.
  void Ask(const RdmaConnectOptions& options, RdmaHandler* handler);
  void Open(SimLoop* loop, const RdmaQueueOptions& queues, RdmaRequest::OpenHandler done);
  void Accept(const RdmaConnectOptions& options, RdmaHandler* handler);
  void Reject(base::Bytes private_data);
  void Abandon(bool active);  // its connection is destroyed

  const RdmaPeer& asked() const { return asked_; }
  const std::shared_ptr<SimRdmaLink>& link() const { return link_; }

 private:
  void ArriveRequest();
  void ArriveReply(std::vector<uint8_t> private_data);
  void Refuse(RdmaRefusal::Kind kind, int reason, std::vector<uint8_t> private_data);
  void TimeOut();
  // Runs `event` when what is sent now arrives, unless the link has fallen.
  void SendMessage(bool to_acceptor, Task event);
  std::vector<uint8_t> Filled(base::Bytes private_data, size_t size) const;

  const std::shared_ptr<SimRdmaFabric> fabric_;
  SimWorld* const world_;
  const SimWorld::Lane lane_;
  const Address address_;
  std::shared_ptr<SimQueuePair> active_;  // until it is destroyed
  std::shared_ptr<SimQueuePair> passive_;
  std::shared_ptr<SimRdmaLink> link_;
  RdmaConnectOptions options_;  // the active end's
  std::vector<uint8_t> asked_data_;
  RdmaPeer asked_;
  bool over_ = false;  // refused, or both ends know each other
  bool answered_ = false;
  SimWorld::EventId timer_ = 0;
};

class SimRdmaConnection final : public RdmaConnection {
 public:
  SimRdmaConnection(std::shared_ptr<SimHandshake> handshake,
                    std::shared_ptr<SimQueuePair> queue_pair, bool active)
      : handshake_(std::move(handshake)), queue_pair_(std::move(queue_pair)), active_(active) {}
  ~SimRdmaConnection() override;

  void Establish(const RdmaConnectOptions& options, RdmaHandler* handler) override;
  absl::Status PostReceives(std::span<const RdmaReceive> receives) override {
    return queue_pair_->PostReceives(receives);
  }
  absl::Status PostSends(std::span<const RdmaWork> works) override {
    return queue_pair_->PostSends(works);
  }
  void Disconnect() override { queue_pair_->Disconnect(); }
  void MoveTo(Loop* loop, absl::AnyInvocable<void()> done) override;
  const std::shared_ptr<RdmaDomain>& domain() const override { return domain_; }
  const RdmaLimits& limits() const override { return queue_pair_->limits(); }
  Address local() const override { return queue_pair_->local(); }
  Address peer() const override { return queue_pair_->peer_address(); }

 private:
  const std::shared_ptr<SimHandshake> handshake_;
  const std::shared_ptr<SimQueuePair> queue_pair_;
  const std::shared_ptr<RdmaDomain> domain_ = queue_pair_->domain();
  const bool active_;
};

class SimRdmaRequest final : public RdmaRequest {
 public:
  SimRdmaRequest(std::shared_ptr<SimRdmaFabric> fabric, std::shared_ptr<SimHandshake> handshake)
      : fabric_(std::move(fabric)), handshake_(std::move(handshake)) {}
  ~SimRdmaRequest() override;

  const RdmaPeer& peer() const override { return handshake_->asked(); }
  Address local_address() const override { return handshake_->link()->record->acceptor; }
  Address peer_address() const override { return handshake_->link()->record->connector; }
  void Open(Loop* loop, const RdmaQueueOptions& queues, OpenHandler done) override;
  void Reject(base::Bytes private_data) override;

 private:
  const std::shared_ptr<SimRdmaFabric> fabric_;
  const std::shared_ptr<SimHandshake> handshake_;
  bool used_ = false;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_HANDSHAKE_H_
