// VERIFY (10), (12), (16), and WRITE AND VERIFY (10), (12), (16) (SBC-3 §5.29 to §5.31, §5.36 to
// §5.38).

#ifndef TARGET_SCSI_COMMANDS_VERIFY_H_
#define TARGET_SCSI_COMMANDS_VERIFY_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareVerify(const LogicalUnit& unit, const Task& task);
Step ExecuteVerify(LogicalUnit& unit, Task& task);
Step ResumeVerify(LogicalUnit& unit, Task& task, const absl::Status& status);

Prepared PrepareWriteAndVerify(const LogicalUnit& unit, const Task& task);
Step ExecuteWriteAndVerify(LogicalUnit& unit, Task& task);
Step ResumeWriteAndVerify(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_VERIFY_H_
