#include "target/rx/event_log_proto.h"

#include <string>

namespace pushpull::target {
namespace {

void Set(const PduCompleteEvent& pdu, v1::Event& event) {
  v1::PduComplete& to = *event.mutable_pdu();
  to.set_bhs(pdu.bhs.data(), pdu.bhs.size());
  to.set_ahs(pdu.ahs.data(), pdu.ahs.size());
  to.set_data(pdu.data.data(), pdu.data.size());
  to.set_data_discarded(pdu.data_discarded);
  to.set_data_digest_failed(pdu.data_digest_failed);
}

void Set(const ProtocolError& error, v1::Event& event) {
  v1::ProtocolErrorEvent& to = *event.mutable_error();
  to.set_reason(std::string(ReasonName(error.reason)));
  to.set_section(std::string(error.section));
  to.set_action(std::string(ActionName(error.action)));
}

void Set(const EndEvent& end, v1::Event& event) {
  event.mutable_end()->set_inside_pdu(end.inside_pdu);
}

}  // namespace

v1::EventLog ToProto(const EventLog& log) {
  v1::EventLog proto;
  for (const RxEvent& event : log.events) {
    std::visit([&](const auto& e) { Set(e, *proto.add_event()); }, event);
  }
  return proto;
}

}  // namespace pushpull::target
