// Who may log in where: an ordered list of rules over the initiator's name and the portal.

#ifndef TARGET_SESSION_ACCESS_H_
#define TARGET_SESSION_ACCESS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/stream.h"
#include "target/login/status.h"

namespace pushpull::target {

// A portal, or several: those of a host.
struct PortalPattern {
  std::string host = {};              // empty: any
  std::optional<uint16_t> port = {};  // none: any
};

struct AccessRule {
  std::string initiator = {};  // '*' stands for any characters; empty: any name
  PortalPattern portal = {};
  // kSuccess, or the status that the login ends with.
  LoginStatus status = LoginStatus::kSuccess;
  std::vector<std::string> redirect_addresses = {};  // "HOST[:PORT]", with a redirection
};

struct Admission {
  LoginStatus status = LoginStatus::kSuccess;
  std::vector<std::string> redirect_addresses;
};

// By the first rule that fits; where none does, kAuthorizationFailure.
Admission Admit(std::span<const AccessRule> rules, std::string_view initiator,
                const fabric::Address& portal);

// "HOST[:PORT]", an IPv6 address in brackets; "" and ":PORT" for any host.
absl::StatusOr<PortalPattern> ParsePortalPattern(std::string_view text);

// Whether a redirection may name it: a host that isn't empty, and a port if any
// (RFC 7143 §13.8: without a portal group tag).
bool IsRedirectAddress(std::string_view text);

}  // namespace pushpull::target

#endif  // TARGET_SESSION_ACCESS_H_
