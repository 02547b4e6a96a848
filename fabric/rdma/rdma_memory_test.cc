// Reads, Writes, keys and windows on every maker.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_fixture.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/work.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class RdmaMemoryTest : public RdmaTest {
 protected:
  // client_ exposes 1000 bytes to server_, as an initiator does.
  void Expose(RdmaRights rights) {
    MakePair();
    exposed_ = std::make_unique<RdmaBuffer>(*client_->connection->domain(), 1000, rights);
    exposed_->bytes.assign(1000, '.');
    own_ = std::make_unique<RdmaBuffer>(*server_->connection->domain(), 1000, RdmaRights::kLocal);
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
  }
  uint64_t address(uint64_t offset) const { return exposed_->memory->remote_address() + offset; }
  uint32_t key() const { return exposed_->memory->remote_key(); }

  // server_ does it, and it must end the connection.
  void ExpectRefused(RdmaOp op, size_t length, uint64_t address, uint32_t key) {
    const std::vector<uint8_t> before = exposed_->bytes;
    ASSERT_TRUE(server_->Access(op, 9, own_->Segment(0, length), address, key).ok());
    RunUntilBothEnded();
    ASSERT_EQ(server_->sends.size(), 1u);
    EXPECT_EQ(server_->sends[0].status, RdmaStatus::kRemoteAccess);
    EXPECT_EQ(server_->sends[0].id, 9u);
    EXPECT_EQ(server_->sends[0].op, op);
    EXPECT_EQ(*server_->ended, RdmaEnd::kFailed);
    EXPECT_EQ(exposed_->bytes, before);
    for (const RdmaCompletion& receive : client_->receives) {
      EXPECT_EQ(receive.status, RdmaStatus::kFlushed);
    }
  }
  std::unique_ptr<RdmaBuffer> exposed_;
  std::unique_ptr<RdmaBuffer> own_;
};

TEST_P(RdmaMemoryTest, AWriteIsSeenWithTheSendBehindIt) {
  Expose(RdmaRights::kRemoteWrite);
  own_->Put(0, "written");
  const RdmaSegment from[] = {own_->Segment(0, 3), own_->Segment(3, 4)};
  const RdmaSegment message = server_->outbox->Segment(0, 1);
  const RdmaWork chain[] = {{.op = RdmaOp::kWrite,
                             .signalled = false,
                             .id = 1,
                             .segments = from,
                             .remote_address = address(990),
                             .remote_key = key()},
                            {.op = RdmaOp::kSend, .id = 2, .segments = {&message, 1}}};
  ASSERT_TRUE(server_->connection->PostSends(chain).ok());
  std::string seen;
  client_->on_completions = [&] { seen = exposed_->Get(990, 7); };
  RunUntil([&] { return client_->receives.size() == 1; });
  EXPECT_EQ(seen, "written");
  EXPECT_EQ(exposed_->Get(0, 990), std::string(990, '.'));
  EXPECT_EQ(exposed_->Get(997, 3), "...");
  RunUntil([&] { return !server_->sends.empty(); });
  ASSERT_EQ(server_->sends.size(), 1u);
  EXPECT_EQ(server_->sends[0].id, 2u);
}

TEST_P(RdmaMemoryTest, WritesToOnePlaceKeepTheirOrder) {
  Expose(RdmaRights::kRemoteWrite);
  for (int i = 0; i < 50; ++i) {
    own_->Put(static_cast<size_t>(i) * 10, std::string(10, static_cast<char>('0' + i)));
    ASSERT_TRUE(server_
                    ->Access(RdmaOp::kWrite, 0, own_->Segment(static_cast<size_t>(i) * 10, 10),
                             address(static_cast<uint64_t>(i)), key())
                    .ok());
  }
  ASSERT_TRUE(server_->Send(0, "done").ok());
  RunUntil([&] { return client_->receives.size() == 1; });
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(exposed_->bytes[i], '0' + i);
  }
}

TEST_P(RdmaMemoryTest, AReadGivesWhatIsThere) {
  Expose(RdmaRights::kRemoteRead);
  exposed_->Put(10, "to be read");
  const RdmaSegment into[] = {own_->Segment(500, 3), own_->Segment(0, 7)};
  ASSERT_TRUE(server_->connection
                  ->PostSend({.op = RdmaOp::kRead,
                              .id = 3,
                              .segments = into,
                              .remote_address = address(10),
                              .remote_key = key()})
                  .ok());
  RunUntil([&] { return server_->sends.size() == 1; });
  EXPECT_EQ(server_->sends[0].status, RdmaStatus::kSuccess);
  EXPECT_EQ(server_->sends[0].op, RdmaOp::kRead);
  EXPECT_EQ(own_->Get(500, 3), "to ");
  EXPECT_EQ(own_->Get(0, 7), "be read");
  EXPECT_TRUE(client_->receives.empty());
}

