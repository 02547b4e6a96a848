#include "target/variation/text_form.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "target/negotiation/keys.h"
#include "target/negotiation/text.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

// Whether the key's value is a numerical-value, wherever it is no word.
bool IsNumeric(const KeyRow& row) {
  return row.rule == KeyRule::kMinimum || row.rule == KeyRule::kMaximum ||
         row.rule == KeyRule::kDeclaredNumber || row.key == Key::kChapA || row.key == Key::kChapI;
}

// A large-binary-value (RFC 7143 §6.1).
bool IsBinary(const KeyRow& row) { return row.key == Key::kChapC || row.key == Key::kChapR; }

}  // namespace

std::string TextForm::Vary(std::string_view text) {
  auto pairs = ParseText(text);
  CHECK(pairs.ok()) << "the target's own text";
  const auto front = std::partition(pairs->begin(), pairs->end(), [](const KeyValue& pair) {
    return pair.key == "RDMAExtensions";
  });
  for (auto left = pairs->end() - front; left > 1; --left) {
    std::swap(front[left - 1],
              front[static_cast<std::ptrdiff_t>(random_.Below(static_cast<uint64_t>(left)))]);
  }
  std::string varied;
  for (const KeyValue& pair : *pairs) {
    AppendPair(varied, pair.key, VaryValue(pair.key, pair.value));
  }
  return varied;
}

std::string TextForm::VaryValue(std::string_view key, std::string_view value) {
  const KeyRow* const row = FindKey(key);
  // A 16-bit-binary-value: its length is the key's, and so are its digits (RFC 7143 §6.1, §13.9).
  const bool tag = row != nullptr && row->key == Key::kTargetPortalGroupTag;
  if (row != nullptr && IsBinary(*row)) return VaryBinary(value);
  if (row == nullptr || !(IsNumeric(*row) || tag) || !random_.Chance(50)) return std::string(value);
  const std::optional<uint64_t> number = ParseNumber(value);
  if (!number) return std::string(value);  // Reject, Irrelevant ...
  const size_t leading = !tag && random_.Chance(20) ? 1 + random_.Below(4) : 0;
  size_t digits = 1;
  for (uint64_t rest = *number >> 4; rest != 0; rest >>= 4) ++digits;
  return Hexadecimal(*number, tag ? 4 : digits + leading);
}

std::string TextForm::VaryBinary(std::string_view value) {
  const auto bytes = ParseBinary(value, value.size());
  if (!bytes) return std::string(value);
  if (random_.Chance(40)) {
    std::string text = FormatBase64(*bytes);
    if (random_.Chance(50)) text[1] = 'B';
    return text;
  }
  std::string text = FormatHex(*bytes);
  for (char& c : text) {
    if (c >= 'a' && random_.Chance(50)) c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string TextForm::Hexadecimal(uint64_t number, size_t digits) {
  constexpr std::string_view kDigits[] = {"0123456789abcdef", "0123456789ABCDEF"};
  std::string text(digits, '0');
  for (size_t i = digits; i-- > 0; number >>= 4) text[i] = kDigits[random_.Below(2)][number & 15];
  return (random_.Chance(50) ? "0x" : "0X") + text;
}

}  // namespace pushpull::target
