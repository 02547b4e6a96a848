#include "target/session/testing/rig.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "target/pdu/digest.h"
#include "target/pdu/lun.h"
#include "target/store/ram_store.h"
#include "target/store/slow_store.h"

namespace pushpull::target::testing {
namespace {

constexpr uint64_t kMedium = 16 << 20;

std::unique_ptr<RamStore> Ram(uint64_t bytes) {
  auto store = RamStore::Create(bytes);
  CHECK(store.ok());
  return *std::move(store);
}

}  // namespace

// ---- Rig ----------------------------------------------------------------------------------------

Rig::Rig(RigOptions options) : world_(options.seed), network_(&world_, options.network) {
  TargetOptions target;
  target.node = options.node;
  for (const Bug bug : options.bugs) target.node.bugs.Add(bug);
  std::shared_ptr<Store> medium = Ram(kMedium);
  medium_ = medium->Memory();
  const auto add = [&](uint16_t number, std::shared_ptr<Store> store) {
    LogicalUnitOptions unit;
    unit.number = number;
    unit.store = std::move(store);
    target.logical_units.push_back(std::move(unit));
  };
  add(0, std::move(medium));
  add(1, options.lun1 != nullptr ? options.lun1 : Ram(kMedium));
  add(2, std::make_shared<SlowStore>(absl::Seconds(1), Ram(kMedium)));
  add(300, Ram(1 << 20));
  std::vector<fabric::Loop*> loops;
  for (size_t i = 0; i < options.loops; ++i) loops.push_back(world_.NewLoop());
  loop_ = loops.front();
  auto created = Target::Create(std::move(target), &network_, loops);
  CHECK(created.ok()) << created.status().ToString();
  target_ = *std::move(created);
  auto address = target_->Listen({"192.0.2.2", 3260});
  CHECK(address.ok()) << address.status().ToString();
  address_ = *address;
}

Rig::~Rig() {
  if (!stopping_) target_->Shutdown([this] { stopped_ = true; });
  world_.RunUntil([this] { return stopped_; }, {.time = absl::Seconds(60)});
  EXPECT_TRUE(stopped_) << "the target didn't shut down";
  for (size_t i = 0; i < kCounts && stopped_; ++i) {
    const auto count = static_cast<Count>(i);
    if (IsGauge(count)) {
      EXPECT_EQ(target_->Get(count), 0) << CountName(count);
    }
  }
  EXPECT_EQ(target_->device().tasks_in_flight(), 0u);
}

void Rig::Stop(absl::Duration timeout, std::function<void()> done) {
  stopping_ = true;
  target_->Stop(timeout, [this, done = std::move(done)] {
    stopped_ = true;
    done();
  });
}

bool Rig::RunUntilUnused() {
  const auto unused = [this] {
    return Get(Count::kConnections) == 0 && Get(Count::kSessions) == 0 && Get(Count::kTasks) == 0;
  };
  world_.RunUntil(unused, {.time = absl::Seconds(120)});
  return unused();
}

// ---- Initiator: bytes ---------------------------------------------------------------------------

std::string Keys::Encode() const {
  std::string text;
  for (const auto& [key, value] : pairs) text += key + "=" + value + '\0';
  return text;
}

Initiator::Initiator(Rig* rig, std::string initiator_name)
    : name(std::move(initiator_name)), rig_(rig) {
  bool done = false;
  rig_->network().Connect(rig_->world().NewLoop(), rig_->address(),
                          [&](absl::StatusOr<std::unique_ptr<fabric::Stream>> stream) {
                            done = true;
                            if (stream.ok()) stream_ = *std::move(stream);
                          });
  rig_->world().RunUntil([&] { return done; });
  if (stream_ == nullptr) {
    closed_ = true;
    return;
  }
  stream_->SetHandlers([this] { OnReadable(); }, [this] { OnWritable(); });
}

Initiator::~Initiator() = default;

void Initiator::OnReadable() {
  uint8_t bytes[65536];
  const iovec buffer{bytes, sizeof bytes};
  while (!closed_ && reading_) {
    const fabric::IoResult result = stream_->TryRead({&buffer, 1});
    if (result.kind == fabric::IoResult::Kind::kWouldBlock) return;
    if (result.kind != fabric::IoResult::Kind::kBytes) {
      closed_ = true;
      return;
    }
    in_.insert(in_.end(), bytes, bytes + result.bytes);
    Parse();
  }
}

void Initiator::OnWritable() {
  while (!out_.empty() && stream_ != nullptr) {
    const iovec buffer{out_.data(), out_.size()};
    const fabric::IoResult result = stream_->TryWrite({&buffer, 1});
    if (result.kind != fabric::IoResult::Kind::kBytes) return;
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  }
}

void Initiator::Parse() {
  const size_t digest = header_digest_ ? kDigestBytes : 0;
  while (in_.size() >= kBhsBytes + digest) {
    Received pdu;
    std::copy_n(in_.begin(), kBhsBytes, pdu.bhs.begin());
    const BhsView bhs(pdu.bhs);
    EXPECT_EQ(bhs.total_ahs_length(), 0u);
    if (header_digest_) {
      EXPECT_EQ(Crc32c::Load(in_.data() + kBhsBytes), Crc32cOf({in_.data(), kBhsBytes}));
    }
    const size_t length = bhs.data_segment_length();
    const size_t padded = length + bhs.pad_bytes();
    const size_t data_digest = data_digest_ && length > 0 ? kDigestBytes : 0;
    const size_t begin = kBhsBytes + digest;
    if (in_.size() < begin + padded + data_digest) return;
    if (data_digest > 0) {
      EXPECT_EQ(Crc32c::Load(in_.data() + begin + padded), Crc32cOf({in_.data() + begin, padded}));
    }
    pdu.data.assign(in_.begin() + static_cast<std::ptrdiff_t>(begin),
                    in_.begin() + static_cast<std::ptrdiff_t>(begin + length));
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(begin + padded + data_digest));
    received_.push_back(std::move(pdu));
  }
}

