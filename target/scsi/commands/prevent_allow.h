// PREVENT ALLOW MEDIUM REMOVAL (SBC-3 §5.9).

#ifndef TARGET_SCSI_COMMANDS_PREVENT_ALLOW_H_
#define TARGET_SCSI_COMMANDS_PREVENT_ALLOW_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PreparePreventAllow(const LogicalUnit& unit, const Task& task);
Step ExecutePreventAllow(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_PREVENT_ALLOW_H_
