// The simulated RDMA network: queue pairs that need no device, whose delays, batches and faults
// come from the world's seed (sim_rdma_options.h says which there are).
//
//   SimWorld world(seed);
//   SimRdmaNetwork network(&world, SimRdmaOptions::Both({.max_latency = absl::Milliseconds(1)}));
//   auto listener = network.Listen(world.NewLoop(), {"192.0.2.2", 3260}, OnRequest);
//   network.Open(world.NewLoop(), {"192.0.2.2", 3260}, {}, OnOpened);
//   world.RunUntilIdle();
//
// Hosts are just names, as in SimNetwork. Each has one device: one domain of keys.

#ifndef FABRIC_RDMA_SIM_RDMA_NETWORK_H_
#define FABRIC_RDMA_SIM_RDMA_NETWORK_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class SimRdmaFabric;

// Its loops are SimLoops of its world. It, its world, its connections and their memory may die in
// any order. Not thread-safe, as its world.
class SimRdmaNetwork final : public RdmaNetwork {
 public:
  enum class End : uint8_t { kConnector, kAcceptor };

  explicit SimRdmaNetwork(SimWorld* world, const SimRdmaOptions& options = {});
  ~SimRdmaNetwork() override;

  absl::StatusOr<std::unique_ptr<RdmaListener>> Listen(Loop* loop, const Address& address,
                                                       RequestHandler handler) override;
  void Open(Loop* loop, const Address& address, const RdmaQueueOptions& queues,
            OpenHandler done) override;

  // For the connections whose Establish() is called from now on; `device` for new hosts.
  void set_options(const SimRdmaOptions& options);
  // Told of every operation of every connection; null for none. It must outlive them, or be taken
  // back.
  void set_log(SimRdmaLog* log);
  // The device of a host.
  std::shared_ptr<RdmaDomain> domain(const std::string& host);
  // How many regions and windows there are on it.
  size_t keys(const std::string& host);
  // How many ends of connections are there, from their Establish() until they are destroyed.
  size_t queue_pairs(const std::string& host) const;

  // Connections are numbered by their Establish() on the active side, from 0; what is known of them
  // stays when they end.
  size_t connections() const;
  const SimRdmaRecord& connection(size_t number) const;

  // Faults at any time. Nothing happens to a connection that has ended.
  void DropLink(size_t number);    // nothing arrives any more, and nobody is told
  void Disconnect(size_t number);  // both ends, as if each by the other
  // From now on, or no more, an end's receives are not to be found.
  void Starve(size_t number, End end, bool starved);

 private:
  class SimRdmaListener;

  const std::shared_ptr<SimRdmaFabric> fabric_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_RDMA_NETWORK_H_
