#include "target/session/task_manager.h"

#include <algorithm>
#include <utility>

#include "base/serial.h"
#include "target/pdu/response.h"
#include "target/session/session.h"

namespace pushpull::target {
namespace {

using Code = TaskManagementResponseCode;
using TmFunction = TaskManagementFunction;

bool IsTargetReset(TmFunction function) {
  return function == TmFunction::kTargetWarmReset || function == TmFunction::kTargetColdReset;
}

bool IsReset(TmFunction function) {
  return function == TmFunction::kLogicalUnitReset || IsTargetReset(function);
}

}  // namespace

void TaskManager::Deliver(IscsiTask* task) {
  const TaskManagementRequest request = TaskManagementRequest::Decode(task->slot->bhs());
  task->state = TaskState::kWaiting;
  switch (request.function) {
    case TmFunction::kAbortTask:
      return AbortTask(task, request);
    case TmFunction::kAbortTaskSet:
    case TmFunction::kClearTaskSet:
    case TmFunction::kLogicalUnitReset:
    case TmFunction::kTargetWarmReset:
    case TmFunction::kTargetColdReset:
      return BeginGroup(task, request);
    case TmFunction::kTaskReassign:  // needs ErrorRecoveryLevel 2 (RFC 7143 §7.2.2)
      return Respond(task, session_->Has(Bug::kTaskReassignClaimsComplete)
                               ? Code::kFunctionComplete
                               : Code::kTaskAllegianceReassignmentNotSupported);
    default:
      // CLEAR ACA: no logical unit has NormACA. 9 to 12: iSCSIProtocolLevel 2. The others:
      // nobody's.
      return Respond(task, session_->Has(Bug::kTmfUnknownFunction) ? Code::kFunctionComplete
                                                                   : Code::kFunctionNotSupported);
  }
}

// ---- ABORT TASK (RFC 7143 §11.6.1)
// ----------------------------------------------------------------

void TaskManager::AbortTask(IscsiTask* task, const TaskManagementRequest& request) {
  IscsiTask* const referenced = session_->FindTask(request.referenced_task_tag);
  if (referenced == nullptr || referenced == task) return Respond(task, AbortMissing(request));
  switch (referenced->opcode) {
    case Opcode::kTaskManagementRequest:  // §11.5.1
      return Respond(task, session_->Has(Bug::kAbortTaskOnTaskManagement)
                               ? Code::kFunctionComplete
                               : Code::kFunctionRejected);
    case Opcode::kLogoutRequest:
      if (referenced->state == TaskState::kWaiting) return Respond(task, Code::kFunctionRejected);
      break;
    case Opcode::kScsiCommand:
      if (referenced->lun != request.lun) return Respond(task, Code::kTaskDoesNotExist);
      break;
    default:
      break;
  }
  if (session_->Has(Bug::kAbortTaskStillResponds)) return Respond(task, Code::kFunctionComplete);
  if (referenced->device_ref) {
    running_.push_back({TaskRef(task), request, Phase::kAborting, TaskRef(referenced)});
    return session_->scsi().Abort(referenced);
  }
  if (referenced->state == TaskState::kResponding) {
    // Executed already: its response comes first.
    running_.push_back({TaskRef(task), request, Phase::kAborting, TaskRef(referenced)});
    return;
  }
  session_->AbandonEarly(referenced);
  session_->FinishSilently(referenced);
  if (session_->Has(Bug::kAbortedTaskUsed)) referenced->abort_asked = true;
  Respond(task, Code::kFunctionComplete);
  Progress();
}

// b) and c): the task isn't here. Whether its command may still be on its way says RefCmdSN.
TaskManagementResponseCode TaskManager::AbortMissing(const TaskManagementRequest& request) {
  if (session_->connection()->text().initiator_task_tag() == request.referenced_task_tag) {
    session_->connection()->text().Reset();  // a Text sequence between two requests
    return Code::kFunctionComplete;
  }
  const SessionWindow& window = session_->window();
  const bool missing =
      base::SerialInWindow(request.ref_cmd_sn, window.exp_cmd_sn(), window.max_cmd_sn()) &&
      base::SerialLess(request.ref_cmd_sn, request.cmd_sn);
  if (missing) {
    if (session_->Has(Bug::kAbortTaskIgnoresRefCmdSn)) return Code::kFunctionComplete;
    if (session_->SkipNumber(request.ref_cmd_sn)) return Code::kFunctionComplete;
  }
  return session_->Has(Bug::kAbortTaskClaimsComplete) ? Code::kFunctionComplete
                                                      : Code::kTaskDoesNotExist;
}

bool TaskManager::answers_soon() const {
  return std::ranges::any_of(running_, [](const Function& function) {
    return function.phase != Phase::kWaitingForCommands && function.phase != Phase::kWaitingForData;
  });
}

void TaskManager::OnTaskEnded(IscsiTask* task, bool aborted) {
  for (size_t i = 0; i < running_.size();) {
    if (running_[i].referenced.get() != task) {
      ++i;
      continue;
    }
    Complete(i, aborted ? Code::kFunctionComplete : Code::kTaskDoesNotExist);
  }
  Progress();
}

// ---- several tasks (RFC 7143 §4.2.3.3)
// --------------------------------------------------------------

void TaskManager::BeginGroup(IscsiTask* task, const TaskManagementRequest& request) {
  if (!IsTargetReset(request.function) && !session_->node().device().HasLogicalUnit(request.lun)) {
    return Respond(task, session_->Has(Bug::kTmfUnknownLun) ? Code::kFunctionComplete
                                                            : Code::kLunDoesNotExist);
  }
  const uint32_t last = session_->window().max_cmd_sn() + 1;
  if (request.immediate && base::SerialGreater(request.cmd_sn, last)) {
    // Its place is behind commands that can't have been sent: it would wait forever.
    return Respond(task, Code::kFunctionRejected);
  }
  running_.push_back({TaskRef(task), request, Phase::kWaitingForCommands, TaskRef()});
  if (IsTargetReset(request.function)) PlugNumbers(request);
  Progress();
}

// A target reset needn't wait for commands that it would end at once (§4.2.3.3 b).
void TaskManager::PlugNumbers(const TaskManagementRequest& request) {
  SessionWindow& window = session_->window();
  while (base::SerialLess(window.exp_cmd_sn(), request.cmd_sn) &&
         session_->SkipNumber(window.exp_cmd_sn())) {
  }
}

void TaskManager::Progress() {
  for (size_t i = 0; i < running_.size();) {
    i = Advance(i) ? 0 : i + 1;
  }
}

bool TaskManager::Advance(size_t index) {
  Function& function = running_[index];
  switch (function.phase) {
    case Phase::kWaitingForCommands:
      if (CommandsAreMissing(function.request) && !session_->Has(Bug::kAbortSetNoWaitForCommands)) {
        return false;
      }
      if (session_->Has(Bug::kResetWaitsForOthers) && session_->worker().AnyCommandIsMissing()) {
        return false;
      }
      MarkCovered(function);
      function.phase = Phase::kWaitingForData;
      return true;
    case Phase::kWaitingForData:
      if (session_->Has(Bug::kAbortSetTakesLater)) MarkCovered(function);
      if (WaitsForData() && AnyCovered(function, [](const IscsiTask& task) {
            return task.data_out_due && task.write_flow.has_open_requests();
          })) {
        return false;
      }
      StartInDevice(function);
      return true;
    case Phase::kWaitingForTasks:
      // Not for what came after a reset.
      if (AnyCovered(function, [](const IscsiTask& task) { return task.abort_asked; })) {
        return false;
      }
      if (function.request.function == TmFunction::kTargetColdReset) {
        Complete(index, Code::kFunctionComplete);
        // Equal to a power-on: all sessions end (§11.5.1).
        if (!session_->Has(Bug::kColdResetKeepsConnections)) session_->node().EndAllSessions();
        return true;
      }
      Complete(index, Code::kFunctionComplete);
      return true;
    case Phase::kInDevice:
    case Phase::kAborting:
      return false;
  }
  return false;
}

// RFC 7143 §4.2.3.4: with FastAbort the initiator sends no more. (What the target fetches by RDMA
// it waits for all the same.)
bool TaskManager::WaitsForData() const {
  if (session_->Has(Bug::kAbortSetNoWaitForData)) return false;
  if (session_->parameters().task_reporting != TaskReporting::kFastAbort) return true;
  return !session_->connection()->traits().solicited_data_out ||
         session_->Has(Bug::kFastAbortWaitsForData);
}

bool TaskManager::CommandsAreMissing(const TaskManagementRequest& request) const {
  return base::SerialLess(session_->window().exp_cmd_sn(), request.cmd_sn);
}

// RFC 7143 §11.5.1: commands of this session with a lower CmdSN; for resets all.
bool TaskManager::Covers(const TaskManagementRequest& request, const IscsiTask& request_task,
                         const IscsiTask& task) const {
  if (task.opcode != Opcode::kScsiCommand || task.state == TaskState::kDone ||
      task.state == TaskState::kArriving) {
    return false;
  }
  if (IsTargetReset(request.function)) return true;
  if (task.lun != request.lun && !TakesAllLuns(request)) return false;
  if (IsReset(request.function) || session_->Has(Bug::kAbortSetTakesLater)) return true;
  // An immediate command has the number of the one that follows it.
  if (task.immediate) {
    return task.arrival < request_task.arrival &&
           base::SerialLessOrEqual(task.cmd_sn, request.cmd_sn);
  }
  return base::SerialLess(task.cmd_sn, request.cmd_sn);
}

// A defect.
bool TaskManager::TakesAllLuns(const TaskManagementRequest& request) const {
  return (session_->Has(Bug::kAbortSetTakesAllLuns) &&
          request.function == TmFunction::kAbortTaskSet) ||
         (session_->Has(Bug::kLunResetTakesAllLuns) &&
          request.function == TmFunction::kLogicalUnitReset);
}

template <typename Predicate>
bool TaskManager::AnyCovered(const Function& function, Predicate predicate) const {
  for (IscsiTask* task = session_->oldest_task(); task != nullptr; task = task->newer) {
    if (Covers(function.request, *function.task, *task) && predicate(*task)) return true;
  }
  return false;
}

// From here on these tasks neither ask for data nor run.
void TaskManager::MarkCovered(const Function& function) {
  AnyCovered(function, [](IscsiTask& task) {
    task.abort_asked = true;
    if (task.data_out_due) task.write_flow.StopSoliciting();
    return false;
  });
}

void TaskManager::StartInDevice(Function& function) {
  function.phase = Phase::kInDevice;
  MarkCovered(function);
  TaskManagement management = TaskManagement::kTargetReset;
  switch (function.request.function) {
    case TmFunction::kAbortTaskSet:
      management = session_->Has(Bug::kAbortSetTakesAllNexuses) ? TaskManagement::kClearTaskSet
                                                                : TaskManagement::kAbortTaskSet;
      break;
    case TmFunction::kClearTaskSet:
      management = session_->Has(Bug::kClearTaskSetOwnTasksOnly) ? TaskManagement::kAbortTaskSet
                                                                 : TaskManagement::kClearTaskSet;
      break;
    case TmFunction::kLogicalUnitReset:
      management = TaskManagement::kLogicalUnitReset;
      break;
    default:
      break;
  }
  if (session_->Has(Bug::kAbortSetLateResponses)) {
    AnyCovered(function, [this](IscsiTask& task) {
      session_->AnswerLate(task);
      return false;
    });
  }
  EndOutsideDevice(function);
  if (TakesAllLuns(function.request)) {
    AnyCovered(function, [this](IscsiTask& task) {
      if (task.device_ref) session_->scsi().Abort(&task);
      return false;
    });
  }
  // The filter is asked within the call, the answer may outlive the session.
  const TaskRef task = function.task;
  session_->node().device().ManageTasks(
      session_->nexus(), management, function.request.lun,
      [this, request = function.request, task](const Task& scsi) {
        return Covers(request, *task, *reinterpret_cast<const IscsiTask*>(scsi.order));
      },
      [task](TaskManagementResult result) {
        if (task->session == nullptr || task->state == TaskState::kDone) return;
        task->session->task_manager().OnDeviceDone(task.get(), result);
        task->session->AfterAsyncWork();
      });
}

// Affected commands that the device server doesn't have (any more): they wait for their turn, or
// for the end of data that nobody needs.
void TaskManager::EndOutsideDevice(const Function& function) {
  std::vector<TaskRef> ended;
  AnyCovered(function, [&ended](IscsiTask& task) {
    if (task.state == TaskState::kDraining || task.state == TaskState::kEarly) {
      ended.emplace_back(&task);
    }
    return false;
  });
  for (const TaskRef& task : ended) {
    session_->AbandonEarly(task.get());
    session_->FinishSilently(task.get());
  }
}

void TaskManager::OnDeviceDone(IscsiTask* request, TaskManagementResult result) {
  for (size_t i = 0; i < running_.size(); ++i) {
    if (running_[i].task.get() != request) continue;
    if (result == TaskManagementResult::kLogicalUnitDoesNotExist) {
      return Complete(i, Code::kLunDoesNotExist);
    }
    running_[i].phase = Phase::kWaitingForTasks;
    return Progress();
  }
}

// ---- answers
// ----------------------------------------------------------------------------------------

void TaskManager::Complete(size_t index, TaskManagementResponseCode code) {
  const Function done = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  if (done.request.function == TmFunction::kLogicalUnitReset &&
      session_->Has(Bug::kLunResetUnanswered)) {
    return session_->Finish(done.task.get());
  }
  Respond(done.task.get(), code);
}

void TaskManager::Respond(IscsiTask* task, TaskManagementResponseCode code) {
  if (session_->HasUsedUp(Bug::kTaskManagementSlotsLost)) return session_->Finish(task);
  const bool ends_all =
      TaskManagementRequest::Decode(task->slot->bhs()).function == TmFunction::kTargetColdReset;
  if (ends_all) return Send(task, code);  // this session, too
  session_->AnswerSoon(task, [this, task, code] { Send(task, code); });
}

void TaskManager::Send(IscsiTask* task, TaskManagementResponseCode code) {
  TaskManagementResponse response;
  response.response = code;
  response.initiator_task_tag = task->initiator_task_tag;
  OutPdu pdu;
  pdu.bhs = response.Encode();
  Connection* const connection = task->connection;
  connection->Log(base::LogLevel::kInfo, "task_management", [&](base::LogFields& fields) {
    const auto request = TaskManagementRequest::Decode(task->slot->bhs());
    fields.Add("function", static_cast<int64_t>(request.function))
        .Add("lun", static_cast<int64_t>(request.lun >> 48))
        .Add("response", static_cast<int64_t>(code));
  });
  session_->Finish(task);
  connection->Send(std::move(pdu));
  session_->SendLate(connection);
}

}  // namespace pushpull::target
