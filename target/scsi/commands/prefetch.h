// PRE-FETCH (10), (16) (SBC-3 §5.10, §5.11).

#ifndef TARGET_SCSI_COMMANDS_PREFETCH_H_
#define TARGET_SCSI_COMMANDS_PREFETCH_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PreparePrefetch(const LogicalUnit& unit, const Task& task);
Step ExecutePrefetch(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_PREFETCH_H_
