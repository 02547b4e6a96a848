// The memory of a session's commands: whose turn it is to have some, and what is given back.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "target/session/session.h"

namespace pushpull::target {

void ScsiCommands::Enlarge(IscsiTask* task, uint32_t total_bytes) {
  const uint64_t more = task->buffer.GrowthFor(total_bytes);
  memory_in_use_ += more;
  session_->counters().Add(Count::kBufferBytes, static_cast<int64_t>(more));
  task->buffer.Grow(total_bytes);
}

// What comes unasked can't wait: where there is no room it is discarded, and the command ends with
// BUSY when all of it has come.
bool ScsiCommands::GrowForPromised(IscsiTask* task, uint32_t total_bytes) {
  const uint64_t more = task->buffer.GrowthFor(total_bytes);
  if (more == 0) return true;
  if (!session_->node().buffer_budget().TakePromised(more)) {
    task->write_flow.SetFault(WriteFault::kNoRoom);
    return false;
  }
  Enlarge(task, total_bytes);
  return true;
}

bool ScsiCommands::TakeMemory(IscsiTask* task, uint32_t total_bytes) {
  const uint64_t more = task->buffer.GrowthFor(total_bytes);
  if (more == 0) return true;
  BufferBudget& budget = session_->node().buffer_budget();
  const bool room_here = memory_in_use_ + more <= session_->node().options().session_buffer_bytes;
  const bool may_exceed = !room_here && MayExceed(task);
  if ((room_here || may_exceed) && budget.Take(more)) {
    Enlarge(task, total_bytes);
    return true;
  }
  if ((may_exceed || MayExceed(task)) && Borrow(task, total_bytes)) return true;
  task->waits_for_memory = true;
  waiting_for_memory_ = true;
  if (room_here) AwaitBudget();
  return false;
}

// What an older command holds will come free; what a younger one holds may not before this one has
// ended. Nor may a command wait that the older ones may have to wait for: HEAD OF QUEUE, which
// waits for none but, here, an older one of its kind. So a session is never beyond its limits by
// more than two commands.
bool ScsiCommands::MayExceed(const IscsiTask* task) const {
  const bool urgent = task->scsi.attribute == TaskAttribute::kHeadOfQueue;
  for (const IscsiTask* other = session_->oldest_task(); other != task; other = other->newer) {
    if (urgent && other->scsi.attribute != TaskAttribute::kHeadOfQueue) continue;
    if (other->waits_for_memory || other->buffer.capacity() > 0) return false;
  }
  return true;
}

// ---- loans
// ----------------------------------------------------------------------------------------

// All that the command will need: a part of it would be of no use to anybody. False: the session
// stands in the line.
bool ScsiCommands::Borrow(IscsiTask* task, uint32_t total_bytes) {
  uint64_t whole = total_bytes;
  if (task->scsi.direction == DataDirection::kOut) {
    whole = std::max(whole,
                     std::min<uint64_t>(task->scsi.transfer_bytes, uint64_t{task->expected_out()}));
  }
  const uint64_t more = task->buffer.GrowthFor(static_cast<uint32_t>(whole));
  Worker* const worker = &session_->worker();
  BufferBudget* const budget = &session_->node().buffer_budget();
  const SessionId id = session_->id();
  in_line_ = wants_loan_ =
      !budget->Borrow(more, {.key = id, .loop = worker->loop(), .wake = [worker, budget, id] {
                               Session* const session = worker->FindSession(id);
                               if (session == nullptr || session->ending())
                                 return budget->Leave(id);
                               session->scsi().RetryNow();
                             }});
  if (wants_loan_) return false;
  task->lent_bytes += more;
  task->lent_at = worker->loop()->Now();
  Enlarge(task, static_cast<uint32_t>(whole));
  if (!loan_timer_.pending()) StartLoanTimer();
  return true;
}

void ScsiCommands::StartLoanTimer() {
  loan_timer_.Start(session_->node().options().loan_time, [this] { CallIn(); });
}

// Whoever waits for a loan has his turn: who doesn't take or send what he asked for gives it back
// by the end of his connection. What is with a store comes back by itself.
void ScsiCommands::CallIn() {
  const absl::Duration time = session_->node().options().loan_time;
  const absl::Time now = session_->worker().loop()->Now();
  bool lent = false, overdue = false;
  for (IscsiTask* task = session_->oldest_task(); task != nullptr; task = task->newer) {
    if (task->lent_bytes == 0) continue;
    lent = true;
    const bool with_store = task->state == TaskState::kExecuting ||
                            (task->state == TaskState::kDone && task->device_ref);
    overdue |= !with_store && now - task->lent_at >= time;
  }
  if (!lent) return;
  Connection* const connection = session_->connection();
  if (!overdue || connection == nullptr || !session_->node().buffer_budget().anyone_wants_loan()) {
    return StartLoanTimer();
  }
  session_->counters().Add(Count::kLoansCalledIn);
  connection->Log(base::LogLevel::kWarning, "memory_called_in", [](base::LogFields& fields) {
    fields.Add("why", "its command waits for the initiator, and others for the memory");
  });
  connection->Close();
}

// The session ends: what it has comes back with its tasks.
void ScsiCommands::LeaveLine() {
  loan_timer_.Cancel();
  wants_loan_ = false;
  if (std::exchange(in_line_, false)) session_->node().buffer_budget().Leave(session_->id());
}

// ---- who waits
// ------------------------------------------------------------------------------------

void ScsiCommands::OnMemoryReleased(uint64_t bytes) {
  memory_in_use_ -= bytes;
  if (bytes > 0) RetryWaiting();
}

// Later, as the caller is in the midst of something.
void ScsiCommands::RetryWaiting() {
  if (!waiting_for_memory_ || session_->ending()) return;
  waiting_for_memory_ = false;
  session_->worker().loop()->Post([worker = &session_->worker(), id = session_->id()] {
    Session* const session = worker->FindSession(id);
    if (session != nullptr && !session->ending()) session->scsi().RetryNow();
  });
}

void ScsiCommands::RetryNow() {
  wants_loan_ = false;
  for (IscsiTask* task = session_->oldest_task(); task != nullptr;) {
    const TaskRef keep(task);
    if (std::exchange(task->waits_for_memory, false)) Advance(task);
    task = task->newer;
  }
  // Its command has what it wanted from elsewhere, or has ended.
  if (in_line_ && !wants_loan_) {
    in_line_ = false;
    session_->node().buffer_budget().Leave(session_->id());
  }
  if (session_->connection() != nullptr) session_->connection()->ReadOn();
  session_->AfterAsyncWork();
}

// ---- what all sessions share
// ----------------------------------------------------------------------

// Once for all that wait here: other sessions' memory may be what comes free.
void ScsiCommands::AwaitBudget() {
  waiting_for_memory_ = true;
  if (std::exchange(awaits_budget_, true)) return;
  session_->counters().Add(Count::kBufferWaits);
  Worker* const worker = &session_->worker();
  BufferBudget* const budget = &session_->node().buffer_budget();
  budget->Wait(worker->loop(), [worker, budget, id = session_->id()] {
    Session* const session = worker->FindSession(id);
    if (session == nullptr || session->ending()) return budget->Wake();
    session->scsi().awaits_budget_ = session->scsi().waiting_for_memory_ = false;
    session->scsi().RetryNow();
    if (!session->scsi().awaits_budget_) budget->Wake();
  });
}

bool ScsiCommands::MustHold() {
  if (!session_->node().buffer_budget().used_up() || memory_in_use_ == 0) return false;
  AwaitBudget();
  return true;
}

bool ScsiCommands::MustPause() {
  if (!session_->node().buffer_budget().used_up() || memory_in_use_ == 0) return false;
  // Data that is due comes on the same connection, and sets memory free at its end.
  for (IscsiTask* task = session_->oldest_task(); task != nullptr; task = task->newer) {
    const bool gathers = task->state == TaskState::kGathering ||
                         task->state == TaskState::kDraining || task->state == TaskState::kEarly;
    if (task->state == TaskState::kArriving || (gathers && task->data_out_due)) return false;
  }
  AwaitBudget();
  return true;
}

}  // namespace pushpull::target
