// The target's text keys, in login and text responses. (RFC 7143 §6.1, §6.2, §12, §13)

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "conformance/monitor/context.h"
#include "conformance/monitor/names.h"
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

// ---- the rules ---------------------------------------------------------------------------------

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

// Each side has None and CRC32C (§13.1), and may use one of them at least.
bool HasUsableDigest(std::string_view list) {
  const std::vector<std::string> values = absl::StrSplit(base::ToAbsl(list), ',');
  const auto has = [&values](std::string_view value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  };
  return has("None") && has("CRC32C");
}

// Reject and Irrelevant in answer to an admissible offer.
void CheckRefusal(const Context& c, const v1::KeyValue& key, const KeyInfo& info,
                  const KeyOffer& offer) {
  if (key.value() == initiator_sim::kReject) {
    const bool due = info.function != KeyFunction::kListChoice ||
                     (key.name().ends_with("Digest") && HasUsableDigest(offer.value));
    if (due) {
      c.Report(RuleId::kKeyRefused, absl::StrCat(key.name(), "=", Quoted(offer.value),
                                                 ", which is admissible, is rejected"));
    }
    return;
  }
  // FirstBurstLength: what makes it irrelevant is known at the end (CheckAgreement). AuthMethod and
  // later keys may depend on one another.
  if (key.value() != initiator_sim::kIrrelevant || key.name() == "FirstBurstLength" ||
      key.name() == "AuthMethod" || !info.section.starts_with("RFC 7143")) {
    return;
  }
  // RFC 7145 §6.1, §6.2: with RDMAExtensions=Yes, which may come behind it.
  if (c.tap.connection->rdma &&
      (key.name().ends_with("Digest") || key.name() == "MaxRecvDataSegmentLength")) {
    return;
  }
  c.Report(RuleId::kKeyIrrelevant, absl::StrCat(key.name(), "=Irrelevant"));
}

void CheckAnswer(const Context& c, const v1::KeyValue& key, const KeyOffer& offer, KeysOf of) {
  if (IsMarkerKey(key.name())) return CheckMarkerAnswer(c, key.name(), key.value());
  const KeyInfo* info = FindKeyInfo(key.name());
  if (info == nullptr) return;
  if (key.value() == initiator_sim::kNotUnderstood) {
    // Who has no iSER needn't know its keys (RFC 7145 §3.3).
    if (info->iser && !c.tap.connection->rdma) return;
    if (UsedAsSpecified(c, *info, offer, of)) {
      c.Report(RuleId::kRfcKeyUnderstood, absl::StrCat(key.name(), "=NotUnderstood"));
    }
    return;
  }
  if (offer.doubtful) return;
  if (UsedAsSpecified(c, *info, offer, of)) CheckRefusal(c, key, *info, offer);
  const std::string wrong = JudgeAnswer(*info, offer.value, key.value());
  if (!wrong.empty()) c.Report(RuleId::kKeyValue, absl::StrCat(key.name(), ": ", wrong));
}

// Whether a name that keys.h doesn't have is one of an RFC, or private.
bool IsRegisteredKey(const std::string& name) {
  for (const char* prefix : {"X-", "X#", "CHAP_", "SRP_", "KRB_", "SPKM_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return IsMarkerKey(name);
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
  if (info == nullptr && !IsRegisteredKey(key.name())) {
    c.Report(RuleId::kKeyRegistered, absl::StrCat("the target sends ", Quoted(key.name())));
  }
  if (info == nullptr || IsNoAgreement(key.value())) return;
  const std::string wrong = JudgeValue(*info, key.value());
  if (!wrong.empty()) c.Report(RuleId::kKeyValue, absl::StrCat(key.name(), ": ", wrong));
}

// §12.1, §13.1: a list of the target's own that has an extension also has what everybody knows, and
// not None. (An administrator may have it otherwise.)
void CheckDefaultOffer(const Context& c, const v1::KeyValue& key) {
  const bool digest = key.name() == "HeaderDigest" || key.name() == "DataDigest";
  if (!digest && key.name() != "AuthMethod") return;
  const std::set<std::string, std::less<>> standard =
      digest ? std::set<std::string, std::less<>>{"CRC32C", "None"}
             : std::set<std::string, std::less<>>{"KRB5", "SRP", "CHAP", "None"};
  const std::vector<std::string> offered = absl::StrSplit(key.value(), ',');
  const auto has = [&offered](std::string_view name) {
    return std::find(offered.begin(), offered.end(), name) != offered.end();
  };
  const bool extends = std::any_of(offered.begin(), offered.end(), [&](const std::string& name) {
    return !standard.contains(name) && !IsNoAgreement(name);
  });
  if (!extends || (has(digest ? "CRC32C" : "CHAP") && !has("None"))) return;
  c.Report(RuleId::kDefaultOffers, absl::StrCat(key.name(), "=", Quoted(key.value())));
}

void CheckDeclaration(const Context& c, const v1::KeyValue& key, KeysOf of) {
  const std::string& value = key.value();
  // What it says of the initiator's own declaration is no name.
  const bool refused =
      IsNoAgreement(value) && c.connection.login.keys.declared_by_initiator.contains(key.name());
  if (key.name() == "TargetName" && !refused && !IsTargetName(value)) {
    c.Report(RuleId::kTargetName, absl::StrCat("TargetName=", Quoted(value)));
  }
  if (key.name() == "TargetAddress" && !ParseTargetAddress(value).has_value()) {
    c.Report(RuleId::kTargetAddressForm, absl::StrCat("TargetAddress=", Quoted(value)));
    return;
  }
  if (key.name() == "TargetAddress" && of != KeysOf::kLogin &&
      ParseTargetAddress(value)->tag.has_value() != (of == KeysOf::kText)) {
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
    if (security_stage && info != nullptr && !info->any_stage && key.name() != "AuthMethod") {
      c.Report(RuleId::kSecurityStageKeys,
               absl::StrCat(key.name(), " in the SecurityNegotiation stage"));
    }
    CheckOwnKey(c, key, info);
    CheckDefaultOffer(c, key);
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

bool IsKeyName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxKeyName &&
         absl::ascii_isupper(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) ||
                  std::string_view(".-+@_#").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

void CheckTargetKeys(const Context& c, const std::string& text, KeyExchange* keys, KeysOf of,
                     bool security_stage) {
  const initiator_sim::ParsedKeys parsed = initiator_sim::ParseKeys(text);
  if (!parsed.flaw.empty()) c.Report(RuleId::kTextFormat, parsed.flaw);
  for (const v1::KeyValue& key : parsed.keys.key()) {
    // The initiator's own names come back as they are.
    const bool initiators =
        keys->declared_by_initiator.contains(key.name()) || keys->offers.contains(key.name());
    if (!initiators && !IsKeyName(key.name())) {
      c.Report(RuleId::kKeyName, absl::StrCat("a key has the name ", Quoted(key.name())));
      continue;
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
    // What an earlier response offered was the initiator's to answer.
    if (offer.passed_over) continue;
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
  const auto answer = keys.offers.find("FirstBurstLength");
  if (answer != keys.offers.end() && answer->second.answer == "Irrelevant" &&
      !answer->second.doubtful && !c.connection.login.doubtful && !c.session.discovery &&
      (keys.BooleanOf("InitialR2T") == false || keys.BooleanOf("ImmediateData") == true)) {
    c.Report(RuleId::kKeyIrrelevant,
             "FirstBurstLength=Irrelevant, where unsolicited data is allowed");
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
