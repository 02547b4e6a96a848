// MODE SELECT (6) and (10) (SPC-4 §6.9, §6.10).

#ifndef TARGET_SCSI_COMMANDS_MODE_SELECT_H_
#define TARGET_SCSI_COMMANDS_MODE_SELECT_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareModeSelect(const LogicalUnit& unit, const Task& task);
Step ExecuteModeSelect(LogicalUnit& unit, Task& task);
Step ResumeModeSelect(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_MODE_SELECT_H_
