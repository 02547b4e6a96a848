// Bytes as text, for reports and error messages.

#ifndef BASE_HEX_H_
#define BASE_HEX_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace pushpull::base {

// "01ff20": two lower-case digits a byte, nothing between.
std::string Hex(Bytes bytes);

// The reverse of Hex; digits of either case, white space between bytes is skipped. Nothing for any
// other character, a half byte, or space within a byte.
std::optional<std::vector<uint8_t>> ParseHex(std::string_view text);

struct HexDumpOptions {
  uint64_t first_offset = 0;  // what the first byte's offset is called
  size_t max_bytes = 4096;    // the rest is one line that says how much there is
  std::string_view indent;    // before each line
};

// One line for each 16 bytes: offset, hex in two groups of eight, and ASCII ('.' for the others):
//   00000010  43 02 00 00 00 00 00 00  00 00 01 a4 49 6e 69 74  |C...........Init|
// Each line ends with '\n'; no bytes give no line. Lines with equal bytes are all printed.
std::string HexDump(Bytes bytes, const HexDumpOptions& options = {});

}  // namespace pushpull::base

#endif  // BASE_HEX_H_
