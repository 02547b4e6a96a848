#include "conformance/tap/wire_record.h"

#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "initiator_sim/pdu/text.h"

namespace pushpull::conformance {
namespace {

void TakePdu(const WireLog& log, const WireEntry& entry, size_t max_bytes,
             const PacketNumbers* packets, v1::WireEvent* event) {
  event->set_kind(v1::WireEvent::PDU);
  event->set_frame(entry.frame);
  event->set_summary(initiator_sim::Summary(entry.decoded.pdu));
  event->set_fields(initiator_sim::FullText(entry.decoded.pdu, ""));
  for (const std::string& note : NotesOf(entry)) event->add_note(note);
  const std::string packet = PacketText(packets, entry.frame);
  if (!packet.empty()) event->add_note(packet);
  for (const size_t cut : log.CutsOf(entry)) event->add_cut(static_cast<uint32_t>(cut));
  event->set_begin(entry.bytes.data(), std::min(entry.bytes.size(), max_bytes));
  event->set_size(entry.size);
}

}  // namespace

v1::WireRecord ToRecord(const WireLog& log, size_t max_bytes, const PacketNumbers* packets) {
  v1::WireRecord record;
  record.set_truncated(log.truncated());
  for (const WireEntry& entry : log.entries()) {
    if (entry.kind == WireEntry::Kind::kBytes) continue;
    v1::WireEvent* const event = record.add_event();
    event->set_seconds(absl::ToDoubleSeconds(entry.time - log.entries().front().time));
    if (entry.connection != 0) event->set_connection(log.NameOf(entry.connection));
    event->set_to_target(entry.direction == Direction::kToTarget);
    switch (entry.kind) {
      case WireEntry::Kind::kOpened:
        event->set_kind(v1::WireEvent::OPENED);
        event->set_summary(log.OpenedText(entry));
        break;
      case WireEntry::Kind::kClosed:
        event->set_kind(v1::WireEvent::CLOSED);
        event->set_summary(ClosedText(entry));
        break;
      case WireEntry::Kind::kStep:
        event->set_kind(v1::WireEvent::STEP);
        event->set_step(static_cast<uint32_t>(entry.step) + 1);
        break;
      case WireEntry::Kind::kRdma:
        event->set_kind(v1::WireEvent::RDMA);
        event->set_summary(entry.text);
        break;
      case WireEntry::Kind::kPdu:
        TakePdu(log, entry, max_bytes, packets, event);
        break;
      case WireEntry::Kind::kBytes:
        break;
    }
  }
  return record;
}

}  // namespace pushpull::conformance
