// What the simulated RDMA network draws from the seed, and what it tells of the operations.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
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

// Of a Write, some bytes are seen before others, and all of them with the Send behind it.
TEST(SimRdmaTest, WritesAreSeenLateAndInPieces) {
  int torn = 0;
  int late = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rig rig(seed, SimRdmaOptions::Both({.min_latency = absl::Milliseconds(1),
                                        .max_latency = absl::Milliseconds(3),
                                        .late_write_percent = 100,
                                        .max_write_delay = absl::Milliseconds(10)}));
    rig.Write(0, std::string(100, 'x'), 0);
    rig.world.RunFor(absl::Milliseconds(6));
    const std::string seen = rig.memory->Get(0, 100);
    const auto parts = static_cast<size_t>(std::count(seen.begin(), seen.end(), 'x'));
    if (parts > 0 && parts < 100) ++torn;
    if (parts == 0 && rig.server->sends.size() == 1) ++late;  // complete, and not to be seen
    ASSERT_TRUE(rig.server->Send(1, "look").ok());
    rig.world.RunUntil([&] { return rig.client->receives.size() == 1; });
    EXPECT_EQ(rig.memory->Get(0, 100), std::string(100, 'x'));
  }
  EXPECT_GT(torn, 5);
  EXPECT_GT(late, 2);
}

TEST(SimRdmaTest, LateWritesAreDoneBeforeTheMemoryGoes) {
  Rig rig(1,
          SimRdmaOptions::Both({.late_write_percent = 100, .max_write_delay = absl::Seconds(10)}));
  rig.Write(0, "late", 0);
  rig.world.RunUntil([&] { return rig.server->sends.size() == 1; });
  EXPECT_NE(rig.memory->Get(0, 4), "late");
  rig.memory->memory.reset();
  EXPECT_EQ(rig.memory->Get(0, 4), "late");
  rig.memory->bytes = {};
  rig.world.RunUntilIdle();
}

// An unfenced Send may overtake a Read's look at the memory; a fenced one never does.
TEST(SimRdmaTest, ReadsAreOvertakenUnlessFenced) {
  for (const bool fence : {true, false}) {
    int overtaken = 0;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      Rig rig(seed, SimRdmaOptions::Both({.max_latency = absl::Milliseconds(1),
                                          .max_read_delay = absl::Milliseconds(10)}));
      rig.memory->Put(0, "old");
      rig.client->on_completions = [&] { rig.memory->Put(0, "new"); };
      rig.Read(0, 3, 0);
      const RdmaSegment message = rig.server->outbox->Segment(300, 1);
      ASSERT_TRUE(
          rig.server->connection
              ->PostSend({.op = RdmaOp::kSend, .fence = fence, .id = 1, .segments = {&message, 1}})
              .ok());
      rig.world.RunUntilIdle();
      EXPECT_EQ(rig.server->sends.at(0).op, RdmaOp::kRead);
      if (rig.server->outbox->Get(0, 3) == "new") ++overtaken;
    }
    if (fence) {
      EXPECT_EQ(overtaken, 0);
    } else {
      EXPECT_GT(overtaken, 10);
    }
  }
}

TEST(SimRdmaTest, CompletionsComeInBatchesOfAnySize) {
  std::set<size_t> sizes;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SimRdmaOptions options;
    options.random_batches = true;
    options.max_completion_delay = absl::Milliseconds(1);
    Rig rig(seed, options);
    size_t before = 0;
    rig.server->on_completions = [&] {
      sizes.insert(rig.server->receives.size() - before);
      before = rig.server->receives.size();
    };
    for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(rig.client->Send(i, "x").ok());
    rig.world.RunUntilIdle();
    EXPECT_EQ(rig.server->receives.size(), 8u);
  }
  EXPECT_EQ(sizes, (std::set<size_t>{1, 2, 3, 4, 5, 6, 7, 8}));

  SimRdmaOptions options;
  options.max_batch = 1;
  Rig rig(1, options);
  for (uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(rig.client->Send(i, "x").ok());
  rig.world.RunUntilIdle();
  EXPECT_EQ(rig.server->largest_batch, 1u);
}

