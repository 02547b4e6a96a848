// UNMAP (SBC-3 §5.28).

#ifndef TARGET_SCSI_COMMANDS_UNMAP_H_
#define TARGET_SCSI_COMMANDS_UNMAP_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareUnmap(const LogicalUnit& unit, const Task& task);
Step ExecuteUnmap(LogicalUnit& unit, Task& task);
Step ResumeUnmap(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_UNMAP_H_
