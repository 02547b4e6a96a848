// What a SCSI device settles once for all of its logical units, and SPC-4 and SAM-5 leave to it.

#ifndef TARGET_VARIATION_DEVICE_CHOICES_H_
#define TARGET_VARIATION_DEVICE_CHOICES_H_

#include <cstdint>
#include <vector>

namespace pushpull::target {

struct DeviceChoices {
  bool descriptor_sense = false;  // D_SENSE's default (SPC-4 §7.5.8)

  // Standard INQUIRY data has 36 bytes or more; from 36 to 55 and from 96 on they are the vendor's
  // (SPC-4 §6.6.2).
  uint8_t inquiry_bytes = 96;
  bool vendor_bytes_set = false;
  // VPD pages of the vendor's own, C0h to FFh, ascending (SPC-4 §7.8.1).
  std::vector<uint8_t> vendor_pages;

  // Unit attentions that are told behind each reset, the beginning of a nexus included: a target
  // may have more to say than that (SAM-5 §5.14).
  struct Attention {
    uint8_t asc;
    uint8_t ascq;
  };
  std::vector<Attention> behind_reset;
};

DeviceChoices VaryDevice(uint64_t seed);

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_DEVICE_CHOICES_H_
