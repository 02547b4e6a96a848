// The target over the simulated RDMA network, asked by a small initiator that has buffers of its
// own.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/iser/acceptor.h"
#include "target/iser/dialect.h"
#include "target/iser/header.h"
#include "target/iser/private_data.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/session/worker.h"
#include "target/store/ram_store.h"

namespace pushpull::target {
namespace {

using ByteVector = std::vector<uint8_t>;
using fabric::RdmaCompletion;

constexpr size_t kSlot = 28 + 48 + 8192;
constexpr uint32_t kSlots = 64;
constexpr size_t kBuffer = 1 << 20;
constexpr size_t kGuard = 4096;  // before and behind the buffer

ByteVector Pattern(size_t size, uint8_t seed = 1) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256 + seed);
  return bytes;
}

struct Received {
  ByteVector bytes;  // the whole message
  std::optional<uint32_t> invalidated;

  Bhs bhs(bool header = true) const {
    Bhs bhs = {};
    const size_t from = header ? kIserHeaderBytes : 0;
    if (bytes.size() >= from + kBhsBytes) std::copy_n(bytes.begin() + from, kBhsBytes, bhs.begin());
    return bhs;
  }
  ByteVector data() const { return {bytes.begin() + kIserHeaderBytes + kBhsBytes, bytes.end()}; }
};

// What every test has: a target of one LUN, and one initiator.
class IserTest : public ::testing::Test, protected fabric::RdmaHandler {
 protected:
  IserTest() : world_(1), network_(&world_, {}), rdma_(&world_) {
    store_ = *RamStore::Create(1 << 22);
    LogicalUnitOptions unit;
    unit.store = store_;
    std::vector<LogicalUnitOptions> units;
    units.push_back(std::move(unit));
    device_ = *DeviceServer::Create({.target_name = "iqn.2026-11.org.example:t", .bugs = {}},
                                    std::move(units));
    NodeOptions options;
    options.name = "iqn.2026-11.org.example:t";
    options.queue_depth = 16;
    node_ = std::make_unique<Node>(options, device_.get());
    worker_ = std::make_unique<Worker>(node_.get(), world_.NewLoop(), &network_, 1);
  }
  ~IserTest() override {
    connection_.reset();
    acceptor_.reset();
    bool done = false;
    worker_->Shutdown([&done] { done = true; });
    world_.RunUntil([&done] { return done; }, {.time = absl::Seconds(60)});
    EXPECT_TRUE(done);
    EXPECT_EQ(worker_->buffers().bytes_in_use(), 0u);
  }

  void Connect(IserDialect dialect, ByteVector private_data = {0xc0, 0, 0, 0}) {
    auto acceptor = IserAcceptor::Listen(worker_.get(), &rdma_, {"192.0.2.2", 3260}, dialect);
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
    rdma_.Open(world_.NewLoop(), acceptor_->address(),
               {.max_sends = kSlots, .max_receives = kSlots}, [&](auto opened) {
                 connection_ = *std::move(opened);
                 const auto& domain = connection_->domain();
                 memory_.push_back(*domain->Register(in_, fabric::RdmaRights::kLocal));
                 memory_.push_back(*domain->Register(out_, fabric::RdmaRights::kLocal));
                 memory_.push_back(*domain->Register(
                     base::MutableBytes(buffer_).subspan(kGuard, kBuffer),
                     fabric::RdmaRights::kRemoteRead | fabric::RdmaRights::kRemoteWrite |
                         fabric::RdmaRights::kWindows));
                 for (uint32_t slot = 0; slot < kSlots; ++slot) Post(slot);
                 connection_->Establish({.private_data = private_data}, this);
               });
    world_.RunUntil([this] { return established_; }, {.time = absl::Seconds(3)});
    ASSERT_TRUE(established_);
  }
  void Post(uint64_t slot) {
    const fabric::RdmaSegment segment = memory_[0]->Segment(slot * kSlot, kSlot);
    EXPECT_TRUE(connection_->PostReceive({.id = slot, .segments = {&segment, 1}}).ok());
  }

  void OnEstablished(const fabric::RdmaPeer& peer) override {
    established_ = true;
    reply_ = ParseIserPrivateData(peer.private_data);
  }
  void OnRefused(const fabric::RdmaRefusal& refusal) override { FAIL() << refusal.Message(); }
  void OnDisconnected(fabric::RdmaEnd /*end*/) override { ended_ = true; }
  void OnCompletions(std::span<const RdmaCompletion> completions) override {
    for (const RdmaCompletion& completion : completions) {
      if (completion.op != fabric::RdmaOp::kReceive ||
          completion.status != fabric::RdmaStatus::kSuccess) {
        continue;
      }
      Received got;
      const auto from = in_.begin() + static_cast<ptrdiff_t>(completion.id * kSlot);
      got.bytes.assign(from, from + completion.byte_len);
      if (completion.invalidated) got.invalidated = completion.invalidated_key;
      received_.push_back(std::move(got));
      Post(completion.id);
    }
  }

