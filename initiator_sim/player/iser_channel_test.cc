#include "initiator_sim/player/iser_channel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_world.h"
#include "initiator_sim/iser/header.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kSlot = 1024;
constexpr size_t kSlots = 64;

// The other end: keeps what comes, and sends what it is told.
class Peer final : public fabric::RdmaHandler {
 public:
  explicit Peer(std::unique_ptr<fabric::RdmaConnection> rdma)
      : rdma_(std::move(rdma)), in_(kSlot * kSlots), out_(kSlot * kSlots) {
    in_memory_ = *rdma_->domain()->Register(in_, fabric::RdmaRights::kLocal);
    out_memory_ = *rdma_->domain()->Register(out_, fabric::RdmaRights::kLocal);
    for (size_t slot = 0; slot < kSlots; ++slot) {
      const fabric::RdmaSegment segment = in_memory_->Segment(slot * kSlot, kSlot);
      EXPECT_TRUE(rdma_->PostReceive({.id = slot, .segments = {&segment, 1}}).ok());
    }
    rdma_->Establish({}, this);
  }
  ~Peer() { rdma_.reset(); }

  void Send(const std::vector<uint8_t>& message) {
    std::copy(message.begin(), message.end(), out_.begin() + static_cast<long>(next_ * kSlot));
    const fabric::RdmaSegment segment = out_memory_->Segment(next_++ * kSlot, message.size());
    EXPECT_TRUE(rdma_->PostSend({.segments = {&segment, 1}}).ok());
  }

  std::vector<std::vector<uint8_t>> came;
  bool ended = false;

 private:
  void OnEstablished(const fabric::RdmaPeer&) override {}
  void OnRefused(const fabric::RdmaRefusal&) override {}
  void OnCompletions(std::span<const fabric::RdmaCompletion> completions) override {
    for (const fabric::RdmaCompletion& one : completions) {
      if (one.op != fabric::RdmaOp::kReceive || one.status != fabric::RdmaStatus::kSuccess)
        continue;
      const auto begin = in_.begin() + static_cast<long>(one.id * kSlot);
      came.emplace_back(begin, begin + one.byte_len);
    }
  }
  void OnDisconnected(fabric::RdmaEnd) override { ended = true; }

  std::unique_ptr<fabric::RdmaConnection> rdma_;
  std::vector<uint8_t> in_;
  std::vector<uint8_t> out_;
  std::unique_ptr<fabric::RdmaMemory> in_memory_;
  std::unique_ptr<fabric::RdmaMemory> out_memory_;
  size_t next_ = 0;
};

class IserChannelTest : public ::testing::Test {
 protected:
  void Connect(const std::string& host = "192.0.2.2") {
    listener_ = *network_.Listen(peer_loop_, {"192.0.2.2", 3260}, [this](auto request) {
      request->Open(peer_loop_, {},
                    [this](auto rdma) { peer_ = std::make_unique<Peer>(*std::move(rdma)); });
    });
    network_.Open(loop_, {host, 3260}, IserChannel::QueueOptions(), [this](auto rdma) {
      ASSERT_TRUE(rdma.ok()) << rdma.status();
      IserHandlers handlers;
      handlers.channel.pdu = [this](Frame frame) { frames_.push_back(std::move(frame)); };
      handlers.channel.ended = [this](std::string reason) { end_ = std::move(reason); };
      handlers.channel.drained = [] {};
      handlers.established = [this] { established_ = true; };
      handlers.refused = [this](absl::Status status) { refused_ = std::move(status); };
      handlers.hello_reply = [this](HelloReplyHeader reply) { reply_ = reply; };
      channel_ = std::make_unique<IserChannel>(*std::move(rdma), loop_, TapConnection(), nullptr, 1,
                                               std::move(handlers));
      channel_->Establish({});
    });
    world_.RunUntilIdle();
  }

  // A NOP-In with so many bytes of data.
  static std::vector<uint8_t> Ping(size_t data) {
    std::vector<uint8_t> bytes(48 + data);
    bytes[0] = 0x20;
    bytes[1] = 0x80;
    bytes[7] = static_cast<uint8_t>(data);
    return bytes;
  }
  static std::vector<uint8_t> WithHeader(std::vector<uint8_t> pdu) {
    const IserHeader header = EncodeIserHeader(ControlHeader());
    pdu.insert(pdu.begin(), header.begin(), header.end());
    return pdu;
  }

  fabric::SimWorld world_{1};
  fabric::SimRdmaNetwork network_{&world_};
  fabric::SimLoop* const loop_ = world_.NewLoop();
  fabric::SimLoop* const peer_loop_ = world_.NewLoop();
  std::unique_ptr<fabric::RdmaListener> listener_;
  std::unique_ptr<Peer> peer_;
  bool established_ = false;
  absl::Status refused_;
  std::vector<Frame> frames_;
  std::string end_ = "none";
  std::optional<HelloReplyHeader> reply_;
  std::unique_ptr<IserChannel> channel_;
};

TEST_F(IserChannelTest, SaysWhenNobodyListens) {
  Connect("192.0.2.9");
  EXPECT_FALSE(established_);
  EXPECT_FALSE(refused_.ok());
}

