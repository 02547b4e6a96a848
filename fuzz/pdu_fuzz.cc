// Both codecs on any bytes: the initiator's reads and writes back the very same, and the two read
// each header alike. The first byte says which digests there are (bits 0 and 1), and whether the
// PDU is told as text and held against itself as what is expected, which costs more than all else
// (bit 2): both sides give it the same name, and no other number or byte passes for it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "fuzz/codecs/readings.h"
#include "fuzz/codecs/texts.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/text.h"
#include "target/pdu/bhs.h"

namespace pushpull {
namespace {

void Check(base::Bytes bytes, initiator_sim::Digests digests, bool told) {
  const initiator_sim::DecodedPdu decoded = initiator_sim::Decode(bytes, digests);
  if (told) {
    CHECK(!initiator_sim::FullText(decoded.pdu, "").empty());
    const std::string wrong = codecs::CheckMatching(decoded.pdu);
    CHECK(wrong.empty()) << wrong << "\n" << decoded.pdu.DebugString();
  }
  const v1::Pdu exact = initiator_sim::DecodeExactly(bytes, digests);
  const auto encoded = initiator_sim::Encode(exact, {});
  CHECK(encoded.ok()) << encoded.status().ToString() << exact.DebugString();
  // Less than a header is filled up.
  CHECK(encoded->bytes.size() >= bytes.size());
  CHECK(std::equal(bytes.begin(), bytes.end(), encoded->bytes.begin())) << exact.DebugString();
  if (bytes.size() < initiator_sim::kBhsSize) return;
  CHECK_EQ(encoded->bytes.size(), bytes.size());

  target::Bhs bhs;
  std::copy_n(bytes.begin(), bhs.size(), bhs.begin());
  if (told) {
    const std::string names = codecs::CompareNames(bhs, decoded.pdu);
    CHECK(names.empty()) << names;
  }
  // What an AHS adds, the header alone doesn't have.
  const bool extended = decoded.pdu.total_ahs_length() != 0;
  const std::string differs = extended ? "" : codecs::CompareReadings(bhs, decoded.pdu);
  CHECK(differs.empty()) << differs;
}

}  // namespace
}  // namespace pushpull

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  pushpull::Check({data + 1, size - 1}, {(data[0] & 1) != 0, (data[0] & 2) != 0},
                  (data[0] & 4) != 0);
  return 0;
}
