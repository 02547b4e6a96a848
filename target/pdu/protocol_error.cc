#include "target/pdu/protocol_error.h"

#include <iterator>

#include "base/check.h"

namespace pushpull::target {
namespace {

constexpr struct {
  Reason reason;
  std::string_view name;
  RejectReason reject;
} kReasons[] = {
    {Reason::kHeaderDigest, "header_digest", RejectReason::kProtocolError},
    {Reason::kDataDigest, "data_digest", RejectReason::kDataDigestError},
    {Reason::kAhsTooLong, "ahs_too_long", RejectReason::kInvalidPduField},
    {Reason::kDataSegmentTooLong, "data_segment_too_long", RejectReason::kInvalidPduField},
    {Reason::kShortMessage, "short_message", RejectReason::kInvalidPduField},
    {Reason::kLeftoverBytes, "leftover_bytes", RejectReason::kInvalidPduField},
    {Reason::kTransportHeader, "transport_header", RejectReason::kProtocolError},
    {Reason::kMalformedAhs, "malformed_ahs", RejectReason::kInvalidPduField},
    {Reason::kUnexpectedAhs, "unexpected_ahs", RejectReason::kInvalidPduField},
    {Reason::kUnexpectedData, "unexpected_data", RejectReason::kInvalidPduField},
    {Reason::kUnknownOpcode, "unknown_opcode", RejectReason::kCommandNotSupported},
    {Reason::kWrongDirection, "wrong_direction", RejectReason::kProtocolError},
    {Reason::kOpcodeOutOfPhase, "opcode_out_of_phase", RejectReason::kProtocolError},
    {Reason::kReservedValue, "reserved_value", RejectReason::kProtocolError},
    {Reason::kInvalidFlags, "invalid_flags", RejectReason::kProtocolError},
    {Reason::kInvalidLun, "invalid_lun", RejectReason::kInvalidPduField},
    {Reason::kInvalidTag, "invalid_tag", RejectReason::kInvalidPduField},
    {Reason::kTaskInProgress, "task_in_progress", RejectReason::kTaskInProgress},
    {Reason::kUnknownTask, "unknown_task", RejectReason::kInvalidPduField},
    {Reason::kUnknownTransferTag, "unknown_transfer_tag", RejectReason::kInvalidPduField},
    {Reason::kUnexpectedUnsolicitedData, "unexpected_unsolicited_data",
     RejectReason::kProtocolError},
    {Reason::kTooMuchData, "too_much_data", RejectReason::kInvalidPduField},
    {Reason::kBufferOffset, "buffer_offset", RejectReason::kInvalidPduField},
    {Reason::kDataSequence, "data_sequence", RejectReason::kProtocolError},
    {Reason::kCmdSnOutsideWindow, "cmd_sn_outside_window", RejectReason::kProtocolError},
    {Reason::kDuplicateCmdSn, "duplicate_cmd_sn", RejectReason::kProtocolError},
    {Reason::kTooManyImmediate, "too_many_immediate", RejectReason::kImmediateCommandReject},
    {Reason::kSnackRefused, "snack_refused", RejectReason::kSnackReject},
    {Reason::kInvalidDataAck, "invalid_data_ack", RejectReason::kInvalidDataAck},
    {Reason::kTextNegotiation, "text_negotiation", RejectReason::kProtocolError},
    {Reason::kWaitingForLogout, "waiting_for_logout", RejectReason::kWaitingForLogout},
};
static_assert(std::size(kReasons) == static_cast<size_t>(kLastReason) + 1);

constexpr std::string_view kActions[] = {"drop_silently", "reject", "check_condition",
                                         "close_connection", "close_session"};
static_assert(std::size(kActions) == static_cast<size_t>(kLastAction) + 1);

consteval bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kReasons); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

}  // namespace

std::string_view ReasonName(Reason reason) {
  CHECK(reason <= kLastReason);
  return kReasons[static_cast<size_t>(reason)].name;
}

std::string_view ActionName(Action action) {
  CHECK(action <= kLastAction);
  return kActions[static_cast<size_t>(action)];
}

RejectReason RejectReasonFor(Reason reason) {
  CHECK(reason <= kLastReason);
  return kReasons[static_cast<size_t>(reason)].reject;
}

std::string ToString(const ProtocolError& error) {
  std::string text(ReasonName(error.reason));
  text.append(" (").append(error.section).append("): ").append(ActionName(error.action));
  return text;
}

std::ostream& operator<<(std::ostream& out, const ProtocolError& error) {
  return out << ToString(error);
}

}  // namespace pushpull::target
