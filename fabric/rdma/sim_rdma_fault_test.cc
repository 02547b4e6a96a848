// Each fault of the simulated RDMA network.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/rdma/sim_rdma_rig.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

using Rig = SimRdmaRig;
using Fault = SimRdmaFault;

SimRdmaOptions WithFault(const Fault& fault) { return SimRdmaOptions::Both({.faults = {fault}}); }

TEST(SimRdmaFaultTest, ADroppedLinkIsSilent) {
  SimRdmaOptions options = WithFault({.kind = Fault::Kind::kDropLink, .at = 1});
  Rig rig(1, options);
  ASSERT_TRUE(rig.client->Send(0, "arrives").ok());
  ASSERT_TRUE(rig.client->Send(1, "is lost").ok());
  ASSERT_TRUE(rig.client->Send(2, "is lost too").ok());
  const absl::Time sent = rig.world.now();
  rig.world.RunUntilIdle();
  EXPECT_EQ(rig.server->receives.size(), 1u);
  EXPECT_FALSE(rig.server->ended.has_value());  // it has nothing to find it out with
  ASSERT_EQ(rig.client->sends.size(), 3u);
  EXPECT_EQ(rig.client->sends[0].status, RdmaStatus::kSuccess);
  EXPECT_EQ(rig.client->sends[1].status, RdmaStatus::kRetryExceeded);
  EXPECT_EQ(rig.client->sends[2].status, RdmaStatus::kFlushed);
  EXPECT_EQ(*rig.client->ended, RdmaEnd::kFailed);
  EXPECT_EQ(rig.world.now() - sent, options.retry_timeout);
}

TEST(SimRdmaFaultTest, ALinkDropsAtAnyTime) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Rig rig(seed, SimRdmaOptions::Both({.max_latency = absl::Milliseconds(10),
                                        .max_read_delay = absl::Milliseconds(10)}));
    for (uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(rig.client->Send(i, "x").ok());
    rig.Write(0, "w", 1);
    rig.Read(1, 1, 1);
    rig.world.RunFor(absl::Milliseconds(static_cast<int64_t>(seed % 20)));
    rig.network.DropLink(0);
    const size_t arrived = rig.log.size();
    rig.world.RunUntilIdle();
    EXPECT_EQ(rig.log.size(), arrived);
    EXPECT_TRUE(rig.client->ended.has_value() || rig.client->sends.size() == 4);
    EXPECT_TRUE(rig.server->ended.has_value() || rig.server->sends.size() == 2);
  }
}

TEST(SimRdmaFaultTest, ALinkThatDropsWhileConnectingTimesOut) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimWorld world(seed);
    SimLoop* const loop = world.NewLoop();
    SimRdmaNetwork network(&world, SimRdmaOptions::Both({.min_latency = absl::Milliseconds(1),
                                                         .max_latency = absl::Milliseconds(10)}));
    std::unique_ptr<RdmaPeerEnd> client;
    std::unique_ptr<RdmaPeerEnd> server;
    auto listener = *network.Listen(loop, {"a", 1}, [&](std::unique_ptr<RdmaRequest> request) {
      request->Open(loop, {}, [&](auto connection) {
        server = std::make_unique<RdmaPeerEnd>(*std::move(connection));
        server->connection->Establish({}, server.get());
      });
    });
    network.Open(loop, {"a", 1}, {}, [&](auto connection) {
      client = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      client->connection->Establish({}, client.get());
    });
    world.RunFor(absl::Milliseconds(static_cast<int64_t>(seed % 25)));
    network.DropLink(0);
    world.RunUntilIdle();
    EXPECT_TRUE(client->established || client->refused->kind == RdmaRefusal::Kind::kTimedOut);
    EXPECT_TRUE(server == nullptr || server->established ||
                server->refused->kind == RdmaRefusal::Kind::kTimedOut);
  }
}

TEST(SimRdmaFaultTest, DisconnectsBothEnds) {
  Rig rig(1, WithFault({.kind = Fault::Kind::kDisconnect, .at = 2}));
  for (uint64_t i = 0; i < 4; ++i) ASSERT_TRUE(rig.client->Send(i, "x").ok());
  rig.world.RunUntilIdle();
  ASSERT_TRUE(rig.both_ended());
  EXPECT_EQ(*rig.client->ended, RdmaEnd::kPeerDisconnected);
  EXPECT_EQ(*rig.server->ended, RdmaEnd::kPeerDisconnected);
  ASSERT_EQ(rig.client->sends.size(), 4u);
  EXPECT_EQ(rig.client->sends[1].status, RdmaStatus::kSuccess);
  EXPECT_EQ(rig.client->sends[2].status, RdmaStatus::kFlushed);
  ASSERT_EQ(rig.server->receives.size(), 8u);
  EXPECT_EQ(rig.server->receives[2].status, RdmaStatus::kFlushed);
  Rig other(2);
  other.network.Disconnect(0);
  other.world.RunUntilIdle();
  EXPECT_TRUE(other.both_ended());
}

TEST(SimRdmaFaultTest, TruncatesASend) {
  Rig rig(1, WithFault({.kind = Fault::Kind::kTruncateSend, .at = 1, .value = 3}));
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(rig.client->Send(i, "message").ok());
  rig.world.RunUntilIdle();
  ASSERT_EQ(rig.server->receives.size(), 3u);
  EXPECT_EQ(rig.server->Received(0), "message");
  EXPECT_EQ(rig.server->Received(1), "mes");
  EXPECT_EQ(rig.server->Received(2), "message");
  EXPECT_EQ(rig.server->inbox->Get(RdmaPeerEnd::kSlot + 3, 1), std::string(1, '\0'));
}

