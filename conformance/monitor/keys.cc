// The target's text keys, in login and text responses. (RFC 7143 §6.1, §6.2, §12, §13)

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "conformance/monitor/context.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::FindKeyInfo;
using initiator_sim::IsNoAgreement;
using initiator_sim::KeyFunction;
using initiator_sim::KeyInfo;

constexpr size_t kMaxKeyName = 63;
constexpr size_t kMaxNodeArchitecture = 255;

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 100)), "\"");
}

bool AreDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// ---- names and addresses ---------------------------------------------------------------------

// §4.2.7.4: a date, a dot, a reversed domain name, and a colon before anything else.
bool IsIqn(std::string_view name) {
  if (name.size() < 9 || !AreDigits(name.substr(0, 4)) || name[4] != '-' ||
      !AreDigits(name.substr(5, 2)) || name[7] != '.') {
    return false;
  }
  const int month = (name[5] - '0') * 10 + (name[6] - '0');
  if (month < 1 || month > 12) return false;
  const std::string_view domain = name.substr(8, name.substr(8).find(':'));
  const bool right_characters = std::all_of(domain.begin(), domain.end(), [](char c) {
    // Domain names of other scripts come as UTF-8.
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
  return right_characters && !domain.empty() && domain.front() != '.' && domain.back() != '.' &&
         domain.find("..") == std::string_view::npos;
}

bool AreHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isxdigit);
}

// Other type designators may be registered: they are not judged. (§4.2.7.3)
bool IsTargetName(std::string_view name) {
  if (name.starts_with("iqn.")) return IsIqn(name.substr(4));
  if (name.starts_with("eui.")) return name.size() == 4 + 16 && AreHex(name.substr(4));
  if (name.starts_with("naa.")) {
    return (name.size() == 4 + 16 || name.size() == 4 + 32) && AreHex(name.substr(4));
  }
  return name.size() > 4 && name[3] == '.';
}

// domainname[:port][,portal-group-tag] (§13.8); the tag may be in any form of a number.
bool HasPortalGroupTag(std::string_view address) {
  return address.rfind(',') != std::string_view::npos;
}

// ---- the rules ---------------------------------------------------------------------------------

bool IsAuthenticationKey(const std::string& name) {
  return name == "AuthMethod" || name.starts_with("CHAP_") || name.starts_with("SRP_") ||
         name.starts_with("KRB_");
}

bool IsMarkerKey(const std::string& name) {
  return name == "OFMarker" || name == "IFMarker" || name == "OFMarkInt" || name == "IFMarkInt";
}

void CheckMarkerAnswer(const Context& c, const std::string& name, const std::string& answer) {
  if (answer == initiator_sim::kNotUnderstood) {
    c.Report(RuleId::kRfcKeyUnderstood, absl::StrCat(name, "=NotUnderstood"));
    return;
  }
  const bool right =
      answer == initiator_sim::kReject || (name.ends_with("Marker") && answer == "No");
  if (!right) c.Report(RuleId::kObsoleteKeys, absl::StrCat(name, "=", Quoted(answer)));
}

// Whether the initiator used the key where it may be used, so that it has to be understood.
bool UsedAsSpecified(const Context& c, const KeyInfo& key, const KeyOffer& offer, KeysOf of) {
  if (offer.doubtful) return false;
  if (of == KeysOf::kText && key.login_only) return false;
  if (offer.security_stage && !key.any_stage && key.name != "AuthMethod") return false;
  if (!offer.security_stage && key.name == "AuthMethod") return false;
  const bool discovery = [&c] {
    const auto& declared = c.connection.login.keys.declared_by_initiator;
    const auto type = declared.find("SessionType");
    return type != declared.end() && type->second == "Discovery";
  }();
  if (discovery && key.irrelevant_in_discovery) return false;
  return !(key.leading_only && c.connection.login.first.tsih() != 0);
}

