// The target over the simulated RDMA network, and a small initiator to ask it, with a buffer of its
// own between guards.

#ifndef TARGET_ISER_ISER_FIXTURE_H_
#define TARGET_ISER_ISER_FIXTURE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/iser/acceptor.h"
#include "target/iser/dialect.h"
#include "target/iser/header.h"
#include "target/iser/private_data.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/session/testing/worker_rig.h"
#include "target/session/worker.h"
#include "target/store/ram_store.h"

namespace pushpull::target {

using ByteVector = std::vector<uint8_t>;
using fabric::RdmaCompletion;

inline constexpr size_t kSlot = 28 + 48 + 8192;
inline constexpr uint32_t kSlots = 64;
inline constexpr size_t kBuffer = 1 << 20;
inline constexpr size_t kGuard = 4096;  // before and behind the buffer
inline constexpr char kHost[] = "192.0.2.2";

inline ByteVector Pattern(size_t size, uint8_t seed = 1) { return testing::Pattern(size, seed); }

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
  explicit IserTest(uint64_t seed = 1, const fabric::SimRdmaOptions& rdma = {},
                    uint32_t queue_depth = 16, const BugSet& bugs = {}, size_t workers = 1)
      : world_(seed), rdma_(&world_, rdma) {
    NodeOptions options;
    options.queue_depth = queue_depth;
    options.bugs = bugs;
    rig_ = std::make_unique<testing::WorkerRig>(&world_, store_, options, workers);
    worker_ = &rig_->worker();
  }
  ~IserTest() override {
    connection_.reset();
    acceptor_.reset();
    rig_.reset();
    store_memory_.reset();
    EXPECT_EQ(rdma_.keys(kHost), 0u) << "registered memory";
  }

  void Connect(IserDialect dialect, ByteVector private_data = {0xc0, 0, 0, 0}) {
    if (acceptor_ == nullptr) {
      auto acceptor =
          IserAcceptor::Listen(rig_->workers(), &rdma_, {kHost, 3260}, dialect, store_memory_);
      ASSERT_TRUE(acceptor.ok()) << acceptor.status();
      acceptor_ = *std::move(acceptor);
    }
    connection_.reset();
    established_ = ended_ = false;
    received_.clear();
    if (loop_ == nullptr) loop_ = world_.NewLoop();
    rdma_.Open(loop_, acceptor_->address(), {.max_sends = kSlots, .max_receives = kSlots},
               [this, private_data](auto opened) {
                 connection_ = *std::move(opened);
                 if (memory_.empty()) RegisterMemory();
                 for (uint32_t slot = 0; slot < kSlots; ++slot) Post(slot);
                 connection_->Establish({.private_data = private_data}, this);
               });
    world_.RunUntil([this] { return established_ || Stops(); }, {.time = absl::Seconds(3)});
    ASSERT_TRUE(established_ || Stops());
  }
  void RegisterMemory() {
    const auto& domain = connection_->domain();
    memory_.push_back(*domain->Register(in_, fabric::RdmaRights::kLocal));
    memory_.push_back(*domain->Register(out_, fabric::RdmaRights::kLocal));
    memory_.push_back(*domain->Register(base::MutableBytes(buffer_).subspan(kGuard, kBuffer),
                                        fabric::RdmaRights::kRemoteRead |
                                            fabric::RdmaRights::kRemoteWrite |
                                            fabric::RdmaRights::kWindows));
  }
  void Post(uint64_t slot) {
    const fabric::RdmaSegment segment = memory_[0]->Segment(slot * kSlot, kSlot);
    EXPECT_TRUE(connection_->PostReceive({.id = slot, .segments = {&segment, 1}}).ok());
  }

  void OnEstablished(const fabric::RdmaPeer& peer) override {
    established_ = true;
    reply_ = ParseIserPrivateData(peer.private_data);
  }
  void OnRefused(const fabric::RdmaRefusal& refusal) override {
    EXPECT_TRUE(may_be_refused_) << refusal.Message();
    ended_ = true;
  }
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
    world_.RunUntil([this] { return !received_.empty() || ended_ || Stops(); },
                    {.time = absl::Seconds(3)});
    if (received_.empty()) return std::nullopt;
    Received got = std::move(received_.front());
    received_.pop_front();
    return got;
  }
  // The world has come to where a test wants it.
  bool Stops() const { return world_.events_run() >= last_event_; }
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
  // `tsih`: of the session that it is to be a connection of, else 0.
  void SendLogin(const std::vector<std::string>& more = {}, bool header = true, uint16_t tsih = 0) {
    LoginRequest request = testing::RigLogin(cmd_sn_);
    request.tsih = tsih;
    std::vector<std::string> keys(std::begin(kKeys), std::end(kKeys));
    keys.insert(keys.end(), more.begin(), more.end());
    const std::string text = testing::RigLoginText(keys);
    const IserControl control;
    SendBytes(Encode(request, ByteVector(text.begin(), text.end()), header ? &control : nullptr));
  }
  LoginResponse Login(const std::vector<std::string>& more = {}, bool header = true) {
    SendLogin(more, header);
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
  fabric::SimRdmaNetwork rdma_;
  const std::shared_ptr<RamStore> store_ = *RamStore::Create(1 << 22);
  std::shared_ptr<StoreMemory> store_memory_ = std::make_shared<StoreMemory>();
  std::unique_ptr<testing::WorkerRig> rig_;
  Worker* worker_ = nullptr;
  std::unique_ptr<IserAcceptor> acceptor_;
  fabric::SimLoop* loop_ = nullptr;  // the initiator's

  ByteVector in_ = ByteVector(kSlot * kSlots);
  ByteVector out_ = ByteVector(kSlot * kSlots);
  ByteVector buffer_ = ByteVector(kGuard + kBuffer + kGuard, 0xee);
  std::vector<std::unique_ptr<fabric::RdmaMemory>> memory_;
  std::unique_ptr<fabric::RdmaConnection> connection_;
  std::deque<Received> received_;
  IserPrivateData reply_;
  uint64_t last_event_ = UINT64_MAX;
  bool may_be_refused_ = false;
  bool established_ = false;
  bool ended_ = false;
  uint64_t sent_ = 0;
  uint32_t cmd_sn_ = 10;
  uint32_t tag_ = 100;
};

}  // namespace pushpull::target

#endif  // TARGET_ISER_ISER_FIXTURE_H_
