// What request.cc and response.cc share: the fields of byte 0 to 7.

#ifndef TARGET_PDU_CODEC_H_
#define TARGET_PDU_CODEC_H_

#include <cstdint>

#include "base/bytes.h"
#include "target/pdu/bhs.h"
#include "target/pdu/opcode.h"

namespace pushpull::target::codec {

inline constexpr uint8_t kFinal = 0x80;  // also T in login PDUs
inline constexpr uint8_t kContinue = 0x40;

constexpr uint8_t Bit(bool set, uint8_t mask) { return set ? mask : uint8_t{0}; }

// A header with opcode, I bit, byte 1 and both lengths, and 0 elsewhere.
template <typename Pdu>
Bhs Start(const Pdu& pdu, Opcode opcode, bool immediate, uint8_t flags) {
  Bhs bhs = {};
  bhs[0] = static_cast<uint8_t>(Bit(immediate, 0x40) | static_cast<uint8_t>(opcode));
  bhs[1] = flags;
  bhs[4] = pdu.total_ahs_length;
  SetDataSegmentLength(bhs, pdu.data_segment_length);
  return bhs;
}

template <typename Pdu>
void ReadLengths(BhsView bhs, Pdu& pdu) {
  pdu.total_ahs_length = static_cast<uint8_t>(bhs.total_ahs_length());
  pdu.data_segment_length = bhs.data_segment_length();
}

inline uint16_t Load16(BhsView bhs, size_t at) { return base::LoadBe16(bhs.data() + at); }
inline uint32_t Load32(BhsView bhs, size_t at) { return base::LoadBe32(bhs.data() + at); }
inline void Store16(Bhs& bhs, size_t at, uint16_t v) { base::StoreBe16(bhs.data() + at, v); }
inline void Store32(Bhs& bhs, size_t at, uint32_t v) { base::StoreBe32(bhs.data() + at, v); }
inline void Store64(Bhs& bhs, size_t at, uint64_t v) { base::StoreBe64(bhs.data() + at, v); }

}  // namespace pushpull::target::codec

#endif  // TARGET_PDU_CODEC_H_