ByteVector Initiator::Encode(Outgoing pdu) const {
  pdu.ahs.resize((pdu.ahs.size() + 3) / 4 * 4);
  if (!pdu.ahs.empty()) pdu.bhs[4] = static_cast<uint8_t>(pdu.ahs.size() / 4);
  if (!pdu.data.empty()) SetDataSegmentLength(pdu.bhs, static_cast<uint32_t>(pdu.data.size()));
  ByteVector bytes(pdu.bhs.begin(), pdu.bhs.end());
  bytes.insert(bytes.end(), pdu.ahs.begin(), pdu.ahs.end());
  const auto add_digest = [&bytes](size_t from, bool corrupt) {
    Crc32c crc;
    crc.Add({bytes.data() + from, bytes.size() - from});
    uint8_t digest[kDigestBytes];
    crc.Store(digest);
    if (corrupt) digest[1] ^= 0x10;
    bytes.insert(bytes.end(), digest, digest + kDigestBytes);
  };
  if (header_digest_) add_digest(0, pdu.corrupt_header_digest);
  const size_t begin = bytes.size();
  bytes.insert(bytes.end(), pdu.data.begin(), pdu.data.end());
  bytes.resize(begin + (pdu.data.size() + 3) / 4 * 4, 0xee);
  if (data_digest_ && !pdu.data.empty()) add_digest(begin, pdu.corrupt_data_digest);
  return bytes;
}

void Initiator::SendBytes(base::Bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  if (stream_ != nullptr && !closed_) OnWritable();
}

void Initiator::SendPdu(Outgoing pdu) { SendBytes(Encode(std::move(pdu))); }

std::optional<Received> Initiator::Next(absl::Duration timeout) {
  rig_->world().RunUntil([this] { return !received_.empty() || closed_; }, {.time = timeout});
  if (received_.empty()) return std::nullopt;
  Received pdu = std::move(received_.front());
  received_.pop_front();
  Note(pdu);
  return pdu;
}

void Initiator::Note(const Received& pdu) {
  const BhsView bhs(pdu.bhs);
  const bool reserved_tag = bhs.initiator_task_tag() == kNoTag;
  const bool carries_status =
      bhs.opcode() == Opcode::kDataIn ? (bhs.flags() & 1) != 0 : bhs.opcode() != Opcode::kR2t;
  if (carries_status && !(bhs.opcode() == Opcode::kNopIn && reserved_tag)) {
    exp_stat_sn = base::LoadBe32(pdu.bhs.data() + 24) + 1;
  }
  exp_cmd_sn = base::LoadBe32(pdu.bhs.data() + 28);
  max_cmd_sn = base::LoadBe32(pdu.bhs.data() + 32);
}

