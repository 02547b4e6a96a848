// A simulated connection whose acceptor works on the connector's memory.

#ifndef FABRIC_RDMA_SIM_RDMA_RIG_H_
#define FABRIC_RDMA_SIM_RDMA_RIG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {

// Both have posted 8 receives.
class SimRdmaRig : public SimRdmaLog {
 public:
  explicit SimRdmaRig(uint64_t seed, const SimRdmaOptions& options = {},
                      const RdmaConnectOptions& accept = {})
      : world(seed), network(&world, options) {
    network.set_log(this);
    listener = *network.Listen(server_loop, {"192.0.2.2", 3260},
                               [this, accept](std::unique_ptr<RdmaRequest> request) {
                                 request->Open(server_loop, {}, [this, accept](auto connection) {
                                   server = std::make_unique<RdmaPeerEnd>(*std::move(connection));
                                   for (uint64_t slot = 0; slot < 8; ++slot)
                                     EXPECT_TRUE(server->PostReceive(slot).ok());
                                   server->connection->Establish(accept, server.get());
                                 });
                               });
    network.Open(client_loop, listener->address(), {}, [&](auto connection) {
      client = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      for (uint64_t slot = 0; slot < 8; ++slot) EXPECT_TRUE(client->PostReceive(slot).ok());
      memory = std::make_unique<RdmaBuffer>(*client->connection->domain(), 1000, kAllRights);
      client->connection->Establish({}, client.get());
    });
    world.RunUntilIdle();
    EXPECT_TRUE(client->established && server->established);
  }
  virtual ~SimRdmaRig() {
    client->connection.reset();
    server->connection.reset();
  }

  void Write(uint64_t id, const std::string& text, uint64_t offset) {
    server->outbox->Put(id * RdmaPeerEnd::kSlot, text);
    EXPECT_TRUE(server
                    ->Access(RdmaOp::kWrite, id,
                             server->outbox->Segment(id * RdmaPeerEnd::kSlot, text.size()),
                             memory->memory->remote_address() + offset,
                             memory->memory->remote_key())
                    .ok());
  }
  void Read(uint64_t id, size_t size, uint64_t offset) {
    EXPECT_TRUE(
        server
            ->Access(RdmaOp::kRead, id, server->outbox->Segment(id * RdmaPeerEnd::kSlot, size),
                     memory->memory->remote_address() + offset, memory->memory->remote_key())
            .ok());
  }
  bool both_ended() const { return client->ended.has_value() && server->ended.has_value(); }

  void OnOperation(const SimRdmaOperation& operation) override { log.push_back(operation); }

  SimWorld world;
  SimRdmaNetwork network;
  SimLoop* const client_loop = world.NewLoop();
  SimLoop* const server_loop = world.NewLoop();
  std::unique_ptr<RdmaListener> listener;
  std::unique_ptr<RdmaPeerEnd> client;
  std::unique_ptr<RdmaPeerEnd> server;
  std::unique_ptr<RdmaBuffer> memory;
  std::vector<SimRdmaOperation> log;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_RDMA_RIG_H_
