#include "conformance/monitor/key_exchange.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::FindKeyInfo;
using initiator_sim::IsNoAgreement;
using initiator_sim::KeyFunction;
using initiator_sim::KeyInfo;

constexpr size_t kMaxText = size_t{1} << 20;

bool IsDeclared(const KeyInfo* key) {
  return key != nullptr && key->function == KeyFunction::kDeclared;
}

// Keys whose exchange has rules of its own (RFC 7143 §12.1).
bool IsOfAuthentication(std::string_view name) {
  return name.starts_with("CHAP_") || name.starts_with("SRP_") || name.starts_with("KRB_") ||
         name.starts_with("SPKM_");
}

}  // namespace

std::optional<std::string> LogicalText::Add(std::string_view text, bool more) {
  if (part_.size() + text.size() > kMaxText) {
    overflowed_ = true;
    part_.clear();
    return std::nullopt;
  }
  part_.append(text);
  if (more || overflowed_) return std::nullopt;
  std::string whole;
  whole.swap(part_);
  return whole;
}

void KeyExchange::TakeInitiatorKeys(const v1::KeyList& keys, bool security_stage) {
  for (const v1::KeyValue& key : keys.key()) {
    const KeyInfo* info = FindKeyInfo(key.name());
    if (IsDeclared(info)) {
      const bool added = declared_by_initiator.insert({key.name(), key.value()}).second;
      if (!added) doubtful.insert(key.name());
      continue;
    }
    const auto found = offers.find(key.name());
    if (found != offers.end() && found->second.by_target && !found->second.answer.has_value()) {
      found->second.answer = key.value();
      continue;
    }
    if (found != offers.end()) {
      found->second.doubtful = true;
      continue;
    }
    KeyOffer offer;
    offer.value = key.value();
    offer.security_stage = security_stage;
    // Reserved constants are no proposals; what isn't admissible may be answered in several ways.
    offer.doubtful = IsNoAgreement(key.value()) ||
                     (info != nullptr && !initiator_sim::JudgeValue(*info, key.value()).empty());
    offers.insert({key.name(), std::move(offer)});
  }
  for (auto& [name, offer] : offers) {
    offer.passed_over |= offer.by_target && !offer.answer.has_value();
  }
}

KeyExchange::Outcome KeyExchange::OutcomeOf(std::string_view name) const {
  const KeyInfo* info = FindKeyInfo(name);
  const std::string otherwise(info == nullptr ? "" : info->default_value);
  const auto found = offers.find(name);
  if (found == offers.end()) return {true, otherwise};
  const KeyOffer& offer = found->second;
  if (offer.doubtful || info == nullptr) return {false, ""};
  if (!offer.answer.has_value()) {
    // A Boolean may be decided by the offer alone (§6.2.2); else the negotiation didn't end.
    return AnswerOptional(*info, offer.value) ? Outcome{true, offer.value} : Outcome{false, ""};
  }
  if (IsNoAgreement(*offer.answer)) return {true, otherwise};
  if (!JudgeAnswer(*info, offer.value, *offer.answer).empty()) return {false, ""};
  return {true, *offer.answer};
}

std::optional<uint64_t> KeyExchange::NumberOf(std::string_view name) const {
  const Outcome outcome = OutcomeOf(name);
  return outcome.known ? initiator_sim::ParseNumericalValue(outcome.value) : std::nullopt;
}

std::optional<bool> KeyExchange::BooleanOf(std::string_view name) const {
  const Outcome outcome = OutcomeOf(name);
  if (!outcome.known || (outcome.value != "Yes" && outcome.value != "No")) return std::nullopt;
  return outcome.value == "Yes";
}

bool KeyExchange::Negotiated(std::string_view name) const {
  const auto found = offers.find(name);
  return found != offers.end() && !found->second.doubtful && found->second.answer.has_value() &&
         !IsNoAgreement(*found->second.answer);
}

bool WantsAnswer(std::string_view name, std::string_view value) {
  if (const KeyInfo* info = FindKeyInfo(name)) return !AnswerOptional(*info, value);
  return !IsOfAuthentication(name);
}

}  // namespace pushpull::conformance::monitor