TEST(SimRdmaTest, SendsAndReceivesCompleteInAnyOrderBetweenThem) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimRdmaOptions options;
    options.shuffle_completions = true;
    options.min_completion_delay = options.max_completion_delay = absl::Milliseconds(1);
    options.max_batch = 1;
    Rig rig(seed, options);
    std::string order;
    rig.client->on_completions = [&] {
      order.append(rig.client->receives.size(), 'r');
      order.append(rig.client->sends.size(), 's');
      rig.client->receives.clear();
      rig.client->sends.clear();
    };
    ASSERT_TRUE(rig.client->Send(0, "x").ok());
    ASSERT_TRUE(rig.server->Send(0, "x").ok());
    rig.world.RunUntilIdle();
    orders.insert(order);
  }
  EXPECT_EQ(orders, (std::set<std::string>{"rs", "sr"}));
}

TEST(SimRdmaTest, LogsWhatWasTouched) {
  Rig rig(1);
  rig.Write(0, "abc", 10);
  rig.Read(1, 5, 20);
  ASSERT_TRUE(rig.server->Send(2, "four").ok());
  ASSERT_TRUE(rig.client->Send(0, "an answer").ok());
  rig.world.RunUntilIdle();
  rig.Write(3, "outside", 995);
  rig.world.RunUntilIdle();
  ASSERT_EQ(rig.log.size(), 5u);
  std::map<RdmaOp, SimRdmaOperation> first;
  for (size_t i = 0; i < rig.log.size(); ++i) {
    EXPECT_EQ(rig.log[i].order, i);
    EXPECT_EQ(rig.log[i].connection, 0u);
    if (!rig.log[i].to_acceptor) first.try_emplace(rig.log[i].op, rig.log[i]);
  }
  const SimRdmaOperation& write = first.at(RdmaOp::kWrite);
  EXPECT_EQ(write.region.data(), rig.memory->bytes.data());
  EXPECT_EQ(write.region.size(), 1000u);
  EXPECT_EQ(write.offset, 10u);
  EXPECT_EQ(write.length, 3u);
  EXPECT_EQ(write.key, rig.memory->memory->remote_key());
  EXPECT_EQ(write.address, rig.memory->memory->remote_address() + 10);
  const SimRdmaOperation& read = first.at(RdmaOp::kRead);
  EXPECT_EQ(read.offset, 20u);
  EXPECT_EQ(read.length, 5u);
  const SimRdmaOperation& send = first.at(RdmaOp::kSend);
  EXPECT_EQ(send.length, 4u);
  EXPECT_EQ(send.receive_id, rig.client->receives.at(0).id);
  const SimRdmaOperation* outside = nullptr;
  for (const SimRdmaOperation& operation : rig.log) {
    if (operation.status != RdmaStatus::kSuccess) outside = &operation;
  }
  ASSERT_NE(outside, nullptr);
  EXPECT_EQ(outside->status, RdmaStatus::kRemoteAccess);
  EXPECT_EQ(outside->offset, 995u);
  EXPECT_EQ(outside->length, 7u);
  const SimRdmaRecord& record = rig.network.connection(0);
  EXPECT_EQ(record.to_connector.writes, 1u);
  EXPECT_EQ(record.to_connector.write_bytes, 3u);
  EXPECT_EQ(record.to_connector.reads, 1u);
  EXPECT_EQ(record.to_connector.sends, 1u);
  EXPECT_EQ(record.to_acceptor.sends, 1u);
}

