// MODE SENSE (6) and (10) (SPC-4 §6.11, §6.12).

#ifndef TARGET_SCSI_COMMANDS_MODE_SENSE_H_
#define TARGET_SCSI_COMMANDS_MODE_SENSE_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareModeSense(const LogicalUnit& unit, const Task& task);
Step ExecuteModeSense(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_MODE_SENSE_H_
