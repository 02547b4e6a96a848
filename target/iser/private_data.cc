#include "target/iser/private_data.h"

#include <algorithm>

namespace pushpull::target {
namespace {

constexpr uint8_t kNoZeroBasedAddresses = 0x80;
constexpr uint8_t kNoSendWithInvalidate = 0x40;

}  // namespace

IserPrivateData ParseIserPrivateData(base::Bytes bytes) {
  if (bytes.size() < kIserPrivateDataBytes) return {};
  const bool only_fill = bytes.size() > kIserPrivateDataBytes &&
                         std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
  if (only_fill) return {};
  return {.present = true,
          .zero_based_addresses = (bytes[0] & kNoZeroBasedAddresses) == 0,
          .send_with_invalidate = (bytes[0] & kNoSendWithInvalidate) == 0};
}

std::array<uint8_t, kIserPrivateDataBytes> BuildIserPrivateData(const IserPrivateData& data) {
  uint8_t flags = 0;
  if (!data.zero_based_addresses) flags |= kNoZeroBasedAddresses;
  if (!data.send_with_invalidate) flags |= kNoSendWithInvalidate;
  return {flags, 0, 0, 0};
}

}  // namespace pushpull::target
