// Values of text keys (RFC 7143 §6.1): parsing and writing each of the RFC's forms.

#ifndef TARGET_NEGOTIATION_VALUES_H_
#define TARGET_NEGOTIATION_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace pushpull::target {

// §6.2: words with a meaning of their own.
inline constexpr std::string_view kValueNone = "None";
inline constexpr std::string_view kValueReject = "Reject";
inline constexpr std::string_view kValueIrrelevant = "Irrelevant";
inline constexpr std::string_view kValueNotUnderstood = "NotUnderstood";
inline constexpr std::string_view kValueYes = "Yes";
inline constexpr std::string_view kValueNo = "No";

// Reject, Irrelevant and NotUnderstood: answers, never proposals.
bool IsAnswerWord(std::string_view value);

// decimal-constant ("0", or digits without a leading zero) or hex-constant, below 2^64.
std::optional<uint64_t> ParseNumber(std::string_view value);

// numerical-range "low~high" with low <= high.
struct NumberRange {
  uint64_t low;
  uint64_t high;
  friend bool operator==(const NumberRange&, const NumberRange&) = default;
};
std::optional<NumberRange> ParseRange(std::string_view value);

// "Yes" or "No", nothing else.
std::optional<bool> ParseBoolean(std::string_view value);

// A binary-value as hex-constant (an odd number of digits has a leading zero nibble) or
// base64-constant. Nothing where it is malformed, empty or longer than `max_bytes`; nothing is
// allocated beyond that. Decimal constants have no length of their own: see ParseNumber.
std::optional<std::vector<uint8_t>> ParseBinary(std::string_view value, size_t max_bytes);

// "0x" and lower-case digits; "0b" and base64 with pad.
std::string FormatHex(base::Bytes bytes);
std::string FormatBase64(base::Bytes bytes);

// The items of a list-of-values, in order; empty items are kept.
std::vector<std::string_view> SplitList(std::string_view value);

// iSCSI-name-value as a receiver can judge it without stringprep tables: 1 to 223 bytes of UTF-8
// that has none of the characters that RFC 3722 §6 prohibits within ASCII nor U+3002, and begins
// with "iqn.", "eui." or "naa." (§4.2.7.3). Upper case is tolerated.
bool IsIscsiName(std::string_view name);

bool IsUtf8(std::string_view text);

}  // namespace pushpull::target

#endif  // TARGET_NEGOTIATION_VALUES_H_
