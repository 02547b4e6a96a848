#include "initiator_sim/session/login.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

// A login takes a handful; a target that goes on for ever is stopped here.
constexpr uint32_t kMaxRequests = 256;
constexpr size_t kMaxText = size_t{1} << 20;

v1::KeyValue Key(std::string_view name, std::string_view value) {
  v1::KeyValue key;
  key.set_name(std::string(name));
  key.set_value(std::string(value));
  return key;
}

bool IsSecurityKey(std::string_view name) {
  return name == "AuthMethod" || name.starts_with("CHAP_") || name.starts_with("SRP_") ||
         name.starts_with("KRB_");
}
bool IsIdentityKey(std::string_view name) {
  return name == "InitiatorName" || name == "TargetName" || name == "SessionType";
}

}  // namespace

namespace {

// RFC 7145 §6, §5.1: RDMAExtensions in the first PDU that can carry it, never in a Discovery
// session. The segment lengths are each connection's own.
std::vector<v1::KeyValue> IserKeys(bool leading, IserDialect dialect) {
  std::vector<v1::KeyValue> keys;
  if (leading) keys.push_back(Key("RDMAExtensions", "Yes"));
  keys.push_back(Key("TargetRecvDataSegmentLength", "262144"));
  // What Linux says there is not what it posts (kLinuxReceiveBytes).
  const bool linux = dialect == IserDialect::kLinux;
  keys.push_back(Key("InitiatorRecvDataSegmentLength", linux ? "262144" : "8192"));
  if (!leading || linux) return keys;
  keys.push_back(Key("MaxOutstandingUnexpectedPDUs", "32"));
  keys.push_back(Key("MaxAHSLength", "256"));
  keys.push_back(Key("TaggedBufferForSolicitedDataOnly", "No"));
  keys.push_back(Key("iSERHelloRequired", "No"));
  return keys;
}

}  // namespace

std::vector<v1::KeyValue> DefaultOperationalKeys(bool discovery, bool leading,
                                                 std::optional<IserDialect> iser) {
  std::vector<v1::KeyValue> keys;
  if (iser && !discovery) keys = IserKeys(leading, *iser);
  for (const auto& [name, value] : {std::pair{"HeaderDigest", "None"},
                                    {"DataDigest", "None"},
                                    {"MaxRecvDataSegmentLength", "262144"}}) {
    keys.push_back(Key(name, value));
  }
  if (!leading) return keys;
  for (const auto& [name, value] : {std::pair{"DefaultTime2Wait", "2"},
                                    {"DefaultTime2Retain", "0"},
                                    {"ErrorRecoveryLevel", "0"},
                                    {"MaxConnections", "1"},
                                    {"InitialR2T", "No"},
                                    {"ImmediateData", "Yes"},
                                    {"MaxBurstLength", "262144"},
                                    {"FirstBurstLength", "65536"},
                                    {"MaxOutstandingR2T", "1"},
                                    {"DataPDUInOrder", "Yes"},
                                    {"DataSequenceInOrder", "Yes"}}) {
    if (discovery && FindKeyInfo(name)->irrelevant_in_discovery) continue;
    keys.push_back(Key(name, value));
  }
  return keys;
}

LoginExchange::LoginExchange(LoginConfig config, ConnectionState* connection)
    : config_(std::move(config)), connection_(connection), stage_(config_.first_stage) {
  if (config_.chap) chap_.emplace(*config_.chap, config_.credentials, config_.seed);
  reached_ = config_.until == stage_;
  if (!reached_) QueueStage();
}

std::vector<v1::KeyValue> LoginExchange::IdentityKeys() const {
  std::vector<v1::KeyValue> keys = {Key("InitiatorName", config_.initiator_name)};
  if (config_.leading)
    keys.push_back(Key("SessionType", config_.discovery ? "Discovery" : "Normal"));
  if (!config_.target_name.empty() && !config_.discovery) {
    keys.push_back(Key("TargetName", config_.target_name));
  }
  return keys;
}

std::vector<v1::KeyValue> LoginExchange::SecurityKeys() const {
  if (!chap_) return {Key("AuthMethod", "None")};
  return {Key("AuthMethod", config_.chap_or_none ? "CHAP,None" : "CHAP")};
}

std::vector<v1::KeyValue> LoginExchange::OperationalKeys() const {
  return DefaultOperationalKeys(config_.discovery, config_.leading, config_.iser);
}

void LoginExchange::Override(std::vector<v1::KeyValue>* keys, bool security) const {
  for (const LoginKey& wanted : config_.keys) {
    const auto old = std::find_if(keys->begin(), keys->end(), [&](const v1::KeyValue& key) {
      return key.name() == wanted.name;
    });
    if (old != keys->end()) {
      if (wanted.omit) {
        keys->erase(old);
      } else {
        old->set_value(wanted.value);
      }
      continue;
    }
    const bool here = !IsIdentityKey(wanted.name) && IsSecurityKey(wanted.name) == security;
    if (here && !wanted.omit) keys->push_back(Key(wanted.name, wanted.value));
  }
}

