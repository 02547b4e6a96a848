#include "target/scsi/commands/test_unit_ready.h"

namespace pushpull::target::commands {

Prepared PrepareTestUnitReady(const LogicalUnit& /*unit*/, const Task& /*task*/) {
  return NoData();
}

Step ExecuteTestUnitReady(LogicalUnit& /*unit*/, Task& /*task*/) { return Step::Good(); }

}  // namespace pushpull::target::commands