void CheckAnswer(const Context& c, const v1::KeyValue& key, const KeyOffer& offer, KeysOf of) {
  if (IsMarkerKey(key.name())) return CheckMarkerAnswer(c, key.name(), key.value());
  const KeyInfo* info = FindKeyInfo(key.name());
  if (info == nullptr) return;
  if (key.value() == initiator_sim::kNotUnderstood) {
    if (UsedAsSpecified(c, *info, offer, of)) {
      c.Report(RuleId::kRfcKeyUnderstood, absl::StrCat(key.name(), "=NotUnderstood"));
    }
    return;
  }
  if (offer.doubtful) return;
  const std::string wrong = JudgeAnswer(*info, offer.value, key.value());
  if (!wrong.empty()) c.Report(RuleId::kKeyValue, absl::StrCat(key.name(), ": ", wrong));
}

// A key of the target's own: a declaration, or an offer.
void CheckOwnKey(const Context& c, const v1::KeyValue& key, const KeyInfo* info) {
  if (key.name() == "InitiatorName" || key.name() == "InitiatorAlias" ||
      key.name() == "SessionType" || key.name() == "SendTargets") {
    // It may say that it didn't take what the initiator declared.
    if (!IsNoAgreement(key.value())) {
      c.Report(RuleId::kKeySender, absl::StrCat("the target sends ", key.name()));
    }
    return;
  }
  if (info == nullptr || IsNoAgreement(key.value())) return;
  const std::string wrong = JudgeValue(*info, key.value());
  if (!wrong.empty()) c.Report(RuleId::kKeyValue, absl::StrCat(key.name(), ": ", wrong));
}

void CheckDeclaration(const Context& c, const v1::KeyValue& key, KeysOf of) {
  const std::string& value = key.value();
  if (key.name() == "TargetName" && !IsTargetName(value)) {
    c.Report(RuleId::kTargetName, absl::StrCat("TargetName=", Quoted(value)));
  }
  if (key.name() == "TargetAddress" && of != KeysOf::kLogin &&
      HasPortalGroupTag(value) != (of == KeysOf::kText)) {
    c.Report(RuleId::kTargetAddressTag,
             absl::StrCat("TargetAddress=", Quoted(value),
                          of == KeysOf::kText ? " in a SendTargets answer" : " in a redirection"));
  }
  if (key.name() == "X#NodeArchitecture" && value.size() > kMaxNodeArchitecture) {
    c.Report(RuleId::kNodeArchitecture,
             absl::StrCat("X#NodeArchitecture of ", value.size(), " bytes"));
  }
}

void TakeDeclaration(const Context& c, const v1::KeyValue& key, const KeyInfo& info,
                     KeyExchange* keys) {
  const bool added = keys->declared_by_target.insert({key.name(), key.value()}).second;
  // MaxRecvDataSegmentLength: A10.
  if (added || info.may_repeat || key.name() == "MaxRecvDataSegmentLength") return;
  c.Report(key.name() == "X#NodeArchitecture" ? RuleId::kNodeArchitecture : RuleId::kKeyOnce,
           absl::StrCat(key.name(), " is declared twice"));
}

void TakeNegotiated(const Context& c, const v1::KeyValue& key, KeyExchange* keys, KeysOf of,
                    bool security_stage) {
  const KeyInfo* info = FindKeyInfo(key.name());
  const auto found = keys->offers.find(key.name());
  if (found == keys->offers.end()) {
    if (security_stage && info != nullptr && !info->any_stage && !IsAuthenticationKey(key.name())) {
      c.Report(RuleId::kSecurityStageKeys,
               absl::StrCat(key.name(), " in the SecurityNegotiation stage"));
    }
    CheckOwnKey(c, key, info);
    KeyOffer offer;
    offer.value = key.value();
    offer.by_target = true;
    offer.security_stage = security_stage;
    keys->offers.insert({key.name(), std::move(offer)});
    return;
  }
  KeyOffer& offer = found->second;
  if (offer.by_target || offer.answer.has_value()) {
    // Authentication methods have rules of their own (§12.1).
    if (info != nullptr && !offer.doubtful) {
      c.Report(RuleId::kKeyOnce, absl::StrCat(key.name(), " is negotiated twice"));
    }
    return;
  }
  CheckAnswer(c, key, offer, of);
  offer.answer = key.value();
}

}  // namespace

