// What the tests of RDMA share: an end that does what every user of a connection does, and a pair
// of them on each maker.

#ifndef FABRIC_RDMA_RDMA_FIXTURE_H_
#define FABRIC_RDMA_RDMA_FIXTURE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/work.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {

inline constexpr RdmaRights kAllRights =
    RdmaRights::kRemoteRead | RdmaRights::kRemoteWrite | RdmaRights::kWindows;

// Registered memory of its own.
struct RdmaBuffer {
  RdmaBuffer(RdmaDomain& domain, size_t size, RdmaRights rights) : bytes(size) {
    auto registered = domain.Register(bytes, rights);
    EXPECT_TRUE(registered.ok()) << registered.status();
    if (registered.ok()) memory = *std::move(registered);
  }
  RdmaSegment Segment(size_t offset, size_t length) const {
    return memory->Segment(offset, length);
  }
  void Put(size_t offset, const std::string& text) {
    std::memcpy(bytes.data() + offset, text.data(), text.size());
  }
  std::string Get(size_t offset, size_t size) const {
    return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
  }

  std::vector<uint8_t> bytes;
  std::unique_ptr<RdmaMemory> memory;
};

// One end, with slots of 256 bytes to receive into and as many to send from.
class RdmaPeerEnd : public RdmaHandler {
 public:
  static constexpr size_t kSlot = 256;
  static constexpr size_t kSlots = 128;

  explicit RdmaPeerEnd(std::unique_ptr<RdmaConnection> c)
      : connection(std::move(c)),
        inbox(std::make_unique<RdmaBuffer>(*connection->domain(), kSlot * kSlots,
                                           RdmaRights::kLocal)),
        outbox(std::make_unique<RdmaBuffer>(*connection->domain(), kSlot * kSlots,
                                            RdmaRights::kLocal)) {}
  // Memory goes after what uses it.
  virtual ~RdmaPeerEnd() { connection.reset(); }

  absl::Status PostReceive(uint64_t slot) {
    const RdmaSegment segment = inbox->Segment(slot * kSlot, kSlot);
    return connection->PostReceive({.id = slot, .segments = {&segment, 1}});
  }
  // From the slot of the same number.
  absl::Status Send(uint64_t slot, const std::string& text, bool signalled = true) {
    outbox->Put(slot * kSlot, text);
    const RdmaSegment segment = outbox->Segment(slot * kSlot, text.size());
    return connection->PostSend(
        {.op = RdmaOp::kSend, .signalled = signalled, .id = slot, .segments = {&segment, 1}});
  }
  absl::Status Access(RdmaOp op, uint64_t id, const RdmaSegment& segment, uint64_t address,
                      uint32_t key) {
    return connection->PostSend({.op = op,
                                 .id = id,
                                 .segments = {&segment, 1},
                                 .remote_address = address,
                                 .remote_key = key});
  }
  std::string Received(size_t n) const {
    return inbox->Get(receives.at(n).id * kSlot, receives.at(n).byte_len);
  }

  void OnEstablished(const RdmaPeer& peer) override {
    EXPECT_FALSE(established || refused.has_value());
    established = true;
    depths = peer;
    private_data.assign(peer.private_data.begin(), peer.private_data.end());
    if (on_established) on_established();
  }
  void OnRefused(const RdmaRefusal& refusal) override {
    EXPECT_FALSE(established || refused.has_value());
    refused = refusal;
    private_data.assign(refusal.private_data.begin(), refusal.private_data.end());
    EXPECT_FALSE(refusal.Message().empty());
    if (on_refused) on_refused();
  }
  void OnCompletions(std::span<const RdmaCompletion> completions) override {
    EXPECT_TRUE(established && !ended.has_value());
    EXPECT_FALSE(completions.empty());
    ++batches;
    largest_batch = std::max(largest_batch, completions.size());
    for (const RdmaCompletion& completion : completions) {
      (completion.op == RdmaOp::kReceive ? receives : sends).push_back(completion);
    }
    if (on_completions) on_completions();
  }
  void OnDisconnected(RdmaEnd end) override {
    EXPECT_TRUE(established && !ended.has_value());
    ended = end;
    if (on_disconnected) on_disconnected();
  }

  std::unique_ptr<RdmaConnection> connection;
  std::unique_ptr<RdmaBuffer> inbox;
  std::unique_ptr<RdmaBuffer> outbox;