bool Initiator::Silent(absl::Duration duration) {
  rig_->world().RunUntil([this] { return !received_.empty() || closed_; }, {.time = duration});
  return received_.empty() && !closed_;
}

bool Initiator::WaitForClose(absl::Duration timeout) {
  rig_->world().RunUntil([this] { return closed_; }, {.time = timeout});
  return closed_;
}

void Initiator::Disconnect() {
  if (stream_ != nullptr) stream_->Close();
  closed_ = true;
}

void Initiator::Reset() {
  if (stream_ != nullptr) stream_->Abort();
  closed_ = true;
}

// ---- Initiator: login ---------------------------------------------------------------------------

LoginRequest Initiator::MakeLogin() const {
  LoginRequest request;
  request.transit = true;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  request.isid = isid;
  request.tsih = tsih;
  request.cid = cid;
  request.initiator_task_tag = 0xabcd;
  request.cmd_sn = cmd_sn;
  return request;
}

Keys Initiator::LoginKeys() const {
  Keys keys{{{"InitiatorName", name}}};
  if (target_name.empty()) {
    keys.pairs.emplace_back("SessionType", "Discovery");
  } else {
    keys.pairs.emplace_back("SessionType", "Normal");
    keys.pairs.emplace_back("TargetName", target_name);
  }
  return keys;
}

std::optional<LoginResponse> Initiator::LoginWith(const LoginRequest& request, const Keys& keys,
                                                  std::string* text) {
  const std::string encoded = keys.Encode();
  SendPdu({.bhs = request.Encode(), .ahs = {}, .data = {encoded.begin(), encoded.end()}});
  const std::optional<Received> got = Next();
  if (!got.has_value() || got->opcode() != Opcode::kLoginResponse) return std::nullopt;
  if (text != nullptr) *text = got->text();
  return LoginResponse::Decode(BhsView(got->bhs));
}

std::string Initiator::Login(const Keys& more) {
  Keys keys = LoginKeys();
  bool header = false;
  bool data = false;
  for (const auto& pair : more.pairs) {
    keys.pairs.push_back(pair);
    if (pair.first == "HeaderDigest") header = pair.second == "CRC32C";
    if (pair.first == "DataDigest") data = pair.second == "CRC32C";
  }
  std::string text;
  const auto response = LoginWith(MakeLogin(), keys, &text);
  EXPECT_TRUE(response.has_value()) << "no Login Response";
  if (!response.has_value()) return text;
  EXPECT_EQ(response->status_class, 0) << static_cast<int>(response->status_detail);
  EXPECT_TRUE(response->transit);
  EXPECT_EQ(response->next_stage, Stage::kFullFeaturePhase);
  EXPECT_NE(response->tsih, 0);
  tsih = response->tsih;
  SetDigests(header, data);
  return text;
}

// ---- Initiator: commands ------------------------------------------------------------------------

std::string Initiator::Outcome::SenseCode() const {
  if (sense.size() < 16) return "none";
  return absl::StrFormat("%x/%02x/%02x", sense[4] & 0xf, sense[14], sense[15]);
}

void Initiator::Answer(const R2t& r2t, const ByteVector& all, uint32_t piece) {
  DataOut out;
  out.lun = r2t.lun;
  out.initiator_task_tag = r2t.initiator_task_tag;
  out.target_transfer_tag = r2t.target_transfer_tag;
  uint32_t sent = 0;
  while (sent < r2t.desired_data_transfer_length) {
    const uint32_t size = std::min(piece, r2t.desired_data_transfer_length - sent);
    out.buffer_offset = r2t.buffer_offset + sent;
    const auto begin = all.begin() + out.buffer_offset;
    sent += size;
    out.final = sent == r2t.desired_data_transfer_length;
    Send(out, ByteVector(begin, begin + size));
    ++out.data_sn;
  }
}

