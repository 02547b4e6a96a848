#include "target/discovery/text_exchange.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "target/negotiation/values.h"

namespace pushpull::target {

// One sequence of Text Requests that have the same Initiator Task Tag.
struct TextExchange::Sequence {
  Sequence(const TextRequest& request, uint32_t transfer_tag, bool cut_inside_pairs,
           Negotiator negotiator)
      : initiator_task_tag(request.initiator_task_tag),
        immediate(request.immediate),
        target_transfer_tag(transfer_tag),
        out(cut_inside_pairs),
        negotiator(std::move(negotiator)) {}

  uint32_t initiator_task_tag;
  bool immediate;
  uint32_t target_transfer_tag;
  TextCollector in;
  TextSender out;
  Negotiator negotiator;
  bool send_targets = false;  // it is one SendTargets command: no other key may follow
  bool any_key = false;
  uint32_t exchanges = 0;
};

TextExchange::TextExchange(TargetDirectory* directory, Config config)
    : directory_(directory), config_(std::move(config)) {
  CHECK(directory_ != nullptr);
}

TextExchange::~TextExchange() = default;

void TextExchange::Reset() { sequence_.reset(); }

std::optional<uint32_t> TextExchange::initiator_task_tag() const {
  if (sequence_ == nullptr) return std::nullopt;
  return sequence_->initiator_task_tag;
}

TextReply TextExchange::OnRequest(const TextRequest& request, base::Bytes text,
                                  const SessionParameters& session,
                                  const ConnectionParameters& connection) {
  if (request.target_transfer_tag == kNoTag) {
    Begin(request, session, connection);
  } else if (std::optional<TextReply> refusal = CheckContinuation(request)) {
    return *std::move(refusal);
  }
  if (std::optional<TextReply> refusal = TakeText(request, text)) return *std::move(refusal);
  if (!request.text_continue && sequence_->out.empty()) {
    if (const auto done = Process(); !done.ok()) {
      return Reject(RejectReason::kProtocolError, done.error());
    }
  }
  return Respond(request, connection);
}

TextReply TextExchange::Reject(RejectReason reason, NegotiationError error) {
  Reset();
  TextReply reply;
  reply.kind = TextReply::Kind::kReject;
  reply.reject_reason = reason;
  reply.error = std::move(error);
  return reply;
}

// A refused continuation leaves the sequence that is under way alone: it may belong to another.
std::optional<TextReply> TextExchange::CheckContinuation(const TextRequest& request) {
  TextReply reply;
  reply.kind = TextReply::Kind::kReject;
  reply.reject_reason = RejectReason::kInvalidPduField;
  if (sequence_ == nullptr || request.target_transfer_tag != sequence_->target_transfer_tag) {
    reply.error = {"the Target Transfer Tag is unknown", "RFC 7143 §11.10.4"};
    return reply;
  }
  if (request.initiator_task_tag != sequence_->initiator_task_tag) {
    reply.error = {"the Initiator Task Tag is not the sequence's", "RFC 7143 §11.10.3"};
    return reply;
  }
  if (request.immediate != sequence_->immediate) {
    reply.reject_reason = RejectReason::kProtocolError;
    reply.error = {"the I bit changed within a sequence", "RFC 7143 §11.10.3"};
    return reply;
  }
  return std::nullopt;
}

// Whatever sequence was under way ends: a connection has one at a time, so that what an initiator
// leaves half done costs nothing.
void TextExchange::Begin(const TextRequest& request, const SessionParameters& session,
                         const ConnectionParameters& connection) {
  if (sequence_ != nullptr) ++left_unfinished_;
  uint32_t transfer_tag = next_transfer_tag_;
  next_transfer_tag_ = next_transfer_tag_ + 1 == kNoTag ? 0 : next_transfer_tag_ + 1;
  if (config_.variation != nullptr) {
    const uint32_t varied = config_.variation->session.TransferTag(transfer_tag);
    if (varied != kNoTag) transfer_tag = varied;
  }
  const NegotiationContext context{config_.session.session_type, false, config_.rdma_transport};
  sequence_ = std::make_unique<Sequence>(
      request, transfer_tag, config_.limits.cut_inside_pairs,
      Negotiator(config_.limits, context, session, connection, config_.bugs));
}

std::optional<TextReply> TextExchange::TakeText(const TextRequest& request, base::Bytes text) {
  if (request.text_continue && request.final) {
    return Reject(RejectReason::kProtocolError, {"C and F are both set", "RFC 7143 §11.10.2"});
  }
  if (!sequence_->out.empty()) {
    if (text.empty() && !request.text_continue) return std::nullopt;
    return Reject(RejectReason::kProtocolError,
                  {"a response with C was answered with text", "RFC 7143 §6.2"});
  }
  if (!request.text_continue || text.empty()) ++sequence_->exchanges;
  if (sequence_->exchanges > config_.max_exchanges) {
    return Reject(RejectReason::kLongOperationReject,
                  {"the negotiation doesn't end", "RFC 7143 §6.2"});
  }
  if (!sequence_->in.Append(text)) {
    return Reject(RejectReason::kLongOperationReject,
                  {"the text is longer than 64 KiB", "RFC 7143 §6.1"});
  }
  return std::nullopt;
}

base::Result<void, NegotiationError> TextExchange::Process() {
  PUSHPULL_TRY_ASSIGN(const std::vector<KeyValue> pairs, ParseText(sequence_->in.text()));
  const auto send_targets = std::find_if(
      pairs.begin(), pairs.end(), [](const KeyValue& pair) { return pair.key == "SendTargets"; });
  if (sequence_->send_targets && !pairs.empty()) {
    return NegotiationError{"a key follows SendTargets", "RFC 7143 Appendix C"};
  }
  if (send_targets != pairs.end()) {
    if (pairs.size() != 1 || sequence_->any_key) {
      return NegotiationError{"SendTargets is not alone", "RFC 7143 Appendix C"};
    }
    sequence_->send_targets = true;
    PUSHPULL_TRY(AnswerDiscovery(send_targets->value));
  } else {
    if (config_.session.session_type == SessionType::kDiscovery && !pairs.empty()) {
      return NegotiationError{"a Discovery session has no other key than SendTargets",
                              "RFC 7143 §4.3"};
    }
    std::vector<KeyValue> authentication;
    PUSHPULL_TRY(sequence_->negotiator.Receive(NegotiationPhase::kFullFeature, pairs,
                                               sequence_->out, authentication));
  }
  sequence_->any_key |= !pairs.empty();
  sequence_->in.Clear();
  return {};
}

base::Result<void, NegotiationError> TextExchange::AnswerDiscovery(std::string_view value) {
  if (IsAnswerWord(value)) {
    return NegotiationError{"SendTargets proposes a reserved word", "RFC 7143 §6.2"};
  }
  sequence_->out.Append(AnswerSendTargets(config_.session, value, *directory_));
  return {};
}

std::string TextExchange::NextText(size_t most) {
  TextSender& out = sequence_->out;
  if (config_.variation == nullptr) return out.Next(most);
  LoginVariation& variation = config_.variation->login;
  if (!out.unsent().empty() && !sequence_->send_targets) {
    out.ReplaceUnsent(variation.Written(out.unsent()));
  }
  return out.Next(variation.Part(out.size(), most));
}

TextReply TextExchange::Respond(const TextRequest& request,
                                const ConnectionParameters& connection) {
  TextReply reply;
  TextResponse& response = reply.response;
  if (!request.text_continue) {
    reply.text = NextText(connection.initiator_max_recv_data_segment_length);
  }
  response.initiator_task_tag = sequence_->initiator_task_tag;
  response.text_continue = !sequence_->out.empty();
  response.final = request.final && !response.text_continue;
  if (!response.final || config_.bugs.Has(Bug::kTextFinalMissing)) {
    // §11.10.4: both are copied by the initiator.
    response.target_transfer_tag = sequence_->target_transfer_tag;
    response.lun = request.lun;
    if (config_.variation != nullptr) {
      response.lun = config_.variation->session.TextLun(request.lun);
    }
  }
  if (response.final) {
    if (const auto finished = sequence_->negotiator.Finish(); !finished.ok()) {
      return Reject(RejectReason::kProtocolError, finished.error());
    }
    if (sequence_->negotiator.connection() != connection) {
      reply.new_parameters = sequence_->negotiator.connection();
    }
    const Sequence* const ended = sequence_.get();
    if (!config_.bugs.Has(Bug::kTextFinalMissing)) Reset();
    if (config_.bugs.Has(Bug::kTextSequenceUsed)) {
      response.initiator_task_tag = ended->initiator_task_tag;
    }
  }
  if (!response.final && config_.bugs.Has(Bug::kTextValueAppliesEarly)) {
    reply.new_parameters = sequence_->negotiator.connection();
  }
  response.final &= !config_.bugs.Has(Bug::kTextFinalMissing);
  return reply;
}

}  // namespace pushpull::target
