// SANITIZE: OVERWRITE, BLOCK ERASE, EXIT FAILURE MODE. (SBC-3 §5.30) There is no CRYPTOGRAPHIC
// ERASE: nothing on the medium is encrypted, so that no key could be thrown away.

#ifndef TARGET_SCSI_COMMANDS_SANITIZE_H_
#define TARGET_SCSI_COMMANDS_SANITIZE_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareSanitize(const LogicalUnit& unit, const Task& task);
Step ExecuteSanitize(LogicalUnit& unit, Task& task);
Step ResumeSanitize(LogicalUnit& unit, Task& task, const absl::Status& status);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_SANITIZE_H_
