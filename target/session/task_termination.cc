#include "target/session/task_termination.h"

#include <algorithm>
#include <utility>

#include "base/serial.h"
#include "target/pdu/response.h"
#include "target/session/session.h"

namespace pushpull::target {

void TaskTermination::OnEndedByOther(const IscsiTask& task) {
  if (session_->Has(Bug::kResetLateResponses)) session_->AnswerLate(task);
  const bool fast_abort = session_->parameters().task_reporting == TaskReporting::kFastAbort;
  if (!fast_abort && !session_->Has(Bug::kTaskTerminationUnasked)) return;
  if (session_->Has(Bug::kTaskTerminationUntold)) return;
  const auto told = std::ranges::find(told_, task.lun, &Told::lun);
  if (told != told_.end()) {
    told->again |= task.arrival > told->last_arrival;
    return;
  }
  if (std::ranges::count(luns_, task.lun) == 0) luns_.push_back(task.lun);
  // The others that ended with it come before: one message tells of all.
  if (std::exchange(posted_, true)) return;
  Worker* const worker = &session_->worker();
  worker->loop()->Post([worker, id = session_->id()] {
    if (Session* const session = worker->FindSession(id)) session->task_termination().Tell();
  });
}

void TaskTermination::Tell() {
  posted_ = false;
  Connection* const connection = session_->connection();
  const std::vector<uint64_t> luns = std::exchange(luns_, {});
  if (connection == nullptr || session_->ending()) return;
  for (const uint64_t lun : luns) {
    AsyncMessage message;
    message.async_event = AsyncEvent::kTaskTermination;
    if (!session_->Has(Bug::kTaskTerminationLunMissing)) message.lun = lun;
    OutPdu pdu;
    pdu.bhs = message.Encode();
    connection->Send(std::move(pdu));
    told_.push_back({lun, connection->stat_sn().next() - 1, session_->last_arrival(), false});
  }
}

void TaskTermination::OnNopOut(Connection& connection, const NopOut& nop) {
  const auto told = std::ranges::find(told_, nop.lun, &Told::lun);
  if (told == told_.end() || !base::SerialGreater(nop.exp_stat_sn, told->stat_sn)) return;
  const bool again = told->again;
  told_.erase(told);
  connection.stale_transfers.Forget(nop.lun);
  if (!again) return;
  luns_.push_back(nop.lun);
  Tell();
}

void TaskTermination::Clear() {
  luns_.clear();
  told_.clear();
}

}  // namespace pushpull::target