TEST_P(RdmaMemoryTest, AReadSeesTheWriteBeforeIt) {
  Expose(kAllRights);
  own_->Put(0, "first");
  ASSERT_TRUE(server_->Access(RdmaOp::kWrite, 0, own_->Segment(0, 5), address(0), key()).ok());
  ASSERT_TRUE(server_->Access(RdmaOp::kRead, 1, own_->Segment(100, 5), address(0), key()).ok());
  RunUntil([&] { return server_->sends.size() == 2; });
  EXPECT_EQ(own_->Get(100, 5), "first");
}

TEST_P(RdmaMemoryTest, MoreReadsThanTheDepthWaitForTheirTurn) {
  server_options_.initiator_depth = 2;
  Expose(kAllRights);
  for (size_t i = 0; i < 100; ++i) exposed_->bytes[i] = static_cast<uint8_t>(i);
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(server_->Access(RdmaOp::kRead, i, own_->Segment(i, 1), address(i), key()).ok());
  }
  RunUntil([&] { return server_->sends.size() == 100; });
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(server_->sends[i].id, i);
    EXPECT_EQ(own_->bytes[i], i);
  }
}

TEST_P(RdmaMemoryTest, AFencedSendComesAfterTheRead) {
  Expose(RdmaRights::kRemoteRead);
  exposed_->Put(0, "old");
  // The message tells client_ that it may change what was read.
  client_->on_completions = [&] { exposed_->Put(0, "new"); };
  const RdmaSegment into = own_->Segment(0, 3);
  const RdmaSegment message = server_->outbox->Segment(0, 1);
  const RdmaWork chain[] = {
      {.op = RdmaOp::kRead,
       .id = 0,
       .segments = {&into, 1},
       .remote_address = address(0),
       .remote_key = key()},
      {.op = RdmaOp::kSend, .fence = true, .id = 1, .segments = {&message, 1}}};
  ASSERT_TRUE(server_->connection->PostSends(chain).ok());
  RunUntil([&] { return server_->sends.size() == 2 && client_->receives.size() == 1; });
  EXPECT_EQ(own_->Get(0, 3), "old");
}

TEST_P(RdmaMemoryTest, NothingOutsideTheRegionIsTouched) {
  struct {
    RdmaOp op;
    uint64_t offset;
    size_t length;
  } const cases[] = {{RdmaOp::kWrite, 991, 10},
                     {RdmaOp::kWrite, uint64_t{0} - 1, 2},
                     {RdmaOp::kRead, 1000, 1},
                     {RdmaOp::kRead, uint64_t{0} - 8, 8}};
  for (const auto& c : cases) {
    Expose(kAllRights);
    ExpectRefused(c.op, c.length, address(c.offset), key());
  }
}

TEST_P(RdmaMemoryTest, RightsAreKept) {
  Expose(RdmaRights::kRemoteRead);
  ExpectRefused(RdmaOp::kWrite, 1, address(0), key());
  Expose(RdmaRights::kRemoteWrite);
  ExpectRefused(RdmaOp::kRead, 1, address(0), key());
  Expose(RdmaRights::kLocal);
  ExpectRefused(RdmaOp::kWrite, 1, address(0), key());
}

TEST_P(RdmaMemoryTest, AnUnknownKeyOpensNothing) {
  Expose(kAllRights);
  ExpectRefused(RdmaOp::kWrite, 1, address(0), key() ^ 0x00550000);
  Expose(kAllRights);
  ExpectRefused(RdmaOp::kRead, 1, address(0), key() ^ 1);
}

TEST_P(RdmaMemoryTest, ADeregisteredKeyOpensNothing) {
  Expose(kAllRights);
  const uint32_t old_key = key();
  const uint64_t old_address = address(0);
  exposed_->memory.reset();
  ExpectRefused(RdmaOp::kWrite, 10, old_address, old_key);
}

