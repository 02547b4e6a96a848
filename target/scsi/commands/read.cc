#include "target/scsi/commands/read.h"

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {

Prepared PrepareRead(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  return Transfer{DataDirection::kIn, uint64_t{range.blocks} * unit.block_size()};
}

Step ExecuteRead(LogicalUnit& unit, Task& task) {
  const uint64_t bytes = UsableBytes(task);
  if (bytes == 0) return Step::Good();
  Io& io = task.work.io;
  io.op = Io::Op::kRead;
  io.durable = false;
  io.offset = BlockRangeOf(task).lba * unit.block_size();
  io.buffers = FirstBytes(task, bytes);
  task.result.data_in_bytes = bytes;
  return Step::Transfer();
}

Step ResumeRead(LogicalUnit& /*unit*/, Task& /*task*/, const absl::Status& status) {
  return status.ok() ? Step::Good() : Step::Fail(ReadFailure(status));
}

}  // namespace pushpull::target::commands
