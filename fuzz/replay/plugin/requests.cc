#include "fuzz/replay/plugin/requests.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/check.h"
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
    NoteStatSn(opcode, bhs);
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

  void NoteStatSn(Opcode opcode, const uint8_t* bhs) {
    if (has_stat_sn_ || (opcode == Opcode::kDataIn && !(bhs[kFlags] & kStatus))) return;
    has_stat_sn_ = true;
    plan_.first_stat_sn = base::LoadBe32(bhs + kStatSn);
  }

  const Trace& trace_;
  RequestPlan plan_;
  std::map<uint32_t, size_t> open_;  // tag -> its request, as long as answers are due
  bool has_stat_sn_ = false;
};

// `covered`: what the digest behind it is of.
void WriteTag(uint32_t tag, size_t offset, base::MutableBytes bytes, base::MutableBytes covered,
              bool has_digest) {
  if (!has_digest) {
    base::StoreBe32(&bytes[offset], tag);
    return;
  }
  const uint32_t before = initiator_sim::DigestOf(covered);
  base::StoreBe32(&bytes[offset], tag);
  const uint32_t change = before ^ initiator_sim::DigestOf(covered);
  uint8_t* const digest = covered.data() + covered.size();
  base::StoreBe32(digest, base::LoadBe32(digest) ^ change);
}

}  // namespace

RequestPlan PlanRequests(const Trace& trace) {
  if (trace.direction == Direction::kToTarget) return {};
  return Planner(trace).Plan();
}

void WriteTags(const Trace& trace, const RequestPlan& plan, std::span<const uint32_t> tags,
               base::MutableBytes bytes) {
  CHECK_EQ(tags.size(), plan.requests.size());
  CHECK_EQ(bytes.size(), trace.bytes.size());
  for (const RequestPlan::Place& place : plan.places) {
    const PduBorders& pdu = trace.pdus[place.pdu];
    const uint32_t tag = tags[place.request];
    if (place.offset < pdu.bhs_end) {
      WriteTag(tag, place.offset, bytes, bytes.subspan(pdu.begin, pdu.ahs_end() - pdu.begin),
               pdu.header_digest_end != pdu.ahs_end());
    } else {
      WriteTag(tag, place.offset, bytes,
               bytes.subspan(pdu.header_digest_end, pdu.pad_end - pdu.header_digest_end),
               pdu.end != pdu.pad_end);
    }
  }
}

}  // namespace pushpull::replay
