// The target over the simulated RDMA network: each kind of request, and what ends a connection.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

TEST_F(IserTest, PingTextAndLogout) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  EXPECT_TRUE(reply_.present);
  EXPECT_FALSE(reply_.zero_based_addresses);
  NopOut ping;
  ping.initiator_task_tag = 7;
  Send(ping, Pattern(200));
  auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(BhsView(got->bhs()).opcode(), Opcode::kNopIn);
  ByteVector echoed = Pattern(200);
  echoed.resize(kLinuxDataSegmentBytes);  // as much as Linux's initiator receives
  EXPECT_EQ(got->data(), echoed);

  TextRequest text;
  text.initiator_task_tag = 8;
  const std::string keys = std::string("X-org.example.key=1") + '\0';
  Send(text, ByteVector(keys.begin(), keys.end()));
  got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(BhsView(got->bhs()).opcode(), Opcode::kTextResponse);
  const ByteVector answer = got->data();
  EXPECT_EQ(std::string(answer.begin(), answer.end()),
            std::string("X-org.example.key=NotUnderstood") + '\0');

  LogoutRequest logout;
  logout.initiator_task_tag = 9;
  Send(logout);
  got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(BhsView(got->bhs()).opcode(), Opcode::kLogoutResponse);
  EXPECT_TRUE(EndsSilently());
}

// RFC7145-7.3.5, 9.5.2: read data by RDMA Write, and nothing beside it; then the response.
TEST_F(IserTest, ReadsAreWrittenIntoTheBuffer) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  const ByteVector data = Pattern(300 * 512);
  std::ranges::copy(data, store_->Memory().begin() + 8 * 512);
  const auto before = rdma_.connection(0).to_connector;
  Send(Command(0x28, 8, 300), {}, {.read = Buffer(64)});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), At(64)));
  EXPECT_EQ(*At(63), 0xee);
  EXPECT_EQ(*At(64 + data.size()), 0xee);
  EXPECT_TRUE(GuardsAreWhole());
  const auto after = rdma_.connection(0).to_connector;
  EXPECT_EQ(after.write_bytes - before.write_bytes, data.size());
  EXPECT_EQ(after.sends - before.sends, 1u) << "no Data-In";
}

// RFC7145-7.3.2, 1.5.1: the key of the read's buffer goes with the response, where the initiator
// stands that.
TEST_F(IserTest, KeysAreInvalidatedWhereAgreed) {
  ASSERT_NO_FATAL_FAILURE(LogIn(IserDialect::kLinux, {0x80, 0, 0, 0}));
  EXPECT_TRUE(reply_.send_with_invalidate);
  const auto window = *connection_->domain()->NewWindow();
  const fabric::RdmaWork bind{.op = fabric::RdmaOp::kBindWindow,
                              .window = window.get(),
                              .memory = memory_[2].get(),
                              .bound = memory_[2]->bytes().first(4096),
                              .rights = fabric::RdmaRights::kRemoteWrite};
  ASSERT_TRUE(connection_->PostSend(bind).ok());
  const uint32_t key = window->key();
  Send(Command(0x28, 0, 8), {}, {.read = IserBuffer{key, Buffer(0).base_offset}});
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(BhsView(got->bhs()).opcode(), Opcode::kScsiResponse);
  EXPECT_EQ(got->invalidated, key);
  EXPECT_EQ(*At(4095), 0);
  EXPECT_EQ(*At(4096), 0xee);
}

TEST_F(IserTest, ImmediateWritesNeedNoBuffer) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  const ByteVector data = Pattern(8192);
  Send(Command(0x2a, 4, 16), data);
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->Memory().begin() + 4 * 512));
  EXPECT_EQ(rdma_.connection(0).to_connector.reads, 0u);
}

// RFC7145-7.3.6, 9.5.1; the three readings of the Write Base Offset (6.9).
TEST_F(IserTest, LinuxWritesAreReadBehindTheImmediateData) {
  ASSERT_NO_FATAL_FAILURE(LogIn(IserDialect::kLinux));
  const ByteVector data = Pattern(600 * 512);
  std::ranges::copy(data, At(0));
  Send(Command(0x2a, 1, 600), {data.begin(), data.begin() + 8192}, {.write = Buffer(8192)});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->Memory().begin() + 512));
  EXPECT_EQ(rdma_.connection(0).to_connector.read_bytes, data.size() - 8192);
}

TEST_F(IserTest, DeclaredWritesAreReadFromTheirFirstByteOn) {
  Connect(IserDialect::kRfc7145);
  ASSERT_EQ(Login({}, /*header=*/false).status_class, 0);
  ScsiCommand ready;
  ready.initiator_task_tag = 2;
  Send(ready);
  ASSERT_TRUE(Next().has_value());
  // Immediate, then unsolicited, then solicited.
  const ByteVector data = Pattern(64 * 512);
  std::ranges::copy(data, At(0));
  ScsiCommand write = Command(0x2a, 1, 64);
  write.final = false;
  Send(write, {data.begin(), data.begin() + 8192}, {.write = Buffer(0)});
  DataOut out;
  out.initiator_task_tag = tag_;
  out.buffer_offset = 8192;
  Send(out, {data.begin() + 8192, data.begin() + 16384});
  ASSERT_NO_FATAL_FAILURE(ExpectGood());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->Memory().begin() + 512));
  EXPECT_EQ(rdma_.connection(0).to_connector.read_bytes, data.size() - 16384);
}