class RdmaWindowTest : public RdmaMemoryTest {
 protected:
  void ExposeWindows() {
    Expose(RdmaRights::kWindows);
    if (!client_->connection->domain()->limits().windows) {
      GTEST_SKIP() << "NO MEMORY WINDOWS ON THIS DEVICE: nothing of them is tested here";
    }
    auto window = client_->connection->domain()->NewWindow();
    ASSERT_TRUE(window.ok()) << window.status();
    window_ = *std::move(window);
  }
  void TearDown() override {
    window_.reset();
    RdmaMemoryTest::TearDown();
  }
  RdmaWork BindWork(size_t offset, size_t length, RdmaRights rights) {
    return {.op = RdmaOp::kBindWindow,
            .id = 77,
            .window = window_.get(),
            .memory = exposed_->memory.get(),
            .bound = base::MutableBytes(exposed_->bytes).subspan(offset, length),
            .rights = rights};
  }
  // Waits for its end.
  RdmaCompletion Do(RdmaPeerEnd& end, const RdmaWork& work) {
    const size_t before = end.sends.size();
    const absl::Status status = end.connection->PostSend(work);
    EXPECT_TRUE(status.ok()) << status;
    RunUntil([&] { return end.sends.size() > before; });
    return end.sends.empty() ? RdmaCompletion() : end.sends.back();
  }
  void Bind(size_t offset, size_t length, RdmaRights rights) {
    const uint32_t next = window_->next_key();
    const RdmaCompletion completion = Do(*client_, BindWork(offset, length, rights));
    EXPECT_EQ(completion.status, RdmaStatus::kSuccess);
    EXPECT_EQ(completion.op, RdmaOp::kBindWindow);
    EXPECT_EQ(completion.id, 77u);
    EXPECT_EQ(window_->key(), next);
  }
  // server_ can write by the key.
  void ExpectOpen(const std::string& text, uint64_t offset) {
    const size_t before = server_->sends.size();
    own_->Put(0, text);
    ASSERT_TRUE(server_
                    ->Access(RdmaOp::kWrite, 0, own_->Segment(0, text.size()), address(offset),
                             window_->key())
                    .ok());
    const size_t messages = client_->receives.size();
    ASSERT_TRUE(server_->Send(1, "written").ok());
    RunUntil(
        [&] { return server_->sends.size() == before + 2 && client_->receives.size() > messages; });
    EXPECT_EQ(server_->sends.back().status, RdmaStatus::kSuccess);
    EXPECT_EQ(exposed_->Get(offset, text.size()), text);
    server_->sends.clear();
    client_->receives.clear();
  }

  std::unique_ptr<RdmaWindow> window_;
};

TEST_P(RdmaWindowTest, OpensItsPart) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(100, 50, RdmaRights::kRemoteWrite);
  ExpectOpen("through the window", 132);
  // Where the device doesn't look at a window's bounds, at least the region's are kept.
  const bool bounded = maker_->keeps_window_bounds();
  ExpectRefused(RdmaOp::kWrite, 19, address(bounded ? 132 : 990), window_->key());
}

TEST_P(RdmaWindowTest, GivesItsRightsAlone) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteRead);
  ExpectRefused(RdmaOp::kWrite, 1, address(0), window_->key());
}

TEST_P(RdmaWindowTest, IsBoundAndAdvertisedInOneChain) {
  ExposeWindows();
  if (IsSkipped()) return;
  const uint32_t key = window_->next_key();
  client_->outbox->Put(0, std::to_string(key));
  const RdmaSegment message = client_->outbox->Segment(0, std::to_string(key).size());
  RdmaWork bind = BindWork(0, 1000, RdmaRights::kRemoteWrite);
  bind.signalled = false;
  const RdmaWork chain[] = {bind, {.op = RdmaOp::kSend, .id = 1, .segments = {&message, 1}}};
  ASSERT_TRUE(client_->connection->PostSends(chain).ok());
  RunUntil([&] { return server_->receives.size() == 1; });
  EXPECT_EQ(server_->Received(0), std::to_string(window_->key()));
  ExpectOpen("now", 7);
}

