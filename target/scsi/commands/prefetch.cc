#include "target/scsi/commands/prefetch.h"

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {

Prepared PreparePrefetch(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY(CheckRange(unit, task));
  if (unit.device().bugs.Has(Bug::kScsiPrefetchRefused)) return InvalidField(LengthByte(task));
  return NoData();
}

// GOOD, and not CONDITION MET: the blocks weren't all put into a cache, as there is none of blocks
// that were read.
Step ExecutePrefetch(LogicalUnit& /*unit*/, Task& /*task*/) { return Step::Good(); }

}  // namespace pushpull::target::commands
