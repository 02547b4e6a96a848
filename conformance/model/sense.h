// Sense data as the model names it. (SPC-4 §4.5)

#ifndef CONFORMANCE_MODEL_SENSE_H_
#define CONFORMANCE_MODEL_SENSE_H_

#include <cstdint>
#include <optional>

namespace pushpull::conformance::model {

struct Sense {
  uint8_t key = 0;
  uint8_t code = 0;       // additional sense code
  uint8_t qualifier = 0;  // its qualifier
  std::optional<uint64_t> information = {};

  friend bool operator==(const Sense&, const Sense&) = default;
};

inline constexpr uint8_t kIllegalRequest = 0x5, kUnitAttention = 0x6;

inline constexpr Sense kNoSense{};
inline constexpr Sense kNotStarted{0x2, 0x04, 0x02};
inline constexpr Sense kSanitizing{0x2, 0x04, 0x1b};
inline constexpr Sense kListLength{kIllegalRequest, 0x1a, 0x00};
inline constexpr Sense kNoSuchCommand{kIllegalRequest, 0x20, 0x00};
inline constexpr Sense kOutOfRange{kIllegalRequest, 0x21, 0x00};
inline constexpr Sense kBadCdb{kIllegalRequest, 0x24, 0x00};
inline constexpr Sense kNoSuchUnit{kIllegalRequest, 0x25, 0x00};
inline constexpr Sense kBadList{kIllegalRequest, 0x26, 0x00};
inline constexpr Sense kBadRelease{kIllegalRequest, 0x26, 0x04};
inline constexpr Sense kTooManyCscds{kIllegalRequest, 0x26, 0x06};
inline constexpr Sense kUnknownCscd{kIllegalRequest, 0x26, 0x07};
inline constexpr Sense kTooManySegments{kIllegalRequest, 0x26, 0x08};
inline constexpr Sense kUnknownSegment{kIllegalRequest, 0x26, 0x09};
inline constexpr Sense kTooMuchInlineData{kIllegalRequest, 0x26, 0x0b};
inline constexpr Sense kNothingIsSaved{kIllegalRequest, 0x39, 0x00};
inline constexpr Sense kInvalidMessage{kIllegalRequest, 0x49, 0x00};
inline constexpr Sense kWriteProtected{0x7, 0x27, 0x00};
inline constexpr Sense kCopyAborted{0xa, 0x00, 0x00};
inline constexpr Sense kThirdPartyFailed{0xa, 0x0d, 0x01};
inline constexpr Sense kCscdNotReachable{0xa, 0x0d, 0x02};
inline constexpr Sense kMiscompare{0xe, 0x1d, 0x00};

inline constexpr Sense kPowerOn{kUnitAttention, 0x29, 0x00};
inline constexpr Sense kUnitReset{kUnitAttention, 0x29, 0x03};
inline constexpr Sense kNexusLost{kUnitAttention, 0x29, 0x07};
inline constexpr Sense kModeChanged{kUnitAttention, 0x2a, 0x01};
inline constexpr Sense kReservationsPreempted{kUnitAttention, 0x2a, 0x03};
inline constexpr Sense kReservationsReleased{kUnitAttention, 0x2a, 0x04};
inline constexpr Sense kRegistrationsPreempted{kUnitAttention, 0x2a, 0x05};

}  // namespace pushpull::conformance::model

#endif  // CONFORMANCE_MODEL_SENSE_H_
