#include "target/scsi/commands/read.h"

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

// READ (6) has no FUA; in all others it is bit 3 of the flags.
bool Fua(const Task& task) { return task.cdb[0] != 0x08 && (BlockFlagsOf(task) & 0x08) != 0; }

}  // namespace

Prepared PrepareRead(const LogicalUnit& unit, const Task& task) {
  constexpr uint8_t kRead6 = 0x08;
  const bool nothing = task.cdb[0] == kRead6 && task.cdb[4] == 0;
  if (nothing && unit.device().bugs.Has(Bug::kScsiReadSixZeroNothing)) return NoData();
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

// SBC-3 §5.8: with FUA, what was read is on the medium before it is answered.
Step ResumeRead(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(ReadFailure(status));
  Io& io = task.work.io;
  const bool fua = Fua(task) && !unit.device().bugs.Has(Bug::kFuaReadFromCache);
  const bool may_be_cached = io.op == Io::Op::kRead && fua && unit.has_volatile_cache();
  return may_be_cached ? Flush(&io) : Step::Good();
}

}  // namespace pushpull::target::commands
