// GET LBA STATUS (SBC-3 §5.4).

#ifndef TARGET_SCSI_COMMANDS_GET_LBA_STATUS_H_
#define TARGET_SCSI_COMMANDS_GET_LBA_STATUS_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareGetLbaStatus(const LogicalUnit& unit, const Task& task);
Step ExecuteGetLbaStatus(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_GET_LBA_STATUS_H_
