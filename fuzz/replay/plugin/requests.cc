#include "fuzz/replay/plugin/requests.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/serial.h"
#include "initiator_sim/pdu/digest.h"
#include "target/pdu/opcode.h"

namespace pushpull::replay {
namespace {

using target::Opcode;

// Offsets in a BHS (RFC 7143 §11).
constexpr size_t kFlags = 1;
constexpr size_t kLun = 8;
constexpr size_t kTag = 16;
constexpr size_t kExpectedLength = 20;  // of a SCSI Command
constexpr size_t kStatSn = 24;
constexpr size_t kExpCmdSn = 28;
constexpr size_t kMaxCmdSn = 32;
constexpr size_t kBufferOffset = 40;
constexpr size_t kResidual = 44;       // Data-In, SCSI Response
constexpr size_t kDesiredLength = 44;  // R2T
constexpr size_t kBhsBytes = 48;
constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kUnderflow = 0x02;
constexpr uint8_t kStatus = 0x01;       // Data-In
constexpr uint8_t kCommandRead = 0x40;  // SCSI Command
constexpr uint8_t kCommandWrite = 0x20;
constexpr uint32_t kNoTag = 0xffffffff;

Opcode OpcodeOf(const uint8_t* bhs) { return static_cast<Opcode>(bhs[0] & 0x3f); }

uint32_t Capped(uint64_t length) {
  return static_cast<uint32_t>(std::min<uint64_t>(length, std::numeric_limits<uint32_t>::max()));
}

// What was asked, where this is an answer.
std::optional<Opcode> RequestFor(Opcode response) {
  switch (response) {
    case Opcode::kNopIn:
      return Opcode::kNopOut;
    case Opcode::kScsiResponse:
    case Opcode::kDataIn:
    case Opcode::kR2t:
      return Opcode::kScsiCommand;
    case Opcode::kTaskManagementResponse:
      return Opcode::kTaskManagementRequest;
    case Opcode::kLoginResponse:
      return Opcode::kLoginRequest;
    case Opcode::kTextResponse:
      return Opcode::kTextRequest;
    case Opcode::kLogoutResponse:
      return Opcode::kLogoutRequest;
    default:
      return std::nullopt;
  }
}

class Planner {
 public:
  explicit Planner(const Trace& trace) : trace_(trace) {}

  RequestPlan Plan() {
    for (size_t i = 0; i < trace_.pdus.size(); ++i) AddPdu(i);
    return std::move(plan_);
  }

 private:
  void AddPdu(size_t index) {
    const PduBorders& pdu = trace_.pdus[index];
    const uint8_t* const bhs = &trace_.bytes[pdu.begin];
    const Opcode opcode = OpcodeOf(bhs);
    NoteNumbers(opcode, bhs);
    if (opcode == Opcode::kReject) {
      AddReject(index);
      return;
    }
    const std::optional<Opcode> asked = RequestFor(opcode);
    if (!asked || base::LoadBe32(bhs + kTag) == kNoTag) return;
    Request& request = Answered(index, pdu.begin, *asked);
    const uint32_t data_bytes = base::LoadBe24(bhs + 5);
    uint64_t length = request.expected_data_transfer_length;
    bool last = true;
    switch (opcode) {
      case Opcode::kDataIn:
        request.read = true;
        length = std::max(length, uint64_t{base::LoadBe32(bhs + kBufferOffset)} + data_bytes);
        last = (bhs[kFlags] & kStatus) != 0;
        if (last && (bhs[kFlags] & kUnderflow)) length += base::LoadBe32(bhs + kResidual);
        break;
      case Opcode::kR2t:
        request.write = true;
        length = std::max(length, uint64_t{base::LoadBe32(bhs + kBufferOffset)} +
                                      base::LoadBe32(bhs + kDesiredLength));
        last = false;
        break;
      case Opcode::kScsiResponse:
        if (bhs[kFlags] & kUnderflow) length += base::LoadBe32(bhs + kResidual);
        break;
      case Opcode::kTextResponse:
      case Opcode::kLoginResponse:
        last = (bhs[kFlags] & kFinal) != 0;
        break;
      default:
        break;
    }
    request.expected_data_transfer_length = Capped(length);
    if (request.lun == 0 && opcode != Opcode::kLoginResponse) {
      request.lun = opcode == Opcode::kScsiResponse ? 0 : base::LoadBe64(bhs + kLun);
    }
    if (last) open_.erase(request.initiator_task_tag);
  }

