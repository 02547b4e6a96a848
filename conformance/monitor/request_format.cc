// What one PDU of the initiator shows by itself. (RFC 7143 §11)

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/form.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kBhsSize;

bool IsInitiatorOpcode(uint8_t opcode) {
  return opcode <= 0x06 || opcode == 0x10 || (opcode >= 0x1c && opcode <= 0x1e);
}

constexpr FormRules kForm = {.reserved_bits = RuleId::kIReservedBits,
                             .final_bit = RuleId::kIFinalBit,
                             .pad_zero = RuleId::kIPadZero,
                             .header_digest = RuleId::kIHeaderDigest,
                             .data_digest = RuleId::kIDataDigest};

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

}  // namespace

void CheckRequestFormat(const Context& c) {
  const uint8_t opcode = initiator_sim::OpcodeOf(c.pdu);
  if (!IsInitiatorOpcode(opcode)) {
    c.Report(RuleId::kIOpcode, absl::StrFormat("0x%02x is no initiator opcode", opcode));
  }
  if (c.tap.bytes.size() < kBhsSize || !c.tap.decoded->header_digest_ok) {
    return CheckPadAndDigests(c, kForm);
  }
  const bool fixed = c.pdu.has_nop_out() || c.pdu.has_task_management_request() ||
                     c.pdu.has_logout_request() || c.pdu.has_snack_request();
  CheckHeaderForm(c, kForm, fixed);
  CheckLengths(c);
  CheckPadAndDigests(c, kForm);
}

}  // namespace pushpull::conformance::monitor
