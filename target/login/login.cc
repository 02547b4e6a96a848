#include "target/login/login.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/text.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

// §6.3: the default MaxRecvDataSegmentLength is used during login.
constexpr size_t kMaxLoginText = kDefaultMaxRecvDataSegmentLength;

bool IsStage(Stage stage) {
  return stage == Stage::kSecurityNegotiation || stage == Stage::kLoginOperationalNegotiation ||
         stage == Stage::kFullFeaturePhase;
}

}  // namespace

LoginMachine::LoginMachine(LoginHost* host, LoginConfig config)
    : host_(host),
      config_(std::move(config)),
      out_(config_.limits.cut_inside_pairs),
      stat_sn_(config_.initial_stat_sn) {
  CHECK(host_ != nullptr);
  CHECK_NE(config_.queue_depth, 0u);
}

LoginMachine::~LoginMachine() = default;

LoginStep LoginMachine::OnRequest(const LoginRequest& request, base::Bytes text) {
  if (state_ == State::kDone) return Close("a request behind the end of the Login Phase");
  Begin(request);
  if (const Checked header = CheckHeader(request); !header.ok()) return Fail(header.error());
  if (const Checked taken = TakeText(request, text); !taken.ok()) return Fail(taken.error());
  if (request.text_continue) return Respond();  // §6.2: with no data
  if (out_.empty()) {
    if (const Checked done = Process(); !done.ok()) return Fail(done.error());
  }
  return Respond();
}

void LoginMachine::Begin(const LoginRequest& request) {
  current_ = request;
  if (std::exchange(started_, true)) return;
  first_ = request;
  stage_ = request.current_stage;
  exp_cmd_sn_ = request.cmd_sn;  // §11.12.8
  max_cmd_sn_ = exp_cmd_sn_ + config_.queue_depth - 1;
}

LoginStep LoginMachine::OnOtherPdu() {
  if (state_ == State::kDone) return Close("a PDU behind the end of the Login Phase");
  if (!started_ && !config_.bugs.Has(Bug::kFirstPduAnswered)) {
    return Close("the first PDU is no Login Request");
  }
  return Fail({LoginStatus::kInvalidDuringLogin,
               {"a PDU that is no Login Request came during login", "RFC 7143 §4.2.4"},
               {}});
}

LoginMachine::Checked LoginMachine::Refused(std::string reason, std::string_view section,
                                            LoginStatus status) {
  return Failure{status, {std::move(reason), section}, {}};
}

LoginMachine::Checked LoginMachine::CheckHeader(const LoginRequest& request) const {
  // §11.12.4: the first request's range counts. This target's only version is 0.
  const bool last_counts = config_.bugs.Has(Bug::kLoginLastVersionCounts);
  const LoginRequest& counts = last_counts ? request : first_;
  if (counts.version_min != 0 && !config_.bugs.Has(Bug::kLoginAcceptsAnyVersion)) {
    return Refused("version 0x00 is not in the range", "RFC 7143 §11.12.4",
                   LoginStatus::kUnsupportedVersion);
  }
  if (state_ == State::kAdmitting) {
    return Refused("a second Login Request is outstanding", "RFC 7143 §6.3");
  }
  if (request.initiator_task_tag == kNoTag ||
      request.initiator_task_tag != first_.initiator_task_tag) {
    return Refused("the Initiator Task Tag is reserved or changed", "RFC 7143 §11.12");
  }
  if (request.isid != first_.isid) return Refused("ISID changed", "RFC 7143 §11.12.5");
  if (request.tsih != first_.tsih) return Refused("TSIH changed", "RFC 7143 §11.12.6");
  return CheckStages(request);
}

LoginMachine::Checked LoginMachine::CheckStages(const LoginRequest& request) const {
  if (request.current_stage != Stage::kSecurityNegotiation &&
      request.current_stage != Stage::kLoginOperationalNegotiation) {
    return Refused("CSG is no login stage", "RFC 7143 §11.12.3");
  }
  if (request.current_stage != stage_) {
    return Refused("CSG is not the stage that was agreed", "RFC 7143 §6.3");
  }
  if (!request.transit) return {};  // NSG is reserved then
  if (request.text_continue &&
      !(negotiator_ != nullptr && config_.bugs.Has(Bug::kLoginContinueAndTransit))) {
    return Refused("C and T are both set", "RFC 7143 §11.12.2");
  }
  const bool in_order = request.next_stage > request.current_stage ||
                        config_.bugs.Has(Bug::kLoginStageOrderUnchecked);
  if (!IsStage(request.next_stage) || !in_order) {
    return Refused("there is no transition from CSG to NSG", "RFC 7143 §6.3");
  }
  return {};
}

