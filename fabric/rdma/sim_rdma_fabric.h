// What a simulated RDMA network, its listeners, its connections and the events under way share.

#ifndef FABRIC_RDMA_SIM_RDMA_FABRIC_H_
#define FABRIC_RDMA_SIM_RDMA_FABRIC_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/rdma/queues.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_domain.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_listening.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class SimRdmaFabric {
 public:
  using Listening = SimListening<RdmaNetwork::RequestHandler>;
  using Listener = std::shared_ptr<Listening::Entry>;
  struct Ends {
    std::weak_ptr<SimQueuePair> connector;
    std::weak_ptr<SimQueuePair> acceptor;
  };

  SimRdmaFabric(SimWorld* world, const SimRdmaOptions& options);
  SimRdmaFabric(const SimRdmaFabric&) = delete;
  SimRdmaFabric& operator=(const SimRdmaFabric&) = delete;

  SimWorld* world() const { return world_; }
  bool world_is_gone() const { return world_life_.expired(); }
  SimLoop* CheckLoop(Loop* loop) const { return AsSimLoop(loop, world_); }
  const SimRdmaOptions& options() const { return options_; }
  void set_options(const SimRdmaOptions& options) { options_ = options; }
  void set_log(SimRdmaLog* log) { trace_->log = log; }

  Listening& listening() { return listening_; }
  std::shared_ptr<SimDomain> DomainOf(const std::string& host);
  // Why the queues can't be made.
  absl::Status CheckQueues(const RdmaQueueOptions& queues) const {
    return fabric::CheckQueues(options_.device, queues);
  }
  // For one more connection, with the options of now.
  std::shared_ptr<SimRdmaLink> NewLink(const std::shared_ptr<SimQueuePair>& connector,
                                       const Address& connector_address, const Address& acceptor);
  absl::Duration DrawLatency(const SimRdmaDirection& direction);

  size_t connections() const { return records_.size(); }
  const SimRdmaRecord& record(size_t number) const { return *records_.at(number); }
  Ends& ends(size_t number) { return ends_.at(number); }

 private:
  SimWorld* const world_;
  const std::weak_ptr<const void> world_life_;
  SimRdmaOptions options_;
  base::Random random_;
  Listening listening_;
  const std::shared_ptr<SimRdmaTrace> trace_ = std::make_shared<SimRdmaTrace>();
  std::map<std::string, std::shared_ptr<SimDomain>> domains_;
  std::vector<std::shared_ptr<SimRdmaRecord>> records_;
  std::vector<Ends> ends_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_RDMA_FABRIC_H_
