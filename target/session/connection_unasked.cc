// What a target may send at any time of a Normal session, where it is to vary.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "target/pdu/response.h"
#include "target/session/connection.h"
#include "target/session/session.h"

namespace pushpull::target {

void Connection::VaryBeforeAnswer() {
  if (const auto kind = variation_->unasked.BeforeAnAnswer()) SendUnasked(*kind);
}

void Connection::StartUnaskedTimer() {
  if (session_->is_discovery()) return;
  const std::optional<absl::Duration> delay = variation_->unasked.NextAlone();
  if (!delay.has_value()) return;
  unasked_timer_.Start(*delay, [this] {
    if (closing_ || session_ == nullptr) return;
    SendUnasked(variation_->unasked.Any());
    StartUnaskedTimer();
  });
}

void Connection::SendUnasked(UnaskedPdus::Kind kind) {
  // RFC 7143 §4.3: in Discovery sessions there are only answers.
  if (closing_ || session_ == nullptr || session_->ending() || session_->is_discovery()) return;
  OutPdu pdu;
  switch (kind) {
    case UnaskedPdus::Kind::kPing:
      if (ping_tag == kNoTag) Ping();
      return;
    case UnaskedPdus::Kind::kNopIn:
      pdu.bhs = NopIn{}.Encode();
      pdu.stat_sn = StatSnUse::kCurrent;
      break;
    case UnaskedPdus::Kind::kVendorEvent: {
      const UnaskedPdus::VendorEvent event = variation_->unasked.Event();
      AsyncMessage message;
      message.async_event = static_cast<AsyncEvent>(event.event);
      message.async_vcode = event.code;
      pdu.bhs = message.Encode();
      auto data = std::make_unique<std::string>(event.data);
      if (!data->empty()) pdu.data.push_back(base::AsBytes(*data));
      pdu.done = [data = std::move(data)] {};
      break;
    }
  }
  if (MayGoUnexpected(pdu)) tx_.QueueExempt(std::move(pdu));
}

}  // namespace pushpull::target
