// WRITE SAME (10), (16) (SBC-3 §5.46, §5.47).

#ifndef TARGET_SCSI_COMMANDS_WRITE_SAME_H_
#define TARGET_SCSI_COMMANDS_WRITE_SAME_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareWriteSame(const LogicalUnit& unit, const Task& task);
Step ExecuteWriteSame(LogicalUnit& unit, Task& task);
Step ResumeWriteSame(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_WRITE_SAME_H_
