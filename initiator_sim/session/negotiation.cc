#include "initiator_sim/session/negotiation.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

// More text than any negotiation needs (§6.1 asks for 8 KiB, or 64 KiB).
constexpr size_t kMaxText = size_t{1} << 20;

}  // namespace

std::string Parameters::Get(std::string_view key) const {
  if (const auto it = values_.find(key); it != values_.end()) return it->second;
  const KeyInfo* info = FindKeyInfo(key);
  return info == nullptr ? "" : std::string(info->default_value);
}

std::optional<uint64_t> Parameters::Number(std::string_view key) const {
  const std::string value = Get(key);
  if (value == "Yes") return 1;
  if (value == "No") return 0;
  return ParseNumericalValue(value);
}

uint32_t Parameters::NumberOr(std::string_view key, uint32_t otherwise) const {
  return static_cast<uint32_t>(Number(key).value_or(otherwise));
}

void Parameters::Set(std::string_view key, std::string_view value) {
  values_.insert_or_assign(std::string(key), std::string(value));
}

const std::string* Negotiation::Find(const Values& values, std::string_view key) {
  const auto it = values.find(key);
  return it == values.end() ? nullptr : &it->second;
}

void Negotiation::Sent(std::string_view text, bool more) {
  sent_part_.append(text);
  if (more) return;
  const ParsedKeys parsed = ParseKeys(std::exchange(sent_part_, ""));
  for (const v1::KeyValue& key : parsed.keys.key()) TakeSent(key);
}

void Negotiation::Received(std::string_view text, bool more) {
  receiving_ = more;
  if (received_part_.size() + text.size() > kMaxText) {
    flaws_.push_back(absl::StrCat("more than ", kMaxText, " bytes of text"));
    return;
  }
  received_part_.append(text);
  if (more) return;
  const ParsedKeys parsed = ParseKeys(std::exchange(received_part_, ""));
  if (!parsed.flaw.empty()) flaws_.push_back(absl::StrCat(parsed.flaw, " (RFC 7143 §6.1)"));
  for (const v1::KeyValue& key : parsed.keys.key()) TakeReceived(key);
}

void Negotiation::TakeSent(const v1::KeyValue& key) {
  const KeyInfo* info = FindKeyInfo(key.name());
  const bool declaration = info != nullptr && info->function == KeyFunction::kDeclared;
  if (!declaration && peer_offered_.contains(key.name()) && !own_answers_.contains(key.name())) {
    own_answers_[key.name()] = key.value();
    return;
  }
  // Sent twice (on purpose): the first counts.
  offered_.emplace(key.name(), key.value());
}

void Negotiation::TakeReceived(const v1::KeyValue& key) {
  *received_.add_key() = key;
  const std::string& name = key.name();
  const KeyInfo* info = FindKeyInfo(name);
  const bool declaration = info != nullptr && info->function == KeyFunction::kDeclared;
  const auto offer = offered_.find(name);
  if (offer != offered_.end() && (!declaration || key.value() == kNotUnderstood)) {
    if (!answered_.emplace(name, key.value()).second) {
      flaws_.push_back(absl::StrCat(name, " was answered twice (RFC 7143 §6.3)"));
      return;
    }
    if (info == nullptr) return;
    std::string error = JudgeAnswer(*info, offer->second, key.value());
    if (!error.empty()) {
      flaws_.push_back(
          absl::StrCat(name, "=", key.value(), ": ", error, "; ", ToAbsl(info->section)));
    }
    return;
  }
  if (!peer_offered_.emplace(name, key.value()).second) {
    if (info == nullptr || !info->may_repeat) {
      flaws_.push_back(absl::StrCat(name, " came twice (RFC 7143 §6.3)"));
    }
    return;
  }
  if (info != nullptr) {
    if (std::string error = JudgeValue(*info, key.value()); !error.empty()) {
      flaws_.push_back(
          absl::StrCat(name, "=", key.value(), ": ", error, "; ", ToAbsl(info->section)));
    }
  }
  if (!declaration) unanswered_.push_back(key);
}

const std::string* Negotiation::SaidByPeer(std::string_view key) const {
  if (const std::string* answer = AnswerOfPeer(key); answer != nullptr) return answer;
  return OfferedByPeer(key);
}

std::optional<std::string> Negotiation::Outcome(std::string_view key) const {
  const KeyInfo* info = FindKeyInfo(key);
  const std::string* offer = Offered(key);
  if (const std::string* answer = AnswerOfPeer(key); answer != nullptr) {
    if (IsNoAgreement(*answer)) return std::nullopt;
    return *answer;
  }
  if (const std::string* peer = OfferedByPeer(key); peer != nullptr) {
    const std::string* own = AnsweredByUs(key);
    if (own != nullptr && !IsNoAgreement(*own)) return *own;
    if (own == nullptr && info != nullptr && AnswerOptional(*info, *peer)) return *peer;
    return std::nullopt;
  }
  // A declaration of ours, or a Boolean that decides by itself (§6.2.2).
  if (offer != nullptr && info != nullptr && AnswerOptional(*info, *offer)) return *offer;
  return std::nullopt;
}

std::vector<v1::KeyValue> Negotiation::TakeUnanswered() { return std::exchange(unanswered_, {}); }

void Negotiation::Apply(Parameters* parameters) const {
  for (const Values* values : {&offered_, &peer_offered_}) {
    for (const auto& [name, value] : *values) {
      if (name == "MaxRecvDataSegmentLength" && !peer_offered_.contains(name)) continue;
      if (const std::optional<std::string> outcome = Outcome(name)) {
        parameters->Set(name, *outcome);
      }
    }
  }
}

}  // namespace pushpull::initiator_sim
