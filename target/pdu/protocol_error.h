// A peer broke the protocol: a value that says how, which section it broke, and what is to be done.

#ifndef TARGET_PDU_PROTOCOL_ERROR_H_
#define TARGET_PDU_PROTOCOL_ERROR_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "target/pdu/codes.h"

namespace pushpull::target {

// Names by ReasonName() are the enumerators' in lower case with underscores.
enum class Reason : uint8_t {
  // Framing: found by the receive machine.
  kHeaderDigest,
  kDataDigest,
  kAhsTooLong,          // TotalAHSLength beyond what was agreed or provided for
  kDataSegmentTooLong,  // DataSegmentLength beyond MaxRecvDataSegmentLength
  kShortMessage,        // a message ends before the PDU that it holds
  kLeftoverBytes,       // a message goes on behind the PDU that it holds
  kTransportHeader,     // the iSER header

  // Header contents.
  kMalformedAhs,
  kUnexpectedAhs,   // in a PDU that has none
  kUnexpectedData,  // in a PDU that has no data segment
  kUnknownOpcode,
  kWrongDirection,  // a target's opcode from an initiator
  kOpcodeOutOfPhase,
  kReservedValue,
  kInvalidFlags,
  kInvalidLun,
  kInvalidTag,

  // Tasks, numbers and data.
  kTaskInProgress,  // the Initiator Task Tag is in use
  kUnknownTask,
  kUnknownTransferTag,
  kUnexpectedUnsolicitedData,
  kTooMuchData,
  kBufferOffset,
  kDataSequence,  // DataSN, or the order of data PDUs
  kCmdSnOutsideWindow,
  kDuplicateCmdSn,
  kTooManyImmediate,
  kSnackRefused,
  kInvalidDataAck,
  kTextNegotiation,
  kWaitingForLogout,
};
inline constexpr Reason kLastReason = Reason::kWaitingForLogout;

// What the receiver does about it, from mild to hard.
enum class Action : uint8_t {
  kDropSilently,     // RFC 7143 §4.2.2.1: commands outside of the window, duplicates
  kReject,           // RFC 7143 §7.3: the PDU is answered by a Reject with RejectReasonFor(reason)
  kCheckCondition,   // the task ends with a status (RFC 7143 §11.4.7.2)
  kCloseConnection,  // RFC 7143 §7.8: this connection ends
  kCloseSession,     // RFC 7143 §7.7: all of the session's connections end
};
inline constexpr Action kLastAction = Action::kCloseSession;

std::string_view ReasonName(Reason reason);
std::string_view ActionName(Action action);

// The code of RFC 7143 §11.17.1 that fits, should the PDU be answered by a Reject.
RejectReason RejectReasonFor(Reason reason);

struct ProtocolError {
  Reason reason;
  std::string_view section;  // "RFC 7143 §11.2.1.5"; a string literal
  Action action;

  // Whether the connection can't go on behind it.
  bool ends_connection() const { return action >= Action::kCloseConnection; }

  friend bool operator==(const ProtocolError&, const ProtocolError&) = default;
};

// "header_digest (RFC 7143 §7.8): close_connection"
std::string ToString(const ProtocolError& error);
std::ostream& operator<<(std::ostream& out, const ProtocolError& error);

}  // namespace pushpull::target

#endif  // TARGET_PDU_PROTOCOL_ERROR_H_
