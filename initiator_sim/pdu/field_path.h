// Fields of a PDU by name: what `bind`, `where` and `save` of a scenario write.
//
//   "target_transfer_tag"    looked for in the message of the kind first, then in Pdu
//   "data_segment_length"
//   "ahs[0].ahs_length"
//   "cdb.read.lba"
//   "data.raw"

#ifndef INITIATOR_SIM_PDU_FIELD_PATH_H_
#define INITIATOR_SIM_PDU_FIELD_PATH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// Numbers, booleans (0, 1) and enums are numbers; strings and bytes are strings.
using FieldValue = std::variant<uint64_t, std::string>;

// nullopt: the PDU has the field, but it isn't set. NOT_FOUND: its kind has no such field (the
// message names the fields that it has). INVALID_ARGUMENT: not a path, or not a scalar.
absl::StatusOr<std::optional<FieldValue>> GetField(const v1::Pdu& pdu, std::string_view path);

// A number is cut to the field's width (so that 0 - 1 is 0xffffffff in a 32-bit field); a string
// goes to a field of strings or bytes only. `ahs[N]` with N one above the last adds an AHS.
absl::Status SetField(v1::Pdu* pdu, std::string_view path, const FieldValue& value);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_FIELD_PATH_H_
