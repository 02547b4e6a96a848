// How PDUs look on one connection.

#ifndef TARGET_RX_FRAMING_H_
#define TARGET_RX_FRAMING_H_

#include <cstdint>

#include "target/pdu/bhs.h"

namespace pushpull::target {

// What was negotiated or declared for one connection, as far as it says how PDUs look.
struct Framing {
  bool header_digest = false;                    // CRC32C
  bool data_digest = false;                      // CRC32C
  uint32_t max_recv_data_segment_length = 8192;  // bytes; our own limit (RFC 7143 §13.12)
  uint32_t max_ahs_bytes = kMaxAhsBytes;         // our own limit
  // After each PDU the machine waits for Proceed(): while a PDU can change the framing of the next
  // (login), what came behind it isn't looked at before, however the bytes were cut.
  bool one_at_a_time = false;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_FRAMING_H_
