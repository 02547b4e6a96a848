// The LUN field: eight bytes as SAM codes them (RFC 7143 §11.2.1.7).

#ifndef TARGET_PDU_LUN_H_
#define TARGET_PDU_LUN_H_

#include <cstdint>
#include <optional>

namespace pushpull::target {

inline constexpr uint32_t kMaxLun = 0x3fff;

// The number that a single-level LUN names: peripheral device addressing on bus 0 (0 to 255) or
// flat space addressing (0 to 16383). No value for every other coding: other buses, logical unit
// and extended addressing, further levels.
constexpr std::optional<uint32_t> DecodeLun(uint64_t field) {
  if ((field & 0x0000'ffff'ffff'ffff) != 0) return std::nullopt;
  const auto first_level = static_cast<uint32_t>(field >> 48);
  switch (first_level >> 14) {
    case 0:  // peripheral: six bits of bus, eight bits of number
      if ((first_level >> 8) != 0) return std::nullopt;
      return first_level & 0xff;
    case 1:  // flat: fourteen bits of number
      return first_level & kMaxLun;
    default:
      return std::nullopt;
  }
}

// Peripheral below 256, else flat. `lun` must be at most kMaxLun.
constexpr uint64_t EncodeLun(uint32_t lun) {
  return static_cast<uint64_t>(lun < 256 ? lun : 0x4000 | lun) << 48;
}

}  // namespace pushpull::target

#endif  // TARGET_PDU_LUN_H_
