// Where the receive machine puts data in a replay: each kind of placement is met, by opcode, the
// same for every delivery.

#ifndef FUZZ_REPLAY_RX_PLACER_H_
#define FUZZ_REPLAY_RX_PLACER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "target/rx/placement.h"
#include "target/rx/slot.h"

namespace pushpull::replay {

//   SCSI Command, Data-In          into memory, in three spans: 1 byte, 3 bytes, the rest
//   Data-Out                       into memory, in one span
//   NOP-Out that wants no answer, vendor-specific opcodes   discarded
//   Task Management Function Request with data   refused, to be rejected (RFC 7143 §11.5)
//   Logout Request with data                     refused, ends the session
//   all others                     in the slot
class RxPlacer {
 public:
  // Memory for all data that a trace of so many bytes can bring, of which the last PDU may claim
  // `max_data_segment_length` and have less.
  void Reserve(size_t trace_bytes, size_t max_data_segment_length);
  // A new connection. What the last one wrote is overwritten with `scrub`.
  void Restart(uint8_t scrub);

  void Place(const target::PduSlot& pdu, target::Placement& placement);

 private:
  base::MutableBytes Take(size_t bytes);

  std::vector<uint8_t> memory_;
  size_t used_ = 0;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RX_PLACER_H_
