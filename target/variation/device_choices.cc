#include "target/variation/device_choices.h"

#include <array>

#include "base/random.h"

namespace pushpull::target {
namespace {

// MODE PARAMETERS CHANGED, CAPACITY DATA HAS CHANGED, INQUIRY DATA HAS CHANGED, REPORTED LUNS DATA
// HAS CHANGED, and a vendor's own (SPC-4 annex D).
constexpr std::array<DeviceChoices::Attention, 5> kAttentions = {
    {{0x2a, 0x01}, {0x2a, 0x09}, {0x3f, 0x03}, {0x3f, 0x0e}, {0x80, 0x81}}};

constexpr std::array<uint8_t, 6> kInquiryBytes = {36, 58, 74, 96, 128, 254};

}  // namespace

DeviceChoices VaryDevice(uint64_t seed) {
  base::Random random(seed);
  DeviceChoices choices;
  choices.descriptor_sense = random.Chance(40);
  choices.inquiry_bytes = kInquiryBytes[random.Below(kInquiryBytes.size())];
  choices.vendor_bytes_set = random.Chance(50);
  for (unsigned page = 0xc0; page <= 0xff; ++page) {
    if (random.Chance(4)) choices.vendor_pages.push_back(static_cast<uint8_t>(page));
  }
  for (const DeviceChoices::Attention& attention : kAttentions) {
    if (random.Chance(25)) choices.behind_reset.push_back(attention);
  }
  return choices;
}

}  // namespace pushpull::target
