// The eight bytes of a LUN (SAM-5 §4.7), as one big-endian number.

#ifndef TARGET_SCSI_LUN_H_
#define TARGET_SCSI_LUN_H_

#include <cstdint>
#include <optional>

namespace pushpull::target {

// The largest number that flat space addressing holds.
inline constexpr uint16_t kMaxLogicalUnitNumber = 0x3fff;

// The REPORT LUNS well-known logical unit (SPC-4 §8.2).
inline constexpr uint64_t kReportLunsWellKnownLun = 0xc101'0000'0000'0000;

// Peripheral device addressing (bus 0) below 256, flat space addressing above.
constexpr uint64_t EncodeLun(uint16_t number) {
  const uint64_t first_level = number < 256 ? number : 0x4000u | number;
  return first_level << 48;
}

// The number that a LUN names in either addressing; nothing for other methods, other buses, and
// further levels.
constexpr std::optional<uint16_t> DecodeLun(uint64_t lun) {
  if ((lun & 0x0000'ffff'ffff'ffff) != 0) return std::nullopt;
  const auto first_level = static_cast<uint16_t>(lun >> 48);
  switch (first_level >> 14) {
    case 0:
      if (first_level > 255) return std::nullopt;  // bus identifier
      return first_level;
    case 1:
      return first_level & kMaxLogicalUnitNumber;
    default:
      return std::nullopt;
  }
}

}  // namespace pushpull::target

#endif  // TARGET_SCSI_LUN_H_
