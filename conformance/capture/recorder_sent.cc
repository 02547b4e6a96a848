// What was sent, as `send` steps.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "conformance/capture/recorder.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/scsi.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::kReservedTag;

bool Has(const v1::Pdu& pdu, const char* field) {
  const auto value = initiator_sim::GetField(pdu, field);
  return value.ok() && value->has_value();
}

// Of the kind's message.
void Unset(v1::Pdu* pdu, const char* name) {
  const auto* reflection = pdu->GetReflection();
  const auto* kind =
      reflection->GetOneofFieldDescriptor(*pdu, v1::Pdu::descriptor()->FindOneofByName("kind"));
  const auto* field = kind->message_type()->FindFieldByName(name);
  if (field == nullptr) return;
  google::protobuf::Message* message = reflection->MutableMessage(pdu, kind);
  message->GetReflection()->ClearField(message, field);
}

void Bind(const char* field, const std::string& from, int64_t add, v1::Send* send) {
  v1::Binding* binding = send->add_bind();
  binding->set_field(field);
  binding->set_from(from);
  if (add != 0) binding->set_add(add);
}

}  // namespace

void Recorder::Request(const CapturedPdu& captured, const v1::Pdu& full) {
  // The player answers pings by itself.
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(full);
  if (full.has_nop_out() && tag == kReservedTag &&
      full.nop_out().target_transfer_tag() != kReservedTag) {
    return;
  }
  v1::Step* step = AddStep();
  v1::Send* send = step->mutable_send();
  v1::Pdu* pdu = send->mutable_pdu();
  *pdu = MinimalRequest(captured.bytes, captured.digests);
  if (pdu->kind_case() == v1::Pdu::kRaw) return;
  RecordedTask* task = PutTask(full, tag, send);
  PutNumbers(full, send);
  switch (full.kind_case()) {
    case v1::Pdu::kScsiCommand:
      PutCommand(full, step);
      break;
    case v1::Pdu::kDataOut:
      PutDataOut(full, task, send);
      break;
    case v1::Pdu::kLoginRequest:
      PutLogin(full, send);
      break;
    case v1::Pdu::kTaskManagementRequest:
      PutTaskManagement(full, send);
      break;
    case v1::Pdu::kTextRequest:
      PutLun(full, task->transfer_tag == kReservedTag ? 0 : task->response_lun_bytes, pdu);
      PutTransferTag(full, task->transfer_tag, task, send);
      break;
    case v1::Pdu::kSnackRequest:
      PutLun(full, task == nullptr ? 0 : task->lun_bytes, pdu);
      break;
    default:
      break;
  }
  if (task != nullptr && !full.has_data_out() && !full.has_snack_request()) {
    task->cmd_sn = static_cast<uint32_t>(NumberOf(full, "cmd_sn"));
    task->lun_bytes = NumberOf(full, "lun_bytes");
    task->sent_length = LengthOf(full);
  }
}

RecordedTask* Recorder::PutTask(const v1::Pdu& full, uint32_t tag, v1::Send* send) {
  v1::Pdu* pdu = send->mutable_pdu();
  RecordedTask* task = TaskOf(tag);
  const bool same_kind = task != nullptr && task->request.kind_case() == full.kind_case();
  const bool follows = full.has_data_out() || full.has_snack_request();
  const bool again =
      same_kind && !task->ended && (full.has_login_request() || full.has_text_request());
  if (task != nullptr && !task->ended && (follows || again)) {
    Unset(pdu, "initiator_task_tag");
    send->set_task(task->name);
    return task;
  }
  if (follows || tag == kReservedTag) return nullptr;  // the tag stands as it was
  if (task != nullptr && !task->ended) {
    Unset(pdu, "initiator_task_tag");
    Bind("initiator_task_tag", absl::StrCat("task.", task->name, ".initiator_task_tag"), 0, send);
    unnamed_ = RecordedTask();
    return &unnamed_;
  }
  Unset(pdu, "initiator_task_tag");
  RecordedTask& begun = tasks_.emplace_back();
  begun.name = NameOf(full);
  begun.request = full;
  tags_[tag] = &begun;
  send->set_task(begun.name);
  return &begun;
}

