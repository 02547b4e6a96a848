#include "target/scsi/commands/reserve_release.h"

#include <memory>
#include <utility>

#include "target/scsi/commands/reservation_change.h"
#include "target/scsi/reservations.h"

namespace pushpull::target::commands {
namespace {

struct AnswerState : CommandState {
  bool allowed = false;
};

// A registration that is being saved has come before.
Step Change(LogicalUnit& unit, Task& task, bool (Reservations::*change)(const Nexus&)) {
  auto owned = std::make_unique<AnswerState>();
  AnswerState& state = *owned;
  task.work.state = std::move(owned);
  // One that waited, and was aborted by a reset, mustn't come after that.
  const auto run = [&unit, &task, &state, nexus = task.nexus, change] {
    unit.RunUnlessAborted(task, [&] { state.allowed = (unit.reservations().*change)(*nexus); });
  };
  return ChangeReservations(unit, task, run, ResumeReserveRelease);
}

}  // namespace

// Third parties and extents are reserved fields for this unit (the command table knows).
Prepared PrepareReserveRelease(const LogicalUnit& /*unit*/, const Task& /*task*/) {
  return NoData();
}

Step ExecuteReserve(LogicalUnit& unit, Task& task) {
  return Change(unit, task, &Reservations::ReserveUnit);
}

Step ExecuteRelease(LogicalUnit& unit, Task& task) {
  return Change(unit, task, &Reservations::ReleaseUnit);
}

Step ResumeReserveRelease(LogicalUnit& /*unit*/, Task& task, const absl::Status& /*always OK*/) {
  const bool allowed = static_cast<const AnswerState&>(*task.work.state).allowed;
  return allowed ? Step::Good() : Step::End(ScsiStatus::kReservationConflict);
}

}  // namespace pushpull::target::commands
