#include "target/scsi/commands/write.h"

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

// WRITE (6) has no FUA; in all others it is bit 3 of byte 1.
bool Fua(const Task& task) { return task.cdb[0] != 0x0a && (task.cdb[1] & 0x08) != 0; }

}  // namespace

Prepared PrepareWrite(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  return DataOut(uint64_t{range.blocks} * unit.block_size());
}

Step ExecuteWrite(LogicalUnit& unit, Task& task) {
  uint64_t bytes = UsableBytes(task);
  bytes -= bytes % unit.block_size();
  if (bytes == 0) return Step::Good();
  Io& io = task.work.io;
  io.op = Io::Op::kWrite;
  io.durable = Fua(task) || !unit.parameters().write_cache;
  io.offset = BlockRangeOf(task).lba * unit.block_size();
  io.buffers = FirstBytes(task, bytes);
  return Step::Transfer();
}

Step ResumeWrite(LogicalUnit& /*unit*/, Task& /*task*/, const absl::Status& status) {
  return status.ok() ? Step::Good() : Step::Fail(WriteFailure(status));
}

}  // namespace pushpull::target::commands
