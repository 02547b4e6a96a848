#include "target/session/access.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace pushpull::target {
namespace {

// Names are compared without regard to the case of ASCII letters (RFC 7143 §4.2.7.1).
bool Fits(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0;
  size_t star = pattern.npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && absl::ascii_tolower(static_cast<unsigned char>(pattern[p])) ==
                                         absl::ascii_tolower(static_cast<unsigned char>(name[n]))) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                     [](char c) { return c == '*'; });
}

bool Fits(const PortalPattern& pattern, const fabric::Address& portal) {
  return (pattern.host.empty() || pattern.host == portal.host) &&
         (!pattern.port.has_value() || *pattern.port == portal.port);
}

}  // namespace

Admission Admit(std::span<const AccessRule> rules, std::string_view initiator,
                const fabric::Address& portal) {
  for (const AccessRule& rule : rules) {
    if (!rule.initiator.empty() && !Fits(rule.initiator, initiator)) continue;
    if (Fits(rule.portal, portal)) return {rule.status, rule.redirect_addresses};
  }
  return {LoginStatus::kAuthorizationFailure, {}};
}

absl::StatusOr<PortalPattern> ParsePortalPattern(std::string_view text) {
  const auto bad = [text](const char* why) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", std::string(text), "\": ", why, "; right is HOST[:PORT]"));
  };
  PortalPattern pattern;
  std::string_view rest = text;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    if (end == rest.npos) return bad("']' is missing");
    pattern.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const size_t colon = rest.find(':');
    pattern.host = rest.substr(0, colon);
    rest = colon == rest.npos ? "" : rest.substr(colon);
    if (!rest.empty() && rest.find(':', 1) != rest.npos) return bad("IPv6 needs brackets");
  }
  if (pattern.host.find_first_of("/, ") != std::string::npos) return bad("that is no host");
  if (rest.empty()) return pattern;
  uint32_t port = 0;
  if (rest[0] != ':' || !absl::SimpleAtoi(std::string(rest.substr(1)), &port) || port > 0xffff) {
    return bad("the port is no number from 0 to 65535");
  }
  pattern.port = static_cast<uint16_t>(port);
  return pattern;
}

bool IsRedirectAddress(std::string_view text) {
  const absl::StatusOr<PortalPattern> pattern = ParsePortalPattern(text);
  return pattern.ok() && !pattern->host.empty() && pattern->port.value_or(1) != 0;
}

}  // namespace pushpull::target