TEST_F(IserChannelTest, TakesLoginWithAndWithoutHeader) {
  Connect();
  ASSERT_TRUE(established_);
  peer_->Send(Ping(0));
  world_.RunUntilIdle();
  peer_->Send(WithHeader(Ping(0)));
  world_.RunUntilIdle();
  ASSERT_EQ(frames_.size(), 2u);
  EXPECT_EQ(frames_[0].bytes, frames_[1].bytes);
  EXPECT_EQ(frames_[1].iser_flaw, "");
}

TEST_F(IserChannelTest, WantsHeadersInTheFullFeaturePhase) {
  Connect();
  channel_->PostFullFeatureReceives(512);
  channel_->EnterFullFeature({});
  peer_->Send(WithHeader(Ping(3)));
  peer_->Send(Ping(0));
  std::vector<uint8_t> reserved = WithHeader(Ping(0));
  reserved[4] = 1;
  peer_->Send(reserved);
  world_.RunUntilIdle();
  ASSERT_EQ(frames_.size(), 3u);
  // The pad that wasn't sent is there.
  EXPECT_EQ(frames_[0].bytes.size(), 52u);
  EXPECT_EQ(frames_[0].decoded.flaw, "");
  EXPECT_EQ(frames_[0].iser_flaw, "");
  EXPECT_NE(frames_[1].iser_flaw, "");
  EXPECT_NE(frames_[2].iser_flaw, "");
}

TEST_F(IserChannelTest, LengthsAreThoseOfTheSend) {
  Connect();
  channel_->PostFullFeatureReceives(512);
  channel_->EnterFullFeature({});
  for (const size_t lie : {8u, 24u}) {
    std::vector<uint8_t> message = WithHeader(Ping(16));
    message[28 + 7] = static_cast<uint8_t>(lie);
    peer_->Send(message);
  }
  world_.RunUntilIdle();
  ASSERT_EQ(frames_.size(), 2u);
  EXPECT_NE(frames_[0].decoded.flaw, "");
  EXPECT_NE(frames_[1].decoded.flaw, "");
}

TEST_F(IserChannelTest, TellsHelloReplies) {
  Connect();
  channel_->PostFullFeatureReceives(512);
  channel_->EnterFullFeature({});
  const IserHeader reply = EncodeIserHeader(HelloReplyHeader{.iser_ord = 3});
  peer_->Send({reply.begin(), reply.end()});
  world_.RunUntilIdle();
  ASSERT_TRUE(reply_.has_value());
  EXPECT_EQ(reply_->iser_ord, 3);
  EXPECT_TRUE(frames_.empty());
}

TEST_F(IserChannelTest, SendsWhatIsHeldInOneGoAndAPartOfAMessage) {
  Connect();
  OutgoingPdu first;
  first.bytes = Ping(0);
  first.join_next = true;
  channel_->Send(std::move(first));
  world_.RunUntilIdle();
  EXPECT_TRUE(peer_->came.empty());
  OutgoingPdu second;
  second.bytes = Ping(8);
  second.iser_header.assign(kIserHeaderSize, 0x10);
  second.posted_bytes = 30;
  channel_->Send(std::move(second));
  EXPECT_FALSE(channel_->drained());
  world_.RunUntilIdle();
  EXPECT_TRUE(channel_->drained());
  ASSERT_EQ(peer_->came.size(), 2u);
  EXPECT_EQ(peer_->came[0].size(), 48u);
  EXPECT_EQ(peer_->came[1].size(), 30u);
}

TEST_F(IserChannelTest, WithheldReceivesLetNothingIn) {
  Connect();
  channel_->WithholdReceives(2);
  channel_->PostFullFeatureReceives(512);
  channel_->EnterFullFeature({});
  for (int i = 0; i < 3; ++i) peer_->Send(WithHeader(Ping(0)));
  world_.RunFor(absl::Seconds(1));
  // One receive of the login was there beside one of the others, which is posted again.
  const size_t taken = frames_.size();
  EXPECT_GE(taken, 2u);
  channel_->WithholdReceives(0);
  for (int i = 0; i < 8; ++i) peer_->Send(WithHeader(Ping(0)));
  world_.RunFor(absl::Seconds(1));
  EXPECT_LT(frames_.size(), 11u);
  channel_->WithholdReceives(std::nullopt);
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(frames_.size(), 11u);
}

TEST_F(IserChannelTest, ClosesOnceWhatWasSentHasArrived) {
  Connect();
  OutgoingPdu pdu;
  pdu.bytes = Ping(0);
  channel_->Send(std::move(pdu));
  channel_->Close();
  world_.RunUntilIdle();
  EXPECT_EQ(peer_->came.size(), 1u);
  EXPECT_TRUE(peer_->ended);
}

TEST_F(IserChannelTest, ASendThatNoReceiveHoldsEndsTheConnection) {
  Connect();
  channel_->PostFullFeatureReceives(16);
  channel_->EnterFullFeature({});
  peer_->Send(WithHeader(Ping(0)));
  peer_->Send(WithHeader(Ping(100)));
  world_.RunUntilIdle();
  EXPECT_FALSE(channel_->open());
  EXPECT_NE(end_.find("Receive failed"), std::string::npos) << end_;
}

}  // namespace
}  // namespace pushpull::initiator_sim
