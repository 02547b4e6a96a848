#include "target/target_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace pushpull::target {
namespace {

constexpr size_t kMaxNameBytes = 223;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsLowerOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }

// "YYYY-MM."
bool BeginsWithDate(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd.";
  if (text.size() < kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    if (kShape[i] == 'd' ? !IsDigit(text[i]) : text[i] != kShape[i]) return false;
  }
  const int month = (text[5] - '0') * 10 + (text[6] - '0');
  return month >= 1 && month <= 12;
}

// Labels of letters, digits and inner dashes, with dots between them.
bool IsDomain(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(),
                     [](char c) { return IsLowerOrDigit(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsHexOf(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), IsHex);
}

// What is wrong with a name in lower case; nothing, if empty.
std::string_view Fault(std::string_view name) {
  if (name.size() > kMaxNameBytes) return "it is longer than 223 bytes (RFC 7143 §4.2.7.2)";
  if (!std::all_of(name.begin(), name.end(),
                   [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '.' || c == ':'; })) {
    return "it has other characters than letters, digits, '-', '.' and ':' (RFC 7143 §4.2.7.2)";
  }
  const std::string_view type = name.substr(0, 4),
                         rest = name.substr(std::min<size_t>(4, name.size()));
  if (type == "iqn.") {
    if (!BeginsWithDate(rest))
      return "a year and a month are due after \"iqn.\": iqn.2001-04.com.x";
    const std::string_view authority = rest.substr(8, rest.find(':') - 8);
    if (!IsDomain(authority)) {
      return "a reversed domain name is due after the date: iqn.2001-04.com.example:disk";
    }
    return {};
  }
  if (type == "eui.")
    return IsHexOf(rest, 16) ? "" : "16 hexadecimal digits are due after \"eui.\"";
  if (type == "naa.") {
    return IsHexOf(rest, 16) || IsHexOf(rest, 32)
               ? ""
               : "16 or 32 hexadecimal digits are due after \"naa.\"";
  }
  return "it begins with none of iqn., eui. and naa. (RFC 7143 §4.2.7.3)";
}

}  // namespace

absl::StatusOr<std::string> NormalizeTargetName(std::string_view name) {
  std::string lower(name);
  absl::AsciiStrToLower(&lower);
  const std::string_view fault = Fault(lower);
  if (fault.empty()) return lower;
  return absl::InvalidArgumentError(absl::StrCat("name \"",
                                                 absl::Utf8SafeCEscape(std::string(name)),
                                                 "\" is no iSCSI name: ", std::string(fault)));
}

}  // namespace pushpull::target
