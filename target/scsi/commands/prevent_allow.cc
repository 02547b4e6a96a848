#include "target/scsi/commands/prevent_allow.h"

namespace pushpull::target::commands {

Prepared PreparePreventAllow(const LogicalUnit& /*unit*/, const Task& task) {
  // 10b and 11b are obsolete.
  if ((task.cdb[4] & 0x02) != 0) return InvalidField(4, 1);
  return NoData();
}

// The medium can't be removed, whether that is prevented or not.
Step ExecutePreventAllow(LogicalUnit& /*unit*/, Task& /*task*/) { return Step::Good(); }

}  // namespace pushpull::target::commands
