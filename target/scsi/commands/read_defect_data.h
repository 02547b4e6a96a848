// READ DEFECT DATA (10), (12) (SBC-3 §5.20, §5.21).

#ifndef TARGET_SCSI_COMMANDS_READ_DEFECT_DATA_H_
#define TARGET_SCSI_COMMANDS_READ_DEFECT_DATA_H_

#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReadDefectData(const LogicalUnit& unit, const Task& task);
Step ExecuteReadDefectData(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_READ_DEFECT_DATA_H_
