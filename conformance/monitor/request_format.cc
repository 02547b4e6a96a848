// What one PDU of the initiator shows by itself. (RFC 7143 §11)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::Bhs;
using initiator_sim::kBhsSize;

bool IsInitiatorOpcode(uint8_t opcode) {
  return opcode <= 0x06 || opcode == 0x10 || (opcode >= 0x1c && opcode <= 0x1e);
}

void CheckReservedBits(const Context& c) {
  const Bhs& mask = initiator_sim::ReservedMask(c.pdu.kind_case());
  for (size_t i = 0; i < kBhsSize; ++i) {
    const uint8_t wrong = c.tap.bytes[i] & mask[i];
    if (wrong == 0) continue;
    c.Report(RuleId::kIReservedBits,
             absl::StrFormat("reserved bits 0x%02x of byte %d are not 0 (the byte is 0x%02x)",
                             wrong, i, c.tap.bytes[i]));
    return;
  }
}

void CheckLengths(const Context& c) {
  const uint32_t length = c.pdu.data_segment_length();
  const bool has_none = c.pdu.has_task_management_request() || c.pdu.has_logout_request() ||
                        c.pdu.has_snack_request();
  if (has_none && (length != 0 || c.pdu.total_ahs_length() != 0)) {
    c.Report(RuleId::kINoDataSegment, absl::StrCat("DataSegmentLength is ", length,
                                                   ", TotalAHSLength ", c.pdu.total_ahs_length()));
  }
  const uint64_t limit = c.pdu.has_login_request() ? 8192 : c.connection.sender.segment_limit;
  if (limit != 0 && length > limit) {
    c.Report(RuleId::kISegmentLimit,
             absl::StrCat("DataSegmentLength ", length,
                          " is above the target's MaxRecvDataSegmentLength ", limit));
  }
}

void CheckPadAndDigests(const Context& c) {
  const std::string& pad = c.pdu.pad();
  if (std::any_of(pad.begin(), pad.end(), [](char byte) { return byte != 0; })) {
    c.Report(RuleId::kIPadZero, "the pad is not 0");
  }
  if (!c.tap.decoded->header_digest_ok) {
    c.Report(RuleId::kIHeaderDigest,
             absl::StrFormat("the header digest is 0x%08x", c.pdu.header_digest()));
  }
  if (!c.tap.decoded->data_digest_ok) {
    c.Report(RuleId::kIDataDigest,
             absl::StrFormat("the data digest is 0x%08x", c.pdu.data_digest()));
  }
}

}  // namespace

void CheckRequestFormat(const Context& c) {
  const uint8_t opcode = initiator_sim::OpcodeOf(c.pdu);
  if (!IsInitiatorOpcode(opcode)) {
    c.Report(RuleId::kIOpcode, absl::StrFormat("0x%02x is no initiator opcode", opcode));
  }
  if (c.tap.bytes.size() < kBhsSize || !c.tap.decoded->header_digest_ok) {
    return CheckPadAndDigests(c);
  }
  CheckReservedBits(c);
  const bool fixed = c.pdu.has_nop_out() || c.pdu.has_task_management_request() ||
                     c.pdu.has_logout_request() || c.pdu.has_snack_request();
  if (fixed && (c.tap.bytes[1] & 0x80) == 0) {
    c.Report(RuleId::kIFinalBit, "bit 0 of byte 1 is 0");
  }
  CheckLengths(c);
  CheckPadAndDigests(c);
}

}  // namespace pushpull::conformance::monitor