void CheckTargetKeys(const Context& c, const std::string& text, KeyExchange* keys, KeysOf of,
                     bool security_stage) {
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  if (!parsed.flaw.empty()) c.Report(RuleId::kTextFormat, parsed.flaw);
  for (const v1::KeyValue& key : parsed.keys.key()) {
    if (key.name().size() > kMaxKeyName) {
      c.Report(RuleId::kKeyName, absl::StrCat("a key name of ", key.name().size(), " characters"));
    }
    const KeyInfo* info = FindKeyInfo(key.name());
    if (info == nullptr || info->function != KeyFunction::kDeclared) {
      TakeNegotiated(c, key, keys, of, security_stage);
      continue;
    }
    if (key.value() == initiator_sim::kNotUnderstood &&
        keys->declared_by_initiator.contains(key.name())) {
      // X#NodeArchitecture: A3.
      if (key.name() != "X#NodeArchitecture") {
        c.Report(RuleId::kRfcKeyUnderstood, absl::StrCat(key.name(), "=NotUnderstood"));
      }
      continue;
    }
    CheckOwnKey(c, key, info);
    CheckDeclaration(c, key, of);
    TakeDeclaration(c, key, *info, keys);
  }
}

void CheckKeysAnswered(const Context& c, const KeyExchange& keys) {
  if (keys.initiator_text.overflowed() || keys.target_text.overflowed()) return;
  for (const auto& [name, offer] : keys.offers) {
    if (offer.by_target || offer.doubtful || offer.answer.has_value()) continue;
    const KeyInfo* info = FindKeyInfo(name);
    // A key in the wrong stage is a protocol error of the initiator's.
    if (info != nullptr && offer.security_stage && name != "AuthMethod") continue;
    if (!WantsAnswer(name, offer.value)) continue;
    c.Report(RuleId::kKeyAnswered, absl::StrCat(name, "=", Quoted(offer.value), " has no answer"));
  }
}

std::string UnansweredOfferOfTarget(const KeyExchange& keys) {
  for (const auto& [name, offer] : keys.offers) {
    // Of keys that aren't known, it isn't known whether they are declarations.
    if (!offer.by_target || offer.answer.has_value() || FindKeyInfo(name) == nullptr) continue;
    if (IsNoAgreement(offer.value) || !WantsAnswer(name, offer.value)) continue;
    return absl::StrCat(name, "=", offer.value);
  }
  return "";
}

void CheckAgreement(const Context& c, const KeyExchange& keys) {
  const std::optional<uint64_t> first = keys.NumberOf("FirstBurstLength");
  const std::optional<uint64_t> burst = keys.NumberOf("MaxBurstLength");
  if (keys.Negotiated("FirstBurstLength") && first.has_value() && burst.has_value() &&
      *first > *burst) {
    c.Report(RuleId::kBurstLengths,
             absl::StrCat("FirstBurstLength came to ", *first, ", MaxBurstLength to ", *burst));
  }
  const std::optional<uint64_t> level = keys.NumberOf("ErrorRecoveryLevel");
  const std::optional<uint64_t> r2ts = keys.NumberOf("MaxOutstandingR2T");
  if (keys.Negotiated("MaxOutstandingR2T") && level.value_or(0) > 0 && r2ts.value_or(1) > 1 &&
      keys.BooleanOf("DataSequenceInOrder") == true) {
    c.Report(RuleId::kOutstandingR2tLevel,
             absl::StrCat("MaxOutstandingR2T came to ", *r2ts, " at ErrorRecoveryLevel ", *level,
                          " with DataSequenceInOrder=Yes"));
  }
}

}  // namespace pushpull::conformance::monitor