// RFC7145-5.1.3, 10.1.3.4
TEST_F(IserTest, HelloIsAnsweredWhereItIsDue) {
  Connect(IserDialect::kRfc7145);
  ASSERT_EQ(Login({"iSERHelloRequired=Yes"}, /*header=*/false).status_class, 0);
  const IserHeaderBytes hello = BuildIserHeader(IserHello{.ird = 4});
  SendBytes({hello.begin(), hello.end()});
  const auto got = Next();
  ASSERT_TRUE(got.has_value());
  const IserHeaderBytes reply = BuildIserHeader(IserHelloReply{.ord = 4});
  EXPECT_EQ(got->bytes, ByteVector(reply.begin(), reply.end()));
  NopOut ping;
  ping.initiator_task_tag = 7;
  Send(ping);
  ASSERT_TRUE(Next().has_value());
  SendBytes({hello.begin(), hello.end()});
  EXPECT_TRUE(EndsSilently()) << "a second one";
}

TEST_F(IserTest, HelloIsMissed) {
  Connect(IserDialect::kRfc7145);
  ASSERT_EQ(Login({"iSERHelloRequired=Yes"}, /*header=*/false).status_class, 0);
  NopOut ping;
  ping.initiator_task_tag = 7;
  Send(ping);
  EXPECT_TRUE(EndsSilently());
}

// What ends the connection without an answer, each on a connection of its own.
struct BadMessage {
  const char* name;
  ByteVector bytes;
};
ByteVector Message(std::initializer_list<uint8_t> first, size_t size) {
  ByteVector bytes(first);
  bytes.resize(size);
  return bytes;
}

class IserBadMessageTest : public IserTest, public ::testing::WithParamInterface<BadMessage> {};

TEST_P(IserBadMessageTest, EndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  SendBytes(GetParam().bytes);
  EXPECT_TRUE(EndsSilently());
}

ByteVector Claims(uint8_t ahs_words, uint8_t data_bytes, size_t size) {
  ByteVector bytes = Message({0x10}, size);
  bytes[28] = 0x40;  // an immediate NOP-Out
  bytes[29] = 0x80;
  bytes[28 + 4] = ahs_words;
  bytes[28 + 7] = data_bytes;
  return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    All, IserBadMessageTest,
    ::testing::Values(BadMessage{"ShortHeader", Message({0x10}, 27)},
                      BadMessage{"NoBhs", Message({0x10}, 28)},
                      BadMessage{"ShortBhs", Message({0x10}, 75)},
                      BadMessage{"Unassigned", Message({0x40}, 76)},
                      BadMessage{"HelloUnasked", Message({0x20, 0xaa, 0, 1}, 28)},
                      BadMessage{"HelloTooLong", Message({0x20, 0xaa, 0, 1}, 29)},
                      BadMessage{"HelloReply", Message({0x30, 0xaa, 0, 1}, 28)},
                      BadMessage{"BufferOfPing", Message({0x18}, 76)},
                      BadMessage{"DataMissing", Claims(0, 200, 76 + 196)},
                      BadMessage{"AhsMissing", Claims(2, 0, 76 + 4)},
                      BadMessage{"Leftover", Claims(0, 4, 76 + 8)}),
    [](const auto& info) { return std::string(info.param.name); });

// A disconnect with all kinds of work under way frees everything: the fixture looks.
TEST_F(IserTest, DisconnectAmidTransfers) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  for (int i = 0; i < 4; ++i) {
    Send(Command(0x28, 0, 512), {}, {.read = Buffer(0)});
    Send(Command(0x2a, 0, 512), {}, {.write = Buffer(0)});
  }
  connection_->Disconnect();
  world_.RunUntilIdle();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(worker_->counters().Get(Count::kTasks), 0);
}

// RFC 7145 §10.1.4.6: what was allocated for a connection whose login fails is given back.
TEST_F(IserTest, FailedLoginsLeaveNothing) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_NO_FATAL_FAILURE(Connect(IserDialect::kLinux));
    ASSERT_NE(Login({"InitialR2T=Yes"}).status_class, 0) << "a key twice";
    ASSERT_TRUE(EndsSilently());
    world_.RunFor(absl::Seconds(1));
    ASSERT_EQ(rdma_.queue_pairs(kHost), 0u);
    ASSERT_EQ(rdma_.keys(kHost), 0u);
  }
  ASSERT_NO_FATAL_FAILURE(LogIn());
}

// RFC 7145 §10: a key that isn't one ends this connection only, and frees what it had.
TEST_F(IserTest, BadKeyEndsTheConnection) {
  ASSERT_NO_FATAL_FAILURE(LogIn());
  IserBuffer wrong = Buffer(0);
  wrong.stag ^= 0x5a5a;
  Send(Command(0x28, 0, 8), {}, {.read = wrong});
  EXPECT_TRUE(EndsSilently());
}

}  // namespace
}  // namespace pushpull::target
