#include "initiator_sim/session/keys.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

constexpr uint64_t kMaxLength = (1 << 24) - 1;

// What several keys have in common.
constexpr KeyInfo Number(std::string_view name, KeyFunction function, uint64_t min, uint64_t max,
                         std::string_view default_value, std::string_view section) {
  return {.name = name,
          .function = function,
          .numeric = true,
          .min = min,
          .max = max,
          .default_value = default_value,
          .leading_only = true,
          .irrelevant_in_discovery = true,
          .login_only = true,
          .section = section};
}
constexpr KeyInfo Boolean(std::string_view name, KeyFunction function,
                          std::string_view default_value, std::string_view section) {
  return {.name = name,
          .function = function,
          .default_value = default_value,
          .leading_only = true,
          .irrelevant_in_discovery = true,
          .login_only = true,
          .section = section};
}
constexpr KeyInfo Declaration(std::string_view name, std::string_view section) {
  return {.name = name, .function = KeyFunction::kDeclared, .any_stage = true, .section = section};
}
constexpr KeyInfo RelevantInDiscovery(KeyInfo key) {
  key.irrelevant_in_discovery = false;
  return key;
}
constexpr KeyInfo LoginOnly(KeyInfo key) {
  key.login_only = true;
  return key;
}
constexpr KeyInfo MayRepeat(KeyInfo key) {
  key.may_repeat = true;
  return key;
}
constexpr KeyInfo Iser(KeyInfo key) {
  key.iser = true;
  return key;
}
constexpr KeyInfo OfAConnection(KeyInfo key) {
  key.leading_only = false;
  return key;
}
constexpr KeyInfo List(std::string_view name, std::string_view default_value,
                       std::string_view section) {
  return {.name = name,
          .function = KeyFunction::kListChoice,
          .default_value = default_value,
          .login_only = true,
          .section = section};
}

