// What a session does with a PDU that arrives: first its header, then the whole of it.

#include <algorithm>
#include <optional>
#include <utility>

#include "base/serial.h"
#include "target/pdu/ahs.h"
#include "target/pdu/request.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

ProtocolError Refusal(Reason reason, std::string_view section) {
  return {reason, section, Action::kReject};
}

// RFC 7143 §7.7: such a PDU ends the session.
ProtocolError FormatError(Reason reason, std::string_view section) {
  return {reason, section, Action::kCloseSession};
}

// The requests that an initiator numbers, or could (RFC 7143 §4.2.2.1).
bool IsNumbered(BhsView bhs) {
  switch (bhs.opcode()) {
    case Opcode::kScsiCommand:
    case Opcode::kTaskManagementRequest:
    case Opcode::kTextRequest:
    case Opcode::kLogoutRequest:
    case Opcode::kNopOut:
      return true;
    default:
      return false;
  }
}

// The form of requests other than SCSI Command, Data-Out and Login.
std::optional<ProtocolError> CheckForm(BhsView bhs, const BugSet& bugs) {
  const bool has_data = bhs.data_segment_length() > 0;
  switch (bhs.opcode()) {
    case Opcode::kTaskManagementRequest:
      if (has_data) return FormatError(Reason::kUnexpectedData, "RFC 7143 §11.5.2");
      break;
    case Opcode::kLogoutRequest:
      if (has_data && bugs.Has(Bug::kLogoutDataUnchecked)) break;
      if (has_data) return FormatError(Reason::kUnexpectedData, "RFC 7143 §11.14.2");
      break;
    case Opcode::kSnackRequest:
      if (has_data) return FormatError(Reason::kUnexpectedData, "RFC 7143 §11.16");
      break;
    default:
      break;
  }
  if (bhs.total_ahs_length() != 0) {
    return FormatError(Reason::kUnexpectedAhs, "RFC 7143 §11.2.1.5");
  }
  return std::nullopt;
}

// Requests that don't belong into the phase, or don't exist.
std::optional<ProtocolError> CheckOpcode(BhsView bhs, bool discovery) {
  const Opcode opcode = bhs.opcode();
  if (IsTargetOpcode(opcode)) return Refusal(Reason::kWrongDirection, "RFC 7143 §11.2.1.2");
  if (!IsAssignedRequest(opcode)) return Refusal(Reason::kUnknownOpcode, "RFC 7143 §11.2.1.2");
  if (opcode == Opcode::kLoginRequest) {
    return Refusal(Reason::kOpcodeOutOfPhase, "RFC 7143 §4.2.4");
  }
  if (discovery && opcode != Opcode::kTextRequest && opcode != Opcode::kLogoutRequest) {
    return Refusal(Reason::kOpcodeOutOfPhase, "RFC 7143 §4.3");
  }
  return std::nullopt;
}

// Whether a target may as well take it for a format error (RFC 7143 §7.7): a field's contents are
// wrong, or don't go with others. The opcode alone is none; but behind a second Login Request
// nobody knows what the session is. Over RDMA that is to be rejected (RFC 7145 §7.3.9).
bool IsFormatError(const ProtocolError& error, const TransportTraits& traits) {
  if (error.action != Action::kReject) return false;
  if (error.reason == Reason::kOpcodeOutOfPhase) return !traits.iser_data_segment_keys;
  return error.reason != Reason::kUnknownOpcode && error.reason != Reason::kWrongDirection &&
         error.reason != Reason::kWaitingForLogout;
}

}  // namespace

// ---- before the data --------------------------------------------------------------------------

void Session::Place(Connection& connection, const PduSlot& pdu, Placement& placement) {
  PlaceOrRefuse(connection, pdu, placement);
  const std::optional<ProtocolError> error = placement.error();
  if (variation_ == nullptr || !error || !IsFormatError(*error, connection.traits())) return;
  if (!variation_->ending.EndsSession()) return;
  connection.arriving = {};
  placement.Refuse({error->reason, error->section, Action::kCloseSession});
}

