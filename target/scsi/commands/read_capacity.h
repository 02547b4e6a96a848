// READ CAPACITY (10) and (16) (SBC-3 §5.15, §5.16).

#ifndef TARGET_SCSI_COMMANDS_READ_CAPACITY_H_
#define TARGET_SCSI_COMMANDS_READ_CAPACITY_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReadCapacity10(const LogicalUnit& unit, const Task& task);
Step ExecuteReadCapacity10(LogicalUnit& unit, Task& task);

Prepared PrepareReadCapacity16(const LogicalUnit& unit, const Task& task);
Step ExecuteReadCapacity16(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_READ_CAPACITY_H_
