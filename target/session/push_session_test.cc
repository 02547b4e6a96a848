// The real session behind PushSource: what it and its store see lies in the slots into which the
// messages were pushed, and a session that is warm allocates nothing for a message.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/allocation_counter.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/rx/push_source.h"
#include "target/session/connection.h"
#include "target/session/testing/worker_rig.h"
#include "target/session/worker.h"
#include "target/store/ram_store.h"

namespace pushpull::target {
namespace {

constexpr uint32_t kSlots = 160;
constexpr size_t kSlotBytes = 28 + 48 + 256 + 8192;
constexpr size_t kHeader = 28;

// Messages in, PDUs out: no bytes are moved.
class PushConnection final : public Connection {
 public:
  struct Sent {
    Bhs bhs;
    const uint8_t* data = nullptr;  // of the first piece
    size_t data_bytes = 0;
  };

  PushConnection(Worker* worker, PushConnection** alive)
      : Connection(worker, {"192.0.2.2", 3260}),
        alive_(alive),
        memory(std::make_shared<std::vector<uint8_t>>(kSlots * kSlotBytes)),
        source_(Options()),
        queue_(4),
        machine_(&source_, this, &queue_) {
    posted.reserve(4 * kSlots);
    for (uint32_t slot = 0; slot < kSlots; ++slot) posted.push_back(slot);
    *alive_ = this;
    running_ = true;
  }
  ~PushConnection() override { *alive_ = nullptr; }

  const TransportTraits& traits() const override { return kIserTraits; }

  // Into a posted slot; received with the next Receive(). Returns where its data lies.
  const uint8_t* Deliver(const Bhs& bhs, base::Bytes data) {
    const uint32_t slot = posted.back();
    posted.pop_back();
    const base::MutableBytes buffer = source_.Buffer(slot);
    Bhs header = bhs;
    SetDataSegmentLength(header, static_cast<uint32_t>(data.size()));
    std::ranges::copy(header, buffer.begin() + kHeader);
    std::ranges::copy(data, buffer.begin() + kHeader + kBhsBytes);
    source_.Deliver(slot, kHeader + kBhsBytes + data.size());
    return buffer.data() + kHeader + kBhsBytes;
  }
  void Receive() {
    ReceiveTurn(machine_, queue_);
    // What was posted may be used again once it is sent.
    OutPdu pdu;
    while (!closed() && tx().Next(pdu)) {
      last = {pdu.bhs, pdu.data.empty() ? nullptr : pdu.data.front().data(), pdu.data_bytes()};
      ++sent;
      if (pdu.done) pdu.done();
      pdu = OutPdu();
    }
  }
  bool IsInSlots(const void* at) const {
    return at >= memory->data() && at < memory->data() + memory->size();
  }

 private:
  using Machine = PduMachine<PushSource, PushConnection>;
  friend Machine;

  PushSourceOptions Options() {
    PushSourceOptions options;
    options.slots = kSlots;
    options.slot_bytes = kSlotBytes;
    options.memory = *memory;
    options.keep_alive = memory;
    options.repost = [this](uint32_t slot) { posted.push_back(slot); };
    return options;
  }
  void Place(const PduSlot& pdu, Placement& placement) {
    Drain(queue_);
    PlacePdu(pdu, placement);
  }
  void Open() override {}
  void Run() override {}  // turns are the test's
  void SetFraming(const Framing& framing) override { machine_.SetFraming(framing); }
  void Proceed() override { machine_.Proceed(); }
  void CloseTransport() override {}
  void FinishTransport() override {}
  std::unique_ptr<fabric::Stream> ReleaseStream() override { return nullptr; }
  bool has_unread_bytes() const override { return false; }

  PushConnection** const alive_;

 public:
  const std::shared_ptr<std::vector<uint8_t>> memory;
  std::vector<uint32_t> posted;
  Sent last;
  int sent = 0;

 private:
  PushSource source_;
  PduQueue queue_;
  Machine machine_;
};

// Keeps where the last write's data lay.
class WatchingStore final : public Store {
 public:
  WatchingStore() : ram_(*RamStore::Create(1 << 20)) {}
  std::optional<absl::Status> Submit(Io* io) override {
    if (io->op == Io::Op::kWrite) {
      places.assign(io->buffers.begin(), io->buffers.end());
    }
    return ram_->Submit(io);
  }
  uint64_t size_bytes() const override { return ram_->size_bytes(); }
  base::MutableBytes medium() { return ram_->Memory(); }

  std::vector<iovec> places;

 private:
  std::unique_ptr<RamStore> ram_;
};

class PushSessionTest : public ::testing::Test {
 protected:
  PushSessionTest() : world_(1), rig_(&world_, store_, Options()) {
    EXPECT_TRUE(
        rig_.worker().Accept(std::make_unique<PushConnection>(&rig_.worker(), &connection_)));
  }
  static NodeOptions Options() {
    NodeOptions options;
    options.limits.initial_r2t = false;
    return options;
  }

