// What a command reports beside CHECK CONDITION: sense key, additional sense code, and what points
// to the cause. (SPC-4 §4.5)

#ifndef TARGET_SCSI_SENSE_H_
#define TARGET_SCSI_SENSE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pushpull::target {

// SPC-4 §4.5.6.
enum class SenseKey : uint8_t {
  kNoSense = 0x0,
  kRecoveredError = 0x1,
  kNotReady = 0x2,
  kMediumError = 0x3,
  kHardwareError = 0x4,
  kIllegalRequest = 0x5,
  kUnitAttention = 0x6,
  kDataProtect = 0x7,
  kCopyAborted = 0xa,
  kAbortedCommand = 0xb,
  kMiscompare = 0xe,
};

// The field of the CDB or of the parameter list that is in error (SPC-4 §4.5.2.4.2).
struct FieldPointer {
  bool in_cdb = true;          // else in the parameter list
  uint16_t byte = 0;           // its first byte
  std::optional<uint8_t> bit;  // its most significant bit, where the field isn't whole bytes

  friend bool operator==(const FieldPointer&, const FieldPointer&) = default;
};

struct Sense {
  SenseKey key = SenseKey::kNoSense;
  uint8_t asc = 0;   // additional sense code
  uint8_t ascq = 0;  // its qualifier
  std::optional<uint64_t> information;
  std::optional<FieldPointer> field;
  std::optional<uint16_t> progress = {};  // of 65536; in the place of `field`

  friend bool operator==(const Sense&, const Sense&) = default;
  // "5/24/00".
  std::string ToString() const;
};

// Enough for either format with all that a Sense can say.
inline constexpr size_t kMaxSenseBytes = 32;

// Current sense in fixed format (18 bytes), or in descriptor format. Returns the number of bytes
// written to `out`, which has kMaxSenseBytes. An information value above 32 bits is left out of the
// fixed format.
size_t EncodeSense(const Sense& sense, bool descriptor_format, uint8_t* out);