LoginMachine::Checked LoginMachine::TakeText(const LoginRequest& request, base::Bytes text) {
  if (text.size() > kMaxLoginText && !config_.bugs.Has(Bug::kLoginDataSegmentUnchecked)) {
    return Refused("the data segment is longer than 8192 bytes", "RFC 7143 §6.3");
  }
  if (!out_.empty()) {
    if (text.empty() && !request.text_continue) return {};
    return Refused("a response with C was answered with text", "RFC 7143 §6.2");
  }
  // A part of a longer text is counted by its bytes.
  if (!request.text_continue || text.empty()) ++exchanges_;
  if (exchanges_ > config_.max_exchanges) {
    return Refused("the negotiation doesn't end", "RFC 7143 §6.2");
  }
  if (config_.bugs.Has(Bug::kLoginTextOverruns)) return AppendUnchecked(text);
  const bool too_long = config_.bugs.Has(Bug::kLoginTextLimitLow) && in_.text().size() > 4096;
  if (too_long || !in_.Append(text)) {
    return Refused("the text is longer than 64 KiB", "RFC 7143 §6.1");
  }
  return {};
}

// Bug::kLoginTextOverruns.
LoginMachine::Checked LoginMachine::AppendUnchecked(base::Bytes text) {
  const std::unique_ptr<uint8_t[]> buffer(new uint8_t[kMaxLoginText]);
  const size_t before = in_.text().size();
  std::memcpy(buffer.get(), in_.text().data(), before);
  if (!text.empty()) std::memcpy(buffer.get() + before, text.data(), text.size());
  static_cast<void>(in_.Append({buffer.get() + before, text.size()}));
  return {};
}

LoginMachine::Checked LoginMachine::Process() {
  auto pairs = ParseText(in_.text());
  if (!pairs.ok()) return Failure{LoginStatus::kInitiatorError, pairs.error(), {}};
  if (config_.bugs.Has(Bug::kNodeArchitectureMatters) &&
      std::ranges::count(*pairs, "X#NodeArchitecture", &KeyValue::key) > 0) {
    return Refused("this initiator is unwanted", "no section: a defect");
  }
  if (negotiator_ == nullptr) {
    PUSHPULL_TRY(Identify(*pairs));
    PUSHPULL_TRY(Locate());
    DeclareIdentity();
  } else {
    PUSHPULL_TRY(CheckLateNames(*pairs));
  }
  const bool security = stage_ == Stage::kSecurityNegotiation;
  if (!security) PUSHPULL_TRY(CheckSecurity());
  std::vector<KeyValue> authentication;
  auto received =
      negotiator_->Receive(security ? NegotiationPhase::kSecurity : NegotiationPhase::kOperational,
                           *pairs, out_, authentication);
  if (!received.ok()) return Failure{LoginStatus::kInitiatorError, received.error(), {}};
  if (security) {
    PUSHPULL_TRY(Authenticate(authentication));
  } else {
    negotiator_->Declare(out_);
    AddPrivateKey();
  }
  in_.Clear();
  return {};
}

// Once, and only in a Normal session (§13.22). It may be answered NotUnderstood, so that the stage
// goes on (§11.13.6).
void LoginMachine::AddPrivateKey() {
  private_key_open_ = false;
  if (config_.variation == nullptr || std::exchange(private_key_sent_, true)) return;
  if (result_.identity.session_type != SessionType::kNormal) return;
  if (!config_.variation->SendsPrivateKey()) return;
  out_.Add(LoginVariation::kPrivateKey, "1");
  negotiator_->NoteDeclared(LoginVariation::kPrivateKey);
  private_key_open_ = true;
}

