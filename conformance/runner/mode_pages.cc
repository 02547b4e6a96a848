#include "conformance/runner/mode_pages.h"

#include <algorithm>
#include <cstddef>

namespace pushpull::conformance {
namespace {

// The mode parameter header (SPC-4 §7.5.5).
constexpr size_t kHeaderBytes = 4;
constexpr size_t kDescriptorLength = 3;

// A page's first byte (SPC-4 §7.5.7).
constexpr uint8_t kParametersSaveable = 0x80;
constexpr uint8_t kSubpageFormat = 0x40;
constexpr uint8_t kPageCode = 0x3f;

}  // namespace

ModePages ParseModePages(base::Bytes mode_sense_6) {
  ModePages pages;
  if (mode_sense_6.size() < kHeaderBytes) return pages;
  const size_t end = std::min<size_t>(mode_sense_6.size(), size_t{mode_sense_6[0]} + 1);
  size_t at = kHeaderBytes + mode_sense_6[kDescriptorLength];
  while (at + kHeaderBytes <= end) {
    const uint8_t code = mode_sense_6[at] & kPageCode;
    // Page 0 is the vendor's, in a format of its own, and the last.
    if (code == 0) break;
    const bool has_subpage = (mode_sense_6[at] & kSubpageFormat) != 0;
    const uint8_t subpage = has_subpage ? mode_sense_6[at + 1] : 0;
    const size_t length = has_subpage ? size_t{4} + base::LoadBe16(&mode_sense_6[at + 2])
                                      : size_t{2} + mode_sense_6[at + 1];
    if (at + length > end) break;
    std::string page(base::AsText(mode_sense_6.subspan(at, length)));
    page[0] = static_cast<char>(static_cast<uint8_t>(page[0]) & ~kParametersSaveable);
    pages[{code, subpage}] = std::move(page);
    at += length;
  }
  return pages;
}

}  // namespace pushpull::conformance