  void SendBytes(const ByteVector& bytes) {
    const size_t at = (sent_++ % kSlots) * kSlot;
    std::ranges::copy(bytes, out_.begin() + static_cast<ptrdiff_t>(at));
    const fabric::RdmaSegment segment = memory_[1]->Segment(at, bytes.size());
    EXPECT_TRUE(connection_->PostSend({.segments = {&segment, 1}}).ok());
  }
  template <typename Pdu>
  static ByteVector Encode(const Pdu& pdu, const ByteVector& data, const IserControl* control) {
    ByteVector bytes;
    if (control != nullptr) {
      const IserHeaderBytes header = BuildIserHeader(*control);
      bytes.assign(header.begin(), header.end());
    }
    Bhs bhs = pdu.Encode();
    SetDataSegmentLength(bhs, static_cast<uint32_t>(data.size()));
    bytes.insert(bytes.end(), bhs.begin(), bhs.end());
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
  }
  template <typename Pdu>
  void Send(Pdu pdu, const ByteVector& data = {}, const IserControl& control = {}) {
    if constexpr (requires { pdu.cmd_sn; }) {
      pdu.cmd_sn = cmd_sn_;
      if (!pdu.immediate) ++cmd_sn_;
    }
    SendBytes(Encode(pdu, data, &control));
  }
  // The next message, or nothing.
  std::optional<Received> Next() {
    world_.RunUntil([this] { return !received_.empty() || ended_; }, {.time = absl::Seconds(3)});
    if (received_.empty()) return std::nullopt;
    Received got = std::move(received_.front());
    received_.pop_front();
    return got;
  }
  bool EndsSilently() {
    world_.RunUntil([this] { return ended_; }, {.time = absl::Seconds(3)});
    return ended_ && received_.empty();
  }

  static constexpr const char* kKeys[] = {"RDMAExtensions=Yes",
                                          "InitialR2T=No",
                                          "ImmediateData=Yes",
                                          "FirstBurstLength=16384",
                                          "TargetRecvDataSegmentLength=8192",
                                          "InitiatorRecvDataSegmentLength=8192"};
  LoginResponse Login(const std::vector<std::string>& more = {}, bool header = true) {
    LoginRequest request;
    request.transit = true;
    request.current_stage = Stage::kLoginOperationalNegotiation;
    request.next_stage = Stage::kFullFeaturePhase;
    request.initiator_task_tag = 1;
    request.cid = 1;
    request.isid = {0x80, 0, 0, 0, 0, 1};
    request.cmd_sn = cmd_sn_;
    std::string text = std::string("InitiatorName=iqn.2026-11.org.example:i") + '\0' +
                       "TargetName=iqn.2026-11.org.example:t" + '\0' + "SessionType=Normal" + '\0';
    for (const char* key : kKeys) text.append(key).push_back('\0');
    for (const std::string& key : more) text.append(key).push_back('\0');
    const IserControl control;
    SendBytes(Encode(request, ByteVector(text.begin(), text.end()), header ? &control : nullptr));
    const auto got = Next();
    if (!got.has_value()) {
      ADD_FAILURE() << "no Login Response";
      return {.status_class = 0xff};
    }
    return LoginResponse::Decode(BhsView(got->bhs(header)));
  }
  void LogIn(IserDialect dialect = IserDialect::kLinux, ByteVector private_data = {0xc0, 0, 0, 0}) {
    Connect(dialect, std::move(private_data));
    const LoginResponse response = Login();
    ASSERT_EQ(response.status_class, 0) << int{response.status_detail};
    ASSERT_TRUE(response.transit);
    ScsiCommand ready;  // takes the unit attention condition
    ready.initiator_task_tag = 2;
    Send(ready);
    ASSERT_TRUE(Next().has_value());
  }
  ScsiCommand Command(uint8_t opcode, uint32_t lba, uint16_t blocks) {
    ScsiCommand command;
    command.initiator_task_tag = ++tag_;
    command.read = opcode == 0x28;
    command.write = opcode == 0x2a;
    command.expected_data_transfer_length = blocks * 512u;
    command.cdb[0] = opcode;
    base::StoreBe32(&command.cdb[2], lba);
    base::StoreBe16(&command.cdb[7], blocks);
    return command;
  }
  IserBuffer Buffer(size_t offset) const {
    return {memory_[2]->remote_key(), memory_[2]->remote_address() + offset};
  }
  uint8_t* At(size_t offset) { return buffer_.data() + kGuard + offset; }
  bool GuardsAreWhole() const {
    const auto whole = [](uint8_t b) { return b == 0xee; };
    return std::all_of(buffer_.begin(), buffer_.begin() + kGuard, whole) &&
           std::all_of(buffer_.end() - kGuard, buffer_.end(), whole);
  }
  void ExpectGood() {
    const auto got = Next();
    ASSERT_TRUE(got.has_value());
    const Bhs bhs = got->bhs();
    ASSERT_EQ(BhsView(bhs).opcode(), Opcode::kScsiResponse);
    const ScsiResponse response = ScsiResponse::Decode(BhsView(bhs));
    EXPECT_EQ(response.status, 0);
    EXPECT_EQ(response.initiator_task_tag, tag_);
    EXPECT_EQ(got->bytes[0], 0x10);
  }

  fabric::SimWorld world_;
  fabric::SimNetwork network_;
  fabric::SimRdmaNetwork rdma_;
  std::shared_ptr<RamStore> store_;
  std::unique_ptr<DeviceServer> device_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<IserAcceptor> acceptor_;

  ByteVector in_ = ByteVector(kSlot * kSlots);
  ByteVector out_ = ByteVector(kSlot * kSlots);
  ByteVector buffer_ = ByteVector(kGuard + kBuffer + kGuard, 0xee);
  std::vector<std::unique_ptr<fabric::RdmaMemory>> memory_;
  std::unique_ptr<fabric::RdmaConnection> connection_;
  std::deque<Received> received_;
  IserPrivateData reply_;
  bool established_ = false;
  bool ended_ = false;
  uint64_t sent_ = 0;
  uint32_t cmd_sn_ = 10;
  uint32_t tag_ = 100;
};

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
