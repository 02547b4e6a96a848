// Bit fields of a header, and the message of a PDU's kind. Internal to the codec.

#ifndef INITIATOR_SIM_PDU_BITS_H_
#define INITIATOR_SIM_PDU_BITS_H_

#include <cstddef>
#include <cstdint>

#include "google/protobuf/message.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::initiator_sim {

// The value of `field` in a whole header.
inline uint64_t LoadField(const uint8_t* bhs, const Field& field) {
  if (field.width < 8) {
    return uint64_t{bhs[field.byte]} >> (8 - field.bit - field.width) & ((1u << field.width) - 1);
  }
  uint64_t value = 0;
  for (size_t i = 0; i < field.width / 8u; ++i) value = value << 8 | bhs[field.byte + i];
  return value;
}

// ORs `value`, which must fit, into a header whose bits are 0 there. (A field of a byte or more is
// whole bytes; narrower ones stand within one byte.)
inline void StoreField(uint8_t* bhs, const Field& field, uint64_t value) {
  if (field.width < 8) {
    bhs[field.byte] |= static_cast<uint8_t>(value << (8 - field.bit - field.width));
    return;
  }
  for (size_t i = field.width / 8u; i-- > 0; value >>= 8) {
    bhs[field.byte + i] |= static_cast<uint8_t>(value);
  }
}

// The field of `pdu` that holds the message of its kind.
inline const google::protobuf::FieldDescriptor* KindField(PduKind kind) {
  return v1::Pdu::descriptor()->FindFieldByNumber(static_cast<int>(kind));
}

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_BITS_H_