LoginMachine::Checked LoginMachine::Identify(const std::vector<KeyValue>& pairs) {
  std::optional<std::string_view> initiator_name, target_name, session_type;
  for (const KeyValue& pair : pairs) {
    std::optional<std::string_view>* name = pair.key == "InitiatorName" ? &initiator_name
                                            : pair.key == "TargetName"  ? &target_name
                                            : pair.key == "SessionType" ? &session_type
                                                                        : nullptr;
    if (name == nullptr) continue;
    if (name->has_value() && !config_.bugs.Has(Bug::kRedeclaredKeyAccepted)) {
      return Refused(std::string(pair.key) + " was sent twice", "RFC 7143 §6.3");
    }
    *name = pair.value;
  }
  LoginIdentity& identity = result_.identity;
  if (!initiator_name || initiator_name->empty()) {
    return Refused("InitiatorName is missing", "RFC 7143 §6.3", LoginStatus::kMissingParameter);
  }
  const bool too_long = initiator_name->size() > 200 && config_.bugs.Has(Bug::kLongNameRefused);
  if (!IsIscsiName(*initiator_name) || too_long) {
    return Refused("InitiatorName is no iSCSI name", "RFC 7143 §4.2.7");
  }
  // Names are compared as stringprep has them (§4.2.7.2), which for what most names are made of is
  // lower case.
  identity.initiator_name = absl::AsciiStrToLower(base::ToAbsl(*initiator_name));
  if (session_type == "Discovery") {
    identity.session_type = SessionType::kDiscovery;
  } else if (session_type && session_type != "Normal") {
    return Refused("SessionType is unknown", "RFC 7143 §13.21",
                   LoginStatus::kSessionTypeNotSupported);
  }
  if (target_name && !target_name->empty()) {
    identity.target_name = *target_name;
  } else if (target_name || identity.session_type == SessionType::kNormal) {
    return Refused("TargetName is missing", "RFC 7143 §6.3", LoginStatus::kMissingParameter);
  }
  identity.isid = first_.isid;
  identity.tsih = first_.tsih;
  identity.cid = first_.cid;
  return {};
}

// The names belong in the first request (§6.3); Negotiator finds them said again.
LoginMachine::Checked LoginMachine::CheckLateNames(const std::vector<KeyValue>& pairs) const {
  const bool discovery = result_.identity.session_type == SessionType::kDiscovery;
  for (const KeyValue& pair : pairs) {
    if (pair.key == "TargetName" && !result_.identity.target_name) {
      return Refused("TargetName was not in the first request", "RFC 7143 §6.3");
    }
    if (pair.key == "SessionType" && pair.value != (discovery ? "Discovery" : "Normal")) {
      return Refused("SessionType was not in the first request", "RFC 7143 §13.21");
    }
  }
  return {};
}

LoginMachine::Checked LoginMachine::Locate() {
  const LoginIdentity& identity = result_.identity;
  target_ = host_->FindTarget(identity);
  if (target_.status != LoginStatus::kSuccess) {
    Failure failure{target_.status, {"the target is not to be had here", "RFC 7143 §11.13.5"}, {}};
    CHECK(StatusClass(target_.status) != 1 || !target_.redirect_addresses.empty());
    for (const std::string& address : target_.redirect_addresses) {
      AppendPair(failure.text, "TargetAddress", address);
    }
    return failure;
  }
  LoginPlace place = host_->FindPlace(identity);
  if (place.status == LoginStatus::kSessionDoesNotExist &&
      config_.bugs.Has(Bug::kUnknownTsihMakesSession)) {
    result_.identity.tsih = first_.tsih = 0;
    place = host_->FindPlace(identity);
  }
  if (place.status != LoginStatus::kSuccess) {
    return Refused("there is no place for this session or connection", "RFC 7143 §6.3.1",
                   place.status);
  }
  const bool leading = identity.tsih == 0;
  CHECK_EQ(leading,
           place.kind == LoginKind::kNewSession || place.kind == LoginKind::kSessionReinstatement);
  result_.kind = place.kind;
  result_.cmd_sn = first_.cmd_sn;
  result_.target_portal_group_tag = target_.target_portal_group_tag.value_or(0);
  if (!leading) SetCommandWindow(place.exp_cmd_sn, place.max_cmd_sn);
  due_authentication_ = place.authentication;
  negotiator_ = std::make_unique<Negotiator>(
      config_.limits, NegotiationContext{identity.session_type, leading, config_.rdma_transport},
      leading ? SessionParameters() : place.session, ConnectionParameters(), config_.bugs);
  return {};
}

