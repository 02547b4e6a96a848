// The Login Phase. (RFC 7143 §6.3, §11.12, §11.13)

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/monitor/context.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance::monitor {
namespace {

constexpr uint32_t kMaxLoginData = 8192;  // the default MaxRecvDataSegmentLength

// Whether a request goes on as the Login Phase wants it.
bool IsRight(const Context& c, const LoginState& login, const v1::LoginRequest& r) {
  const v1::LoginRequest& first = login.first;
  const bool same = r.initiator_task_tag() == first.initiator_task_tag() &&
                    r.isid() == first.isid() && r.tsih() == first.tsih() &&
                    r.cid() == first.cid() && r.version_max() == first.version_max() &&
                    r.version_min() == first.version_min();
  const bool right_next =
      !r.transit() || (r.next_stage() > r.current_stage() && r.next_stage() != v1::STAGE_RESERVED);
  return same && right_next && !(r.transit() && r.text_continue()) && r.current_stage() <= 1 &&
         static_cast<uint32_t>(r.current_stage()) == login.stage && login.outstanding == 0 &&
         !c.tap.misbehaving && c.tap.decoded->flaw.empty();
}

bool IsAssigned(uint32_t status_class, uint32_t status_detail) {
  switch (status_class) {
    case 0:
      return status_detail == 0;
    case 1:
      return status_detail == 1 || status_detail == 2;
    case 2:
      return status_detail <= 0x0b;
    case 3:
      return status_detail <= 2;
    default:
      return false;
  }
}

void CheckEchoes(const Context& c, const LoginState& login, const v1::LoginResponse& r) {
  // A reject names no session, and nothing says what its ISID is.
  if (r.status_class() != 2 && r.status_class() != 3 && r.isid() != login.last.isid()) {
    c.Report(RuleId::kLoginEchoes, "ISID is not the request's");
  }
  if (r.initiator_task_tag() != login.last.initiator_task_tag()) {
    c.Report(RuleId::kLoginEchoes,
             absl::StrFormat("Initiator Task Tag is 0x%x, not 0x%x", r.initiator_task_tag(),
                             login.last.initiator_task_tag()));
  }
}

bool IsFinal(const v1::LoginResponse& r) {
  return r.status_class() == 0 && r.transit() && r.next_stage() == v1::FULL_FEATURE_PHASE;
}

void CheckTsih(const Context& c, const LoginState& login, const v1::LoginResponse& r) {
  if (login.first.tsih() != 0) {
    if (r.tsih() != login.first.tsih()) {
      c.Report(RuleId::kLoginTsihCopied,
               absl::StrFormat("TSIH is 0x%x, not 0x%x", r.tsih(), login.first.tsih()));
    }
    return;
  }
  if (IsFinal(r) && r.tsih() == 0) {
    c.Report(RuleId::kLoginTsih, "TSIH is 0 in the Login Final-Response of a new session");
  }
  if (!IsFinal(r) && r.tsih() != 0) {
    c.Report(RuleId::kLoginTsih,
             absl::StrFormat("TSIH is 0x%x before the Login Final-Response", r.tsih()));
  }
}

// What the request decides: stage, transit, continuation.
void CheckStages(const Context& c, const LoginState& login, const v1::LoginResponse& r) {
  const v1::LoginRequest& request = login.last;
  if (r.current_stage() != request.current_stage()) {
    c.Report(RuleId::kLoginSameStage,
             absl::StrCat("CSG is ", r.current_stage(), ", not ", request.current_stage()));
  }
  if (request.text_continue() && c.pdu.data_segment_length() != 0) {
    c.Report(RuleId::kEmptyAnswerToContinue,
             absl::StrCat("answers a request with C by ", c.pdu.data_segment_length(), " bytes"));
  }
  if (!r.transit()) {
    if (r.next_stage() != 0) {
      c.Report(RuleId::kLoginNextStageUnused, absl::StrCat("NSG is ", r.next_stage(), " with T=0"));
    }
    return;
  }
  if (!request.transit()) {
    c.Report(RuleId::kLoginTransitAsked, "T is 1 in answer to T=0");
    return;
  }
  const bool later = r.next_stage() > r.current_stage() && r.next_stage() != v1::STAGE_RESERVED;
  if (!later || r.next_stage() > request.next_stage()) {
    c.Report(RuleId::kLoginNextStage,
             absl::StrCat("goes from stage ", r.current_stage(), " to ", r.next_stage(),
                          ", where the request asked for ", request.next_stage()));
  }
}

void CheckFirstVersions(const Context& c, const LoginState& login, const v1::LoginResponse& r) {
  const uint32_t active = r.version_active();
  if (!login.doubtful && (active < login.first.version_min() ||
                          active > login.first.version_max() || active > r.version_max())) {
    c.Report(RuleId::kLoginVersionActive,
             absl::StrFormat("Version-active is 0x%02x, Version-max 0x%02x, where the request has "
                             "0x%02x to 0x%02x",
                             active, r.version_max(), login.first.version_min(),
                             login.first.version_max()));
  }
  if (r.version_max() != 0) {
    c.Report(RuleId::kLoginVersionKnown, absl::StrFormat("Version-max is 0x%02x", r.version_max()));
  }
}

void CheckVersions(const Context& c, const LoginState& login, const v1::LoginResponse& r) {
  if (!login.first_response.has_value()) return CheckFirstVersions(c, login, r);
  const v1::LoginResponse& first = *login.first_response;
  if (r.version_max() != first.version_max() || r.version_active() != first.version_active()) {
    c.Report(RuleId::kLoginVersions,
             absl::StrFormat("Version-max and -active are 0x%02x and 0x%02x, before 0x%02x and "
                             "0x%02x",
                             r.version_max(), r.version_active(), first.version_max(),
                             first.version_active()));
  }
}

// §6.3.1; §13.9 asks for it only where the initiator named the target.
void CheckPortalGroupTag(const Context& c, LoginState* login) {
  if (login->portal_group_tag_judged || login->last.text_continue()) return;
  login->portal_group_tag_judged = true;
  if (!login->keys.declared_by_initiator.contains("TargetName")) return;
  if (login->keys.declared_by_target.contains("TargetPortalGroupTag")) return;
  if (c.pdu.login_response().text_continue()) return;  // its text isn't whole yet
  c.Report(RuleId::kPortalGroupTag, "no TargetPortalGroupTag");
}

void TakeKeys(const Context& c, LoginState* login, const v1::LoginResponse& r) {
  const KeysOf of = r.status_class() == 1 ? KeysOf::kRedirect : KeysOf::kLogin;
  const std::optional<std::string> text = login->keys.target_text.Add(c.data(), r.text_continue());
  if (!text.has_value()) return;
  CheckTargetKeys(c, *text, &login->keys, of,
                  login->last.current_stage() == v1::SECURITY_NEGOTIATION);
}

void CheckFailure(const Context& c, LoginState* login, const v1::LoginResponse& r) {
  if (r.transit() || r.current_stage() != 0 || r.next_stage() != 0) {
    c.Report(RuleId::kFailedLoginFields,
             absl::StrCat("T is ", r.transit() ? 1 : 0, ", CSG ", r.current_stage(), ", NSG ",
                          r.next_stage(), " in a Login reject"));
  }
  // What came before it, and was to be continued, isn't any more.
  login->keys.target_text = LogicalText();
  TakeKeys(c, login, r);
  if (r.status_class() == 1 && !login->keys.declared_by_target.contains("TargetAddress")) {
    c.Report(RuleId::kRedirectAddress, "no TargetAddress in a redirection");
  }
  c.connection.phase = Phase::kFailed;
  c.connection.ended_frame = c.frame;
}

}  // namespace

void TakeLoginRequest(const Context& c) {
  Connection& connection = c.connection;
  LoginState& login = connection.login;
  const v1::LoginRequest& r = c.pdu.login_request();
  if (connection.phase != Phase::kBeforeLogin && connection.phase != Phase::kLogin) {
    connection.login_in_full_feature = true;
    return;
  }
  if (login.requests == 0) {
    login.first = r;
    login.stage = static_cast<uint32_t>(r.current_stage());
    connection.cid = static_cast<uint16_t>(r.cid());
  }
  connection.phase = Phase::kLogin;
  if (!IsRight(c, login, r)) login.doubtful = true;
  ++login.requests;
  ++login.outstanding;
  login.last = r;
  const std::optional<std::string> text =
      login.keys.initiator_text.Add(c.data(), r.text_continue());
  if (!text.has_value()) return;
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(*text);
  if (!parsed.flaw.empty()) login.doubtful = true;
  login.keys.TakeInitiatorKeys(parsed.keys, r.current_stage() == v1::SECURITY_NEGOTIATION);
}

bool CheckLoginResponse(const Context& c) {
  LoginState& login = c.connection.login;
  const v1::LoginResponse& r = c.pdu.login_response();
  if (login.outstanding == 0) {
    c.Report(RuleId::kLoginAlternates, "a Login Response that no request waits for");
    return false;
  }
  --login.outstanding;
  if (!IsAssigned(r.status_class(), r.status_detail())) {
    c.Report(RuleId::kLoginStatusAssigned,
             absl::StrFormat("status %02x%02x", r.status_class(), r.status_detail()));
  }
  if (c.pdu.data_segment_length() > kMaxLoginData) {
    c.Report(RuleId::kLoginSegmentLimit,
             absl::StrCat("DataSegmentLength is ", c.pdu.data_segment_length()));
  }
  if (!login.doubtful) CheckEchoes(c, login, r);
  if (r.status_class() != 0) {
    CheckFailure(c, &login, r);
    return false;
  }
  if (r.transit() && r.text_continue()) c.Report(RuleId::kContinueWithoutTransit, "T and C are 1");
  CheckVersions(c, login, r);
  if (!login.first_response.has_value()) login.first_response = r;
  TakeKeys(c, &login, r);
  if (!login.doubtful) {
    CheckStages(c, login, r);
    CheckTsih(c, login, r);
    CheckPortalGroupTag(c, &login);
    if (login.first.tsih() == 0 && r.exp_cmd_sn() != login.first.cmd_sn()) {
      c.Report(RuleId::kLoginCmdSnKept,
               absl::StrCat("ExpCmdSN is ", r.exp_cmd_sn(), ", where the leading login has CmdSN ",
                            login.first.cmd_sn()));
    }
  }
  if (!r.transit()) return false;
  if (!login.doubtful) {
    CheckKeysAnswered(c, login.keys);
    const std::string offer = UnansweredOfferOfTarget(login.keys);
    if (!offer.empty()) {
      c.Report(RuleId::kLoginTransitWithoutOffers, absl::StrCat("T is 1, but it offers ", offer));
    }
  }
  login.stage = static_cast<uint32_t>(r.next_stage());
  return IsFinal(r);
}

}  // namespace pushpull::conformance::monitor
