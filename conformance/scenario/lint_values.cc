// Names of values, tasks and fields.

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/text.h"
#include "conformance/scenario/lint_steps.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/player/data_part.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::conformance {
namespace {

using base::ToAbsl;

// The player's own values (scenario.proto).
constexpr std::array<std::string_view, 10> kOfConnection = {
    "cmd_sn",      "exp_cmd_sn", "max_cmd_sn", "window", "receive_bytes",
    "exp_stat_sn", "stat_sn",    "cid",        "tsih",   "isid"};
constexpr std::array<std::string_view, 6> kOfRun = {
    "block_size", "block_count", "scratch_lba", "initiator_name", "target_name", "target_address"};
constexpr std::array<std::string_view, 15> kOfTask = {"initiator_task_tag",
                                                      "cmd_sn",
                                                      "lun_bytes",
                                                      "expected_data_transfer_length",
                                                      "length",
                                                      "target_transfer_tag",
                                                      "buffer_offset",
                                                      "desired_data_transfer_length",
                                                      "r2t_sn",
                                                      "data_sn",
                                                      "r2t_count",
                                                      "data_in_count",
                                                      "received_length",
                                                      "sent_length",
                                                      "response_count"};

template <typename List>
bool Contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string_view TakeWord(std::string_view* text) {
  const size_t dot = std::min(text->find('.'), text->size());
  const std::string_view word = text->substr(0, dot);
  text->remove_prefix(std::min(dot + 1, text->size()));
  return word;
}

bool IsOfConnection(std::string_view name) {
  if (Contains(kOfConnection, name)) return true;
  constexpr std::string_view kNegotiated = "negotiated.";
  return name.starts_with(kNegotiated) && name.size() > kNegotiated.size();
}

}  // namespace

bool StepLinter::IsBuiltIn(std::string_view name) {
  if (Contains(kOfRun, name) || IsOfConnection(name)) return true;
  std::string_view rest = name;
  const std::string_view first = TakeWord(&rest);
  if (first == "lun") {
    const auto number = initiator_sim::ParseNumericalValue(rest);
    if (!number) return false;
    if (*number > 0 && *number >= scenario_.needs().luns()) {
      Say("needs_luns",
          absl::StrCat("\"", ToAbsl(name),
                       "\" needs more LUNs than one; say needs { luns: ", *number + 1, " }"));
    }
    return true;
  }
  if (first == "connection") {
    const std::string_view connection = TakeWord(&rest);
    if (!connections_.contains(connection)) {
      Say("connection", absl::StrCat("\"", ToAbsl(name), "\": connection ", ToAbsl(connection),
                                     " is used before it is opened"));
    }
    return IsOfConnection(rest);
  }
  if (first != "task") return false;
  const std::string_view task = TakeWord(&rest);
  UseTask(std::string(task), name);
  return Contains(kOfTask, rest);
}

void StepLinter::UseValue(std::string_view name, std::string_view where) {
  if (values_.contains(name) || IsBuiltIn(name)) return;
  // A part of data that were saved.
  std::string_view rest = name;
  if (values_.contains(TakeWord(&rest)) && initiator_sim::IsDataPart(rest)) return;
  Say("unknown_value",
      absl::StrCat(ToAbsl(where), ": nothing is called \"", ToAbsl(name),
                   "\" here; bind it with let (in each row of a sweep) or save before, or use a "
                   "name of scenario.proto's head"));
  values_.insert(std::string(name));  // said once
}

void StepLinter::UseTask(const std::string& name, std::string_view where) {
  if (name.empty()) {
    Say("unknown_task", absl::StrCat(ToAbsl(where), " names no task; give task"));
    return;
  }
  if (tasks_.contains(name)) return;
  Say("unknown_task", absl::StrCat(ToAbsl(where), ": task \"", name,
                                   "\" is used before a step begins it; name it in a send"));
  tasks_.insert(name);  // said once
}

void StepLinter::BeginTask(const std::string& name, uint32_t count) {
  if (name.empty()) return;
  if (count == 0) {
    tasks_.insert(name);
    return;
  }
  for (uint32_t i = 0; i < std::min(count, 65536u); ++i) tasks_.insert(absl::StrCat(name, i));
}

void StepLinter::CheckField(std::string_view field, const v1::Pdu& pdu, bool received) {
  if (received) {
    if (field == "@arrival" || field == "@data_length") return;
    if (field.starts_with("@") && initiator_sim::IsDataPart(field.substr(1))) return;
    if (field == "@login_status") {
      if (!pdu.has_login_response()) {
        Say("unknown_field", "@login_status is of a Login Response alone");
      }
      return;
    }
    if (field.starts_with("key.") && field.size() > 4) return;
  }
  const auto value = initiator_sim::GetField(pdu, field);
  if (value.ok()) return;
  Say("unknown_field",
      absl::StrCat("field \"", ToAbsl(field), "\": ", std::string(value.status().message())));
}

