// The figures of RFC 7143 §11 as data: which field of which PDU stands in which bits of the basic
// header segment. Encoding, decoding and the masks of reserved bits are read from here.

#ifndef INITIATOR_SIM_PDU_FIGURE_H_
#define INITIATOR_SIM_PDU_FIGURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

inline constexpr size_t kBhsSize = 48;
inline constexpr uint32_t kReservedTag = 0xffffffff;
// DataSegmentLength has 24 bits, TotalAHSLength 8 bits that count words.
inline constexpr uint32_t kMaxDataSegmentLength = 0xffffff;
inline constexpr uint32_t kMaxTotalAhsLength = 0xff;

using Bhs = std::array<uint8_t, kBhsSize>;
using PduKind = v1::Pdu::KindCase;

// One field of a header. `bit` counts as the figures do: bit 0 is the most significant of `byte`.
struct Field {
  int number;  // in the message of the kind
  uint8_t byte;
  uint8_t bit;
  uint8_t width;   // in bits, up to 64
  uint64_t unset;  // what an unset field is sent as
};

// The numeric fields of a kind (none for kRaw and KIND_NOT_SET). ISID and CDB, which are bytes, are
// not among them.
std::span<const Field> FieldsOf(PduKind kind);

// kRaw for an opcode without a kind (vendor-specific, unassigned).
PduKind KindOf(uint8_t opcode);
// The kind's own opcode; 0 for kRaw and KIND_NOT_SET.
uint8_t OpcodeOf(PduKind kind);
// The opcode that `pdu` has on the wire: its override, its kind's, or its raw header's.
uint8_t OpcodeOf(const v1::Pdu& pdu);
// "SCSI Response"; "opcode 0x2a" is left to the caller for kRaw ("PDU").
const char* NameOf(PduKind kind);
bool IsRequest(PduKind kind);
bool IsResponse(PduKind kind);

// The bits of the header that belong to no field (RFC 7143 §11: sent as 0). All 0 for kRaw.
const Bhs& ReservedMask(PduKind kind);

// kReservedTag where it is unset, or the kind has none.
uint32_t InitiatorTaskTagOf(const v1::Pdu& pdu);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_FIGURE_H_
