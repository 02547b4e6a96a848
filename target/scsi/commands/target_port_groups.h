// REPORT TARGET PORT GROUPS and SET TARGET PORT GROUPS (SPC-4 §6.37, §6.45): asymmetric access,
// with one group, which is always active/optimized.

#ifndef TARGET_SCSI_COMMANDS_TARGET_PORT_GROUPS_H_
#define TARGET_SCSI_COMMANDS_TARGET_PORT_GROUPS_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReportTargetPortGroups(const LogicalUnit& unit, const Task& task);
Step ExecuteReportTargetPortGroups(LogicalUnit& unit, Task& task);

Prepared PrepareSetTargetPortGroups(const LogicalUnit& unit, const Task& task);
Step ExecuteSetTargetPortGroups(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_TARGET_PORT_GROUPS_H_