void StepLinter::UseBindings(const Bindings& bindings, const v1::Pdu& pdu) {
  for (const v1::Binding& binding : bindings) {
    UseValue(binding.from(), "bind");
    if (pdu.has_scsi_command() && binding.field().starts_with("@write_data.")) continue;
    CheckField(binding.field(), pdu, /*received=*/false);
  }
}

void StepLinter::UsePredicates(const Predicates& predicates, const v1::Pdu& pdu) {
  for (const v1::Predicate& predicate : predicates) {
    CheckField(predicate.field(), pdu, /*received=*/true);
    if (predicate.is_case() == v1::Predicate::IS_NOT_SET) {
      Say("cannot_fail", absl::StrCat("where { field: \"", predicate.field(),
                                      "\" } says nothing of it; give eq, in, range, ref ..."));
    }
    if (predicate.has_ref()) UseValue(predicate.ref().from(), "where ref");
    if (predicate.has_serial()) UseValue(predicate.serial().from(), "where serial");
    if (predicate.has_range() && predicate.range().min() > predicate.range().max()) {
      Say("empty_range", absl::StrCat("range ", predicate.range().min(), " to ",
                                      predicate.range().max(), " holds nothing"));
    }
  }
}

void StepLinter::UseSaves(const Saves& saves, const v1::Pdu& pdu) {
  for (const v1::Save& save : saves) {
    CheckField(save.field(), pdu, /*received=*/true);
    if (save.as().empty() || save.as().find_first_of(".@") != std::string::npos) {
      Say("bad_name", absl::StrCat("save as \"", save.as(), "\": a name without dot and @ is due"));
    }
    values_.insert(save.as());
  }
}

void StepLinter::UseKeys(const OfferedKeys& keys) {
  for (const v1::OfferedKey& key : keys) {
    if (!key.value_from().empty()) UseValue(key.value_from(), "value_from");
    if (key.name().empty()) Say("bad_name", "a key has no name");
  }
}

void StepLinter::UseRules(const KeyRules& rules) {
  for (const v1::KeyRule& rule : rules) {
    if (rule.due_case() == v1::KeyRule::DUE_NOT_SET) {
      Say("cannot_fail", absl::StrCat("the result of ", rule.name(),
                                      " may be anything; give value, rule, absent or present"));
    }
    if (rule.due_case() == v1::KeyRule::kValueFrom) UseValue(rule.value_from(), "value_from");
  }
}

void StepLinter::UsePortal(uint32_t portal) {
  if (portal == 0 || portal < scenario_.needs().portals()) return;
  Say("needs_portals", absl::StrCat("portal ", portal,
                                    " needs more --target URIs than one; say needs "
                                    "{ portals: ",
                                    portal + 1, " }"));
}

void StepLinter::LintMisbehaviour(v1::Misbehaviour misbehaviour, const v1::Pdu& pdu) {
  std::string_view field;
  switch (misbehaviour) {
    case v1::DATA_SN_GAP:
    case v1::DATA_SN_REPEATED:
      field = "data_sn";
      break;
    case v1::CMD_SN_ABOVE_WINDOW:
    case v1::CMD_SN_BELOW_WINDOW:
    case v1::CMD_SN_GAP:
      field = "cmd_sn";
      break;
    case v1::BUFFER_OFFSET_BEYOND_R2T:
    case v1::MORE_DATA_THAN_R2T:
    case v1::LESS_DATA_THAN_R2T:
      field = "buffer_offset";
      break;
    case v1::TARGET_TRANSFER_TAG_UNKNOWN:
      field = "target_transfer_tag";
      break;
    case v1::EXP_STAT_SN_AHEAD:
    case v1::EXP_STAT_SN_BEHIND:
      field = "exp_stat_sn";
      break;
    case v1::LUN_OTHER_THAN_COMMANDS:
      field = "lun_bytes";
      break;
    case v1::FINAL_MISSING:
      field = "final";
      break;
    default:
      break;
  }
  if (misbehaviour >= v1::ISER_SHORT_SEND && scenario_.needs().transport() != v1::ISER_ONLY) {
    Say("needs_transport", absl::StrCat(v1::Misbehaviour_Name(misbehaviour),
                                        " is a misbehaviour of iSER; say needs { transport: "
                                        "ISER_ONLY }"));
  }
  if (field.empty()) return;
  if (!initiator_sim::GetField(pdu, field).ok()) {
    Say("misbehaviour",
        absl::StrCat(v1::Misbehaviour_Name(misbehaviour), " stands on a PDU that has no ",
                     ToAbsl(field), "; put it on one that has"));
  }
}

}  // namespace pushpull::conformance
