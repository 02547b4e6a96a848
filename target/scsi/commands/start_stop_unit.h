// START STOP UNIT (SBC-3 §5.20).

#ifndef TARGET_SCSI_COMMANDS_START_STOP_UNIT_H_
#define TARGET_SCSI_COMMANDS_START_STOP_UNIT_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareStartStopUnit(const LogicalUnit& unit, const Task& task);
Step ExecuteStartStopUnit(LogicalUnit& unit, Task& task);
Step ResumeStartStopUnit(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_START_STOP_UNIT_H_
