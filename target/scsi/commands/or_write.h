// ORWRITE (16) (SBC-3 §5.8).

#ifndef TARGET_SCSI_COMMANDS_OR_WRITE_H_
#define TARGET_SCSI_COMMANDS_OR_WRITE_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareOrWrite(const LogicalUnit& unit, const Task& task);
Step ExecuteOrWrite(LogicalUnit& unit, Task& task);
Step ResumeOrWrite(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_OR_WRITE_H_
