// Text Requests and Responses. (RFC 7143 §6.4, §11.10, §11.11)

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/context.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;

// The values that a negotiation changes in the Full Feature Phase take effect when it is over.
void TakeResult(const Context& c) {
  const auto& declared = c.connection.text_keys.declared_by_initiator;
  const auto length = declared.find("MaxRecvDataSegmentLength");
  // On iSER the key is ignored (RFC 7145 §6.2).
  if (length == declared.end() || c.session.agreed.rdma) return;
  const std::optional<uint64_t> value = initiator_sim::ParseNumericalValue(length->second);
  std::optional<uint64_t>& limit = c.connection.segment_limit;
  // What was under way may still be as large as before, or be cut as before.
  if (limit.has_value()) c.connection.segment_limits.insert(*limit);
  if (value.has_value()) c.connection.segment_limits.insert(*value);
  if (!value.has_value() || !limit.has_value()) {
    limit.reset();
  } else {
    limit = std::max(*limit, *value);
  }
}

void CheckFlags(const Context& c, const v1::TextResponse& r) {
  if (r.final() && r.text_continue()) c.Report(RuleId::kTextContinue, "F and C are 1");
  const bool has_tag = r.target_transfer_tag() != kReservedTag;
  if (r.final() == has_tag) {
    c.Report(RuleId::kTextFinalTag, absl::StrFormat("F is %d with Target Transfer Tag 0x%x",
                                                    r.final() ? 1 : 0, r.target_transfer_tag()));
  }
}

void CheckAgainstRequest(const Context& c, const Task& task, const v1::TextResponse& r) {
  const uint32_t length = c.pdu.data_segment_length();
  if (r.final() && !task.text_final) {
    c.Report(RuleId::kTextFinalAnswersFinal, "F is 1 in answer to F=0");
  }
  if (task.text_continue && length != 0) {
    c.Report(RuleId::kEmptyAnswerToContinue,
             absl::StrCat("answers a request with C by ", length, " bytes"));
  }
  if (task.text_final && !r.final() && length == 0) {
    c.Report(RuleId::kTextNotEmpty, "an empty response with F=0 in answer to F=1");
  }
}

}  // namespace

void TakeTextRequest(const Context& c, Task* task) {
  const v1::TextRequest& r = c.pdu.text_request();
  Connection& connection = c.connection;
  if (r.target_transfer_tag() == kReservedTag) connection.text_keys = KeyExchange();
  task->text_final = r.final();
  task->text_continue = r.text_continue();
  task->text_awaits = true;
  if (r.final() && r.text_continue()) c.session.doubtful.insert(r.initiator_task_tag());
  const std::optional<std::string> text =
      connection.text_keys.initiator_text.Add(c.data(), r.text_continue());
  if (!text.has_value()) return;
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(*text);
  if (!parsed.flaw.empty()) c.session.doubtful.insert(r.initiator_task_tag());
  connection.text_keys.TakeInitiatorKeys(parsed.keys, /*security_stage=*/false);
}

void CheckTextResponse(const Context& c, Task* task) {
  const v1::TextResponse& r = c.pdu.text_response();
  CheckFlags(c, r);
  if (task == nullptr) return;
  if (!task->text_awaits) {
    c.Report(RuleId::kOneResponse, "a Text Response that no request waits for");
    return;
  }
  task->text_awaits = false;
  CheckAgainstRequest(c, *task, r);
  KeyExchange& keys = c.connection.text_keys;
  const std::optional<std::string> text = keys.target_text.Add(c.data(), r.text_continue());
  if (text.has_value()) {
    CheckSendTargets(c, *text, &keys);
    CheckTargetKeys(c, *text, &keys, KeysOf::kText, /*security_stage=*/false);
  }
  CheckAcknowledged(c, *task);
  if (!r.final()) return;
  CheckKeysAnswered(c, keys);
  if (const std::string offer = UnansweredOfferOfTarget(keys); !offer.empty()) {
    c.Report(RuleId::kTextFinalWithoutOffers, absl::StrCat("F is 1, but it offers ", offer));
  }
  TakeResult(c);
  EndTask(c, DoneTask::How::kResponse, r.initiator_task_tag());
}

}  // namespace pushpull::conformance::monitor