void Session::PlaceOrRefuse(Connection& connection, const PduSlot& pdu, Placement& placement) {
  if (ending_) return placement.Discard();
  const BhsView bhs = pdu.bhs();
  if (const auto error = CheckOpcode(bhs, is_discovery())) return placement.Refuse(*error);
  if (bhs.opcode() == Opcode::kDataOut) return PlaceDataOut(connection, pdu, placement);
  if (Has(Bug::kReservedBitsRefused) && (bhs.data()[2] | bhs.data()[3]) != 0) {
    return placement.Refuse(Refusal(Reason::kReservedValue, "no section: a defect"));
  }
  if (IsNumbered(bhs) && !bhs.immediate() && !InWindow(bhs.cmd_sn())) {
    connection.arriving.ignore = true;
    return placement.Discard();
  }
  if (const auto error = CheckTag(bhs)) return placement.Refuse(*error);
  if (bhs.opcode() == Opcode::kScsiCommand) {
    if (async_events_.logout_requested()) {
      // RFC 7143 §11.9.1, event 1: both are right.
      if (variation_ != nullptr && variation_->session.refuses_before_logout()) {
        return placement.Refuse(Refusal(Reason::kWaitingForLogout, "RFC 7143 §11.9.1"));
      }
      if (Has(Bug::kRefusedAfterLogoutRequest)) {
        return placement.Refuse(Refusal(Reason::kInvalidFlags, "no section: a defect"));
      }
    }
    return PlaceCommand(connection, pdu, placement);
  }
  if (const auto error = CheckForm(bhs, node().bugs())) return placement.Refuse(*error);
}

// RFC 7143 §4.2.2.1: others are ignored silently.
bool Session::InWindow(uint32_t cmd_sn) const {
  const uint32_t exp = window_.exp_cmd_sn();
  const uint32_t max = window_.max_cmd_sn();
  if (Has(Bug::kCmdSnComparedUnsigned)) return cmd_sn >= exp && cmd_sn <= max;
  if (Has(Bug::kCommandAboveWindowExecuted) && base::SerialGreater(cmd_sn, max)) return true;
  if (Has(Bug::kOldCmdSnExecuted) && base::SerialLess(cmd_sn, exp)) return true;
  if (!base::SerialInWindow(cmd_sn, exp, max)) return false;
  return Has(Bug::kDuplicateCmdSnExecuted) || !early_.contains(cmd_sn);
}

// Bug::kTaskTag16Bits.
bool Session::FindAlikeTag(uint32_t initiator_task_tag) const {
  return std::any_of(tasks_.begin(), tasks_.end(), [&](const auto& entry) {
    return (entry.first & 0xffff) == (initiator_task_tag & 0xffff);
  });
}

std::optional<ProtocolError> Session::CheckTag(BhsView bhs) {
  if (!IsNumbered(bhs)) return std::nullopt;
  const uint32_t tag = bhs.initiator_task_tag();
  if (tag == kNoTag) {
    if (bhs.opcode() == Opcode::kNopOut || Has(Bug::kReservedItt)) return std::nullopt;
    return Refusal(Reason::kInvalidTag, "RFC 7143 §11.2.1.8");
  }
  const bool in_use = Has(Bug::kTaskTag16Bits) ? FindAlikeTag(tag) : FindTask(tag) != nullptr;
  if (!in_use || Has(Bug::kDuplicateCmdSnExecuted)) return std::nullopt;
  return Refusal(Reason::kTaskInProgress, "RFC 7143 §11.2.1.8");
}

void Session::PlaceCommand(Connection& connection, const PduSlot& pdu, Placement& placement) {
  TaskRef task = NewTask(connection, pdu.bhs());
  if (const auto error = scsi_.Begin(task.get(), pdu, placement)) return placement.Refuse(*error);
  connection.arriving.task = std::move(task);
}

