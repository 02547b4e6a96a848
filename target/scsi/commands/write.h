// WRITE (6), (10), (12), (16) (SBC-3 §5.32 to §5.35), WRITE ATOMIC (16) (SBC-4 §5.50).

#ifndef TARGET_SCSI_COMMANDS_WRITE_H_
#define TARGET_SCSI_COMMANDS_WRITE_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareWrite(const LogicalUnit& unit, const Task& task);
Step ExecuteWrite(LogicalUnit& unit, Task& task);
Step ResumeWrite(LogicalUnit& unit, Task& task, const absl::Status& status);

// The rest of it is as with WRITE.
Prepared PrepareWriteAtomic(const LogicalUnit& unit, const Task& task);
Step ExecuteWriteAtomic(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_WRITE_H_
