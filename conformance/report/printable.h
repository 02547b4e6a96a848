// Text of the peer's, which may hold any bytes, as what files of text can carry.

#ifndef CONFORMANCE_REPORT_PRINTABLE_H_
#define CONFORMANCE_REPORT_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace pushpull::conformance {

// Bytes of the character that `text` (not empty) begins with, where it is UTF-8 of several and one
// that readers of XML 1.0 take; else 0.
size_t LengthOfUtf8(std::string_view text);

// Line ends, tabs, printable ASCII and UTF-8 as they are; other bytes as \xNN.
std::string Printable(std::string_view text);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_PRINTABLE_H_
