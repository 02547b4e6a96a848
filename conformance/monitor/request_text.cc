// Text Requests, and the initiator's keys in them and in the login. (RFC 7143 §6, §11.10, §13)

#include <algorithm>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::FindKeyInfo;
using initiator_sim::KeyInfo;
using initiator_sim::kReservedTag;

constexpr size_t kMaxNodeArchitecture = 255;

std::string Shown(const v1::KeyValue& key) {
  return absl::StrCat(key.name(), "=", absl::CHexEscape(key.value().substr(0, 100)));
}

bool Has(const std::string& list, const std::string& value) {
  const std::vector<std::string> values = absl::StrSplit(list, ',');
  return std::find(values.begin(), values.end(), value) != values.end();
}

void CheckValue(const Context& c, const v1::KeyValue& key, const KeyExchange& of) {
  const auto offered = of.offers.find(key.name());
  // An answer follows from what the target offered.
  if (offered != of.offers.end() && offered->second.by_target) return;
  if (initiator_sim::IsNoAgreement(key.value())) return;
  if (key.name() == "X#NodeArchitecture" && key.value().size() > kMaxNodeArchitecture) {
    c.Report(RuleId::kIKeyValue, absl::StrCat(key.name(), " of ", key.value().size(), " bytes"));
  }
  if (key.name() == "CHAP_A" && !Has(key.value(), "5")) {
    c.Report(RuleId::kIChapAlgorithms, Shown(key));
  }
  if (key.name() == "TaskReporting" &&
      !(Has(key.value(), "RFC3720") && Has(key.value(), "ResponseFence"))) {
    c.Report(RuleId::kITaskReporting, Shown(key));
  }
  const KeyInfo* info = FindKeyInfo(key.name());
  if (info == nullptr) return;
  const std::string wrong = JudgeValue(*info, key.value());
  if (!wrong.empty()) c.Report(RuleId::kIKeyValue, absl::StrCat(key.name(), ": ", wrong));
}

void CheckOnce(const Context& c, const v1::KeyValue& key, const KeyExchange& of,
               std::set<std::string>* said) {
  const KeyInfo* info = FindKeyInfo(key.name());
  const auto offered = of.offers.find(key.name());
  const bool answers = offered != of.offers.end() && offered->second.by_target;
  const bool before =
      of.declared_by_initiator.contains(key.name()) || (offered != of.offers.end() && !answers);
  const bool again = !said->insert(key.name()).second || before;
  // MaxRecvDataSegmentLength: A10.
  const bool may =
      (info != nullptr && info->may_repeat) || answers || key.name() == "MaxRecvDataSegmentLength";
  if (again && !may) c.Report(RuleId::kIKeyOnce, absl::StrCat(Shown(key), " comes twice"));
}

bool IsDiscovery(const v1::KeyList& keys, const KeyExchange& of) {
  const auto declared = of.declared_by_initiator.find("SessionType");
  if (declared != of.declared_by_initiator.end()) return declared->second == "Discovery";
  return std::any_of(keys.key().begin(), keys.key().end(), [](const v1::KeyValue& key) {
    return key.name() == "SessionType" && key.value() == "Discovery";
  });
}

// What the last request of the exchange was, if this one goes on with it.
const Task* Continued(const Context& c, const v1::TextRequest& r) {
  const auto task = c.session.tasks.find(r.initiator_task_tag());
  if (task == c.session.tasks.end() || task->second.request != v1::Pdu::kTextRequest) {
    return nullptr;
  }
  return &task->second;
}

void CheckContinuation(const Context& c, const v1::TextRequest& r) {
  const Connection::Sender& sender = c.connection.sender;
  const Task* task = Continued(c, r);
  if (!sender.text_tag.has_value() || *sender.text_tag == kReservedTag) {
    if (c.connection.phase == Phase::kUnknown) return;
    c.Report(RuleId::kITextTag,
             absl::StrFormat("Target Transfer Tag 0x%x, which no Text Response gave",
                             r.target_transfer_tag()));
    return;
  }
  if (r.target_transfer_tag() != *sender.text_tag || r.lun_bytes() != sender.text_lun_bytes) {
    c.Report(RuleId::kITextTag, absl::StrFormat("Target Transfer Tag 0x%x and LUN 0x%x go on "
                                                "after 0x%x and 0x%x",
                                                r.target_transfer_tag(), r.lun_bytes(),
                                                *sender.text_tag, sender.text_lun_bytes));
  }
  if (task == nullptr) {
    c.Report(RuleId::kITextKept, "another Initiator Task Tag than that of the exchange");
  } else if (task->immediate != c.pdu.immediate()) {
    c.Report(RuleId::kITextKept, "another I than before in the exchange");
  }
}

}  // namespace

void CheckInitiatorKeys(const Context& c, const std::string& text, const KeyExchange& of,
                        bool in_login) {
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  if (!parsed.flaw.empty()) return c.Report(RuleId::kITextFormat, parsed.flaw);
  const v1::KeyList& keys = parsed.keys;
  const bool discovery = in_login ? IsDiscovery(keys, of) : c.session.discovery;
  std::set<std::string> said;
  for (const v1::KeyValue& key : keys.key()) {
    // RFC 7145 §6 gives this one a name that isn't by the rule.
    if (!IsKeyName(key.name()) && key.name() != "iSERHelloRequired") {
      c.Report(RuleId::kITextFormat, absl::StrCat("key name ", absl::CHexEscape(key.name())));
      continue;
    }
    CheckOnce(c, key, of, &said);
    CheckValue(c, key, of);
    if (discovery && key.name().starts_with("X-") && of.offers.count(key.name()) == 0) {
      c.Report(RuleId::kIDiscoveryKeys, Shown(key));
    }
    if (key.name() == "SendTargets" && (in_login || keys.key_size() > 1)) {
      c.Report(RuleId::kISendTargets,
               in_login ? "SendTargets in a login" : "SendTargets beside other keys");
    }
  }
}

void CheckTextRequest(const Context& c) {
  const v1::TextRequest& r = c.pdu.text_request();
  if (r.final() && r.text_continue()) c.Report(RuleId::kITextContinue, "F and C are 1");
  for (const auto& [tag, task] : c.session.tasks) {
    if (task.request == v1::Pdu::kTextRequest && task.connection == c.connection.id &&
        task.text_awaits && !task.rejected) {
      c.Report(RuleId::kIOneText,
               absl::StrCat("a Text Request before the answer to the one in frame ", task.frame));
      return;
    }
  }
  const bool begins = r.target_transfer_tag() == kReservedTag;
  if (!begins) CheckContinuation(c, r);
  // A new exchange forgets the one before (§11.10.4).
  const KeyExchange none;
  const KeyExchange& keys = begins ? none : c.connection.text_keys;
  LogicalText part = keys.initiator_text;
  const std::optional<std::string> text = part.Add(c.data(), r.text_continue());
  if (text.has_value()) CheckInitiatorKeys(c, *text, keys, /*in_login=*/false);
}

}  // namespace pushpull::conformance::monitor
