// The numbers in PDU fields that name something. A value of these types may be one without a name:
// decoding keeps what came.

#ifndef TARGET_PDU_CODES_H_
#define TARGET_PDU_CODES_H_

#include <cstdint>

namespace pushpull::target {

// Initiator Task Tag and Target Transfer Tag: "no tag" (RFC 7143 §11.2.1.8, §11.7.4).
inline constexpr uint32_t kNoTag = 0xffffffff;

enum class TaskAttributeCode : uint8_t {  // RFC 7143 §11.3.1
  kUntagged = 0,
  kSimple = 1,
  kOrdered = 2,
  kHeadOfQueue = 3,
  kAca = 4,
};

enum class TaskManagementFunction : uint8_t {  // RFC 7143 §11.5.1; 9 to 12: RFC 7144 §6.3
  kAbortTask = 1,
  kAbortTaskSet = 2,
  kClearAca = 3,
  kClearTaskSet = 4,
  kLogicalUnitReset = 5,
  kTargetWarmReset = 6,
  kTargetColdReset = 7,
  kTaskReassign = 8,
  kQueryTask = 9,
  kQueryTaskSet = 10,
  kItNexusReset = 11,
  kQueryAsynchronousEvent = 12,
};

enum class TaskManagementResponseCode : uint8_t {  // RFC 7143 §11.6.1; 7: RFC 7144 §6.4.2
  kFunctionComplete = 0,
  kTaskDoesNotExist = 1,
  kLunDoesNotExist = 2,
  kTaskStillAllegiant = 3,
  kTaskAllegianceReassignmentNotSupported = 4,
  kFunctionNotSupported = 5,
  kFunctionAuthorizationFailed = 6,
  kFunctionSucceeded = 7,
  kFunctionRejected = 255,
};

enum class Stage : uint8_t {  // CSG and NSG, RFC 7143 §11.12.3
  kSecurityNegotiation = 0,
  kLoginOperationalNegotiation = 1,
  kFullFeaturePhase = 3,
};

enum class ScsiResponseCode : uint8_t {  // RFC 7143 §11.4.3
  kCommandCompletedAtTarget = 0,
  kTargetFailure = 1,
};

enum class LogoutReason : uint8_t {  // RFC 7143 §11.14.1
  kCloseSession = 0,
  kCloseConnection = 1,
  kRemoveConnectionForRecovery = 2,
};

enum class LogoutResponseCode : uint8_t {  // RFC 7143 §11.15.1
  kClosed = 0,
  kCidNotFound = 1,
  kConnectionRecoveryNotSupported = 2,
  kCleanupFailed = 3,
};

enum class SnackType : uint8_t {  // RFC 7143 §11.16.1
  kDataOrR2t = 0,
  kStatus = 1,
  kDataAck = 2,
  kRData = 3,
};

enum class AsyncEvent : uint8_t {  // RFC 7143 §11.9.1
  kScsiAsyncEvent = 0,
  kLogoutRequest = 1,
  kConnectionDropNotification = 2,
  kSessionDropNotification = 3,
  kNegotiationRequest = 4,
  kTaskTermination = 5,
  kVendorSpecific = 255,  // as are those from 248 on
};

enum class RejectReason : uint8_t {  // RFC 7143 §11.17.1; 0x0b is deprecated and never sent
  kDataDigestError = 0x02,
  kSnackReject = 0x03,
  kProtocolError = 0x04,
  kCommandNotSupported = 0x05,
  kImmediateCommandReject = 0x06,
  kTaskInProgress = 0x07,
  kInvalidDataAck = 0x08,
  kInvalidPduField = 0x09,
  kLongOperationReject = 0x0a,
  kWaitingForLogout = 0x0c,
};

}  // namespace pushpull::target

#endif  // TARGET_PDU_CODES_H_