void Session::PlaceDataOut(Connection& connection, const PduSlot& pdu, Placement& placement) {
  const DataOut header = DataOut::Decode(pdu.bhs());
  if (pdu.bhs().total_ahs_length() != 0) {
    return placement.Refuse(FormatError(Reason::kUnexpectedAhs, "RFC 7143 §11.2.1.5"));
  }
  IscsiTask* task = FindTask(header.initiator_task_tag);
  if (header.target_transfer_tag == kNoTag && Has(Bug::kUnsolicitedByOrder)) {
    task = oldest_;
    while (task != nullptr && !(task->data_out_due && task->write_flow.unsolicited_open())) {
      task = task->newer;
    }
  }
  if (task != nullptr && task->data_out_due) {
    connection.arriving.task = TaskRef(task);
    return scsi_.PlaceDataOut(task, header, placement);
  }
  if (!Has(Bug::kLeftOverDataRejected) &&
      connection.stale_transfers.Takes(header.initiator_task_tag, header.target_transfer_tag,
                                       header.final)) {
    connection.arriving.ignore = true;
    return placement.Discard();
  }
  placement.Refuse(Refusal(task == nullptr ? Reason::kUnknownTask : Reason::kUnknownTransferTag,
                           "RFC 7143 §11.7.4"));
}

// ---- the whole PDU ----------------------------------------------------------------------------

void Session::OnPdu(Connection& connection, SlotRef pdu) {
  Connection::Arriving arriving = std::exchange(connection.arriving, {});
  if (ending_) return;
  const BhsView bhs = pdu->bhs();
  const bool data_out = bhs.opcode() == Opcode::kDataOut;
  if (arriving.ignore) {
    if (!data_out) counters().Add(Count::kCommandsIgnored);
    return;
  }
  counters().Add(Count::kDataBytesReceived,
                 data_out || bhs.opcode() == Opcode::kScsiCommand ? bhs.data_segment_length() : 0);
  const bool intact = !pdu->data_digest_failed() || Has(Bug::kDataDigestUnchecked);
  if (!intact && variation_ != nullptr && variation_->ending.EndsSession()) {
    counters().Add(Count::kDigestErrors);
    return End({}, "a digest error");  // §7.8
  }
  if (data_out) return OnDataOut(connection, pdu, arriving.task.get(), intact);
  if (!intact) {
    // RFC 7143 §7.8. A command is discarded with its data: its number hasn't come.
    counters().Add(Count::kDigestErrors);
    return Reject(connection, pdu, RejectReason::kDataDigestError);
  }
  if (pdu->refusal().has_value()) return Refused(connection, pdu);
  if (bhs.opcode() == Opcode::kSnackRequest) return OnSnack(connection, pdu);
  if (bhs.opcode() == Opcode::kNopOut && bhs.initiator_task_tag() == kNoTag) {
    return OnNopOut(connection, pdu);
  }
  if (!arriving.task) arriving.task = NewTask(connection, bhs);
  Number(connection, std::move(pdu), std::move(arriving.task));
}

void Session::OnDataOut(Connection& connection, const SlotRef& pdu, IscsiTask* task, bool intact) {
  if (!intact) {
    counters().Add(Count::kDigestErrors);
    Reject(connection, pdu, RejectReason::kDataDigestError);
  } else if (pdu->refusal().has_value()) {
    Refused(connection, pdu);
  }
  // Null: of no task. Done: aborted while its data came.
  if (task == nullptr || task->state == TaskState::kDone) return;
  if ((!intact || pdu->refusal().has_value()) && Has(Bug::kRejectEndsTask)) {
    return FinishSilently(task);
  }
  // The slot is wanted back: unsolicited data of which the task waits for more.
  if (connection.traits().data_stays_in_slot && intact && !pdu->refusal().has_value()) {
    scsi_.KeepData(task, pdu, connection.may_hold_slot());
  }
  scsi_.OnDataOut(task, DataOut::Decode(pdu->bhs()), intact);
  task_manager_.Progress();
}