  void Receive() {
    connection_->Receive();
    world_.RunFor(absl::Milliseconds(1));
    if (connection_ != nullptr) connection_->Receive();
  }
  // One message, and what was sent last in answer to it.
  template <typename Pdu>
  const uint8_t* Send(Pdu pdu, base::Bytes data = {}) {
    pdu.cmd_sn = cmd_sn_;
    if (!pdu.immediate) ++cmd_sn_;
    const uint8_t* const at = connection_->Deliver(pdu.Encode(), data);
    Receive();
    return at;
  }
  void Login() {
    const std::string keys =
        testing::RigLoginText({"RDMAExtensions=Yes", "InitialR2T=No", "ImmediateData=Yes"});
    connection_->Deliver(testing::RigLogin(cmd_sn_).Encode(), base::AsBytes(keys));
    Receive();
    const LoginResponse response = LoginResponse::Decode(BhsView(connection_->last.bhs));
    ASSERT_EQ(response.status_class, 0) << int{response.status_detail};
    ASSERT_TRUE(response.transit);
    // Takes the unit attention condition.
    ScsiCommand ready;
    ready.final = true;
    ready.initiator_task_tag = 99;
    Send(ready);
    connection_->sent = 0;
  }
  ScsiCommand Write(uint32_t lba, uint8_t blocks, uint32_t tag) const {
    ScsiCommand write;
    write.write = true;
    write.final = true;
    write.initiator_task_tag = tag;
    write.expected_data_transfer_length = blocks * 512u;
    write.cdb = {0x2a, 0, 0, 0, 0, static_cast<uint8_t>(lba), 0, 0, blocks};
    return write;
  }
  void ExpectGood() {
    ASSERT_EQ(BhsView(connection_->last.bhs).opcode(), Opcode::kScsiResponse)
        << int{connection_->last.bhs[2]};
    EXPECT_EQ(ScsiResponse::Decode(BhsView(connection_->last.bhs)).status, 0);
  }

  fabric::SimWorld world_;
  const std::shared_ptr<WatchingStore> store_ = std::make_shared<WatchingStore>();
  testing::WorkerRig rig_;
  PushConnection* connection_ = nullptr;
  uint32_t cmd_sn_ = 10;
};

using testing::Pattern;

TEST_F(PushSessionTest, SessionSendsPingDataFromItsSlot) {
  ASSERT_NO_FATAL_FAILURE(Login());
  const std::vector<uint8_t> data = Pattern(501);
  NopOut ping;
  ping.immediate = true;
  ping.initiator_task_tag = 7;
  const uint8_t* const at = Send(ping, data);
  EXPECT_EQ(connection_->sent, 1);
  ASSERT_EQ(BhsView(connection_->last.bhs).opcode(), Opcode::kNopIn);
  EXPECT_EQ(connection_->last.data, at) << "out of the slot in which it came";
  EXPECT_EQ(connection_->last.data_bytes, data.size());
}

TEST_F(PushSessionTest, StoreWritesImmediateDataOutOfItsSlot) {
  ASSERT_NO_FATAL_FAILURE(Login());
  const std::vector<uint8_t> data = Pattern(8192);
  const uint8_t* const at = Send(Write(4, 16, 1), data);
  ExpectGood();
  ASSERT_EQ(store_->places.size(), 1u) << "in one piece";
  EXPECT_EQ(store_->places[0].iov_base, at);
  EXPECT_EQ(store_->places[0].iov_len, data.size());
  EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->medium().begin() + 4 * 512));
  EXPECT_EQ(connection_->posted.size(), kSlots) << "posted again with the response";
}

TEST_F(PushSessionTest, UnsolicitedDataFollowsWhatLiesInTheSlot) {
  ASSERT_NO_FATAL_FAILURE(Login());
  const std::vector<uint8_t> data = Pattern(6 * 512);
  const base::Bytes bytes(data);
  ScsiCommand write = Write(0, 6, 1);
  write.final = false;
  const uint8_t* const at = Send(write, bytes.first(1024));
  EXPECT_EQ(connection_->sent, 0) << "more is to come";
  DataOut out;
  out.initiator_task_tag = 1;
  out.buffer_offset = 1024;
  out.final = false;
  connection_->Deliver(out.Encode(), bytes.subspan(1024, 1024));
  out.buffer_offset = 2048;
  out.data_sn = 1;
  out.final = true;
  connection_->Deliver(out.Encode(), bytes.subspan(2048, 1024));
  Receive();
  ExpectGood();
  ASSERT_GE(store_->places.size(), 2u);
  EXPECT_EQ(store_->places[0].iov_base, at);
  EXPECT_FALSE(connection_->IsInSlots(store_->places[1].iov_base)) << "its slot was given back";
  EXPECT_TRUE(std::equal(data.begin(), data.end(), store_->medium().begin()));
  EXPECT_EQ(connection_->posted.size(), kSlots);
}

TEST_F(PushSessionTest, AWarmSessionAllocatesNothingForAMessage) {
  ASSERT_NO_FATAL_FAILURE(Login());
  const std::vector<uint8_t> data = Pattern(8192);
  uint32_t tag = 100;
  int64_t allocated = 0;
  const auto round = [&] {
    NopOut ping;
    ping.initiator_task_tag = ++tag;
    ping.cmd_sn = cmd_sn_++;
    connection_->Deliver(ping.Encode(), base::Bytes(data).first(100));
    ScsiCommand write = Write(1, 16, ++tag);
    write.cmd_sn = cmd_sn_++;
    connection_->Deliver(write.Encode(), data);
    const int64_t before = base::ThreadAllocations();
    connection_->Receive();  // both in one poll
    allocated += base::ThreadAllocations() - before;
    world_.RunFor(absl::Milliseconds(1));
  };
  for (int i = 0; i < 20; ++i) round();
  connection_->sent = 0;
  allocated = 0;
  for (int i = 0; i < 50; ++i) round();
  EXPECT_EQ(allocated, 0);
  EXPECT_EQ(connection_->sent, 100);
  ExpectGood();
}

}  // namespace
}  // namespace pushpull::target