// What the target says of itself in the first response to a request with C=0 (§6.3.1, §13.6).
void LoginMachine::DeclareIdentity() {
  if (target_.target_portal_group_tag && !config_.bugs.Has(Bug::kTpgtMissing)) {
    out_.Add("TargetPortalGroupTag", std::to_string(*target_.target_portal_group_tag));
    negotiator_->NoteDeclared(Key::kTargetPortalGroupTag);
  }
  if (!target_.target_alias.empty() && result_.identity.session_type == SessionType::kNormal) {
    out_.Add("TargetAlias", target_.target_alias);
    negotiator_->NoteDeclared(Key::kTargetAlias);
  }
}

std::vector<std::string> LoginMachine::Methods() const {
  const bool leading_only = config_.bugs.Has(Bug::kChapLeadingLoginOnly);
  if (target_.auth == nullptr || (leading_only && first_.tsih != 0)) {
    return {std::string(kValueNone)};
  }
  return target_.auth->Methods();
}

bool LoginMachine::MayStayAnonymous() const {
  const std::vector<std::string> methods = Methods();
  return std::ranges::count(methods, kValueNone) > 0;
}

// Before anything of the operational stage is looked at.
LoginMachine::Checked LoginMachine::CheckSecurity() const {
  if (authenticated_ || MayStayAnonymous() || config_.bugs.Has(Bug::kChapSkippedByStageJump)) {
    return {};
  }
  // §6.3.1: the initiator forewent the security stage.
  return Refused("authentication is needed", "RFC 7143 §6.3.1",
                 LoginStatus::kAuthenticationFailure);
}

LoginMachine::Checked LoginMachine::Authenticate(std::vector<KeyValue>& keys) {
  bool chosen_now = false;
  const auto offer = std::find_if(keys.begin(), keys.end(),
                                  [](const KeyValue& pair) { return pair.key == "AuthMethod"; });
  if (offer != keys.end()) {
    PUSHPULL_TRY(ChooseMethod(offer->value));
    keys.erase(offer);
    chosen_now = true;
  }
  if (auth_ == nullptr || authenticated_) {
    if (!keys.empty()) {
      return Refused(std::string(keys[0].key) + " belongs to no method under way",
                     "RFC 7143 §12.1");
    }
    if (authenticated_ || MayStayAnonymous() || !current_.transit) return {};
    if (auth_offered_) {
      return Refused("AuthMethod was not answered", "RFC 7143 §6.3.2",
                     LoginStatus::kAuthenticationFailure);
    }
    // §6.3.2: the initiator leaves the first word to the target.
    auth_offered_ = true;
    out_.Add("AuthMethod", absl::StrJoin(Methods(), ","));
    negotiator_->NoteDeclared(Key::kAuthMethod);
    return {};
  }
  // The first step is the initiator's (§12.1), at once or with the next request.
  if (chosen_now && keys.empty()) return {};
  AuthExchange::Step step = auth_->OnKeys(keys);
  if (step.verdict == AuthExchange::Step::Verdict::kFailed) {
    return Failure{step.status, {std::move(step.reason), "RFC 7143 §12.1"}, {}};
  }
  for (const auto& [key, value] : step.keys) out_.Add(key, value);
  authenticated_ = step.verdict == AuthExchange::Step::Verdict::kAuthenticated;
  return {};
}