  bool established = false;
  RdmaPeer depths;
  std::string private_data;
  std::optional<RdmaRefusal> refused;
  std::optional<RdmaEnd> ended;
  std::vector<RdmaCompletion> receives;
  std::vector<RdmaCompletion> sends;
  size_t batches = 0;
  size_t largest_batch = 0;
  // May destroy the connection.
  std::function<void()> on_established;
  std::function<void()> on_refused;
  std::function<void()> on_completions;
  std::function<void()> on_disconnected;
};

// Parametrised by kind of maker.
class RdmaTest : public testing::TestWithParam<RdmaMakerKind> {
 protected:
  void SetUp() override {
    if (GetParam().make == nullptr) {
      GTEST_SKIP() << "NO RDMA DEVICE ON THIS MACHINE: nothing of the verbs maker is tested here. "
                      "Make one (rdma link add rxe0 type rxe netdev ...) or run this in a guest.";
    }
    maker_ = GetParam().make();
  }

  RdmaNetwork& network() { return *maker_->network(); }
  void RunUntil(const std::function<bool()>& done) { maker_->RunUntil(done); }

  std::unique_ptr<RdmaListener> Listen(RdmaNetwork::RequestHandler handler) {
    auto listener = network().Listen(maker_->loop(), maker_->any_port(), std::move(handler));
    EXPECT_TRUE(listener.ok()) << listener.status();
    return listener.ok() ? *std::move(listener) : nullptr;
  }

  absl::StatusOr<std::unique_ptr<RdmaConnection>> Open(const Address& address,
                                                       const RdmaQueueOptions& queues) {
    std::optional<absl::StatusOr<std::unique_ptr<RdmaConnection>>> result;
    network().Open(maker_->loop(), address, queues,
                   [&](auto opened) { result = std::move(opened); });
    EXPECT_FALSE(result.has_value()) << "called within Open";
    RunUntil([&] { return result.has_value(); });
    if (!result.has_value()) return absl::InternalError("never opened");
    return *std::move(result);
  }

  // The active end, not established.
  std::unique_ptr<RdmaPeerEnd> OpenEnd(const Address& address) {
    auto connection = Open(address, queues_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    if (!connection.ok()) return nullptr;
    return std::make_unique<RdmaPeerEnd>(*std::move(connection));
  }

  // Listens, and opens each request, with receives posted, and accepts it.
  void ListenAndAccept() {
    listener_ = Listen([this](std::unique_ptr<RdmaRequest> request) {
      request->Open(maker_->loop(), queues_, [this](auto connection) {
        ASSERT_TRUE(connection.ok()) << connection.status();
        server_ = std::make_unique<RdmaPeerEnd>(*std::move(connection));
        for (uint64_t slot = 0; slot < server_receives_; ++slot) {
          ASSERT_TRUE(server_->PostReceive(slot).ok());
        }
        server_->connection->Establish(server_options_, server_.get());
      });
    });
  }

  // Connects client_ to server_; each has posted its receives.
  void MakePair() {
    ListenAndAccept();
    ASSERT_NE(listener_, nullptr);
    client_ = OpenEnd(listener_->address());
    ASSERT_NE(client_, nullptr);
    for (uint64_t slot = 0; slot < client_receives_; ++slot) {
      ASSERT_TRUE(client_->PostReceive(slot).ok());
    }
    client_->connection->Establish(client_options_, client_.get());
    EXPECT_FALSE(client_->established) << "called within Establish";
    RunUntil([&] { return client_->established && server_ != nullptr && server_->established; });
    ASSERT_TRUE(client_->established && server_->established);
  }
  void RunUntilBothEnded() {
    RunUntil([&] { return client_->ended.has_value() && server_->ended.has_value(); });
  }

  std::unique_ptr<RdmaMaker> maker_;
  RdmaQueueOptions queues_;
  RdmaConnectOptions client_options_;
  RdmaConnectOptions server_options_;
  uint64_t client_receives_ = 16;
  uint64_t server_receives_ = 16;
  std::unique_ptr<RdmaListener> listener_;
  std::unique_ptr<RdmaPeerEnd> client_;
  std::unique_ptr<RdmaPeerEnd> server_;
};

inline std::string KindName(const testing::TestParamInfo<RdmaMakerKind>& info) {
  return info.param.name;
}

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_RDMA_FIXTURE_H_