std::string Recorder::NameOf(const v1::Pdu& full) {
  const size_t number = tasks_.size() - 1;
  switch (full.kind_case()) {
    case v1::Pdu::kLoginRequest:
      return number == 0 ? "login" : absl::StrCat("login", number);
    case v1::Pdu::kNopOut:
      return absl::StrCat("ping", number);
    case v1::Pdu::kTextRequest:
      return absl::StrCat("text", number);
    case v1::Pdu::kTaskManagementRequest:
      return absl::StrCat("management", number);
    case v1::Pdu::kLogoutRequest:
      return absl::StrCat("logout", number);
    default:
      return absl::StrCat("command", number);
  }
}

void Recorder::PutNumbers(const v1::Pdu& full, v1::Send* send) {
  v1::Pdu* pdu = send->mutable_pdu();
  if (Has(full, "cmd_sn")) {
    const auto cmd_sn = static_cast<uint32_t>(NumberOf(full, "cmd_sn"));
    if (!cmd_sn_.has_value()) cmd_sn_ = cmd_sn;
    const auto ahead = static_cast<int32_t>(cmd_sn - *cmd_sn_);
    const bool moves = !full.immediate() && !full.has_login_request();
    Unset(pdu, "cmd_sn");
    if (ahead == 1 && moves) {
      send->set_misbehaviour(v1::CMD_SN_GAP);
      cmd_sn_ = cmd_sn + 1;
    } else if (ahead != 0) {
      Bind("cmd_sn", "cmd_sn", ahead, send);
    } else if (moves) {
      ++*cmd_sn_;
    }
  }
  // Before the first response it means nothing: it stands as it was.
  if (!Has(full, "exp_stat_sn") || (!state_.stat_sn_known && NumberOf(full, "exp_stat_sn") != 0)) {
    return;
  }
  const auto ahead = static_cast<int32_t>(static_cast<uint32_t>(NumberOf(full, "exp_stat_sn")) -
                                          state_.ExpStatSnToSend());
  Unset(pdu, "exp_stat_sn");
  if (ahead != 0) Bind("exp_stat_sn", "exp_stat_sn", ahead, send);
}

void Recorder::PutLun(const v1::Pdu& full, uint64_t computed, v1::Pdu* pdu) {
  if (NumberOf(full, "lun_bytes") == computed) {
    Unset(pdu, "lun");
    Unset(pdu, "lun_bytes");
    return;
  }
  const bool by_number =
      Has(full, "lun") && initiator_sim::EncodeLun(NumberOf(full, "lun")).value_or(~uint64_t{0}) ==
                              NumberOf(full, "lun_bytes");
  Unset(pdu, by_number ? "lun_bytes" : "lun");
}

void Recorder::PutCommand(const v1::Pdu& full, v1::Step* step) {
  v1::Pdu* pdu = step->mutable_send()->mutable_pdu();
  PutLun(full, lun_bytes_, pdu);
  if (full.scsi_command().attr() == v1::SIMPLE) Unset(pdu, "attr");
  step->set_note(initiator_sim::DescribeCdb(initiator_sim::CdbOf(full)));
  if (full.scsi_command().write() || WritesBlocks(full)) {
    scenario_.mutable_needs()->set_writes(true);
  }
  constexpr uint8_t kFormatUnit = 0x04, kSanitize = 0x48;
  const auto cdb = initiator_sim::CdbOf(full);
  if (!cdb.empty() && (cdb[0] == kFormatUnit || cdb[0] == kSanitize)) {
    scenario_.mutable_needs()->set_whole_lun(true);
  }
}

void Recorder::PutTransferTag(const v1::Pdu& full, uint32_t computed, RecordedTask* task,
                              v1::Send* send) {
  const auto tag = static_cast<uint32_t>(NumberOf(full, "target_transfer_tag"));
  if (tag == computed) return Unset(send->mutable_pdu(), "target_transfer_tag");
  if (task == nullptr) return;
  for (auto r2t = task->r2ts.rbegin(); r2t != task->r2ts.rend(); ++r2t) {
    if (r2t->tag != tag) continue;
    const std::string value = absl::StrCat("tag_of_step", r2t->step);
    v1::Alternative* expected =
        scenario_.mutable_step(r2t->step)->mutable_expect()->mutable_one_of(0);
    if (expected->save().empty()) {
      expected->add_save()->set_field("target_transfer_tag");
      expected->mutable_save(0)->set_as(value);
    }
    Unset(send->mutable_pdu(), "target_transfer_tag");
    Bind("target_transfer_tag", value, 0, send);
    return;
  }
}

