// SYNCHRONIZE CACHE (10), (16) (SBC-3 §5.22, §5.23).

#ifndef TARGET_SCSI_COMMANDS_SYNCHRONIZE_CACHE_H_
#define TARGET_SCSI_COMMANDS_SYNCHRONIZE_CACHE_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareSynchronizeCache(const LogicalUnit& unit, const Task& task);
Step ExecuteSynchronizeCache(LogicalUnit& unit, Task& task);
Step ResumeSynchronizeCache(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_SYNCHRONIZE_CACHE_H_
