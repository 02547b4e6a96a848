#include "target/scsi/commands/reservation_change.h"

#include <utility>

#include "absl/status/status.h"
#include "target/scsi/nexus.h"
#include "target/scsi/reservations.h"

namespace pushpull::target::commands {

Step ChangeReservations(LogicalUnit& unit, Task& task, absl::AnyInvocable<void()> change,
                        decltype(CommandEntry::resume) resume) {
  if (!unit.reservations().waits()) {
    change();
    return resume(unit, task, absl::OkStatus());
  }
  unit.reservations().RunOnThread(
      [&unit, &task, loop = task.nexus->loop(), change = std::move(change)]() mutable {
        change();
        // From here on the unit and the task may go.
        loop->Post([&unit, &task] { unit.Continue(&task, absl::OkStatus()); });
      });
  return Step::Wait();
}

}  // namespace pushpull::target::commands
