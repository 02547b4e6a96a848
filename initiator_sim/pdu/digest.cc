#include "initiator_sim/pdu/digest.h"

#include <isa-l/crc.h>

namespace pushpull::initiator_sim {

uint32_t DigestOf(base::Bytes bytes) {
  // ISA-L takes and gives the CRC register as it is; RFC 7143 §13.1 complements it before and
  // after. The register's low byte goes first on the wire.
  unsigned crc = 0xffffffff;
  while (!bytes.empty()) {
    const size_t some = bytes.size() < (1u << 30) ? bytes.size() : (1u << 30);  // it counts in int
    // ISA-L's prototype lacks the const.
    crc = crc32_iscsi(const_cast<unsigned char*>(bytes.data()), static_cast<int>(some), crc);
    bytes = bytes.subspan(some);
  }
  return __builtin_bswap32(~crc);
}

}  // namespace pushpull::initiator_sim
