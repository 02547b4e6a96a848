// What the receive machine saw, as a value: the same for every cut of the bytes and both
// transports. The oracle of the replay.

#ifndef TARGET_RX_EVENT_LOG_H_
#define TARGET_RX_EVENT_LOG_H_

#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "target/pdu/protocol_error.h"
#include "target/rx/slot.h"

namespace pushpull::target {

struct PduCompleteEvent {
  std::vector<uint8_t> bhs;
  std::vector<uint8_t> ahs;
  std::vector<uint8_t> data;  // without pad
  bool data_discarded = false;
  bool data_digest_failed = false;
  friend bool operator==(const PduCompleteEvent&, const PduCompleteEvent&) = default;
};

// The bytes ended (a stream closed by the peer, or lost).
struct EndEvent {
  bool inside_pdu = false;
  friend bool operator==(const EndEvent&, const EndEvent&) = default;
};

using RxEvent = std::variant<PduCompleteEvent, ProtocolError, EndEvent>;

struct EventLog {
  std::vector<RxEvent> events;

  void Add(RxEvent event) { events.push_back(std::move(event)); }
  // Copies the PDU's parts.
  void AddPdu(const PduSlot& pdu);

  friend bool operator==(const EventLog&, const EventLog&) = default;
};

// A line for each event.
std::string ToString(const RxEvent& event);
std::string ToString(const EventLog& log);
std::ostream& operator<<(std::ostream& out, const EventLog& log);

}  // namespace pushpull::target

#endif  // TARGET_RX_EVENT_LOG_H_
