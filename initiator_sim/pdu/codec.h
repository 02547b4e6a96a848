// Between the bytes of one PDU and v1::Pdu. (RFC 7143 §11)

#ifndef INITIATOR_SIM_PDU_CODEC_H_
#define INITIATOR_SIM_PDU_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/figure.h"
#include "pushpull/v1/pdu.pb.h"

namespace pushpull::initiator_sim {

// Where the parts of one PDU begin, as offsets in its bytes. The BHS begins at 0; a part that is
// missing begins where the next does.
struct PduLayout {
  size_t ahs = kBhsSize;
  size_t header_digest = kBhsSize;
  size_t data = kBhsSize;
  size_t pad = kBhsSize;
  size_t data_digest = kBhsSize;
  size_t end = kBhsSize;

  friend bool operator==(const PduLayout&, const PduLayout&) = default;
};

// Where the parts of a PDU are by the lengths in its first eight bytes. Never above
// 48 + 1020 + 4 + 2^24 + 4.
PduLayout LayoutOf(base::Bytes bhs, Digests digests);

using EncodeOptions = Digests;

struct EncodedPdu {
  std::vector<uint8_t> bytes;
  // Of what was really written, also where the length fields lie.
  PduLayout layout;
};

// Writes `pdu` as it goes over the wire.
//
// A field that is set is sent as it is, right or wrong: total_ahs_length, data_segment_length, pad,
// header_digest and data_digest too (a digest that is set is sent even where `options` has none).
// What is unset is
//   lengths, pad, digests   what fits the AHS and data that are there (a header in `raw` that has
//   its
//                           length fields keeps them)
//   final                   1, but 0 with the C bit
//   immediate               1 in a Login Request, else 0
//   the reserved tag        Target Transfer Tag and Referenced Task Tag, and the Initiator Task Tag
//   of
//                           Async Message and Reject: 0xffffffff
//   opcode                  the kind's own
//   anything else           0
// `lun_bytes` wins over `lun`. A CDB above 16 bytes adds an extended-CDB AHS unless `ahs` holds
// one. Patches count offsets in the PDU with its digests; one that isn't `after_digests` is applied
// before they are computed (and can't change them).
//
// Fails only where `pdu` can't be written: a value that is wider than its field, no kind, more than
// 2^24-1 bytes of data, a patch beyond the end.
absl::StatusOr<EncodedPdu> Encode(const v1::Pdu& pdu, const EncodeOptions& options);

struct DecodedPdu {
  v1::Pdu pdu;
  PduLayout layout;
  bool header_digest_ok = true;  // true where there is none
  bool data_digest_ok = true;
  // Why the bytes don't agree with their own length fields ("12 bytes of 48", "4 bytes after the
  // end", an AHS that runs over); empty where they do. What could be read is in `pdu` all the same.
  std::string flaw;
};

// Reads what came as one PDU. Sets every field that the PDU has; data as `raw`. Never fails: what
// isn't even a header becomes the kind `raw`.
DecodedPdu Decode(base::Bytes bytes, Digests digests);

// Decode, plus patches (of reserved bits, AHS pads and the like) that make Encode(pdu, {}) give the
// very same bytes: the form of recorded traces. Where no decoded PDU can say the bytes (they don't
// agree with their length fields), the kind is `raw` with all that follows the header as data; less
// than a header is filled up with 0.
v1::Pdu DecodeExactly(base::Bytes bytes, Digests digests);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_CODEC_H_
