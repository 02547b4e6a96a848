#include "target/scsi/commands/start_stop_unit.h"

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

bool StartBit(const Task& task) { return (task.cdb[4] & 0x01) != 0; }
bool NoFlush(const Task& task) { return (task.cdb[4] & 0x04) != 0; }

}  // namespace

// There are no power conditions and there is nothing to load: these fields are reserved for this
// unit (the command table knows). IMMED makes no difference: it is all done at once.
Prepared PrepareStartStopUnit(const LogicalUnit& /*unit*/, const Task& /*task*/) {
  return NoData();
}

Step ExecuteStartStopUnit(LogicalUnit& unit, Task& task) {
  if (unit.device().bugs.Has(Bug::kScsiStopIgnored)) return Step::Good();
  if (StartBit(task) || NoFlush(task)) {
    unit.parameters().stopped = !StartBit(task);
    return Step::Good();
  }
  return Flush(&task.work.io);
}

Step ResumeStartStopUnit(LogicalUnit& unit, Task& /*task*/, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(WriteFailure(status));
  unit.parameters().stopped = true;
  return Step::Good();
}

}  // namespace pushpull::target::commands
