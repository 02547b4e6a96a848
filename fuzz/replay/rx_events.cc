#include "fuzz/replay/rx_events.h"

#include <string>

#include "base/bytes.h"

namespace pushpull::replay {
namespace {

enum Kind : uint64_t { kPdu = 1, kError, kEnd, kFault };

std::string Text(base::Bytes bytes) { return std::string(base::AsText(bytes)); }

}  // namespace

void RxEvents::AddPdu(const target::PduSlot& pdu) {
  if (pdu.refusal().has_value()) AddError(*pdu.refusal());
  ++count_;
  const size_t data_bytes = pdu.data_bytes();
  digest_.Add(uint64_t{kPdu} | uint64_t{pdu.data_discarded()} << 8 |
              uint64_t{pdu.data_digest_failed()} << 9 | uint64_t{pdu.ahs().size()} << 16 |
              uint64_t{data_bytes} << 32);
  digest_.Add(pdu.bhs().bytes());
  digest_.Add(pdu.ahs());
  for (const base::MutableBytes run : pdu.data()) digest_.Add(base::Bytes(run));
  if (log_ == nullptr) return;
  v1::PduComplete* to = log_->add_event()->mutable_pdu();
  to->set_bhs(Text(pdu.bhs().bytes()));
  to->set_ahs(Text(pdu.ahs()));
  for (const base::MutableBytes run : pdu.data()) to->mutable_data()->append(Text(run));
  to->set_data_discarded(pdu.data_discarded());
  to->set_data_digest_failed(pdu.data_digest_failed());
}

void RxEvents::AddError(const target::ProtocolError& error) {
  ++count_;
  digest_.Add(uint64_t{kError} | static_cast<uint64_t>(error.reason) << 8 |
              static_cast<uint64_t>(error.action) << 16 | uint64_t{error.section.size()} << 32);
  digest_.Add(base::AsBytes(error.section));
  if (log_ == nullptr) return;
  v1::ProtocolErrorEvent* to = log_->add_event()->mutable_error();
  to->set_reason(std::string(target::ReasonName(error.reason)));
  to->set_section(std::string(error.section));
  to->set_action(std::string(target::ActionName(error.action)));
}

void RxEvents::AddEnd(bool inside_pdu) {
  ++count_;
  digest_.Add(uint64_t{kEnd} | uint64_t{inside_pdu} << 8);
  if (log_ != nullptr) log_->add_event()->mutable_end()->set_inside_pdu(inside_pdu);
}

void RxEvents::AddFault(std::string_view text) {
  ++count_;
  fault_ = true;
  digest_.Add(uint64_t{kFault} | uint64_t{text.size()} << 32);
  digest_.Add(base::AsBytes(text));
  if (log_ == nullptr) return;
  v1::OtherEvent* to = log_->add_event()->mutable_other();
  to->set_kind("fault");
  to->set_text(std::string(text));
}

}  // namespace pushpull::replay
