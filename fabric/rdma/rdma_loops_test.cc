// Connections between two loops, on every maker: opened on another one, and moved to it.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/work.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class RdmaLoopsTest : public RdmaTest {};

TEST_P(RdmaLoopsTest, OpensARequestOnAnotherLoop) {
  std::unique_ptr<RdmaPeerEnd> far;
  bool arrived = false;  // written on the test's loop
  listener_ = Listen([&](std::unique_ptr<RdmaRequest> request) {
    request->Open(maker_->other_loop(), queues_, [&](auto connection) {
      ASSERT_TRUE(connection.ok()) << connection.status();
      EXPECT_TRUE(maker_->other_loop()->OnThread());
      far = std::make_unique<RdmaPeerEnd>(*std::move(connection));
      ASSERT_TRUE(far->PostReceive(0).ok());
      far->on_completions = [&] {
        EXPECT_TRUE(maker_->other_loop()->OnThread());
        if (far->receives.size() != 1 || far->receives[0].status != RdmaStatus::kSuccess) return;
        EXPECT_EQ(far->Received(0), "over there");
        maker_->loop()->Post([&] { arrived = true; });
      };
      far->connection->Establish(server_options_, far.get());
    });
  });
  client_ = OpenEnd(listener_->address());
  ASSERT_NE(client_, nullptr);
  client_->connection->Establish(client_options_, client_.get());
  RunUntil([&] { return client_->established; });
  ASSERT_TRUE(client_->Send(0, "over there").ok());
  RunUntil([&] { return arrived; });
  bool destroyed = false;
  maker_->other_loop()->Post([&] {
    far = nullptr;
    maker_->loop()->Post([&] { destroyed = true; });
  });
  RunUntil([&] { return destroyed; });
}

// With messages under way in both directions, and the end told there.
TEST_P(RdmaLoopsTest, MovesToAnotherLoop) {
  MakePair();
  for (uint64_t i = 0; i < 4; ++i)
    ASSERT_TRUE(client_->Send(i, "before " + std::to_string(i)).ok());
  ASSERT_TRUE(server_->Send(0, "from here").ok());
  bool arrived = false;  // these are written on the test's loop
  bool answered = false;
  bool ended = false;
  bool destroyed = false;
  bool done = false;  // on the other loop
  server_->on_completions = [&] {
    if (!done || server_->receives.size() < 8) return;
    EXPECT_TRUE(maker_->other_loop()->OnThread());
    if (server_->ended.has_value() || std::exchange(answered, true)) return;
    for (uint64_t i = 0; i < 4; ++i) {
      EXPECT_EQ(server_->Received(i), "before " + std::to_string(i));
      EXPECT_EQ(server_->Received(4 + i), "behind " + std::to_string(i));
    }
    EXPECT_TRUE(server_->Send(1, "from there").ok());
  };
  server_->on_disconnected = [&] {
    EXPECT_TRUE(maker_->other_loop()->OnThread());
    maker_->loop()->Post([&] { ended = true; });
  };
  maker_->loop()->Post([&] {
    server_->connection->MoveTo(maker_->other_loop(), [&] {
      EXPECT_TRUE(maker_->other_loop()->OnThread());
      done = true;
      maker_->loop()->Post([&] { arrived = true; });
    });
  });
  RunUntil([&] { return arrived; });
  for (uint64_t i = 4; i < 8; ++i) {
    ASSERT_TRUE(client_->Send(i, "behind " + std::to_string(i - 4)).ok());
  }
  RunUntil([&] { return client_->receives.size() == 2; });
  EXPECT_EQ(client_->Received(0), "from here");
  EXPECT_EQ(client_->Received(1), "from there");
  client_->connection->Disconnect();
  RunUntil([&] { return ended; });
  maker_->other_loop()->Post([&] {
    EXPECT_EQ(server_->ended, RdmaEnd::kPeerDisconnected);
    server_->connection.reset();
    maker_->loop()->Post([&] { destroyed = true; });
  });
  RunUntil([&] { return destroyed; });
}

// The end comes while it is on its way, and the connection ends with its arrival.
TEST_P(RdmaLoopsTest, EndsWhileItMoves) {
  for (const bool destroyed_there : {true, false}) {
    MakePair();
    bool over = false;
    server_->on_disconnected = [&] {
      EXPECT_TRUE(maker_->other_loop()->OnThread());
      server_->connection.reset();
      maker_->loop()->Post([&] { over = true; });
    };
    maker_->loop()->Post([&] {
      client_->connection->Disconnect();
      server_->connection->MoveTo(maker_->other_loop(), [&] {
        if (!destroyed_there) return;
        server_->connection.reset();
        maker_->loop()->Post([&] { over = true; });
      });
    });
    RunUntil([&] { return over && client_->ended.has_value(); });
  }
}

INSTANTIATE_TEST_SUITE_P(Makers, RdmaLoopsTest, testing::ValuesIn(AllRdmaMakers()), KindName);

}  // namespace
}  // namespace pushpull::fabric
