#include "conformance/monitor/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::conformance::monitor {
namespace {

constexpr size_t kMaxName = 223;

bool AreDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool AreHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

// Of ASCII there are letters, digits, dash, dot and colon; the rest is UTF-8 (§4.2.7.2, RFC 3722
// §6.2). Upper case: A27.
bool HasAllowedCharacters(std::string_view name) {
  // U+3002, which looks like a dot and is none (RFC 3722 §6.1).
  if (name.find("\xe3\x80\x82") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c >= 0x80 || absl::ascii_isalnum(c) || c == '-' || c == '.' || c == ':';
  });
}

// §4.2.7.4: a date, a dot, a reversed domain name, and a colon before anything else.
bool IsIqn(std::string_view name) {
  if (name.size() < 9 || !AreDigits(name.substr(0, 4)) || name[4] != '-' ||
      !AreDigits(name.substr(5, 2)) || name[7] != '.') {
    return false;
  }
  const int month = (name[5] - '0') * 10 + (name[6] - '0');
  if (month < 1 || month > 12) return false;
  const std::string_view domain = name.substr(8, name.substr(8).find(':'));
  return !domain.empty() && domain.front() != '.' && domain.back() != '.' &&
         domain.find("..") == std::string_view::npos;
}

// A 16-bit number in any form that keys allow.
std::optional<uint16_t> ParsePort(std::string_view text) {
  const std::optional<uint64_t> value = initiator_sim::ParseNumericalValue(text);
  if (!value.has_value() || *value > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(*value);
}

bool IsHost(std::string_view host, bool bracketed) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [bracketed](unsigned char c) {
    // A zone of an IPv6 address; an underscore, which some host names have.
    return c >= 0x80 || absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' ||
           (bracketed && (c == ':' || c == '%'));
  });
}

}  // namespace

bool IsTargetName(std::string_view name) {
  if (name.size() > kMaxName || !HasAllowedCharacters(name)) return false;
  if (name.starts_with("iqn.")) return IsIqn(name.substr(4));
  if (name.starts_with("eui.")) return name.size() == 4 + 16 && AreHex(name.substr(4));
  if (name.starts_with("naa.")) {
    return (name.size() == 4 + 16 || name.size() == 4 + 32) && AreHex(name.substr(4));
  }
  return name.size() > 4 && name[3] == '.';
}

std::optional<TargetAddress> ParseTargetAddress(std::string_view text) {
  TargetAddress address;
  if (const size_t comma = text.rfind(','); comma != std::string_view::npos) {
    const std::string_view tag = text.substr(comma + 1);
    address.tag = tag.starts_with("0b") || tag.starts_with("0B") ? uint16_t{0} : ParsePort(tag);
    if (!address.tag.has_value()) return std::nullopt;
    text = text.substr(0, comma);
  }
  const bool bracketed = text.starts_with("[");
  const size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
  if (!IsHost(host, bracketed)) return std::nullopt;
  address.host = std::string(host);
  const std::string_view rest = text.substr(bracketed ? end + 1 : end);
  if (rest.empty()) return address;
  const std::optional<uint16_t> port = ParsePort(rest.substr(1));
  if (rest[0] != ':' || !port.has_value() || *port == 0) return std::nullopt;
  address.port = *port;
  return address;
}

}  // namespace pushpull::conformance::monitor
