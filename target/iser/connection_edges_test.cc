// What few initiators do over iSER: Hellos at the wrong time, segments too long, data in both
// directions, keys of windows.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

class EdgesTest : public IserTest {
 protected:
  void SendHello(const IserHello& hello) {
    const IserHeaderBytes bytes = BuildIserHeader(hello);
    SendBytes({bytes.begin(), bytes.end()});
  }
  // A login with nothing but these pairs; its answer's text.
  std::string LogInWith(const std::vector<std::string>& pairs) {
    std::string text;
    for (const std::string& pair : pairs) text.append(pair).push_back('\0');
    const IserControl control;
    SendBytes(Encode(testing::RigLogin(cmd_sn_), ByteVector(text.begin(), text.end()), &control));
    const auto got = Next();
    if (!got.has_value()) return "";
    const ByteVector data = got->data();
    return {data.begin(), data.end()};
  }
  // Its own key, with which the initiator may be told that it's over.
  uint32_t Bind(fabric::RdmaWindow* window, fabric::RdmaRights rights) {
    const fabric::RdmaWork bind{.op = fabric::RdmaOp::kBindWindow,
                                .window = window,
                                .memory = memory_[2].get(),
                                .bound = memory_[2]->bytes().first(4096),
                                .rights = rights};
    EXPECT_TRUE(connection_->PostSend(bind).ok());
    return window->key();
  }
};

// ---- Hello --------------------------------------------------------------------------------------

// RFC7145-10.1.3.4
TEST_F(EdgesTest, AHelloBeforeTheLoginEndsTheConnection) {
  Connect(IserDialect::kLinux);
  SendHello({.ird = 4});
  EXPECT_TRUE(EndsSilently());
}

TEST_F(EdgesTest, AHelloThatNobodyAskedForEndsTheConnection) {
  Connect(IserDialect::kLinux);
  ASSERT_EQ(Login().status_class, 0);
  SendHello({.ird = 4});
  EXPECT_TRUE(EndsSilently());
}

// RFC7145-10.1.3.2
TEST_F(EdgesTest, AHelloOfAnotherVersionIsAnsweredAndEndsTheConnection) {
  Connect(IserDialect::kRfc7145);
  ASSERT_EQ(Login({"iSERHelloRequired=Yes"}, /*header=*/false).status_class, 0);
  SendHello({.max_version = 9, .min_version = 8, .ird = 4});
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->bytes[0], 0x31) << "rejected";
  EXPECT_TRUE(EndsSilently());
}

// RFC7145-5.1.3
TEST_F(EdgesTest, NothingComesBeforeTheReplyToTheHello) {
  Connect(IserDialect::kRfc7145);
  ASSERT_EQ(Login({"iSERHelloRequired=Yes"}, /*header=*/false).status_class, 0);
  ASSERT_EQ(worker_->Announce({.kind = AsyncRequest::Kind::kNegotiation}), 1u);
  world_.RunFor(absl::Milliseconds(10));
  EXPECT_TRUE(received_.empty());
  SendHello({.ird = 4});
  const auto reply = Next();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->bytes.size(), kIserHeaderBytes);
  const auto event = Next();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(BhsView(event->bhs()).opcode(), Opcode::kAsyncMessage);
}

// ---- login --------------------------------------------------------------------------------------

TEST_F(EdgesTest, NoSegmentIsLongerThanASlot) {
  Connect(IserDialect::kLinux);
  const std::string answer =
      LogInWith({"InitiatorName=iqn.2026-11.org.example:i",
                 std::string("TargetName=") + testing::kRigTarget, "RDMAExtensions=Yes",
                 "TargetRecvDataSegmentLength=65536", "InitiatorRecvDataSegmentLength=65536"});
  EXPECT_NE(answer.find("TargetRecvDataSegmentLength=8192"), answer.npos) << answer;
  EXPECT_NE(answer.find("InitiatorRecvDataSegmentLength=8192"), answer.npos) << answer;
}

