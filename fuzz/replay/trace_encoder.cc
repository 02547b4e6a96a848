#include "fuzz/replay/trace_encoder.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/text.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/figure.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/player/misbehave.h"

namespace pushpull::replay {
namespace {

using initiator_sim::DataBytes;
using initiator_sim::GetField;
using initiator_sim::kReservedTag;
using initiator_sim::SetField;

constexpr uint32_t kBlockLength = 512;
constexpr uint32_t kWindow = 32;  // commands that a target's MaxCmdSN lets through
constexpr char kIsid[] = "\x80\x00\x00\x00\x00\x01";  // random format (RFC 7143 §11.12.5)

std::optional<uint64_t> NumberOf(const v1::Pdu& pdu, std::string_view field) {
  const auto value = GetField(pdu, field);
  if (!value.ok() || !value->has_value()) return std::nullopt;
  const uint64_t* number = std::get_if<uint64_t>(&**value);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

// Sets a field where the PDU has it and it is unset.
void SetIfUnset(v1::Pdu* pdu, std::string_view field, uint64_t value) {
  const auto old = GetField(*pdu, field);
  if (!old.ok() || old->has_value()) return;
  (void)SetField(pdu, field, value);
}

absl::Status Bad(std::string_view what) { return absl::InvalidArgumentError(base::ToAbsl(what)); }

// What a trace, which has no peer, can't do.
absl::Status CheckSend(const v1::Send& send) {
  if (!send.bind().empty()) return Bad("bind: a trace has no peer's values; set the field itself");
  if (!send.key().empty() || send.identity_keys()) {
    return Bad("key and identity_keys: write all keys into pdu.data.keys");
  }
  if (send.has_iser()) return Bad("iser: replay puts the iSER header before pushed PDUs itself");
  if (send.misbehaviour() == v1::KEY_SPLIT_ACROSS_PDUS ||
      initiator_sim::IsIserMisbehaviour(send.misbehaviour())) {
    return Bad(absl::StrCat("misbehaviour: ", v1::Misbehaviour_Name(send.misbehaviour()),
                            " needs a peer; write the PDUs out"));
  }
  return absl::OkStatus();
}

// Whether a PDU goes on with a task that exists.
bool GoesOn(const v1::Pdu& pdu) {
  return pdu.has_data_out() || pdu.has_snack_request() || pdu.has_login_request() ||
         pdu.has_text_request() || pdu.has_scsi_command() ||
         initiator_sim::IsResponse(pdu.kind_case());
}

}  // namespace

TraceEncoder::TraceEncoder(v1::Role role, const v1::Trace& numbers, const Parameters& parameters)
    : parameters_(parameters),
      as_target_(role == v1::TARGET),
      stat_sn_(numbers.has_exp_stat_sn() ? numbers.exp_stat_sn() : 1) {
  const uint32_t cmd_sn = numbers.has_cmd_sn() ? numbers.cmd_sn() : 1;
  session_.cmd_sn = session_.exp_cmd_sn = cmd_sn;
  session_.max_cmd_sn = cmd_sn + kWindow - 1;
  session_.next_tag = numbers.has_initiator_task_tag() ? numbers.initiator_task_tag() : 1;
}

absl::Status TraceEncoder::Send(const v1::Send& send, std::vector<uint8_t>* bytes) {
  PUSHPULL_RETURN_IF_ERROR(CheckSend(send));
  const uint32_t count = std::max(send.count(), 1u);
  for (uint32_t i = 0; i < count; ++i) {
    const bool numbered = send.count() > 0 && !send.task().empty();
    PUSHPULL_RETURN_IF_ERROR(
        SendOne(send, numbered ? absl::StrCat(send.task(), i) : send.task(), bytes));
  }
  return absl::OkStatus();
}

absl::Status TraceEncoder::SendOne(const v1::Send& send, const std::string& name,
                                   std::vector<uint8_t>* bytes) {
  if (ended_) return Bad("nothing can follow a PDU that withholds bytes");
  v1::Pdu pdu = send.pdu();
  const auto known = tasks_.find(name);
  Task unnamed;
  Task* task = &unnamed;
  const bool new_task = name.empty() || known == tasks_.end();
  if (!name.empty()) {
    if (new_task && pdu.has_data_out()) {
      return Bad(absl::StrCat("a Data-Out for task \"", name, "\", which no step before it began"));
    }
    if (!new_task && !GoesOn(pdu)) {
      return Bad(absl::StrCat("task \"", name, "\" is there already; use another name"));
    }
    task = &tasks_[name];
  }
  if (!send.refers_to().empty()) PUSHPULL_RETURN_IF_ERROR(Refer(send, &pdu));
  if (send.has_write_data()) {
    task->write_pattern = send.write_data().has_pattern();
    if (task->write_pattern) {
      task->pattern = send.write_data().pattern();
    } else {
      PUSHPULL_ASSIGN_OR_RETURN(task->write_data, DataBytes(send.write_data()));
    }
  }
  PUSHPULL_RETURN_IF_ERROR(Complete(&pdu, name.empty() ? nullptr : task, new_task));
  return Encode(std::move(pdu), send, task, bytes);
}

absl::Status TraceEncoder::Refer(const v1::Send& send, v1::Pdu* pdu) const {
  const auto found = tasks_.find(send.refers_to());
  if (found == tasks_.end()) {
    return Bad(absl::StrCat("refers_to: no step before began task \"", send.refers_to(), "\""));
  }
  const Task& other = found->second;
  v1::Pdu referring;
  if (pdu->has_task_management_request()) {
    referring.mutable_task_management_request()->set_referenced_task_tag(other.tag);
    referring.mutable_task_management_request()->set_lun_bytes(other.lun_bytes);
    referring.mutable_task_management_request()->set_ref_cmd_sn(other.cmd_sn);
  } else if (pdu->has_snack_request()) {
    referring.mutable_snack_request()->set_initiator_task_tag(other.tag);
    referring.mutable_snack_request()->set_lun_bytes(other.lun_bytes);
  } else if (other.request.kind_case() == pdu->kind_case()) {
    referring = other.request;  // sent again as it was
  } else {
    return Bad("refers_to: in a trace a task management request, a SNACK, or the same PDU again");
  }
  referring.MergeFrom(*pdu);
  *pdu = std::move(referring);
  return absl::OkStatus();
}

// ---- computed fields ---------------------------------------------------------------------------

absl::Status TraceEncoder::Complete(v1::Pdu* pdu, Task* task, bool new_task) {
  if (pdu->has_raw()) return absl::OkStatus();
  if (pdu->kind_case() == v1::Pdu::KIND_NOT_SET) {
    return Bad("a PDU to be sent has no kind: say which it is, or raw");
  }
  if (initiator_sim::IsResponse(pdu->kind_case())) {
    CompleteResponse(pdu, task);
    return absl::OkStatus();
  }
  if (pdu->has_scsi_command()) PUSHPULL_RETURN_IF_ERROR(CompleteCommand(pdu));
  if (pdu->has_data_out() && task != nullptr) {
    PUSHPULL_RETURN_IF_ERROR(CompleteDataOut(pdu, task));
  }
  if (pdu->has_login_request()) CompleteLogin(pdu->mutable_login_request());
  const auto lun = NumberOf(*pdu, "lun");
  if (lun && !NumberOf(*pdu, "lun_bytes")) {
    PUSHPULL_ASSIGN_OR_RETURN(const uint64_t bytes, initiator_sim::EncodeLun(*lun));
    PUSHPULL_RETURN_IF_ERROR(SetField(pdu, "lun_bytes", bytes));
  }
  if (!NumberOf(*pdu, "initiator_task_tag")) {
    SetIfUnset(pdu, "initiator_task_tag", new_task ? session_.AllocateTag() : task->tag);
  }
  SetIfUnset(pdu, "cmd_sn", session_.cmd_sn);
  SetIfUnset(pdu, "exp_stat_sn", stat_sn_);
  return absl::OkStatus();
}

absl::Status TraceEncoder::CompleteCommand(v1::Pdu* pdu) {
  using Way = initiator_sim::CdbTransfer::Direction;
  v1::ScsiCommand* command = pdu->mutable_scsi_command();
  PUSHPULL_RETURN_IF_ERROR(initiator_sim::EncodeCdb(command->cdb()).status());
  const initiator_sim::CdbTransfer transfer =
      initiator_sim::TransferOf(initiator_sim::CdbOf(*pdu), kBlockLength);
  const bool moves = transfer.bytes > 0;
  if (!command->has_read()) command->set_read(moves && transfer.direction == Way::kRead);
  if (!command->has_write()) command->set_write(moves && transfer.direction == Way::kWrite);
  if (!command->has_expected_data_transfer_length()) {
    const bool used = command->read() || command->write();
    command->set_expected_data_transfer_length(used ? static_cast<uint32_t>(transfer.bytes) : 0);
  }
  if (!command->has_attr()) command->set_attr(v1::SIMPLE);
  return absl::OkStatus();
}

// The next piece that the task owes: unsolicited without a TTT, else what an R2T with this TTT
// would have asked for (RFC 7143 §11.7).
absl::Status TraceEncoder::CompleteDataOut(v1::Pdu* pdu, Task* task) {
  v1::DataOut* out = pdu->mutable_data_out();
  if (!out->has_target_transfer_tag()) out->set_target_transfer_tag(kReservedTag);
  const bool solicited = out->target_transfer_tag() != kReservedTag;
  if (out->target_transfer_tag() != task->transfer_tag) {  // a new sequence
    task->transfer_tag = out->target_transfer_tag();
    task->data_sn = 0;
  }
  if (solicited && !out->has_lun() && !out->has_lun_bytes()) out->set_lun_bytes(task->lun_bytes);
  if (!out->has_buffer_offset()) out->set_buffer_offset(static_cast<uint32_t>(task->sent_length));
  if (!out->has_data_sn()) out->set_data_sn(task->data_sn);
  const uint64_t at = out->buffer_offset();
  const uint64_t end = solicited ? task->expected_length
                                 : std::min(task->expected_length, parameters_.first_burst_length);
  if (!pdu->has_data()) {
    const uint64_t left = end > at ? end - at : 0;
    pdu->mutable_data()->set_raw(
        DataAt(*task, at, std::min<uint64_t>(left, parameters_.max_recv_data_segment_length)));
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string data, DataBytes(pdu->data()));
  if (!out->has_final()) out->set_final(at + data.size() >= end);
  return absl::OkStatus();
}

void TraceEncoder::CompleteLogin(v1::LoginRequest* request) {
  if (!request->has_isid()) request->set_isid(std::string(kIsid, sizeof(kIsid) - 1));
  if (!request->has_cid()) request->set_cid(1);
  // The whole login phase is one task (RFC 7143 §6.3).
  if (!request->has_initiator_task_tag()) request->set_initiator_task_tag(session_.next_tag);
  if (!request->has_current_stage()) request->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  if (!request->has_transit() && request->has_next_stage()) request->set_transit(true);
  if (request->transit() && !request->has_next_stage()) {
    request->set_next_stage(request->current_stage() == v1::SECURITY_NEGOTIATION
                                ? v1::LOGIN_OPERATIONAL_NEGOTIATION
                                : v1::FULL_FEATURE_PHASE);
  }
}

void TraceEncoder::CompleteResponse(v1::Pdu* pdu, Task* task) {
  if (pdu->has_login_response()) {
    v1::LoginResponse* response = pdu->mutable_login_response();
    if (!response->has_isid()) response->set_isid(std::string(kIsid, sizeof(kIsid) - 1));
    if (!response->has_tsih()) response->set_tsih(1);
    if (!response->has_transit() && response->has_next_stage()) response->set_transit(true);
  }
  if (pdu->has_r2t()) {
    v1::R2t* r2t = pdu->mutable_r2t();
    if (!r2t->has_target_transfer_tag()) r2t->set_target_transfer_tag(next_transfer_tag_++);
    if (task != nullptr && !r2t->has_r2t_sn()) r2t->set_r2t_sn(task->r2t_sn);
    if (task != nullptr && !r2t->has_buffer_offset()) {
      r2t->set_buffer_offset(static_cast<uint32_t>(task->sent_length));
    }
    if (!r2t->has_desired_data_transfer_length()) {
      r2t->set_desired_data_transfer_length(parameters_.max_burst_length);
    }
  }
  if (pdu->has_data_in() && task != nullptr) {
    SetIfUnset(pdu, "buffer_offset", task->sent_length);
    SetIfUnset(pdu, "data_sn", task->data_sn);
  }
  // A target's own pings, Async Messages and Rejects belong to no task.
  const bool of_no_task =
      pdu->has_async_message() || pdu->has_reject() || (pdu->has_nop_in() && task == nullptr);
  if (of_no_task) SetIfUnset(pdu, "initiator_task_tag", kReservedTag);
  if (!NumberOf(*pdu, "initiator_task_tag")) {
    const bool known = task != nullptr && task->tag != 0;
    SetIfUnset(pdu, "initiator_task_tag", known ? task->tag : session_.AllocateTag());
  }
  const bool has_status = !pdu->has_data_in() || pdu->data_in().status_present();
  if (has_status) SetIfUnset(pdu, "stat_sn", stat_sn_);
  SetIfUnset(pdu, "exp_cmd_sn", session_.exp_cmd_sn);
  SetIfUnset(pdu, "max_cmd_sn", session_.max_cmd_sn);
}

std::string TraceEncoder::DataAt(const Task& task, uint64_t offset, size_t length) const {
  std::string data(length, '\0');
  if (task.write_pattern) {
    initiator_sim::FillPattern(task.pattern.seed(), task.pattern.offset() + offset,
                               {reinterpret_cast<uint8_t*>(data.data()), data.size()});
  } else if (offset < task.write_data.size()) {
    const std::string piece = task.write_data.substr(offset, length);
    std::copy(piece.begin(), piece.end(), data.begin());
  }
  return data;
}

// ---- bytes -------------------------------------------------------------------------------------

absl::Status TraceEncoder::Encode(v1::Pdu pdu, const v1::Send& send, Task* task,
                                  std::vector<uint8_t>* bytes) {
  const initiator_sim::Digests digests =
      sent_ < parameters_.login_pdus ? initiator_sim::Digests{} : parameters_.digests();
  initiator_sim::MisbehaviourContext context = {
      .session = &session_,
      .digests = digests,
      .tag_in_use = tasks_.empty() ? kReservedTag : tasks_.begin()->second.tag};
  context.data_at = [&](uint64_t offset, size_t length) { return DataAt(*task, offset, length); };
  PUSHPULL_RETURN_IF_ERROR(initiator_sim::Misbehave(send.misbehaviour(), context, &pdu));
  PUSHPULL_ASSIGN_OR_RETURN(initiator_sim::EncodedPdu encoded, initiator_sim::Encode(pdu, digests));
  if (!send.adjust().empty()) {
    const v1::Pdu written = initiator_sim::Decode(encoded.bytes, digests).pdu;
    for (const v1::Adjustment& adjustment : send.adjust()) {
      const std::optional<uint64_t> value = NumberOf(written, adjustment.field());
      if (!value) return Bad(absl::StrCat("adjust: no number \"", adjustment.field(), "\""));
      PUSHPULL_RETURN_IF_ERROR(
          SetField(&pdu, adjustment.field(), *value + static_cast<uint64_t>(adjustment.add())));
    }
    PUSHPULL_ASSIGN_OR_RETURN(encoded, initiator_sim::Encode(pdu, digests));
  }
  Enter(pdu, send, task);
  if (initiator_sim::WithholdsLastByte(send.misbehaviour())) {
    encoded.bytes.pop_back();
    ended_ = true;
  }
  bytes->insert(bytes->end(), encoded.bytes.begin(), encoded.bytes.end());
  ++sent_;
  return absl::OkStatus();
}

void TraceEncoder::Enter(const v1::Pdu& pdu, const v1::Send& send, Task* task) {
  task->tag = initiator_sim::InitiatorTaskTagOf(pdu);
  const auto length =
      static_cast<uint32_t>(pdu.has_data() ? DataBytes(pdu.data()).value_or("").size() : 0);
  if (as_target_ || initiator_sim::IsResponse(pdu.kind_case())) {
    const auto stat_sn = NumberOf(pdu, "stat_sn");
    // An R2T and a NOP-In that pings carry the next one and don't use it (RFC 7143 §11.8, §11.19).
    const bool uses = !pdu.has_r2t() && !(pdu.has_nop_in() && task->tag == kReservedTag) &&
                      !(pdu.has_data_in() && !pdu.data_in().status_present());
    if (uses && stat_sn && *stat_sn == stat_sn_) ++stat_sn_;
    if (pdu.has_data_in()) {
      task->sent_length = uint64_t{pdu.data_in().buffer_offset()} + length;
      task->data_sn = pdu.data_in().data_sn() + 1;
    } else if (pdu.has_r2t()) {
      task->sent_length =
          uint64_t{pdu.r2t().buffer_offset()} + pdu.r2t().desired_data_transfer_length();
      task->r2t_sn = pdu.r2t().r2t_sn() + 1;
    }
    return;
  }
  const auto cmd_sn = NumberOf(pdu, "cmd_sn");
  const bool immediate = pdu.immediate() || pdu.has_login_request();
  if (cmd_sn) {
    task->cmd_sn = static_cast<uint32_t>(*cmd_sn);
    const bool next = task->cmd_sn == session_.cmd_sn || send.misbehaviour() == v1::CMD_SN_GAP;
    if (!immediate && !send.keep_sequence() && next) session_.cmd_sn = task->cmd_sn + 1;
  }
  task->lun_bytes = NumberOf(pdu, "lun_bytes").value_or(task->lun_bytes);
  if (pdu.has_data_out()) {
    task->sent_length = uint64_t{pdu.data_out().buffer_offset()} + length;
    task->data_sn = pdu.data_out().data_sn() + 1;
    return;
  }
  task->request = pdu;
  if (pdu.has_scsi_command()) {
    task->expected_length = pdu.scsi_command().expected_data_transfer_length();
    task->sent_length = length;
  }
}

}  // namespace pushpull::replay
