// READ (6), (10), (12), (16) (SBC-3 §5.10 to §5.13).

#ifndef TARGET_SCSI_COMMANDS_READ_H_
#define TARGET_SCSI_COMMANDS_READ_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareRead(const LogicalUnit& unit, const Task& task);
Step ExecuteRead(LogicalUnit& unit, Task& task);
Step ResumeRead(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_READ_H_
