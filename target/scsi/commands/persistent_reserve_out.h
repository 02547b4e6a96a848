// PERSISTENT RESERVE OUT (SPC-4 §6.16).

#ifndef TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_OUT_H_
#define TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_OUT_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PreparePersistentReserveOut(const LogicalUnit& unit, const Task& task);
Step ExecutePersistentReserveOut(LogicalUnit& unit, Task& task);
Step ResumePersistentReserveOut(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_OUT_H_
