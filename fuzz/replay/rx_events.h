// What the receive machine made of a delivery: as a digest by the million, and as a log on demand.

#ifndef FUZZ_REPLAY_RX_EVENTS_H_
#define FUZZ_REPLAY_RX_EVENTS_H_

#include <cstdint>
#include <string_view>

#include "fuzz/replay/event_digest.h"
#include "pushpull/v1/event.pb.h"
#include "target/pdu/protocol_error.h"
#include "target/rx/slot.h"

namespace pushpull::replay {

// PDUs are looked at when they leave the queue, as a session would: what was overwritten meanwhile
// shows.
class RxEvents {
 public:
  // `log`: null for none.
  explicit RxEvents(v1::EventLog* log) : log_(log) {}

  // With its refusal, if it has one, before it.
  void AddPdu(const target::PduSlot& pdu);
  void AddError(const target::ProtocolError& error);
  void AddEnd(bool inside_pdu);
  // A promise that the machine broke.
  void AddFault(std::string_view text);

  uint64_t digest() const { return digest_.value(); }
  uint32_t count() const { return count_; }
  bool fault() const { return fault_; }

 private:
  EventDigest digest_;
  uint32_t count_ = 0;
  bool fault_ = false;
  v1::EventLog* const log_;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RX_EVENTS_H_