  // The data segment is the header of what was rejected (RFC 7143 §11.17.5).
  void AddReject(size_t index) {
    const PduBorders& pdu = trace_.pdus[index];
    if (pdu.data_end - pdu.header_digest_end < kBhsBytes) return;
    const uint8_t* const rejected = &trace_.bytes[pdu.header_digest_end];
    if (base::LoadBe32(rejected + kTag) == kNoTag) return;
    const Opcode opcode = OpcodeOf(rejected);
    if (target::IsTargetOpcode(opcode)) return;
    const bool of_a_command = opcode == Opcode::kDataOut || opcode == Opcode::kSnackRequest;
    Request& request =
        Answered(index, pdu.header_digest_end, of_a_command ? Opcode::kScsiCommand : opcode);
    if (opcode == Opcode::kScsiCommand) {
      request.read = request.read || (rejected[kFlags] & kCommandRead) != 0;
      request.write = request.write || (rejected[kFlags] & kCommandWrite) != 0;
      request.lun = base::LoadBe64(rejected + kLun);
      request.expected_data_transfer_length = std::max(request.expected_data_transfer_length,
                                                       base::LoadBe32(rejected + kExpectedLength));
    }
    open_.erase(request.initiator_task_tag);
  }

  // The request whose tag stands in the header at `header`.
  Request& Answered(size_t index, size_t header, Opcode asked) {
    const uint32_t tag = base::LoadBe32(&trace_.bytes[header + kTag]);
    const auto [entry, is_new] = open_.try_emplace(tag, plan_.requests.size());
    if (is_new) {
      Request& request = plan_.requests.emplace_back();
      request.opcode = static_cast<uint8_t>(asked);
      request.initiator_task_tag = tag;
    }
    plan_.places.push_back({index, header + kTag, entry->second});
    return plan_.requests[entry->second];
  }

  void NoteNumbers(Opcode opcode, const uint8_t* bhs) {
    const uint32_t exp_cmd_sn = base::LoadBe32(bhs + kExpCmdSn);
    const bool first = bhs == trace_.bytes.data();
    if (first || base::SerialLess(plan_.last_exp_cmd_sn, exp_cmd_sn)) {
      plan_.last_exp_cmd_sn = exp_cmd_sn;
    }
    if (has_stat_sn_ || (opcode == Opcode::kDataIn && !(bhs[kFlags] & kStatus))) return;
    has_stat_sn_ = true;
    plan_.first_stat_sn = base::LoadBe32(bhs + kStatSn);
  }

  const Trace& trace_;
  RequestPlan plan_;
  std::map<uint32_t, size_t> open_;  // tag -> its request, as long as answers are due
  bool has_stat_sn_ = false;
};

// Some bytes with the digest behind them, which is to stay as right or wrong as it is.
class Covered {
 public:
  // `digest`: whether there is one.
  Covered(base::MutableBytes bytes, bool digest)
      : bytes_(bytes), digest_(digest), before_(digest ? initiator_sim::DigestOf(bytes) : 0) {}
  Covered(const Covered&) = delete;
  Covered& operator=(const Covered&) = delete;
  ~Covered() {
    if (!digest_) return;
    uint8_t* const digest = bytes_.data() + bytes_.size();
    base::StoreBe32(digest, base::LoadBe32(digest) ^ before_ ^ initiator_sim::DigestOf(bytes_));
  }

 private:
  const base::MutableBytes bytes_;
  const bool digest_;
  const uint32_t before_;
};

Covered Header(const PduBorders& pdu, base::MutableBytes bytes) {
  return {bytes.subspan(pdu.begin, pdu.ahs_end() - pdu.begin),
          pdu.header_digest_end != pdu.ahs_end()};
}

Covered Data(const PduBorders& pdu, base::MutableBytes bytes) {
  return {bytes.subspan(pdu.header_digest_end, pdu.pad_end - pdu.header_digest_end),
          pdu.end != pdu.pad_end};
}

}  // namespace

RequestPlan PlanRequests(const Trace& trace) {
  if (trace.direction == Direction::kToTarget) return {};
  return Planner(trace).Plan();
}

void WriteNumbers(const Trace& trace, const RequestPlan& plan, const ChosenNumbers& chosen,
                  base::MutableBytes bytes) {
  CHECK_EQ(chosen.tags.size(), plan.requests.size());
  CHECK_EQ(bytes.size(), trace.bytes.size());
  for (const RequestPlan::Place& place : plan.places) {
    const PduBorders& pdu = trace.pdus[place.pdu];
    const Covered covered = place.offset < pdu.bhs_end ? Header(pdu, bytes) : Data(pdu, bytes);
    base::StoreBe32(&bytes[place.offset], chosen.tags[place.request]);
  }
  if (chosen.cmd_sn_offset == 0) return;
  for (const PduBorders& pdu : trace.pdus) {
    const Covered covered = Header(pdu, bytes);
    for (const size_t offset : {kExpCmdSn, kMaxCmdSn}) {
      uint8_t* const number = &bytes[pdu.begin + offset];
      base::StoreBe32(number, base::LoadBe32(number) + chosen.cmd_sn_offset);
    }
  }
}

}  // namespace pushpull::replay
