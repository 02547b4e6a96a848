// EXTENDED COPY (LID1) and RECEIVE COPY RESULTS (SPC-4 §6.4, §6.20): from blocks to blocks, within
// a unit and between units of this target.

#ifndef TARGET_SCSI_COMMANDS_EXTENDED_COPY_H_
#define TARGET_SCSI_COMMANDS_EXTENDED_COPY_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareExtendedCopy(const LogicalUnit& unit, const Task& task);
Step ExecuteExtendedCopy(LogicalUnit& unit, Task& task);
Step ResumeExtendedCopy(LogicalUnit& unit, Task& task, const absl::Status& status);

Prepared PrepareReceiveCopyResults(const LogicalUnit& unit, const Task& task);
Step ExecuteReceiveCopyResults(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_EXTENDED_COPY_H_
