// CRC32C as iSCSI sends it.

#ifndef INITIATOR_SIM_PDU_DIGEST_H_
#define INITIATOR_SIM_PDU_DIGEST_H_

#include <cstdint>

#include "base/bytes.h"

namespace pushpull::initiator_sim {

// Which digests every PDU of a connection carries. Both are off in the Login Phase
// (RFC 7143 §13.1).
struct Digests {
  bool header_digest = false;
  bool data_digest = false;

  friend bool operator==(const Digests&, const Digests&) = default;
};

// The digest of `bytes` (RFC 7143 §13.1): its four bytes on the wire, read in network order, so
// that it prints as in RFC 7143 §A.4: 0xaa36918a for 32 bytes of zero.
uint32_t DigestOf(base::Bytes bytes);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PDU_DIGEST_H_
