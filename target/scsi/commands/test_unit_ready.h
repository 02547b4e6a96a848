// TEST UNIT READY (SPC-4 §6.47).

#ifndef TARGET_SCSI_COMMANDS_TEST_UNIT_READY_H_
#define TARGET_SCSI_COMMANDS_TEST_UNIT_READY_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareTestUnitReady(const LogicalUnit& unit, const Task& task);
Step ExecuteTestUnitReady(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_TEST_UNIT_READY_H_
