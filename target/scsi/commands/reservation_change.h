// What changes reservations waits for its being saved (APTPL), and no loop does.

#ifndef TARGET_SCSI_COMMANDS_RESERVATION_CHANGE_H_
#define TARGET_SCSI_COMMANDS_RESERVATION_CHANGE_H_

#include "absl/functional/any_invocable.h"
#include "target/scsi/command.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

// Runs `change`, on another thread where it may have to wait, and then `resume`, which is the
// command's. The task stays until then, whatever becomes of it.
Step ChangeReservations(LogicalUnit& unit, Task& task, absl::AnyInvocable<void()> change,
                        decltype(CommandEntry::resume) resume);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_RESERVATION_CHANGE_H_
