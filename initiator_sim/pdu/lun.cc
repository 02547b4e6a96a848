#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::initiator_sim {
namespace {

// The address methods of SAM-4 §4.6, in the first byte.
constexpr uint64_t kFlat = 0x40;
constexpr uint64_t kExtendedFlat = 0xd2;  // three bytes follow

}  // namespace

absl::StatusOr<uint64_t> EncodeLun(uint64_t lun) {
  if (lun < 1 << 8) return lun << 48;
  if (lun < 1 << 14) return (kFlat << 56) | (lun << 48);
  if (lun < 1 << 24) return (kExtendedFlat << 56) | (lun << 32);
  return absl::InvalidArgumentError(
      absl::StrCat("LUN ", lun, " has no coding by number; give its eight bytes as lun_bytes"));
}

std::optional<uint64_t> DecodeLun(uint64_t lun_bytes) {
  const uint64_t first = lun_bytes >> 56;
  std::optional<uint64_t> lun;
  if (first == 0) {
    lun = (lun_bytes >> 48) & 0xff;
  } else if ((first & 0xc0) == kFlat) {
    lun = (lun_bytes >> 48) & 0x3fff;
  } else if (first == kExtendedFlat) {
    lun = (lun_bytes >> 32) & 0xffffff;
  }
  // A number stands for one coding only, so that it comes back as the same bytes.
  if (!lun.has_value()) return std::nullopt;
  const absl::StatusOr<uint64_t> again = EncodeLun(*lun);
  return again.ok() && *again == lun_bytes ? lun : std::nullopt;
}

}  // namespace pushpull::initiator_sim