Initiator::Outcome Initiator::Finish(const ScsiCommand& command, const ByteVector& data) {
  Outcome outcome;
  while (const std::optional<Received> pdu = Next()) {
    const BhsView bhs(pdu->bhs);
    EXPECT_EQ(bhs.initiator_task_tag(), command.initiator_task_tag);
    switch (pdu->opcode()) {
      case Opcode::kR2t:
        Answer(R2t::Decode(bhs), data, 8192);
        break;
      case Opcode::kDataIn: {
        const DataIn in = DataIn::Decode(bhs);
        EXPECT_EQ(in.buffer_offset, outcome.data.size());
        outcome.data.insert(outcome.data.end(), pdu->data.begin(), pdu->data.end());
        if (!in.status_present) break;
        outcome.status = in.status;
        outcome.overflow = in.residual_overflow;
        outcome.underflow = in.residual_underflow;
        outcome.residual = in.residual_count;
        return outcome;
      }
      case Opcode::kScsiResponse: {
        const ScsiResponse response = ScsiResponse::Decode(bhs);
        outcome.status = response.status;
        outcome.sense = pdu->data;
        outcome.overflow = response.residual_overflow;
        outcome.underflow = response.residual_underflow;
        outcome.residual = response.residual_count;
        return outcome;
      }
      default:
        ADD_FAILURE() << "opcode " << static_cast<int>(pdu->opcode());
        return outcome;
    }
  }
  ADD_FAILURE() << "no response";
  return outcome;
}

Initiator::Outcome Initiator::Run(const ScsiCommand& command, ByteVector data) {
  const size_t immediate = command.data_segment_length;
  Send(command, ByteVector(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(immediate)));
  return Finish(command, data);
}

void Initiator::ClearUnitAttentions(uint64_t lun) {
  for (int i = 0; i < 8; ++i) {
    if (Run(TestUnitReady(*this, lun)).status == 0) return;
  }
  ADD_FAILURE() << "unit attentions don't end";
}

bool Initiator::Alive() {
  NopOut ping;
  ping.immediate = true;
  ping.initiator_task_tag = NextTag();
  Send(ping);
  const std::optional<Received> got = Next();
  return got.has_value() && got->opcode() == Opcode::kNopIn &&
         BhsView(got->bhs).initiator_task_tag() == ping.initiator_task_tag;
}

// ---- commands -----------------------------------------------------------------------------------

uint64_t Lun(uint32_t number) { return EncodeLun(number); }

ScsiCommand TestUnitReady(Initiator& initiator, uint64_t lun) {
  ScsiCommand command;
  command.lun = lun;
  command.initiator_task_tag = initiator.NextTag();
  command.attr = TaskAttributeCode::kSimple;
  return command;
}

ScsiCommand Inquiry(Initiator& initiator, uint8_t allocation, uint32_t expected) {
  ScsiCommand command = TestUnitReady(initiator);
  command.read = true;
  command.expected_data_transfer_length = expected;
  command.cdb[0] = 0x12;
  command.cdb[4] = allocation;
  return command;
}

namespace {

ScsiCommand ReadWrite10(Initiator& initiator, uint8_t code, uint32_t lba, uint16_t blocks,
                        uint64_t lun) {
  ScsiCommand command = TestUnitReady(initiator, lun);
  command.expected_data_transfer_length = uint32_t{blocks} * 512;
  command.cdb[0] = code;
  base::StoreBe32(command.cdb.data() + 2, lba);
  base::StoreBe16(command.cdb.data() + 7, blocks);
  return command;
}

}  // namespace

ScsiCommand Read10(Initiator& initiator, uint32_t lba, uint16_t blocks, uint64_t lun) {
  ScsiCommand command = ReadWrite10(initiator, 0x28, lba, blocks, lun);
  command.read = true;
  return command;
}

ScsiCommand Write10(Initiator& initiator, uint32_t lba, uint16_t blocks, uint64_t lun) {
  ScsiCommand command = ReadWrite10(initiator, 0x2a, lba, blocks, lun);
  command.write = true;
  return command;
}

TaskManagementRequest Tmf(Initiator& initiator, TaskManagementFunction function, uint64_t lun) {
  TaskManagementRequest request;
  request.immediate = true;
  request.function = function;
  request.lun = lun;
  request.initiator_task_tag = initiator.NextTag();
  return request;
}

ByteVector Pattern(size_t size, uint8_t seed) {
  ByteVector bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(seed * 37 + i + i / 251);
  return bytes;
}

void FailWrongPdu(Opcode wanted, const std::optional<Received>& got) {
  ADD_FAILURE() << "wanted " << OpcodeName(wanted) << ", got "
                << (got.has_value() ? OpcodeName(got->opcode()) : "nothing");
}

}  // namespace pushpull::target::testing
