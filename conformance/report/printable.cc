#include "conformance/report/printable.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace pushpull::conformance {

size_t LengthOfUtf8(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  uint32_t code = lead & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0xa0, 0x800, 0x10000};  // below 0xa0 are control characters
  if (code < kLeast[length - 2] || code > 0x10ffff) return 0;
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return surrogate || code == 0xfffe || code == 0xffff ? 0 : length;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (const size_t length = LengthOfUtf8(text.substr(i)); length > 0) {
      out += text.substr(i, length);
      i += length - 1;
    } else if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7f)) {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace pushpull::conformance