TEST(SimRdmaFaultTest, LiesAboutByteLen) {
  Rig rig(1, WithFault({.kind = Fault::Kind::kByteLen, .at = 0, .value = 200}));
  for (uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(rig.client->Send(i, "message").ok());
  rig.world.RunUntilIdle();
  ASSERT_EQ(rig.server->receives.size(), 2u);
  EXPECT_EQ(rig.server->receives[0].byte_len, 200u);
  EXPECT_EQ(rig.server->receives[1].byte_len, 7u);
}

TEST(SimRdmaFaultTest, StarvesForSomeAttempts) {
  SimRdmaOptions options = WithFault({.kind = Fault::Kind::kStarve, .at = 1, .value = 3});
  Rig rig(1, options);
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(rig.client->Send(i, "message").ok());
  const absl::Time sent = rig.world.now();
  rig.world.RunUntilIdle();
  EXPECT_EQ(rig.server->receives.size(), 3u);
  EXPECT_EQ(rig.network.connection(0).to_acceptor.rnr_naks, 3u);
  EXPECT_EQ(rig.world.now() - sent, 3 * options.rnr_timer);

  options.to_acceptor.faults[0].value = 4;
  Rig impatient(1, options, {.rnr_retry_count = 3});
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(impatient.client->Send(i, "message").ok());
  impatient.world.RunUntilIdle();
  ASSERT_EQ(impatient.client->sends.size(), 3u);
  EXPECT_EQ(impatient.client->sends[0].status, RdmaStatus::kSuccess);
  EXPECT_EQ(impatient.client->sends[1].status, RdmaStatus::kRnrRetryExceeded);
}

TEST(SimRdmaFaultTest, StarvesUntilToldOtherwise) {
  Rig rig(1);
  rig.network.Starve(0, SimRdmaNetwork::End::kAcceptor, true);
  ASSERT_TRUE(rig.client->Send(0, "message").ok());
  rig.world.RunFor(absl::Hours(1));
  EXPECT_TRUE(rig.server->receives.empty());
  rig.network.Starve(0, SimRdmaNetwork::End::kAcceptor, false);
  rig.world.RunUntilIdle();
  EXPECT_EQ(rig.server->receives.size(), 1u);
}

TEST(SimRdmaFaultTest, RefusesAnAccess) {
  for (const bool read : {true, false}) {
    Rig rig(1, WithFault({.kind = Fault::Kind::kRemoteAccess, .at = 1}));
    ASSERT_TRUE(rig.server->Send(0, "doesn't count").ok());
    rig.Write(1, "a", 0);
    read ? rig.Read(2, 1, 0) : rig.Write(2, "b", 0);
    rig.Write(3, "c", 0);
    rig.world.RunUntilIdle();
    ASSERT_EQ(rig.server->sends.size(), 4u);
    EXPECT_EQ(rig.server->sends[1].status, RdmaStatus::kSuccess);
    EXPECT_EQ(rig.server->sends[2].status, RdmaStatus::kRemoteAccess);
    EXPECT_EQ(rig.server->sends[3].status, RdmaStatus::kFlushed);
    EXPECT_EQ(rig.memory->Get(0, 1), "a");
    EXPECT_TRUE(rig.both_ended());
  }
}

TEST(SimRdmaFaultTest, InvalidatesAChosenKey) {
  Rig rig(1);
  auto window = *rig.client->connection->domain()->NewWindow();
  ASSERT_TRUE(rig.client->connection
                  ->PostSend({.op = RdmaOp::kBindWindow,
                              .window = window.get(),
                              .memory = rig.memory->memory.get(),
                              .bound = rig.memory->bytes,
                              .rights = RdmaRights::kRemoteWrite})
                  .ok());
  rig.world.RunUntilIdle();
  const uint32_t key = window->key();
  ASSERT_TRUE(rig.server->Send(0, "harmless").ok());
  rig.world.RunUntilIdle();
  EXPECT_FALSE(rig.client->receives.at(0).invalidated);

  Rig other(1);
  auto other_window = *other.client->connection->domain()->NewWindow();
  EXPECT_EQ(other_window->next_key(), key) << "keys come from the seed";
  // (The fault is part of the options, which hold from the connection's beginning.)
  Rig third(1, WithFault({.kind = Fault::Kind::kInvalidate, .at = 0, .value = key}));
  auto third_window = *third.client->connection->domain()->NewWindow();
  ASSERT_EQ(third_window->next_key(), key);
  ASSERT_TRUE(third.client->connection
                  ->PostSend({.op = RdmaOp::kBindWindow,
                              .window = third_window.get(),
                              .memory = third.memory->memory.get(),
                              .bound = third.memory->bytes,
                              .rights = RdmaRights::kRemoteWrite})
                  .ok());
  third.world.RunUntilIdle();
  ASSERT_TRUE(third.server->Send(0, "not so harmless").ok());
  third.world.RunUntilIdle();
  EXPECT_TRUE(third.client->receives.at(0).invalidated);
  EXPECT_EQ(third.client->receives[0].invalidated_key, key);
  ASSERT_TRUE(third.server
                  ->Access(RdmaOp::kWrite, 1, third.server->outbox->Segment(0, 1),
                           third.memory->memory->remote_address(), key)
                  .ok());
  third.world.RunUntilIdle();
  EXPECT_EQ(third.server->sends.back().status, RdmaStatus::kRemoteAccess);
}

}  // namespace
}  // namespace pushpull::fabric