namespace sense {

inline constexpr Sense kNone{};
// ILLEGAL REQUEST
inline constexpr Sense kParameterListLengthError{SenseKey::kIllegalRequest, 0x1a, 0x00, {}, {}};
inline constexpr Sense kInvalidOperationCode{SenseKey::kIllegalRequest, 0x20, 0x00, {}, {}};
inline constexpr Sense kLbaOutOfRange{SenseKey::kIllegalRequest, 0x21, 0x00, {}, {}};
inline constexpr Sense kInvalidFieldInCdb{SenseKey::kIllegalRequest, 0x24, 0x00, {}, {}};
inline constexpr Sense kLogicalUnitNotSupported{SenseKey::kIllegalRequest, 0x25, 0x00, {}, {}};
inline constexpr Sense kInvalidFieldInParameterList{SenseKey::kIllegalRequest, 0x26, 0x00, {}, {}};
inline constexpr Sense kInvalidReleaseOfPersistentReservation{
    SenseKey::kIllegalRequest, 0x26, 0x04, {}, {}};
inline constexpr Sense kSavingParametersNotSupported{SenseKey::kIllegalRequest, 0x39, 0x00, {}, {}};
inline constexpr Sense kInvalidMessageError{SenseKey::kIllegalRequest, 0x49, 0x00, {}, {}};
inline constexpr Sense kInsufficientRegistrationResources{
    SenseKey::kIllegalRequest, 0x55, 0x04, {}, {}};
// EXTENDED COPY
inline constexpr Sense kTooManyTargetDescriptors{SenseKey::kIllegalRequest, 0x26, 0x06, {}, {}};
inline constexpr Sense kUnsupportedTargetDescriptor{SenseKey::kIllegalRequest, 0x26, 0x07, {}, {}};
inline constexpr Sense kTooManySegmentDescriptors{SenseKey::kIllegalRequest, 0x26, 0x08, {}, {}};
inline constexpr Sense kUnsupportedSegmentDescriptor{SenseKey::kIllegalRequest, 0x26, 0x09, {}, {}};
inline constexpr Sense kInlineDataLengthExceeded{SenseKey::kIllegalRequest, 0x26, 0x0b, {}, {}};
inline constexpr Sense kCopyAborted{SenseKey::kCopyAborted, 0x00, 0x00, {}, {}};
inline constexpr Sense kThirdPartyDeviceFailure{SenseKey::kCopyAborted, 0x0d, 0x01, {}, {}};
inline constexpr Sense kCopyTargetNotReachable{SenseKey::kCopyAborted, 0x0d, 0x02, {}, {}};
// NOT READY
inline constexpr Sense kInitializingCommandRequired{SenseKey::kNotReady, 0x04, 0x02, {}, {}};
inline constexpr Sense kSanitizeInProgress{SenseKey::kNotReady, 0x04, 0x1b, {}, {}};
// DATA PROTECT
inline constexpr Sense kWriteProtected{SenseKey::kDataProtect, 0x27, 0x00, {}, {}};
inline constexpr Sense kSpaceAllocationFailed{SenseKey::kDataProtect, 0x27, 0x07, {}, {}};
// MEDIUM ERROR, HARDWARE ERROR, MISCOMPARE
inline constexpr Sense kWriteError{SenseKey::kMediumError, 0x0c, 0x00, {}, {}};
inline constexpr Sense kUnrecoveredReadError{SenseKey::kMediumError, 0x11, 0x00, {}, {}};
inline constexpr Sense kSanitizeFailed{SenseKey::kMediumError, 0x31, 0x03, {}, {}};
inline constexpr Sense kInternalTargetFailure{SenseKey::kHardwareError, 0x44, 0x00, {}, {}};
inline constexpr Sense kMiscompareDuringVerify{SenseKey::kMiscompare, 0x1d, 0x00, {}, {}};
// UNIT ATTENTION
inline constexpr Sense kPowerOnOrReset{SenseKey::kUnitAttention, 0x29, 0x00, {}, {}};
inline constexpr Sense kBusDeviceReset{SenseKey::kUnitAttention, 0x29, 0x03, {}, {}};
inline constexpr Sense kNexusLoss{SenseKey::kUnitAttention, 0x29, 0x07, {}, {}};
inline constexpr Sense kModeParametersChanged{SenseKey::kUnitAttention, 0x2a, 0x01, {}, {}};
inline constexpr Sense kReservationsPreempted{SenseKey::kUnitAttention, 0x2a, 0x03, {}, {}};
inline constexpr Sense kReservationsReleased{SenseKey::kUnitAttention, 0x2a, 0x04, {}, {}};
inline constexpr Sense kRegistrationsPreempted{SenseKey::kUnitAttention, 0x2a, 0x05, {}, {}};
inline constexpr Sense kCommandsClearedByAnotherInitiator{
    SenseKey::kUnitAttention, 0x2f, 0x00, {}, {}};
inline constexpr Sense kReportedLunsDataChanged{SenseKey::kUnitAttention, 0x3f, 0x0e, {}, {}};
// RFC 7143 §11.14.5: tasks that a logout or a lost connection ended.
inline constexpr Sense kCommandsClearedByIscsi{SenseKey::kUnitAttention, 0x47, 0x7f, {}, {}};
// ABORTED COMMAND: what the transport reports (RFC 7143 §11.4.7.2)
inline constexpr Sense kUnexpectedUnsolicitedData{SenseKey::kAbortedCommand, 0x0c, 0x0c, {}, {}};
inline constexpr Sense kIncorrectAmountOfData{SenseKey::kAbortedCommand, 0x0c, 0x0d, {}, {}};
inline constexpr Sense kProtocolServiceCrcError{SenseKey::kAbortedCommand, 0x47, 0x05, {}, {}};
inline constexpr Sense kSnackRejected{SenseKey::kAbortedCommand, 0x11, 0x13, {}, {}};

}  // namespace sense
}  // namespace pushpull::target

#endif  // TARGET_SCSI_SENSE_H_
