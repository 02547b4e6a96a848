#include "initiator_sim/session/accept.h"

#include <algorithm>
#include <utility>

#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

// What this target would choose by itself.
std::string_view Preference(std::string_view key) {
  for (const auto& [name, value] :
       {std::pair<std::string_view, std::string_view>{"AuthMethod", "None"},
        {"HeaderDigest", "None,CRC32C"},
        {"DataDigest", "None,CRC32C"},
        {"MaxConnections", "1"},
        {"InitialR2T", "No"},
        {"ImmediateData", "Yes"},
        {"MaxBurstLength", "262144"},
        {"FirstBurstLength", "65536"},
        {"DefaultTime2Wait", "2"},
        {"DefaultTime2Retain", "0"},
        {"MaxOutstandingR2T", "1"},
        {"DataPDUInOrder", "Yes"},
        {"DataSequenceInOrder", "Yes"},
        {"ErrorRecoveryLevel", "0"},
        {"TaskReporting", "RFC3720"},
        {"iSCSIProtocolLevel", "1"}}) {
    if (name == key) return value;
  }
  return "";
}

void AddKey(v1::KeyList* keys, std::string_view name, std::string_view value) {
  v1::KeyValue* key = keys->add_key();
  key->set_name(std::string(name));
  key->set_value(std::string(value));
}

}  // namespace

const std::string* LoginAcceptance::Scripted(std::string_view key) const {
  for (const v1::KeyValue& one : settings_.key()) {
    if (one.name() == key) return &one.value();
  }
  return nullptr;
}

std::string LoginAcceptance::AnswerFor(const v1::KeyValue& offer) const {
  if (const std::string* scripted = Scripted(offer.name()); scripted != nullptr) return *scripted;
  const KeyInfo* info = FindKeyInfo(offer.name());
  if (info == nullptr) return std::string(kNotUnderstood);
  if (settings_.refuse_negotiation()) return std::string(kReject);
  return AnswerTo(*info, offer.value(), Preference(offer.name()));
}

v1::KeyList LoginAcceptance::Answers(bool last) {
  v1::KeyList keys;
  Negotiation& negotiation = connection_->negotiation;
  for (const v1::KeyValue& offer : negotiation.TakeUnanswered()) {
    const KeyInfo* info = FindKeyInfo(offer.name());
    const bool scripted = Scripted(offer.name()) != nullptr;
    if (settings_.refuse_negotiation() && !scripted && info != nullptr &&
        AnswerOptional(*info, offer.value())) {
      continue;
    }
    AddKey(&keys, offer.name(), AnswerFor(offer));
    answered_.push_back(offer.name());
  }
  const bool normal = negotiation.OfferedByPeer("TargetName") != nullptr;
  if (!portal_group_said_) {
    portal_group_said_ = true;
    const std::string* scripted = Scripted("TargetPortalGroupTag");
    if (scripted != nullptr || normal) {
      AddKey(&keys, "TargetPortalGroupTag", scripted != nullptr ? *scripted : "1");
      answered_.push_back("TargetPortalGroupTag");
    }
  }
  // Earlier, what it declares might cross an offer of the initiator.
  if (!last || connection_->stage != v1::LOGIN_OPERATIONAL_NEGOTIATION || declared_) return keys;
  declared_ = true;
  if (Scripted("MaxRecvDataSegmentLength") == nullptr) {
    AddKey(&keys, "MaxRecvDataSegmentLength", "262144");
  }
  // What the script says and the initiator didn't ask for.
  for (const v1::KeyValue& key : settings_.key()) {
    if (std::find(answered_.begin(), answered_.end(), key.name()) != answered_.end()) continue;
    AddKey(&keys, key.name(), key.value());
  }
  return keys;
}

v1::Pdu LoginAcceptance::OnRequest(const v1::Pdu& pdu) {
  const v1::LoginRequest& request = pdu.login_request();
  v1::Pdu answer;
  v1::LoginResponse* response = answer.mutable_login_response();
  response->set_current_stage(request.current_stage());
  // Text that goes on is answered by an empty response (§6.2).
  if (request.text_continue()) return answer;
  const bool refused = settings_.has_status() && settings_.status() >> 8 != 0;
  if (refused) {
    response->set_status_class(settings_.status() >> 8);
    response->set_status_detail(settings_.status() & 0xff);
    if (!settings_.key().empty()) {
      for (const v1::KeyValue& key : settings_.key()) {
        *answer.mutable_data()->mutable_keys()->add_key() = key;
      }
    }
    done_ = true;
    return answer;
  }
  const v1::KeyList keys = Answers(request.transit());
  if (keys.key_size() > 0) *answer.mutable_data()->mutable_keys() = keys;
  if (!request.transit()) return answer;
  response->set_transit(true);
  response->set_next_stage(request.next_stage());
  const v1::Stage until = settings_.has_until() ? settings_.until() : v1::FULL_FEATURE_PHASE;
  done_ = request.next_stage() == until || request.next_stage() == v1::FULL_FEATURE_PHASE;
  return answer;
}

}  // namespace pushpull::initiator_sim