constexpr KeyInfo kKeys[] = {
    List("AuthMethod", "", "RFC 7143 §12.1"),
    RelevantInDiscovery(List("HeaderDigest", "None", "RFC 7143 §13.1")),
    RelevantInDiscovery(List("DataDigest", "None", "RFC 7143 §13.1")),
    Number("MaxConnections", KeyFunction::kMinimum, 1, 65535, "1", "RFC 7143 §13.2"),
    MayRepeat(LoginOnly(Declaration("TargetName", "RFC 7143 §13.4"))),
    LoginOnly(Declaration("InitiatorName", "RFC 7143 §13.5")),
    Declaration("TargetAlias", "RFC 7143 §13.6"),
    Declaration("InitiatorAlias", "RFC 7143 §13.7"),
    MayRepeat(Declaration("TargetAddress", "RFC 7143 §13.8")),
    {.name = "TargetPortalGroupTag",
     .function = KeyFunction::kDeclared,
     .numeric = true,
     .max = 65535,
     .login_only = true,
     .any_stage = true,
     .section = "RFC 7143 §13.9"},
    Boolean("InitialR2T", KeyFunction::kOr, "Yes", "RFC 7143 §13.10"),
    Boolean("ImmediateData", KeyFunction::kAnd, "Yes", "RFC 7143 §13.11"),
    {.name = "MaxRecvDataSegmentLength",
     .function = KeyFunction::kDeclared,
     .numeric = true,
     .min = 512,
     .max = kMaxLength,
     .default_value = "8192",
     .section = "RFC 7143 §13.12"},
    Number("MaxBurstLength", KeyFunction::kMinimum, 512, kMaxLength, "262144", "RFC 7143 §13.13"),
    Number("FirstBurstLength", KeyFunction::kMinimum, 512, kMaxLength, "65536", "RFC 7143 §13.14"),
    RelevantInDiscovery(
        Number("DefaultTime2Wait", KeyFunction::kMaximum, 0, 3600, "2", "RFC 7143 §13.15")),
    RelevantInDiscovery(
        Number("DefaultTime2Retain", KeyFunction::kMinimum, 0, 3600, "20", "RFC 7143 §13.16")),
    Number("MaxOutstandingR2T", KeyFunction::kMinimum, 1, 65535, "1", "RFC 7143 §13.17"),
    Boolean("DataPDUInOrder", KeyFunction::kOr, "Yes", "RFC 7143 §13.18"),
    Boolean("DataSequenceInOrder", KeyFunction::kOr, "Yes", "RFC 7143 §13.19"),
    RelevantInDiscovery(
        Number("ErrorRecoveryLevel", KeyFunction::kMinimum, 0, 2, "0", "RFC 7143 §13.20")),
    {.name = "SessionType",
     .function = KeyFunction::kDeclared,
     .default_value = "Normal",
     .leading_only = true,
     .login_only = true,
     .any_stage = true,
     .section = "RFC 7143 §13.21"},
    {.name = "TaskReporting",
     .function = KeyFunction::kListChoice,
     .default_value = "RFC3720",
     .leading_only = true,
     .irrelevant_in_discovery = true,
     .login_only = true,
     .section = "RFC 7143 §13.23"},
    Number("iSCSIProtocolLevel", KeyFunction::kMinimum, 0, 31, "1", "RFC 7144 §7.1.1"),
    {.name = "X#NodeArchitecture",
     .function = KeyFunction::kDeclared,
     .login_only = true,
     .extension = true,
     .section = "RFC 7143 §13.26"},
    MayRepeat(Declaration("SendTargets", "RFC 7143 §13.3")),
    Iser(Boolean("RDMAExtensions", KeyFunction::kAnd, "No", "RFC 7145 §6.3")),
    Iser(OfAConnection(Number("TargetRecvDataSegmentLength", KeyFunction::kMinimum, 512, kMaxLength,
                              "8192", "RFC 7145 §6.4"))),
    Iser(OfAConnection(Number("InitiatorRecvDataSegmentLength", KeyFunction::kMinimum, 512,
                              kMaxLength, "8192", "RFC 7145 §6.5"))),
    Iser(Number("MaxOutstandingUnexpectedPDUs", KeyFunction::kDeclared, 0, UINT32_MAX, "0",
                "RFC 7145 §6.7")),
    Iser(Number("MaxAHSLength", KeyFunction::kDeclared, 0, UINT32_MAX, "256", "RFC 7145 §6.8")),
    Iser(
        Boolean("TaggedBufferForSolicitedDataOnly", KeyFunction::kDeclared, "No", "RFC 7145 §6.9")),
    Iser(Boolean("iSERHelloRequired", KeyFunction::kDeclared, "No", "RFC 7145 §6.10")),
};

bool IsBoolean(const KeyInfo& key) {
  return key.function == KeyFunction::kAnd || key.function == KeyFunction::kOr;
}

std::vector<std::string_view> SplitList(std::string_view list) {
  std::vector<std::string_view> values;
  for (;;) {
    const size_t comma = std::min(list.find(','), list.size());
    values.push_back(list.substr(0, comma));
    if (comma == list.size()) return values;
    list.remove_prefix(comma + 1);
  }
}

bool Contains(std::string_view list, std::string_view value) {
  const std::vector<std::string_view> values = SplitList(list);
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string Quoted(std::string_view text) { return absl::StrCat("\"", ToAbsl(text), "\""); }

}  // namespace

std::span<const KeyInfo> AllKeyInfo() { return kKeys; }

