// Login Requests. (RFC 7143 §6.3, §11.12)

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/names.h"
#include "conformance/monitor/request.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/figure.h"

namespace pushpull::conformance::monitor {
namespace {

void CheckStages(const Context& c, const v1::LoginRequest& r) {
  const LoginState& login = c.connection.login;
  if (r.transit() && r.text_continue()) c.Report(RuleId::kILoginContinue, "T and C are 1");
  const bool known = login.requests > 0;
  if (r.current_stage() > v1::LOGIN_OPERATIONAL_NEGOTIATION ||
      (known && static_cast<uint32_t>(r.current_stage()) != login.stage)) {
    c.Report(RuleId::kILoginStages,
             absl::StrCat("CSG is ", r.current_stage(),
                          known ? absl::StrCat(", where the stage is ", login.stage) : ""));
    return;
  }
  if (r.transit() &&
      (r.next_stage() <= r.current_stage() || r.next_stage() == v1::STAGE_RESERVED)) {
    c.Report(RuleId::kILoginStages,
             absl::StrCat("goes from stage ", r.current_stage(), " to ", r.next_stage()));
  }
}

void CheckKept(const Context& c, const v1::LoginRequest& r) {
  const LoginState& login = c.connection.login;
  if (login.requests == 0) return;
  const v1::LoginRequest& first = login.first;
  if (r.isid() != first.isid() || r.tsih() != first.tsih() || r.cid() != first.cid() ||
      r.initiator_task_tag() != first.initiator_task_tag()) {
    c.Report(RuleId::kILoginKept, "ISID, TSIH, CID or Initiator Task Tag is another one");
  }
  // §11.12.8: of a connection that joins a session, it is the session's next CmdSN.
  if (first.tsih() == 0 && r.cmd_sn() != first.cmd_sn()) {
    c.Report(RuleId::kILoginCmdSn,
             absl::StrCat("CmdSN is ", r.cmd_sn(), " after ", first.cmd_sn()));
  }
}

void CheckFirstKeys(const Context& c, const std::string& text) {
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  std::string name, target, type = "Normal";
  for (const v1::KeyValue& key : parsed.keys.key()) {
    if (key.name() == "InitiatorName") name = key.value();
    if (key.name() == "TargetName") target = key.value();
    if (key.name() == "SessionType") type = key.value();
  }
  if (name.empty()) return c.Report(RuleId::kILoginKeys, "no InitiatorName");
  if (!IsTargetName(name)) {
    c.Report(RuleId::kIName, absl::StrCat("InitiatorName=", name.substr(0, 256)));
  }
  if (type == "Normal" && target.empty()) {
    c.Report(RuleId::kILoginKeys, "no TargetName, and no SessionType=Discovery");
  }
}

}  // namespace

void CheckLoginRequest(const Context& c) {
  const v1::LoginRequest& r = c.pdu.login_request();
  const Connection& connection = c.connection;
  const LoginState& login = connection.login;
  if (connection.phase != Phase::kBeforeLogin && connection.phase != Phase::kLogin) {
    // After a Login reject or where the beginning wasn't seen, nothing says what it is.
    if (connection.phase == Phase::kFullFeature) {
      c.Report(RuleId::kILoginFirst, "a Login Request behind the login");
    }
    return;
  }
  if (login.outstanding > 0) {
    c.Report(RuleId::kIOneLogin, "a Login Request before the answer to the one before");
    return;
  }
  CheckStages(c, r);
  CheckKept(c, r);
  if (r.version_min() != 0 || r.version_max() != 0) {
    c.Report(RuleId::kILoginVersions,
             absl::StrFormat("versions 0x%02x to 0x%02x", r.version_min(), r.version_max()));
  }
  const uint8_t isid_type =
      r.isid().empty() ? 0 : static_cast<uint8_t>(static_cast<uint8_t>(r.isid()[0]) >> 6);
  if (login.requests == 0 && isid_type == 3) c.Report(RuleId::kIIsidType, "ISID of type 11b");
  LogicalText part = login.keys.initiator_text;
  const std::optional<std::string> text = part.Add(c.data(), r.text_continue());
  if (!text.has_value()) return;
  const bool first = login.keys.declared_by_initiator.empty() && login.keys.offers.empty();
  if (first) CheckFirstKeys(c, *text);
  CheckInitiatorKeys(c, *text, login.keys, /*in_login=*/true);
}

void NoteLogin(const Context& c) {
  const KeyExchange& keys = c.connection.login.keys;
  const auto declared = keys.declared_by_target.find("MaxRecvDataSegmentLength");
  uint64_t& limit = c.connection.sender.segment_limit;
  if (c.connection.login.doubtful || c.session.agreed.rdma) {
    limit = 0;
  } else if (declared == keys.declared_by_target.end()) {
    limit = 8192;
  } else {
    limit = initiator_sim::ParseNumericalValue(declared->second).value_or(0);
  }
}

}  // namespace pushpull::conformance::monitor