void Recorder::PutDataOut(const v1::Pdu& full, RecordedTask* task, v1::Send* send) {
  if (task == nullptr) return;
  v1::Pdu* pdu = send->mutable_pdu();
  const v1::DataOut& out = full.data_out();
  RecordedTask::R2t* r2t = task->r2ts.empty() ? nullptr : &task->r2ts.back();
  const uint32_t first_burst = trace_.session.parameters.NumberOr("FirstBurstLength", 65536);
  const uint64_t offset = r2t != nullptr ? r2t->begin + r2t->sent : task->sent_length;
  const uint64_t end =
      r2t != nullptr
          ? r2t->end
          : std::min(task->request.scsi_command().expected_data_transfer_length(), first_burst);
  PutLun(full, r2t != nullptr ? task->response_lun_bytes : 0, pdu);
  PutTransferTag(full, r2t != nullptr ? r2t->tag : kReservedTag, task, send);
  if (out.buffer_offset() == offset) Unset(pdu, "buffer_offset");
  if (out.data_sn() == task->data_sn) Unset(pdu, "data_sn");
  if (out.final() == (out.buffer_offset() + LengthOf(full) >= end)) Unset(pdu, "final");
  if (!pdu->has_data()) pdu->mutable_data()->set_raw("");  // not what would be due
  task->sent_length += LengthOf(full);
  task->data_sn = out.data_sn() + 1;
  if (r2t != nullptr) r2t->sent += LengthOf(full);
}

void Recorder::PutLogin(const v1::Pdu& full, v1::Send* send) {
  v1::Pdu* pdu = send->mutable_pdu();
  NoteLoginRequest(full, &state_);
  if (full.login_request().tsih() == session_.tsih) Unset(pdu, "tsih");
  if (!pdu->data().has_keys()) return;
  const v1::KeyList keys = pdu->data().keys();
  const bool names = initiator_sim::FindKey(keys, "InitiatorName") != nullptr ||
                     initiator_sim::FindKey(keys, "TargetName") != nullptr;
  if (!names) return;
  // In their order, but for names, which are those of whoever plays it.
  pdu->clear_data();
  for (const v1::KeyValue& key : keys.key()) {
    v1::OfferedKey* offered = send->add_key();
    offered->set_name(key.name());
    if (key.name() == "InitiatorName") {
      offered->set_value_from("initiator_name");
    } else if (key.name() == "TargetName") {
      offered->set_value_from("target_name");
    } else {
      offered->set_value(key.value());
    }
  }
}

void Recorder::PutTaskManagement(const v1::Pdu& full, v1::Send* send) {
  v1::Pdu* pdu = send->mutable_pdu();
  const v1::TaskManagementRequest& request = full.task_management_request();
  const RecordedTask* other = TaskOf(request.referenced_task_tag());
  if (other == nullptr || request.referenced_task_tag() == kReservedTag) {
    const bool names_lun = request.function() != v1::TARGET_WARM_RESET &&
                           request.function() != v1::TARGET_COLD_RESET &&
                           request.function() != v1::TASK_REASSIGN;
    return PutLun(full, names_lun ? lun_bytes_ : 0, pdu);
  }
  send->set_refers_to(other->name);
  Unset(pdu, "referenced_task_tag");
  PutLun(full, other->lun_bytes, pdu);
  Unset(pdu, "ref_cmd_sn");
  const auto ahead = static_cast<int32_t>(request.ref_cmd_sn() - other->cmd_sn);
  if (ahead != 0) {
    Bind("ref_cmd_sn", absl::StrCat("task.", other->name, ".cmd_sn"), ahead, send);
  }
}

}  // namespace pushpull::conformance
