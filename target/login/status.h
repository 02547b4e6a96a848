// Status-Class and Status-Detail of a Login Response (RFC 7143 §11.13.5).

#ifndef TARGET_LOGIN_STATUS_H_
#define TARGET_LOGIN_STATUS_H_

#include <cstdint>
#include <string_view>

namespace pushpull::target {

// Class in the upper byte, detail in the lower.
enum class LoginStatus : uint16_t {
  kSuccess = 0x0000,
  kTargetMovedTemporarily = 0x0101,
  kTargetMovedPermanently = 0x0102,
  kInitiatorError = 0x0200,
  kAuthenticationFailure = 0x0201,
  kAuthorizationFailure = 0x0202,
  kNotFound = 0x0203,
  kTargetRemoved = 0x0204,
  kUnsupportedVersion = 0x0205,
  kTooManyConnections = 0x0206,
  kMissingParameter = 0x0207,
  kCannotIncludeInSession = 0x0208,
  kSessionTypeNotSupported = 0x0209,
  kSessionDoesNotExist = 0x020a,
  kInvalidDuringLogin = 0x020b,
  kTargetError = 0x0300,
  kServiceUnavailable = 0x0301,
  kOutOfResources = 0x0302,
};

constexpr uint8_t StatusClass(LoginStatus status) { return static_cast<uint16_t>(status) >> 8; }
constexpr uint8_t StatusDetail(LoginStatus status) { return static_cast<uint16_t>(status) & 0xff; }

// "not found"; "unknown" for a number without a name.
std::string_view LoginStatusName(LoginStatus status);

}  // namespace pushpull::target

#endif  // TARGET_LOGIN_STATUS_H_
