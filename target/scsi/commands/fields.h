// What the commands' prepare functions answer with.

#ifndef TARGET_SCSI_COMMANDS_FIELDS_H_
#define TARGET_SCSI_COMMANDS_FIELDS_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "target/scsi/command.h"
#include "target/scsi/sense.h"

namespace pushpull::target::commands {

using Prepared = base::Result<Transfer, Sense>;

inline Prepared NoData() { return Transfer{}; }

// Parameter data: no more than the initiator has room for, nor than there can be.
inline Prepared DataIn(uint64_t allocation_length, uint64_t most) {
  return Transfer{DataDirection::kIn, std::min(allocation_length, most)};
}

inline Prepared DataOut(uint64_t bytes) { return Transfer{DataDirection::kOut, bytes}; }

// INVALID FIELD IN CDB; `bit` is the field's most significant one, where it isn't whole bytes.
inline Sense InvalidField(uint16_t byte, std::optional<uint8_t> bit = std::nullopt) {
  Sense sense = sense::kInvalidFieldInCdb;
  sense.field = FieldPointer{true, byte, bit};
  return sense;
}

// INVALID FIELD IN PARAMETER LIST.
inline Sense InvalidParameter(uint16_t byte, std::optional<uint8_t> bit = std::nullopt) {
  Sense sense = sense::kInvalidFieldInParameterList;
  sense.field = FieldPointer{false, byte, bit};
  return sense;
}

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_FIELDS_H_