void LoginExchange::QueueStage() {
  const bool security = stage_ == v1::SECURITY_NEGOTIATION;
  std::vector<v1::KeyValue> keys;
  if (first_request_) keys = IdentityKeys();
  const std::vector<v1::KeyValue> own = security ? SecurityKeys() : OperationalKeys();
  keys.insert(keys.end(), own.begin(), own.end());
  Override(&keys, security);
  Queue(keys);
}

void LoginExchange::Queue(const std::vector<v1::KeyValue>& keys) {
  v1::KeyList list;
  const auto flush = [&] {
    texts_.push_back(EncodeKeys(list));
    list.Clear();
  };
  for (const v1::KeyValue& key : keys) {
    *list.add_key() = key;
    // The names must all be in the first request (§6.3.1).
    // So must those of a step of CHAP (§12.1.3).
    const bool together = !config_.one_key_per_request ||
                          (first_request_ && IsIdentityKey(key.name())) ||
                          key.name().starts_with("CHAP_");
    if (!together) flush();
  }
  if (list.key_size() > 0 || keys.empty()) flush();
}

bool LoginExchange::MayLeaveStage() const {
  if (texts_.size() > 1) return false;
  if (stage_ != v1::SECURITY_NEGOTIATION || !chap_) return true;
  // T goes with the request that carries CHAP_N and CHAP_R, or where CHAP wasn't chosen.
  if (chap_->answered()) return true;
  const std::string* method = connection_->negotiation.AnswerOfPeer("AuthMethod");
  return method != nullptr && *method != "CHAP";
}

v1::Pdu LoginExchange::Next() {
  CHECK(!reached_);
  v1::Pdu pdu;
  v1::LoginRequest& request = *pdu.mutable_login_request();
  request.set_current_stage(stage_);
  request.set_isid(std::string(config_.isid.begin(), config_.isid.end()));
  request.set_tsih(config_.tsih);
  request.set_cid(config_.cid);
  ++requests_;
  first_request_ = false;
  sent_transit_ = sent_continue_ = false;
  // A response with the C bit is answered by an empty request (§6.2).
  if (waiting_for_rest_) return pdu;

  std::string text;
  const bool may_leave = MayLeaveStage();
  if (!texts_.empty()) {
    std::string& front = texts_.front();
    const size_t limit = std::max<size_t>(config_.data_segment_length, 1);
    if (front.size() > limit) {
      text = front.substr(0, limit);
      front.erase(0, limit);
      sent_continue_ = true;
    } else {
      text = std::move(front);
      texts_.pop_front();
    }
  }
  if (sent_continue_) request.set_text_continue(true);
  if (!sent_continue_ && may_leave) {
    sent_transit_ = true;
    request.set_transit(true);
    request.set_next_stage(stage_ == v1::SECURITY_NEGOTIATION ? v1::LOGIN_OPERATIONAL_NEGOTIATION
                                                              : v1::FULL_FEATURE_PHASE);
  }
  if (!text.empty()) pdu.mutable_data()->set_raw(text);
  return pdu;
}

LoginExchange::Progress LoginExchange::Breach(std::string what, std::string_view section) {
  breach_ = absl::StrCat(what, " (RFC 7143 §", ToAbsl(section), ")");
  return Progress::kBreach;
}

LoginExchange::Progress LoginExchange::OnResponse(const v1::Pdu& pdu) {
  const v1::LoginResponse& response = pdu.login_response();
  status_ = response.status_class() << 8 | response.status_detail();
  if (response.status_class() != 0) return Progress::kRefused;
  if (response.current_stage() != stage_) {
    return Breach(absl::StrCat("CSG is ", response.current_stage(), ", the request said ", stage_),
                  "6.3");
  }
  const std::string text = TextOf(pdu);
  if (sent_continue_) {
    if (!text.empty()) {
      return Breach("text in the answer to a request with the C bit, which asks for none", "6.2");
    }
    if (response.transit()) return Breach("T in the answer to a request without it", "6.3");
    return Progress::kSend;
  }
  if (response.text_continue() && response.transit()) {
    return Breach("both C and T are set", "6.2");
  }
  if (response.transit() && !sent_transit_) {
    return Breach("T in the answer to a request without it", "6.3");
  }
  if (received_.size() + text.size() > kMaxText) return Breach("text without an end", "6.2");
  received_ += text;
  waiting_for_rest_ = response.text_continue();
  if (requests_ >= kMaxRequests) {
    return Breach(absl::StrCat("the login hasn't ended after ", requests_, " requests"), "6.3");
  }
  if (waiting_for_rest_) return Progress::kSend;
  const Progress progress = OnText();
  if (progress != Progress::kSend || !response.transit()) return progress;
  const v1::Stage next = response.next_stage();
  const v1::Stage asked = stage_ == v1::SECURITY_NEGOTIATION ? v1::LOGIN_OPERATIONAL_NEGOTIATION
                                                             : v1::FULL_FEATURE_PHASE;
  if (next == v1::STAGE_RESERVED || next <= stage_ || next > asked) {
    return Breach(absl::StrCat("NSG is ", next, ", the request said ", asked), "6.3");
  }
  return EnterStage(next);
}

