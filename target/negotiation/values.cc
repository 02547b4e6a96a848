#include "target/negotiation/values.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/utf8.h"
#include "target/negotiation/text.h"

namespace pushpull::target {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// -1 for any other character.
int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (IsDigit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

bool HasPrefix(std::string_view value, char letter) {
  return value.size() >= 2 && value[0] == '0' && (value[1] | 0x20) == letter;
}

std::optional<uint64_t> ParseHexNumber(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  uint64_t number = 0;
  for (const char c : digits) {
    const int digit = HexDigit(c);
    if (digit < 0 || number >> 60 != 0) return std::nullopt;
    number = number << 4 | static_cast<uint64_t>(digit);
  }
  return number;
}

std::optional<std::vector<uint8_t>> ParseHexBinary(std::string_view digits, size_t max_bytes) {
  if (digits.empty() || (digits.size() + 1) / 2 > max_bytes) return std::nullopt;
  std::vector<uint8_t> bytes((digits.size() + 1) / 2);
  // The last digit is the lower half of the last byte; the first byte may have that half alone.
  size_t nibble = digits.size() % 2;
  for (const char c : digits) {
    const int digit = HexDigit(c);
    if (digit < 0) return std::nullopt;
    bytes[nibble / 2] = static_cast<uint8_t>(bytes[nibble / 2] << 4 | digit);
    ++nibble;
  }
  return bytes;
}

std::optional<std::vector<uint8_t>> ParseBase64(std::string_view digits, size_t max_bytes) {
  // RFC 4648 §4: groups of four, the last one padded.
  if (digits.empty() || digits.size() % 4 != 0) return std::nullopt;
  size_t pad = 0;
  while (pad < 2 && digits[digits.size() - 1 - pad] == '=') ++pad;
  const size_t size = digits.size() / 4 * 3 - pad;
  if (size > max_bytes) return std::nullopt;
  digits.remove_suffix(pad);
  std::vector<uint8_t> bytes;
  bytes.reserve(size);
  uint32_t bits = 0;
  uint32_t bit_count = 0;
  for (const char c : digits) {
    const int digit = Base64Digit(c);
    if (digit < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(digit)) & 0xffff;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<uint8_t>(bits >> bit_count));
    }
  }
  // Bits behind the last byte are 0 (RFC 4648 §3.5): one value has one spelling.
  if ((bits & ((1u << bit_count) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace

bool IsAnswerWord(std::string_view value) {
  return value == kValueReject || value == kValueIrrelevant || value == kValueNotUnderstood;
}

std::optional<uint64_t> ParseNumber(std::string_view value) {
  if (HasPrefix(value, 'x')) return ParseHexNumber(value.substr(2));
  if (value.empty() || (value.size() > 1 && value[0] == '0')) return std::nullopt;
  uint64_t number = 0;
  for (const char c : value) {
    if (!IsDigit(c)) return std::nullopt;
    if (__builtin_mul_overflow(number, uint64_t{10}, &number)) return std::nullopt;
    if (__builtin_add_overflow(number, static_cast<uint64_t>(c - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number;
}

std::optional<NumberRange> ParseRange(std::string_view value) {
  const size_t tilde = value.find('~');
  if (tilde == value.npos) return std::nullopt;
  const std::optional<uint64_t> low = ParseNumber(value.substr(0, tilde));
  const std::optional<uint64_t> high = ParseNumber(value.substr(tilde + 1));
  if (!low || !high || *low > *high) return std::nullopt;
  return NumberRange{*low, *high};
}

std::optional<bool> ParseBoolean(std::string_view value) {
  if (value == kValueYes) return true;
  if (value == kValueNo) return false;
  return std::nullopt;
}

std::optional<std::vector<uint8_t>> ParseBinary(std::string_view value, size_t max_bytes) {
  if (HasPrefix(value, 'x')) return ParseHexBinary(value.substr(2), max_bytes);
  if (HasPrefix(value, 'b')) return ParseBase64(value.substr(2), max_bytes);
  return std::nullopt;
}

std::string FormatHex(base::Bytes bytes) { return "0x" + base::Hex(bytes); }

std::string FormatBase64(base::Bytes bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "0b";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? bytes[i + j] : 0u);
    for (size_t j = 0; j < 4; ++j) {
      text += j <= count ? kDigits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

std::vector<std::string_view> SplitList(std::string_view value) {
  std::vector<std::string_view> items;
  for (;;) {
    const size_t comma = value.find(',');
    items.push_back(value.substr(0, comma));
    if (comma == value.npos) return items;
    value.remove_prefix(comma + 1);
  }
}

bool IsIscsiName(std::string_view name) {
  if (name.size() > kMaxIscsiNameLength || !IsUtf8(name)) return false;
  constexpr std::array<std::string_view, 3> kTypes = {"iqn.", "eui.", "naa."};
  if (std::none_of(kTypes.begin(), kTypes.end(), [name](std::string_view type) {
        return name.size() > type.size() && name.starts_with(type);
      })) {
    return false;
  }
  // RFC 3722 §6.2: of ASCII, only letters, digits, '-', '.' and ':'.
  const bool ascii_is_good = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<uint8_t>(c) >= 0x80 || IsDigit(c) || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == ':';
  });
  constexpr std::string_view kIdeographicFullStop = "\xe3\x80\x82";  // U+3002, RFC 3722 §6.1
  return ascii_is_good && name.find(kIdeographicFullStop) == name.npos;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = base::Utf8SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace pushpull::target