LoginMachine::Checked LoginMachine::ChooseMethod(std::string_view offer) {
  const std::vector<std::string> methods = Methods();
  for (const std::string_view item : SplitList(offer)) {
    if (std::find(methods.begin(), methods.end(), item) == methods.end()) continue;
    result_.auth_method = item;
    // Where the target made the offer, this was the answer.
    if (!auth_offered_) out_.Add("AuthMethod", item);
    if (item == kValueNone) {
      authenticated_ = true;
    } else {
      auth_ = target_.auth->Start(item, result_.identity.initiator_name);
      CHECK(auth_ != nullptr) << item;
    }
    return {};
  }
  if (config_.bugs.Has(Bug::kUnknownAuthMethodNone)) {
    result_.auth_method = kValueNone;
    out_.Add("AuthMethod", kValueNone);
    authenticated_ = true;
    return {};
  }
  // §6.3.2 wants the answer Reject, §7.12 the end of the login: one PDU does both.
  Failure failure{LoginStatus::kAuthenticationFailure,
                  {"no offered authentication method is acceptable", "RFC 7143 §6.3.2"},
                  {}};
  AppendPair(failure.text, "AuthMethod", kValueReject);
  return failure;
}

bool LoginMachine::MayTransit() const {
  if (current_.data_segment_length == 0 && config_.bugs.Has(Bug::kLoginEndNeedsKeys)) return false;
  if (!current_.transit || !out_.empty() || private_key_open_) return false;
  if (stage_ == Stage::kLoginOperationalNegotiation) return !negotiator_->awaiting_answers();
  return authenticated_ || (auth_ == nullptr && MayStayAnonymous());
}

LoginStep LoginMachine::Respond() {
  const bool asks_for_end = current_.transit && current_.next_stage == Stage::kFullFeaturePhase;
  if (asks_for_end && stage_ == Stage::kLoginOperationalNegotiation) negotiator_->Propose(out_);
  LoginStep step;
  step.kind = LoginStep::Kind::kRespond;
  if (!current_.text_continue) step.text = NextText();
  if (MayTransit()) return Transit(std::move(step));
  step.response = MakeResponse();
  step.response.current_stage = stage_;
  step.response.text_continue = !out_.empty();
  if (config_.bugs.Has(Bug::kLoginTransitWithoutRequest) && !current_.transit && out_.empty()) {
    step.response.transit = true;
    step.response.next_stage = stage_ == Stage::kSecurityNegotiation
                                   ? Stage::kLoginOperationalNegotiation
                                   : Stage::kFullFeaturePhase;
  }
  return step;
}

std::string LoginMachine::NextText() {
  if (config_.variation == nullptr) return out_.Next(kMaxLoginText);
  if (!out_.unsent().empty()) {
    out_.ReplaceUnsent(config_.variation->Written(out_.unsent()));
  }
  return out_.Next(config_.variation->Part(out_.size(), kMaxLoginText));
}

LoginStep LoginMachine::Transit(LoginStep step) {
  Stage next = current_.next_stage;
  // Not every offer has to be taken whole (§6.3): what the target can't leave at its default is
  // settled in the operational stage.
  if (next == Stage::kFullFeaturePhase && stage_ == Stage::kSecurityNegotiation &&
      (negotiator_->WouldPropose() ||
       (config_.variation != nullptr && config_.variation->EntersOperationalStage()))) {
    next = Stage::kLoginOperationalNegotiation;
  }
  if (next == Stage::kFullFeaturePhase) {
    if (const auto finished = negotiator_->Finish(); !finished.ok()) {
      return Fail({LoginStatus::kInitiatorError, finished.error(), {}});
    }
    result_.initiator_alias = negotiator_->initiator_alias();
    if (result_.auth_method.empty()) result_.auth_method = kValueNone;
    if (auth_ != nullptr) {
      result_.authentication = result_.auth_method + " " + auth_->identity();
    }
    if (first_.tsih != 0 && result_.authentication != due_authentication_) {
      return Fail({LoginStatus::kAuthenticationFailure,
                   {"the session's other connections are another's", "RFC 7143 §9.2"},
                   {}});
    }
    result_.session = negotiator_->session();
    result_.connection = negotiator_->connection();
    if (config_.bugs.Has(Bug::kLoginLastCidCounts)) result_.identity.cid = current_.cid;
    state_ = State::kAdmitting;
    final_text_ = std::move(step.text);
    step.kind = LoginStep::Kind::kAdmit;
    step.text.clear();
    return step;
  }
  step.response = MakeResponse();
  step.response.transit = true;
  step.response.current_stage = stage_;
  step.response.next_stage = next;
  stage_ = next;
  in_.ResetBudget();  // every stage is a negotiation of its own (§6.2)
  return step;
}

}  // namespace pushpull::target