// The answer to what Place() refused, where the connection goes on.
void Session::Refused(Connection& connection, const SlotRef& pdu) {
  const ProtocolError& error = *pdu->refusal();
  counters().AddError(error.reason);
  connection.Log(base::LogLevel::kWarning, "protocol_error",
                 [&error](base::LogFields& fields) { fields.Add("what", ToString(error)); });
  if (error.action != Action::kReject) return;
  if (Has(Bug::kUnknownOpcodeIgnored) && error.reason == Reason::kUnknownOpcode) return;
  const BhsView bhs = pdu->bhs();
  if (Has(Bug::kRejectCountsCmdSn) && !bhs.immediate() && bhs.opcode() != Opcode::kDataOut) {
    SkipNumber(bhs.cmd_sn());
  }
  Reject(connection, pdu, RejectReasonFor(error.reason));
}

// RFC 7143 §4.2.2.1.
void Session::Number(Connection& connection, SlotRef pdu, TaskRef task) {
  if (task->immediate) {
    task->immediate_slot = window_.TakeImmediate(connection.window_id(),
                                                 task->opcode == Opcode::kTaskManagementRequest);
    using ImmediateSlot = SessionWindow::ImmediateSlot;
    const bool further = task->immediate_slot == ImmediateSlot::kKeptFurther ||
                         task->immediate_slot == ImmediateSlot::kOrdinary;
    const bool refuses = variation_ != nullptr && variation_->session.refuses_immediates() &&
                         task->immediate_slot == ImmediateSlot::kOrdinary;
    if (refuses || (further && Has(Bug::kIserFurtherImmediatesRefused))) {
      window_.GiveImmediate(connection.window_id(), task->immediate_slot);
      task->immediate_slot = ImmediateSlot::kRefused;
    }
    if (task->immediate_slot == ImmediateSlot::kRefused) {
      return Reject(connection, pdu, RejectReason::kImmediateCommandReject);
    }
    if (Has(Bug::kExpCmdSnCountsImmediate)) ++immediates_counted_;
    task->holds_number = true;
    Instantiate(task, std::move(pdu));
    Deliver(task.get());
    return;
  }
  SessionWindow::Verdict verdict = window_.Receive(connection.window_id(), task->cmd_sn);
  if (verdict == SessionWindow::Verdict::kOutside ||
      verdict == SessionWindow::Verdict::kDuplicate) {
    counters().Add(Count::kCommandsIgnored);
    if (!RunsIgnored(verdict, task->cmd_sn)) return;
    Instantiate(task, std::move(pdu));
    return Deliver(task.get());
  }
  task->holds_number = true;
  Instantiate(task, std::move(pdu));
  if (verdict == SessionWindow::Verdict::kEarly && Has(Bug::kCmdSnOrderIgnored)) {
    return Deliver(task.get());
  }
  if (task->cmd_sn == next_delivery_) {  // as almost always
    ++next_delivery_;
    Deliver(task.get());
    if (ending_) return;
    DeliverInOrder();
    return task_manager_.Progress();
  }
  task->state = TaskState::kEarly;
  early_[task->cmd_sn] = task.get();
  if (verdict == SessionWindow::Verdict::kEarly) {
    if (!Has(Bug::kExpCmdSnSkipsHole)) return;
    while (window_.Skip(window_.exp_cmd_sn()) &&
           base::SerialLess(window_.exp_cmd_sn(), task->cmd_sn)) {
    }
  }
  DeliverInOrder();
  task_manager_.Progress();
}

// Whether a defect lets a command run that is to be ignored.
bool Session::RunsIgnored(SessionWindow::Verdict verdict, uint32_t cmd_sn) const {
  if (verdict == SessionWindow::Verdict::kDuplicate) return Has(Bug::kDuplicateCmdSnExecuted);
  return base::SerialLess(cmd_sn, window_.exp_cmd_sn()) ? Has(Bug::kOldCmdSnExecuted)
                                                        : Has(Bug::kCommandAboveWindowExecuted);
}

// From here on the tag names the task.
void Session::Instantiate(const TaskRef& task, SlotRef pdu) {
  task->slot = std::move(pdu);
  task->self = task;
  tasks_.try_emplace(task->initiator_task_tag, task.get());
  counters().Add(Count::kTasksStarted);
}

}  // namespace pushpull::target
