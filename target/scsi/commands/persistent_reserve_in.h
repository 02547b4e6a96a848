// PERSISTENT RESERVE IN (SPC-4 §6.15).

#ifndef TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_IN_H_
#define TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_IN_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PreparePersistentReserveIn(const LogicalUnit& unit, const Task& task);
Step ExecutePersistentReserveIn(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_PERSISTENT_RESERVE_IN_H_
