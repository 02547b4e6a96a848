#include "target/rx/event_log.h"

#include "base/hex.h"

namespace pushpull::target {
namespace {

std::string Line(const PduCompleteEvent& pdu) {
  std::string line = "pdu ";
  line.append(OpcodeName(BhsView(pdu.bhs.data()).opcode()));
  line.append(" bhs=").append(base::Hex(pdu.bhs));
  if (!pdu.ahs.empty()) line.append(" ahs=").append(base::Hex(pdu.ahs));
  if (!pdu.data.empty()) line.append(" data=").append(base::Hex(pdu.data));
  if (pdu.data_discarded) line.append(" data_discarded");
  if (pdu.data_digest_failed) line.append(" data_digest_failed");
  return line;
}
std::string Line(const ProtocolError& error) { return "error " + ToString(error); }
std::string Line(const EndEvent& end) { return end.inside_pdu ? "end inside a pdu" : "end"; }

}  // namespace

void EventLog::AddPdu(const PduSlot& pdu) {
  PduCompleteEvent event;
  const base::Bytes bhs = pdu.bhs().bytes();
  event.bhs.assign(bhs.begin(), bhs.end());
  event.ahs.assign(pdu.ahs().begin(), pdu.ahs().end());
  for (const base::MutableBytes run : pdu.data()) {
    event.data.insert(event.data.end(), run.begin(), run.end());
  }
  event.data_discarded = pdu.data_discarded();
  event.data_digest_failed = pdu.data_digest_failed();
  Add(std::move(event));
}

std::string ToString(const RxEvent& event) {
  return std::visit([](const auto& e) { return Line(e); }, event);
}

std::string ToString(const EventLog& log) {
  std::string text;
  for (const RxEvent& event : log.events) text.append(ToString(event)).append("\n");
  return text;
}

std::ostream& operator<<(std::ostream& out, const EventLog& log) { return out << ToString(log); }

}  // namespace pushpull::target