TEST_P(RdmaWindowTest, IsInvalidatedByThePeer) {
  ExposeWindows();
  if (IsSkipped()) return;
  for (int round = 0; round < 3; ++round) {
    Bind(0, 1000, RdmaRights::kRemoteWrite);
    ExpectOpen("round " + std::to_string(round), 5);
    const RdmaSegment message = server_->outbox->Segment(0, 4);
    ASSERT_TRUE(server_->connection
                    ->PostSend({.op = RdmaOp::kSendWithInvalidate,
                                .id = 4,
                                .segments = {&message, 1},
                                .invalidate_key = window_->key()})
                    .ok());
    RunUntil([&] { return client_->receives.size() == 1 && server_->sends.size() == 1; });
    EXPECT_EQ(server_->sends[0].op, RdmaOp::kSendWithInvalidate);
    EXPECT_TRUE(client_->receives[0].invalidated);
    EXPECT_EQ(client_->receives[0].invalidated_key, window_->key());
    EXPECT_EQ(client_->receives[0].byte_len, 4u);
    client_->receives.clear();
    server_->sends.clear();
  }
  ExpectRefused(RdmaOp::kWrite, 1, address(0), window_->key());
}

TEST_P(RdmaWindowTest, IsInvalidatedByItsOwner) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  const uint32_t old_key = window_->key();
  const RdmaCompletion completion =
      Do(*client_, {.op = RdmaOp::kInvalidate, .id = 5, .invalidate_key = old_key});
  EXPECT_EQ(completion.status, RdmaStatus::kSuccess);
  EXPECT_EQ(completion.op, RdmaOp::kInvalidate);
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  ASSERT_NE(window_->key(), old_key);
  ExpectOpen("again", 0);
  ExpectRefused(RdmaOp::kWrite, 1, address(0), old_key);
}

TEST_P(RdmaWindowTest, IsClosedWhenItIsDestroyed) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  const uint32_t old_key = window_->key();
  window_.reset();
  ExpectRefused(RdmaOp::kWrite, 1, address(0), old_key);
}

// A device may hold a queue pair until what is bound to it has ended.
TEST_P(RdmaWindowTest, EndsWithItsConnection) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  const auto start = std::chrono::steady_clock::now();
  client_->connection.reset();
  RunUntil([&] { return server_->ended.has_value(); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_P(RdmaWindowTest, MustBeInvalidatedBeforeItIsBoundAgain) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  ASSERT_TRUE(client_->connection->PostSend(BindWork(0, 10, RdmaRights::kRemoteWrite)).ok());
  RunUntilBothEnded();
  EXPECT_EQ(client_->sends.back().status, RdmaStatus::kWindowBind);
  EXPECT_EQ(*client_->ended, RdmaEnd::kFailed);
}

TEST_P(RdmaWindowTest, NeedsMemoryThatAllowsWindows) {
  ExposeWindows();
  if (IsSkipped()) return;
  RdmaBuffer closed(*client_->connection->domain(), 100, RdmaRights::kRemoteWrite);
  RdmaWork bind = BindWork(0, 1, RdmaRights::kRemoteWrite);
  bind.memory = closed.memory.get();
  bind.bound = closed.bytes;
  ASSERT_TRUE(client_->connection->PostSend(bind).ok());
  RunUntilBothEnded();
  EXPECT_EQ(client_->sends.back().status, RdmaStatus::kWindowBind);
}

TEST_P(RdmaWindowTest, IsOfNoUseOnAnotherConnection) {
  ExposeWindows();
  if (IsSkipped()) return;
  Bind(0, 1000, RdmaRights::kRemoteWrite);
  auto first_client = std::move(client_);
  auto first_server = std::move(server_);
  MakePair();
  ExpectRefused(RdmaOp::kWrite, 1, address(0), window_->key());
  // The first one hasn't noticed.
  std::swap(client_, first_client);
  std::swap(server_, first_server);
  ExpectOpen("unharmed", 0);
}

TEST_P(RdmaWindowTest, ARegionsKeyIsNoWindows) {
  ExposeWindows();
  if (IsSkipped()) return;
  RdmaBuffer region(*client_->connection->domain(), 100, RdmaRights::kRemoteWrite);
  ASSERT_TRUE(server_->connection
                  ->PostSend({.op = RdmaOp::kSendWithInvalidate,
                              .id = 4,
                              .invalidate_key = region.memory->remote_key() ^ 0x00550000})
                  .ok());
  RunUntilBothEnded();
  EXPECT_NE(client_->receives.at(0).status, RdmaStatus::kSuccess);
  EXPECT_FALSE(client_->receives[0].invalidated);
}

INSTANTIATE_TEST_SUITE_P(Makers, RdmaMemoryTest, testing::ValuesIn(AllRdmaMakers()), KindName);
INSTANTIATE_TEST_SUITE_P(Makers, RdmaWindowTest, testing::ValuesIn(AllRdmaMakers()), KindName);

}  // namespace
}  // namespace pushpull::fabric
