// What one PDU of the target shows by itself: opcode, reserved bits, lengths, pad, digests.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "conformance/monitor/context.h"
#include "conformance/monitor/form.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kBhsSize;
using initiator_sim::kReservedTag;

bool IsTargetOpcode(uint8_t opcode) {
  return (opcode >= 0x20 && opcode <= 0x26) || opcode == 0x31 || opcode == 0x32 ||
         (opcode >= 0x3c && opcode <= 0x3f);
}

constexpr FormRules kForm = {.reserved_bits = RuleId::kReservedBits,
                             .final_bit = RuleId::kFinalBit,
                             .pad_zero = RuleId::kPadZero,
                             .header_digest = RuleId::kHeaderDigest,
                             .data_digest = RuleId::kDataDigest};

bool HasFixedFinalBit(const v1::Pdu& pdu) {
  return pdu.has_nop_in() || pdu.has_scsi_response() || pdu.has_task_management_response() ||
         pdu.has_logout_response() || pdu.has_r2t() || pdu.has_async_message() || pdu.has_reject();
}

void CheckLengths(const Context& c) {
  if (c.pdu.total_ahs_length() != 0) {
    c.Report(RuleId::kNoAhs, absl::StrCat("TotalAHSLength is ", c.pdu.total_ahs_length()));
  }
  const bool has_none =
      c.pdu.has_r2t() || c.pdu.has_task_management_response() || c.pdu.has_logout_response();
  if (has_none && c.pdu.data_segment_length() != 0) {
    c.Report(RuleId::kNoDataSegment,
             absl::StrCat("DataSegmentLength is ", c.pdu.data_segment_length()));
  }
  const bool limited = c.pdu.has_data_in() || c.pdu.has_text_response();
  const std::optional<uint64_t> limit = c.connection.segment_limit;
  if (limited && limit.has_value() && c.pdu.data_segment_length() > *limit) {
    c.Report(RuleId::kSegmentLimit,
             absl::StrCat("DataSegmentLength ", c.pdu.data_segment_length(),
                          " is above the initiator's MaxRecvDataSegmentLength ", *limit));
  }
}

// Fields that stand for something only in some PDUs of the kind. (What A20, A21, A22 and A30 leave
// open is not among them.)
void CheckUnusedFields(const Context& c) {
  const auto unused = [&c](const char* field, uint64_t value) {
    if (value != 0) {
      c.Report(RuleId::kUnusedFields,
               absl::StrFormat("%s is 0x%x where it doesn't apply", field, value));
    }
  };
  if (c.pdu.has_scsi_response()) {
    const v1::ScsiResponse& r = c.pdu.scsi_response();
    if (!r.bidirectional_read_overflow() && !r.bidirectional_read_underflow()) {
      unused("Bidirectional Read Residual Count", r.bidirectional_read_residual_count());
    }
    // §11.4.2: valid only where the command was completed at the target.
    if (r.response() != v1::COMMAND_COMPLETED_AT_TARGET) unused("Status", r.status());
  }
  // §11.19.3, §11.11.4: the LUN goes with a Target Transfer Tag.
  if (c.pdu.has_nop_in() && c.pdu.nop_in().target_transfer_tag() == kReservedTag) {
    unused("LUN", c.pdu.nop_in().lun_bytes());
  }
  if (c.pdu.has_text_response() && c.pdu.text_response().target_transfer_tag() == kReservedTag) {
    unused("LUN", c.pdu.text_response().lun_bytes());
  }
  if (c.pdu.has_reject() && c.pdu.reject().reason() != v1::PROTOCOL_ERROR) {
    unused("DataSN/R2TSN", c.pdu.reject().data_sn_or_r2t_sn());
  }
  if (c.pdu.has_async_message()) {
    const v1::AsyncMessage& a = c.pdu.async_message();
    if (a.async_event() < 248) unused("AsyncVCode", a.async_vcode());
    // §11.9.3, A22.
    if (a.async_event() >= v1::LOGOUT_REQUEST && a.async_event() <= v1::NEGOTIATION_REQUEST) {
      unused("LUN", a.lun_bytes());
    }
    if (a.async_event() == v1::LOGOUT_REQUEST || a.async_event() == v1::SESSION_DROP_NOTIFICATION) {
      unused("Parameter1", a.parameter1());
    }
    if (a.async_event() == v1::LOGOUT_REQUEST) unused("Parameter2", a.parameter2());
    if (a.async_event() == v1::TASKS_TERMINATED) {
      unused("Parameter1", a.parameter1());
      unused("Parameter2", a.parameter2());
      unused("Parameter3", a.parameter3());
    }
  }
}

}  // namespace

void CheckFormat(const Context& c) {
  const uint8_t opcode = initiator_sim::OpcodeOf(c.pdu);
  if (!IsTargetOpcode(opcode)) {
    c.Report(RuleId::kTargetOpcode, absl::StrFormat("0x%02x is no target opcode", opcode));
  }
  // A wrong header digest: what the fields say is not what was meant.
  if (!c.tap.decoded->header_digest_ok || c.tap.bytes.size() < kBhsSize) {
    return CheckPadAndDigests(c, kForm);
  }
  CheckHeaderForm(c, kForm, HasFixedFinalBit(c.pdu));
  CheckLengths(c);
  CheckPadAndDigests(c, kForm);
  CheckUnusedFields(c);
  const bool has_reserved_tag = c.pdu.has_async_message() || c.pdu.has_reject();
  if (has_reserved_tag && initiator_sim::InitiatorTaskTagOf(c.pdu) != kReservedTag) {
    c.Report(RuleId::kReservedTaskTag,
             absl::StrFormat("the Initiator Task Tag is 0x%x, not 0xffffffff",
                             initiator_sim::InitiatorTaskTagOf(c.pdu)));
  }
}

}  // namespace pushpull::conformance::monitor