LoginExchange::Progress LoginExchange::OnText() {
  const ParsedKeys parsed = ParseKeys(std::exchange(received_, ""));
  const std::vector<std::string>& flaws = connection_->negotiation.flaws();
  if (!flaws.empty()) {
    breach_ = flaws.front();
    return Progress::kBreach;
  }
  if (stage_ == v1::SECURITY_NEGOTIATION && chap_) {
    if (const std::optional<Progress> over = StepChap(parsed.keys)) return *over;
  }
  const std::vector<v1::KeyValue> answers = Answers();
  if (!answers.empty()) Queue(answers);
  return Progress::kSend;
}

std::optional<LoginExchange::Progress> LoginExchange::StepChap(const v1::KeyList& keys) {
  const std::string* method = connection_->negotiation.AnswerOfPeer("AuthMethod");
  if (method == nullptr || *method != "CHAP") return std::nullopt;
  if (!chap_offered_) {
    chap_offered_ = true;
    Queue(chap_->Offer());
    return std::nullopt;
  }
  absl::StatusOr<std::vector<v1::KeyValue>> answer = chap_->Answer(keys);
  if (!answer.ok()) {
    breach_ = std::string(answer.status().message());
    return Progress::kBreach;
  }
  if (!answer->empty()) Queue(*answer);
  return std::nullopt;
}

// No key is sent twice (§6.3): what is answered is offered no more.
void LoginExchange::DropQueued(const std::string& name) {
  std::deque<std::string> kept;
  for (size_t i = 0; i < texts_.size(); ++i) {
    // The rest of a text that is on its way stays whole.
    if (i == 0 && sent_continue_) {
      kept.push_back(texts_[i]);
      continue;
    }
    const v1::KeyList keys = ParseKeys(texts_[i]).keys;
    v1::KeyList others;
    for (const v1::KeyValue& key : keys.key()) {
      if (key.name() != name) *others.add_key() = key;
    }
    if (others.key_size() > 0) kept.push_back(EncodeKeys(others));
  }
  texts_ = std::move(kept);
}

std::vector<v1::KeyValue> LoginExchange::Answers() {
  std::vector<v1::KeyValue> answers;
  for (const v1::KeyValue& offer : connection_->negotiation.TakeUnanswered()) {
    // The keys of CHAP are no offers: both sides send some of them.
    if (offer.name().starts_with("CHAP_")) continue;
    DropQueued(offer.name());
    if (IsSecurityKey(offer.name())) continue;
    const KeyInfo* info = FindKeyInfo(offer.name());
    if (info == nullptr) {
      // Keys that RFC 7143 made obsolete are known, if not supported (§13.25).
      const bool marker = offer.name().ends_with("Marker") || offer.name().ends_with("MarkInt");
      answers.push_back(Key(offer.name(), marker ? kReject : kNotUnderstood));
      continue;
    }
    if (config_.discovery && info->irrelevant_in_discovery) {
      answers.push_back(Key(offer.name(), kIrrelevant));
      continue;
    }
    std::string own(info->default_value);
    for (const v1::KeyValue& key : OperationalKeys()) {
      if (key.name() == offer.name()) own = key.value();
    }
    for (const LoginKey& key : config_.keys) {
      if (key.name == offer.name()) own = key.value;
    }
    answers.push_back(Key(offer.name(), AnswerTo(*info, offer.value(), own)));
  }
  return answers;
}

LoginExchange::Progress LoginExchange::EnterStage(v1::Stage stage) {
  const std::string* method = connection_->negotiation.AnswerOfPeer("AuthMethod");
  if (chap_ && stage_ == v1::SECURITY_NEGOTIATION && method != nullptr && *method == "CHAP" &&
      !chap_->complete()) {
    return Breach("the stage ended before CHAP did", "12.1.3");
  }
  stage_ = stage;
  if (stage == config_.until || stage == v1::FULL_FEATURE_PHASE) {
    reached_ = true;
    return Progress::kReached;
  }
  QueueStage();
  return Progress::kSend;
}

std::string LoginExchange::Describe() const {
  return absl::StrCat("login in ", v1::Stage_Name(stage_), ", ", requests_, " requests sent");
}

}  // namespace pushpull::initiator_sim
