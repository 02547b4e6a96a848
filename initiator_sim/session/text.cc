#include "initiator_sim/session/text.h"

#include "absl/strings/str_cat.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/session/keys.h"
#include "initiator_sim/session/session.h"

namespace pushpull::initiator_sim {
namespace {

constexpr size_t kMaxText = size_t{16} << 20;

}  // namespace

v1::Pdu TextExchange::Next() {
  v1::Pdu pdu;
  v1::TextRequest& request = *pdu.mutable_text_request();
  request.set_target_transfer_tag(target_transfer_tag_);
  if (target_transfer_tag_ != kReservedTag) request.set_lun_bytes(lun_bytes_);
  std::string text;
  sent_continue_ = false;
  if (!waiting_for_rest_) {
    text = text_.substr(0, limit_);
    text_.erase(0, text.size());
    sent_continue_ = !text_.empty();
    // What the target offered by itself and wants answered; no key of the RFC is negotiated here
    // but MaxRecvDataSegmentLength, which is declared.
    if (!sent_continue_) {
      for (const v1::KeyValue& offer : negotiation_.TakeUnanswered()) {
        const KeyInfo* info = FindKeyInfo(offer.name());
        absl::StrAppend(&text, offer.name(), "=", info == nullptr ? "NotUnderstood" : "Reject");
        text += '\0';
      }
    }
  }
  request.set_text_continue(sent_continue_);
  // F is kept as long as there is nothing more to say (§6.4); the answer to a C bit is empty and
  // goes on.
  sent_final_ = !sent_continue_;
  request.set_final(sent_final_);
  if (!text.empty()) pdu.mutable_data()->set_raw(text);
  negotiation_.Sent(text, sent_continue_);
  begun_ = true;
  return pdu;
}

TextExchange::Progress TextExchange::Breach(const std::string& what, const std::string& section) {
  breach_ = absl::StrCat(what, " (RFC 7143 §", section, ")");
  return Progress::kBreach;
}

TextExchange::Progress TextExchange::OnResponse(const v1::Pdu& pdu) {
  const v1::TextResponse& response = pdu.text_response();
  const std::string text = TextOf(pdu);
  ++responses_;
  if (received_.size() + text.size() > kMaxText) return Breach("text without an end", "6.2");
  received_ += text;
  negotiation_.Received(text, response.text_continue());
  waiting_for_rest_ = response.text_continue();
  if (!negotiation_.flaws().empty()) {
    breach_ = negotiation_.flaws().front();
    return Progress::kBreach;
  }
  if (sent_continue_ && !text.empty()) {
    return Breach("text in the answer to a request with the C bit, which asks for none", "6.2");
  }
  if (response.final()) {
    if (response.text_continue()) return Breach("both C and F are set", "6.2");
    if (!sent_final_) return Breach("F in the answer to a request without it", "11.11.1");
    if (response.target_transfer_tag() != kReservedTag) {
      return Breach("a final response has a Target Transfer Tag other than 0xffffffff", "11.11.4");
    }
    return Progress::kDone;
  }
  if (response.target_transfer_tag() == kReservedTag) {
    return Breach("F is 0, but the Target Transfer Tag is 0xffffffff", "6.4");
  }
  target_transfer_tag_ = response.target_transfer_tag();
  lun_bytes_ = response.lun_bytes();
  return Progress::kSend;
}

}  // namespace pushpull::initiator_sim
