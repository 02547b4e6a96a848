// An operation on the simulated fabric allocates nothing: what a run allocates doesn't depend on
// how many there are in its batches.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/allocation_counter.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

constexpr size_t kMost = 64;

// One end of a ping-pong of batches, with a Write and a Read in each.
class Player final : public RdmaHandler {
 public:
  explicit Player(std::unique_ptr<RdmaConnection> c)
      : connection(std::move(c)),
        buffer(*connection->domain(), kMost * 512, kAllRights),
        segment_(buffer.Segment(0, 76)) {
    for (size_t i = 0; i < kMost; ++i) {
      slots_.push_back(buffer.Segment(i * 512, 512));
      works_.push_back({.op = RdmaOp::kSend, .segments = {&segment_, 1}});
    }
    for (size_t i = 0; i < kMost; ++i) {
      receives_.push_back({.id = i, .segments = {&slots_[i], 1}});
    }
    EXPECT_TRUE(connection->PostReceives(receives_).ok());
  }
  ~Player() { connection.reset(); }

  void Serve(size_t batch, const RdmaMemory& theirs) {
    works_[0].op = RdmaOp::kWrite;
    works_[1].op = RdmaOp::kRead;
    for (RdmaWork& work : std::span(works_).first(2)) {
      work.remote_address = theirs.remote_address();
      work.remote_key = theirs.remote_key();
    }
    EXPECT_TRUE(connection->PostSends(std::span(works_).first(batch)).ok());
  }

  void OnEstablished(const RdmaPeer& /*peer*/) override {}
  void OnRefused(const RdmaRefusal& refusal) override { ADD_FAILURE() << refusal.Message(); }
  void OnDisconnected(RdmaEnd /*end*/) override {}
  void OnCompletions(std::span<const RdmaCompletion> completions) override {
    for (const RdmaCompletion& completion : completions) {
      ASSERT_EQ(completion.status, RdmaStatus::kSuccess);
      if (completion.op != RdmaOp::kReceive) continue;
      ++received;
      ASSERT_TRUE(connection->PostReceive(receives_[completion.id]).ok());
    }
  }

  std::unique_ptr<RdmaConnection> connection;
  RdmaBuffer buffer;
  size_t received = 0;

 private:
  const RdmaSegment segment_;
  std::vector<RdmaSegment> slots_;
  std::vector<RdmaReceive> receives_;
  std::vector<RdmaWork> works_;
};

// Of a hundred batches of this size, once warm.
int64_t Allocations(size_t batch) {
  SimWorld world(1);
  SimRdmaNetwork network(&world);
  SimLoop* const loop = world.NewLoop();
  std::unique_ptr<Player> ends[2];
  auto listener = *network.Listen(loop, {"a", 1}, [&](std::unique_ptr<RdmaRequest> request) {
    request->Open(loop, {}, [&](auto connection) {
      ends[1] = std::make_unique<Player>(*std::move(connection));
      ends[1]->connection->Establish({}, ends[1].get());
    });
  });
  network.Open(loop, {"a", 1}, {}, [&](auto connection) {
    ends[0] = std::make_unique<Player>(*std::move(connection));
    ends[0]->connection->Establish({}, ends[0].get());
  });
  world.RunUntilIdle();
  const auto play = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      ends[i % 2]->Serve(batch, *ends[1 - i % 2]->buffer.memory);
      world.RunUntilIdle();
    }
  };
  play(10);
  const int64_t warm = base::ThreadAllocations();
  play(100);
  const int64_t after = base::ThreadAllocations();
  EXPECT_EQ(ends[0]->received + ends[1]->received, 110 * (batch - 2));
  return after - warm;
}

TEST(SimRdmaAllocationTest, NoneForAnOperation) {
  const int64_t few = Allocations(4);
  EXPECT_EQ(Allocations(kMost), few);
  // The world's events: engine and two deliveries.
  EXPECT_LE(few, 100 * 12);
}

}  // namespace
}  // namespace pushpull::fabric
