// What names in a scenario stand for.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "initiator_sim/player/data_part.h"
#include "initiator_sim/player/play.h"
#include "initiator_sim/session/keys.h"

namespace pushpull::initiator_sim {
namespace {

using base::ToAbsl;

// Cuts `text` at its first dot; the whole of it where there is none.
std::string_view TakeWord(std::string_view* text) {
  const size_t dot = std::min(text->find('.'), text->size());
  const std::string_view word = text->substr(0, dot);
  text->remove_prefix(std::min(dot + 1, text->size()));
  return word;
}

absl::Status Unknown(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("value \"", ToAbsl(name), "\": ", ToAbsl(why)));
}

FieldValue ParameterValue(const Parameters& parameters, std::string_view key) {
  if (const std::optional<uint64_t> number = parameters.Number(key)) return *number;
  return parameters.Get(key);
}

}  // namespace

void Play::SetValue(std::string_view name, FieldValue value) {
  values_.insert_or_assign(std::string(name), std::move(value));
}

absl::StatusOr<FieldValue> Play::Value(std::string_view name, const Link* link) {
  if (const auto it = values_.find(name); it != values_.end()) return it->second;
  std::string_view rest = name;
  const std::string_view first = TakeWord(&rest);
  if (const auto it = values_.find(first); it != values_.end() && IsDataPart(rest)) {
    const std::string* data = std::get_if<std::string>(&it->second);
    std::optional<FieldValue> part;
    if (data != nullptr) part = DataPart(*data, rest);
    if (part) return *std::move(part);
    return Unknown(name, "what was saved ends before it; judge its @data_length before");
  }
  if (first == "task") return TaskValue(rest);
  if (first == "connection") {
    const std::string_view link_name = TakeWord(&rest);
    const Link* other = FindLink(std::string(link_name));
    if (other == nullptr) return Unknown(name, "no connection of this name was opened");
    return LinkValue(rest, *other);
  }
  if (first == "lun" && !rest.empty()) {
    const std::optional<uint64_t> index = ParseNumericalValue(rest);
    if (!index || *index >= options_.luns.size()) {
      return Unknown(name, absl::StrCat("the run has ", options_.luns.size(),
                                        " LUNs; say so in needs { luns }"));
    }
    return options_.luns[*index];
  }
  if (name == "block_size") return uint64_t{options_.block_size};
  if (name == "block_count") return options_.block_count;
  if (name == "scratch_lba") return options_.scratch_lba;
  if (name == "initiator_name") return options_.initiator_name;
  if (name == "target_name") return options_.target_name;
  if (name == "target_address") {
    const std::vector<fabric::Address> portals = target_role() ? listening() : options_.portals;
    if (portals.empty()) return Unknown(name, "the run has no portal");
    return portals[0].ToString();
  }
  if (link == nullptr) return Unknown(name, "nothing of this name is known here");
  return LinkValue(name, *link);
}

absl::StatusOr<FieldValue> Play::LinkValue(std::string_view name, const Link& link) {
  std::string_view rest = name;
  const std::string_view first = TakeWord(&rest);
  const Session& session = *link.session;
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"cmd_sn", session.cmd_sn},
      {"exp_cmd_sn", session.exp_cmd_sn},
      {"max_cmd_sn", session.max_cmd_sn},
      {"exp_stat_sn", link.state.exp_stat_sn},
      {"stat_sn", link.stat_sn},
      {"cid", link.state.cid},
      {"tsih", session.tsih},
  };
  for (const auto& [key, value] : numbers) {
    if (name == key) return value;
  }
  if (name == "window") return uint64_t{session.Window()};
  if (name == "receive_bytes") return ReceiveBytes(link);
  if (name == "isid") return std::string(session.isid.begin(), session.isid.end());
  if (first == "negotiated" && !rest.empty()) {
    if (rest == "MaxRecvDataSegmentLength") {
      return uint64_t{link.state.peer_max_recv_data_segment_length};
    }
    // Those of the connection alone are in its own negotiation.
    if (const auto own = link.state.negotiation.Outcome(rest)) {
      Parameters parameters;
      parameters.Set(rest, *own);
      return ParameterValue(parameters, rest);
    }
    return ParameterValue(session.parameters, rest);
  }
  return Unknown(name, "nothing of this name was bound, saved or is known here");
}

// Of a data segment, in the Full Feature Phase.
uint64_t Play::ReceiveBytes(const Link& link) const {
  if (link.rdma && options_.iser_dialect == IserDialect::kLinux && !link.session->discovery) {
    return kLinuxReceiveBytes;
  }
  if (link.rdma) {
    Parameters own;
    own.Set("InitiatorRecvDataSegmentLength",
            link.state.negotiation.Outcome("InitiatorRecvDataSegmentLength").value_or("8192"));
    return own.NumberOr("InitiatorRecvDataSegmentLength", 8192);
  }
  return link.state.own_max_recv_data_segment_length;
}

absl::StatusOr<FieldValue> Play::TaskValue(std::string_view rest) {
  const std::string_view name = TakeWord(&rest);
  const Task* task = FindTask(name);
  if (task == nullptr) return Unknown(name, "no task of this name was begun");
  const OpenR2t r2t = task->r2t.value_or(OpenR2t());
  const std::pair<std::string_view, uint64_t> numbers[] = {
      {"initiator_task_tag", task->tag},
      {"cmd_sn", task->cmd_sn},
      {"lun_bytes", task->lun_bytes},
      {"expected_data_transfer_length", task->expected_length},
      {"length", task->write_data.size()},
      {"target_transfer_tag", task->target_transfer_tag},
      {"buffer_offset", r2t.buffer_offset},
      {"desired_data_transfer_length", r2t.length},
      {"r2t_sn", r2t.r2t_sn},
      {"data_sn", task->data_sn},
      {"r2t_count", task->r2t_count},
      {"data_in_count", task->data_in_count},
      {"received_length", task->received_length},
      {"sent_length", task->sent_length},
      {"response_count", task->response_count},
  };
  for (const auto& [key, value] : numbers) {
    if (rest == key) return value;
  }
  return Unknown(absl::StrCat("task.", ToAbsl(name), ".", ToAbsl(rest)),
                 "tasks have no such value");
}

absl::StatusOr<std::string> Play::TextValue(std::string_view name, const Link* link) {
  absl::StatusOr<FieldValue> value = Value(name, link);
  if (!value.ok()) return value.status();
  if (const uint64_t* number = std::get_if<uint64_t>(&*value)) return absl::StrCat(*number);
  return std::get<std::string>(*std::move(value));
}

}  // namespace pushpull::initiator_sim
