// RESERVE (6) and RELEASE (6) (SPC-2 §7.16, §7.21): of the whole unit, for oneself.

#ifndef TARGET_SCSI_COMMANDS_RESERVE_RELEASE_H_
#define TARGET_SCSI_COMMANDS_RESERVE_RELEASE_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReserveRelease(const LogicalUnit& unit, const Task& task);
Step ExecuteReserve(LogicalUnit& unit, Task& task);
Step ExecuteRelease(LogicalUnit& unit, Task& task);
Step ResumeReserveRelease(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_RESERVE_RELEASE_H_
