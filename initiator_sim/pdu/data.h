// The forms of a data segment: bytes, text keys, sense, pattern.

#ifndef INITIATOR_SIM_PDU_DATA_H_
#define INITIATOR_SIM_PDU_DATA_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// The bytes that a data segment of any form has, without pad. Fails above 2^24-1 bytes.
absl::StatusOr<std::string> DataBytes(const v1::Data& data);

// "name=value" NUL "name=value" NUL. (RFC 7143 §6.1)
std::string EncodeKeys(const v1::KeyList& keys);

struct ParsedKeys {
  v1::KeyList keys;
  std::string flaw;  // the first breach of the format (no "=", no NUL at the end ...); empty: none
};
// Of a whole logical text (the segments of PDUs with the C bit joined). A pair that can't be split
// at a "=" gets its text as name and an empty value; an empty pair is left out.
ParsedKeys ParseKeys(std::string_view text);

// The value of a key, the first where it repeats; nullptr: it isn't there.
const std::string* FindKey(const v1::KeyList& keys, std::string_view name);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_DATA_H_
