// REPORT LUNS (SPC-4 §6.33).

#ifndef TARGET_SCSI_COMMANDS_REPORT_LUNS_H_
#define TARGET_SCSI_COMMANDS_REPORT_LUNS_H_

#include "absl/status/status.h"
#include "target/scsi/command.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/logical_unit.h"
#include "target/scsi/task.h"

namespace pushpull::target::commands {

Prepared PrepareReportLuns(const LogicalUnit& unit, const Task& task);
Step ExecuteReportLuns(LogicalUnit& unit, Task& task);

}  // namespace pushpull::target::commands

#endif  // TARGET_SCSI_COMMANDS_REPORT_LUNS_H_