// What happened in a run under all the fabric's freedom.
std::string Story(uint64_t seed) {
  SimRdmaOptions options = SimRdmaOptions::Both({.max_latency = absl::Milliseconds(5),
                                                 .max_read_delay = absl::Milliseconds(5),
                                                 .late_write_percent = 50});
  options.random_batches = true;
  options.shuffle_completions = true;
  options.max_completion_delay = absl::Milliseconds(2);
  Rig rig(seed, options);
  std::ostringstream story;
  rig.client->on_completions = [&] {
    story << " c" << rig.client->receives.size() << "," << rig.client->sends.size() << "@"
          << absl::FormatTime(rig.world.now());
  };
  rig.server->on_completions = [&] {
    story << " s" << rig.server->receives.size() << "," << rig.server->sends.size() << ":"
          << rig.memory->Get(0, 4);
  };
  for (uint64_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(rig.client->Send(i, "request").ok());
    rig.Write(2 * i, std::string(4, static_cast<char>('a' + i)), 0);
    rig.Read(2 * i + 1, 4, 0);
    EXPECT_TRUE(rig.server->Send(20 + i, "response").ok());
  }
  rig.world.RunUntilIdle();
  EXPECT_EQ(rig.client->receives.size(), 4u);
  EXPECT_EQ(rig.server->receives.size(), 4u);
  EXPECT_EQ(rig.server->sends.size(), 12u);
  EXPECT_EQ(rig.memory->Get(0, 4), "dddd");
  for (const SimRdmaOperation& operation : rig.log) {
    story << " " << ToString(operation.op) << operation.offset << "+" << operation.length;
  }
  return story.str();
}

TEST(SimRdmaTest, ARunIsItsSeed) {
  std::set<std::string> stories;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string story = Story(seed);
    if (seed % 20 == 0) {
      EXPECT_EQ(story, Story(seed));
    }
    stories.insert(story);
  }
  EXPECT_GT(stories.size(), 190u);
}

TEST(SimRdmaTest, DiesInAnyOrder) {
  base::Random random(5);
  for (int i = 0; i < 60; ++i) {
    auto world = std::make_unique<SimWorld>(i);
    SimLoop* const loop = world->NewLoop();
    auto network = std::make_unique<SimRdmaNetwork>(
        world.get(),
        SimRdmaOptions::Both({.max_latency = absl::Milliseconds(1), .late_write_percent = 50}));
    std::unique_ptr<RdmaPeerEnd> client;
    std::unique_ptr<RdmaPeerEnd> server;
    std::unique_ptr<RdmaRequest> held;
    auto listener = *network->Listen(loop, {"a", 1}, [&](std::unique_ptr<RdmaRequest> request) {
      if (i % 4 == 0) {
        held = std::move(request);
        return;
      }
      request->Open(loop, {}, [&](auto connection) {
        server = std::make_unique<RdmaPeerEnd>(*std::move(connection));
        EXPECT_TRUE(server->PostReceive(0).ok());
        server->connection->Establish({}, server.get());
      });
    });
    network->Open(loop, {"a", 1}, {}, [&](auto connection) {
      client = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      client->on_established = [&] { EXPECT_TRUE(client->Send(0, "x").ok()); };
      client->connection->Establish({}, client.get());
    });
    world->RunFor(absl::Microseconds(random.Below(6000)));
    std::vector<std::function<void()>> deaths = {
        [&] { world.reset(); },
        [&] { network.reset(); },
        [&] { listener.reset(); },
        [&] { client.reset(); },
        [&] { server.reset(); },
        [&] { held.reset(); },
        [&] {
          if (world != nullptr) world->RunFor(absl::Microseconds(random.Below(2000)));
        },
        [&] {
          if (client != nullptr) client->connection->Disconnect();
        }};
    while (!deaths.empty()) {
      const size_t next = random.Below(deaths.size());
      deaths[next]();
      deaths.erase(deaths.begin() + static_cast<ptrdiff_t>(next));
    }
  }
}

TEST(SimRdmaTest, AWorldMayEndWithConnectionsUnderWay) {
  auto world = std::make_unique<SimWorld>(1);
  SimRdmaNetwork network(world.get());
  bool called = false;
  network.Open(world->NewLoop(), {"a", 1}, {}, [&](auto) { called = true; });
  world.reset();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace pushpull::fabric