const KeyInfo* FindKeyInfo(std::string_view name) {
  for (const KeyInfo& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

bool IsNoAgreement(std::string_view answer) {
  return answer == kNotUnderstood || answer == kIrrelevant || answer == kReject;
}

std::optional<uint64_t> ParseNumericalValue(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    return std::nullopt;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string JudgeValue(const KeyInfo& key, std::string_view value) {
  if (IsBoolean(key) && value != "Yes" && value != "No") {
    return absl::StrCat(Quoted(value), " is neither Yes nor No");
  }
  if (!key.numeric) return "";
  const std::optional<uint64_t> number = ParseNumericalValue(value);
  if (!number) return absl::StrCat(Quoted(value), " is no number");
  if (*number < key.min || *number > key.max) {
    return absl::StrCat(*number, " is outside ", key.min, " to ", key.max);
  }
  // 0 is no limit, and one would leave no room for a ping (RFC 7145 §6.7, §6.8).
  if (key.iser && key.min == 0 && *number == 1) return "1 is outside 0 and 2 upwards";
  return "";
}

std::string JudgeAnswer(const KeyInfo& key, std::string_view offered, std::string_view answer) {
  // A target that knows nothing of iSER may say so where there is none (RFC 7145 §3.3).
  if (answer == kNotUnderstood && !key.iser && !key.extension) {
    return "NotUnderstood is no answer to a key of the RFC (§6.2)";
  }
  if (IsNoAgreement(answer)) return "";
  if (key.function == KeyFunction::kListChoice) {
    if (offered.empty() || Contains(offered, answer)) return "";
    return absl::StrCat(Quoted(answer), " was not among what was offered (", ToAbsl(offered),
                        ") (§6.2.1)");
  }
  if (std::string error = JudgeValue(key, answer); !error.empty()) return error;
  // An offer that isn't admissible itself binds nobody (§6.2.2).
  if (offered.empty() || !JudgeValue(key, offered).empty()) return "";
  const uint64_t offered_number = ParseNumericalValue(offered).value_or(0);
  const uint64_t number = ParseNumericalValue(answer).value_or(0);
  switch (key.function) {
    case KeyFunction::kMinimum:
      if (number > offered_number) {
        return absl::StrCat(number, " is above the offered ", offered_number,
                            ", where the result is the minimum");
      }
      return "";
    case KeyFunction::kMaximum:
      if (number < offered_number) {
        return absl::StrCat(number, " is below the offered ", offered_number,
                            ", where the result is the maximum");
      }
      return "";
    case KeyFunction::kAnd:
      if (offered == "No" && answer != "No") return "offered No, so the result (AND) must be No";
      return "";
    case KeyFunction::kOr:
      if (offered == "Yes" && answer != "Yes") return "offered Yes, so the result (OR) must be Yes";
      return "";
    case KeyFunction::kListChoice:
    case KeyFunction::kDeclared:
      return "";
  }
  return "";
}

bool AnswerOptional(const KeyInfo& key, std::string_view offered) {
  return key.function == KeyFunction::kDeclared ||
         (key.function == KeyFunction::kAnd && offered == "No") ||
         (key.function == KeyFunction::kOr && offered == "Yes");
}

std::string AnswerTo(const KeyInfo& key, std::string_view offered, std::string_view own) {
  if (key.function == KeyFunction::kListChoice) {
    for (const std::string_view value : SplitList(offered)) {
      if (Contains(own, value)) return std::string(value);
    }
    return std::string(kReject);
  }
  if (!JudgeValue(key, offered).empty()) return std::string(kReject);
  const uint64_t offered_number = ParseNumericalValue(offered).value_or(0);
  const uint64_t own_number = ParseNumericalValue(own).value_or(0);
  switch (key.function) {
    case KeyFunction::kMinimum:
      return absl::StrCat(std::min(offered_number, own_number));
    case KeyFunction::kMaximum:
      return absl::StrCat(std::max(offered_number, own_number));
    case KeyFunction::kAnd:
      return offered == "Yes" && own == "Yes" ? "Yes" : "No";
    case KeyFunction::kOr:
      return offered == "Yes" || own == "Yes" ? "Yes" : "No";
    case KeyFunction::kListChoice:
    case KeyFunction::kDeclared:
      break;
  }
  return std::string(offered);
}

}  // namespace pushpull::initiator_sim
