// Which task a PDU belongs to. (RFC 7143 §11.2.1.8, §4.2.5.1, §11.5.1)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/serial.h"
#include "conformance/monitor/context.h"

namespace pushpull::conformance::monitor {
namespace {

using initiator_sim::kReservedTag;
using initiator_sim::NameOf;
using initiator_sim::PduKind;

constexpr size_t kMaxDone = 65536;
constexpr uint32_t kAhsBidirectionalReadLength = 2;

// ---- requests ------------------------------------------------------------------------------

// A task begins under its tag.
Task* Begin(const Context& c, uint32_t tag) {
  Session& session = c.session;
  if (tag == kReservedTag) {
    session.reserved_tag_used = true;
    return nullptr;
  }
  const auto found = session.tasks.find(tag);
  if (found != session.tasks.end()) {
    // The tag of a task that lives: a retry, or misbehaviour. After a Reject it may be taken again.
    if (!found->second.rejected) session.doubtful.insert(tag);
    session.tasks.erase(found);
  }
  session.done.erase(tag);
  Task& task = session.tasks[tag];
  task.request = c.pdu.kind_case();
  task.connection = c.connection.id;
  task.frame = c.frame;
  task.immediate = c.pdu.immediate();
  return &task;
}

// Whether a command is as §11.3 and the parameters want it.
bool IsRight(const Context& c, const v1::ScsiCommand& command) {
  const uint64_t immediate = c.data().size();
  const uint64_t edtl = command.expected_data_transfer_length();
  if (!command.write() && (!command.final() || immediate > 0)) return false;
  if (!command.read() && !command.write() && edtl > 0) return false;
  if (command.read() && command.write() && !BidirectionalReadLength(c.pdu)) return false;
  if (immediate > edtl || (immediate == edtl && !command.final())) return false;
  const Agreed& agreed = c.session.agreed;
  if (immediate > 0 && agreed.immediate_data == false) return false;
  return immediate <= agreed.first_burst_length.value_or(immediate);
}

void TakeScsiCommand(const Context& c) {
  const v1::ScsiCommand& command = c.pdu.scsi_command();
  if (!IsRight(c, command)) c.session.doubtful.insert(command.initiator_task_tag());
  Task* task = Begin(c, command.initiator_task_tag());
  if (task == nullptr) return;
  task->cmd_sn = command.cmd_sn();
  task->lun_bytes = command.lun_bytes();
  task->read = command.read();
  task->write = command.write();
  const uint64_t edtl = command.expected_data_transfer_length();
  task->write_edtl = command.write() ? edtl : 0;
  task->read_edtl =
      command.write() ? BidirectionalReadLength(c.pdu).value_or(0) : (command.read() ? edtl : 0);
  task->unsolicited_follows = !command.final();
  task->unsolicited_sent = c.data().size();
  TakeNamingCdb(c, task);
}

void TakeDataOut(const Context& c) {
  const v1::DataOut& data = c.pdu.data_out();
  const uint32_t tag = data.initiator_task_tag();
  const auto found = c.session.tasks.find(tag);
  if (found == c.session.tasks.end()) {
    c.session.doubtful.insert(tag);
    return;
  }
  Task& task = found->second;
  const uint64_t size = c.data().size();
  if (!task.naming_cdb.empty() && data.buffer_offset() == 0) task.naming_data = c.data();
  if (data.target_transfer_tag() == kReservedTag) {
    const bool right = task.unsolicited_follows && data.buffer_offset() == task.unsolicited_sent &&
                       data.data_sn() == task.next_unsolicited_sn;
    if (!right) c.session.doubtful.insert(tag);
    ++task.next_unsolicited_sn;
    task.unsolicited_sent += size;
    if (data.final()) task.unsolicited_follows = false;
    return;
  }
  const auto r2t =
      std::find_if(task.outstanding.begin(), task.outstanding.end(),
                   [&data](const R2tState& r) { return r.tag == data.target_transfer_tag(); });
  if (r2t == task.outstanding.end()) {
    c.session.doubtful.insert(tag);
    return;
  }
  r2t->sent += size;
  const bool right = data.buffer_offset() >= r2t->offset &&
                     data.buffer_offset() + size <= r2t->offset + r2t->length &&
                     data.data_sn() == r2t->next_data_sn++ &&
                     (!data.final() || r2t->sent == r2t->length);
  if (!right) c.session.doubtful.insert(tag);
  task.solicited_sent += size;
  if (data.final()) task.outstanding.erase(r2t);
}

void TakeSnack(const Context& c) {
  const v1::SnackRequest& snack = c.pdu.snack_request();
  const auto found = c.session.tasks.find(snack.initiator_task_tag());
  if (snack.type() == v1::DATA_OR_R2T_SNACK || snack.type() == v1::R_DATA_SNACK) {
    if (found != c.session.tasks.end()) found->second.resent = true;
  }
  if (snack.type() == v1::STATUS_SNACK || snack.type() == v1::R_DATA_SNACK) {
    c.connection.status_resent = true;
  }
  if (snack.type() == v1::R_DATA_SNACK && found != c.session.tasks.end()) {
    found->second.snack_tag = snack.target_transfer_tag();
  }
}

void TakeTmf(const Context& c) {
  const v1::TaskManagementRequest& request = c.pdu.task_management_request();
  if (request.function() == v1::TASK_REASSIGN) {
    const auto task = c.session.tasks.find(request.referenced_task_tag());
    if (task != c.session.tasks.end()) task->second.resent = true;
  }
  Task* tmf = Begin(c, request.initiator_task_tag());
  if (tmf == nullptr) return;
  tmf->cmd_sn = request.cmd_sn();
  tmf->lun_bytes = request.lun_bytes();
  tmf->code = request.function();
  tmf->referenced_tag = request.referenced_task_tag();
}

void TakeNopOut(const Context& c) {
  const v1::NopOut& ping = c.pdu.nop_out();
  if (ping.initiator_task_tag() == kReservedTag) return;
  Task* task = Begin(c, ping.initiator_task_tag());
  task->cmd_sn = ping.cmd_sn();
  task->ping = c.data();
}

void TakeText(const Context& c) {
  const v1::TextRequest& request = c.pdu.text_request();
  const auto found = c.session.tasks.find(request.initiator_task_tag());
  Task* task = nullptr;
  const bool continues = request.target_transfer_tag() != kReservedTag &&
                         found != c.session.tasks.end() &&
                         found->second.request == v1::Pdu::kTextRequest;
  if (continues) {
    task = &found->second;
    // Two at a time are not allowed (§6.2).
    if (task->text_awaits) c.session.doubtful.insert(request.initiator_task_tag());
    task->frame = c.frame;
    task->immediate = c.pdu.immediate();
  } else {
    task = Begin(c, request.initiator_task_tag());
  }
  if (task == nullptr) return;
  task->cmd_sn = request.cmd_sn();
  TakeTextRequest(c, task);
}

void TakeLogout(const Context& c) {
  const v1::LogoutRequest& request = c.pdu.logout_request();
  Task* task = Begin(c, request.initiator_task_tag());
  if (task == nullptr) return;
  task->cmd_sn = request.cmd_sn();
  task->code = request.reason();
  task->cid = request.cid();
}

// ---- responses -----------------------------------------------------------------------------

bool Fits(const v1::Pdu& response, const Task& task) {
  switch (response.kind_case()) {
    case v1::Pdu::kScsiResponse:
      return task.request == v1::Pdu::kScsiCommand;
    case v1::Pdu::kDataIn:
      return task.request == v1::Pdu::kScsiCommand && task.read;
    case v1::Pdu::kR2T:
      return task.request == v1::Pdu::kScsiCommand && task.write;
    case v1::Pdu::kTaskManagementResponse:
      return task.request == v1::Pdu::kTaskManagementRequest;
    case v1::Pdu::kTextResponse:
      return task.request == v1::Pdu::kTextRequest;
    case v1::Pdu::kLogoutResponse:
      return task.request == v1::Pdu::kLogoutRequest;
    case v1::Pdu::kNopIn:
      return task.request == v1::Pdu::kNopOut;
    default:
      return false;
  }
}

std::string RequestText(const Task& task) {
  if (task.request != v1::Pdu::kScsiCommand) return NameOf(task.request);
  return absl::StrCat("SCSI Command", task.read ? " that reads" : "",
                      task.write ? " that writes" : "",
                      task.read || task.write ? "" : " without data");
}

void ReportNoTask(const Context& c, uint32_t tag) {
  const std::string of =
      absl::StrFormat("%s for Initiator Task Tag 0x%x", NameOf(c.pdu.kind_case()), tag);
  const auto done = c.session.done.find(tag);
  if (done == c.session.done.end()) {
    if (c.connection.phase == Phase::kUnknown) return;  // its request may have come before
    c.Report(RuleId::kResponseToLiveTask, absl::StrCat(of, ", which no task has"));
    return;
  }
  const std::string after = absl::StrCat(of, ", whose task ended in frame ", done->second.frame);
  switch (done->second.how) {
    case DoneTask::How::kResponse:
      if (!c.connection.status_resent) c.Report(RuleId::kOneResponse, after);
      return;
    case DoneTask::How::kAborted:
      c.Report(RuleId::kNothingAfterAbort, absl::StrCat(after, " (aborted)"));
      return;
    case DoneTask::How::kTaskSetAborted:
      c.Report(RuleId::kNothingAfterTaskSetAbort, absl::StrCat(after, " (aborted)"));
      return;
  }
}

}  // namespace

std::optional<uint64_t> BidirectionalReadLength(const v1::Pdu& pdu) {
  for (const v1::Ahs& ahs : pdu.ahs()) {
    if (ahs.ahs_type() != kAhsBidirectionalReadLength || ahs.specific().size() != 5) continue;
    return base::LoadBe32(base::AsBytes(ahs.specific()).data() + 1);
  }
  return std::nullopt;
}

void TakeRequest(const Context& c) {
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(c.pdu);
  const initiator_sim::DecodedPdu& decoded = *c.tap.decoded;
  const bool wrong = c.tap.misbehaving || !decoded.flaw.empty() || !decoded.header_digest_ok ||
                     !decoded.data_digest_ok;
  if (wrong && tag != kReservedTag) c.session.doubtful.insert(tag);
  switch (c.pdu.kind_case()) {
    case v1::Pdu::kNopOut:
      return TakeNopOut(c);
    case v1::Pdu::kScsiCommand:
      return TakeScsiCommand(c);
    case v1::Pdu::kTaskManagementRequest:
      return TakeTmf(c);
    case v1::Pdu::kTextRequest:
      return TakeText(c);
    case v1::Pdu::kDataOut:
      return TakeDataOut(c);
    case v1::Pdu::kLogoutRequest:
      return TakeLogout(c);
    case v1::Pdu::kSnackRequest:
      return TakeSnack(c);
    default:
      return;
  }
}

Task* TaskOf(const Context& c) {
  const uint32_t tag = initiator_sim::InitiatorTaskTagOf(c.pdu);
  if (tag == kReservedTag) {
    if (!c.pdu.has_nop_in() && !c.session.reserved_tag_used) ReportNoTask(c, tag);
    return nullptr;
  }
  if (c.session.doubtful.contains(tag)) return nullptr;
  const auto found = c.session.tasks.find(tag);
  if (found == c.session.tasks.end()) {
    ReportNoTask(c, tag);
    return nullptr;
  }
  Task& task = found->second;
  if (!Fits(c.pdu, task)) {
    c.Report(RuleId::kResponseFitsRequest,
             absl::StrFormat("%s for Initiator Task Tag 0x%x, which is a %s's",
                             NameOf(c.pdu.kind_case()), tag, RequestText(task)));
    return nullptr;
  }
  if (task.connection != c.connection.id && !task.resent) {
    c.Report(RuleId::kOwnConnection,
             absl::StrFormat("%s for Initiator Task Tag 0x%x, whose request was sent on another "
                             "connection (frame %d)",
                             NameOf(c.pdu.kind_case()), tag, task.frame));
    return nullptr;
  }
  return &task;
}

void EndTask(const Context& c, DoneTask::How how, uint32_t tag) {
  c.session.tasks.erase(tag);
  if (c.session.done.size() >= kMaxDone) c.session.done.clear();
  c.session.done[tag] = {how, c.frame};
}

void EndAbortedTasks(const Context& c, const Task& tmf) {
  if (tmf.code == v1::TASK_REASSIGN) {
    const auto task = c.session.tasks.find(tmf.referenced_tag);
    if (task != c.session.tasks.end()) task->second.connection = c.connection.id;
    return;
  }
  const bool whole_target = tmf.code == v1::TARGET_WARM_RESET || tmf.code == v1::TARGET_COLD_RESET;
  const bool task_set = tmf.code == v1::ABORT_TASK_SET || tmf.code == v1::CLEAR_TASK_SET ||
                        tmf.code == v1::LOGICAL_UNIT_RESET;
  // Responses of other connections may have been under way.
  std::vector<uint32_t> ended;
  for (const auto& [tag, task] : c.session.tasks) {
    if (task.connection != c.connection.id || task.request != v1::Pdu::kScsiCommand) continue;
    const bool covered = !task.immediate && base::SerialLess(task.cmd_sn, tmf.cmd_sn);
    if ((tmf.code == v1::ABORT_TASK && tag == tmf.referenced_tag) || (covered && whole_target) ||
        (covered && task_set && task.lun_bytes == tmf.lun_bytes)) {
      ended.push_back(tag);
    }
  }
  for (const uint32_t tag : ended) {
    EndTask(c,
            tmf.code == v1::ABORT_TASK ? DoneTask::How::kAborted : DoneTask::How::kTaskSetAborted,
            tag);
  }
}

}  // namespace pushpull::conformance::monitor
