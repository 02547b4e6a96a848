// REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS (SPC-4 §6.35, §6.36).

#ifndef TARGET_SCSI_COMMANDS_REPORT_SUPPORTED_H_
#define TARGET_SCSI_COMMANDS_REPORT_SUPPORTED_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReportOperationCodes(const LogicalUnit& unit, const Task& task);
Step ExecuteReportOperationCodes(LogicalUnit& unit, Task& task);

Prepared PrepareReportTaskManagement(const LogicalUnit& unit, const Task& task);
Step ExecuteReportTaskManagement(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_REPORT_SUPPORTED_H_