TEST_F(EdgesTest, DiscoveryTellsThePortalsOfIser) {
  Connect(IserDialect::kLinux);
  LogInWith({"InitiatorName=iqn.2026-11.org.example:i", "SessionType=Discovery"});
  TextRequest text;
  text.initiator_task_tag = 8;
  const std::string keys = std::string("SendTargets=All") + '\0';
  Send(text, ByteVector(keys.begin(), keys.end()));
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  const ByteVector data = got->data();
  const std::string answer(data.begin(), data.end());
  EXPECT_NE(answer.find(std::string("TargetAddress=") + kHost + ":3260,1"), answer.npos) << answer;
}

class TwoWorkersTest : public IserTest {
 protected:
  TwoWorkersTest() : IserTest(1, {}, 16, {}, /*workers=*/2) {}
};

TEST_F(TwoWorkersTest, TakeTurns) {
  for (int i = 0; i < 4; ++i) Connect(IserDialect::kLinux);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(rig_->worker(i).counters().Get(Count::kConnectionsAccepted), 2) << i;
  }
}

// ---- keys and data ------------------------------------------------------------------------------

// RFC7145-7.3.2: the key of a write that has no other is what is invalidated.
TEST_F(EdgesTest, TheKeyOfAWriteIsInvalidatedToo) {
  ASSERT_NO_FATAL_FAILURE(LogIn(IserDialect::kLinux, {0x80, 0, 0, 0}));
  const auto window = *connection_->domain()->NewWindow();
  const uint32_t key = Bind(window.get(), fabric::RdmaRights::kRemoteRead);
  Send(Command(0x2a, 0, 8), {}, {.write = IserBuffer{key, Buffer(0).base_offset}});
  auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->invalidated, key);
  // The next command, which has the same memory, has no key.
  ScsiCommand ready;
  ready.initiator_task_tag = ++tag_;
  Send(ready);
  got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_FALSE(got->invalidated.has_value());
}

TEST_F(EdgesTest, WhereItWasNotAgreedNothingIsInvalidated) {
  ASSERT_NO_FATAL_FAILURE(LogIn(IserDialect::kLinux, {0xc0, 0, 0, 0}));
  EXPECT_FALSE(reply_.send_with_invalidate);
  Send(Command(0x2a, 0, 8), {}, {.write = Buffer(0)});
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_FALSE(got->invalidated.has_value());
}

// Read data of a bidirectional command goes through a buffer, in pieces, each to its place.
TEST_F(EdgesTest, ReadDataOfABidirectionalCommandIsWrittenInPieces) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  constexpr size_t kBytes = 300 * 512;
  const ByteVector data = Pattern(kBytes);
  std::ranges::copy(data, store_->Memory().begin());
  ScsiCommand read = Command(0x28, 0, 300);
  read.write = true;
  read.expected_data_transfer_length = 0;
  read.cmd_sn = cmd_sn_++;
  Bhs bhs = read.Encode();
  bhs[4] = 2;  // words of AHS
  const IserHeaderBytes header = BuildIserHeader(IserControl{.read = Buffer(64)});
  ByteVector message(header.begin(), header.end());
  message.insert(message.end(), bhs.begin(), bhs.end());
  const uint8_t ahs[] = {0, 5, 2, 0, 0, kBytes >> 16, (kBytes >> 8) & 0xff, kBytes & 0xff};
  message.insert(message.end(), ahs, ahs + 8);
  const auto before = rdma_.connection(0).to_connector;
  SendBytes(message);
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), At(64)));
  EXPECT_EQ(*At(63), 0xee);
  EXPECT_EQ(*At(64 + kBytes), 0xee);
  EXPECT_EQ(rdma_.connection(0).to_connector.writes - before.writes, 3u) << "64 KiB each";
  EXPECT_EQ(worker_->counters().Get(Count::kBytesStaged), int64_t{kBytes});
}

}  // namespace
}  // namespace pushpull::target
