#include "target/scsi/commands/write.h"

#include <span>
#include <utility>
#include <vector>

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

// WRITE (6) has no FUA; in all others it is bit 3 of the flags.
bool Fua(const Task& task) { return task.cdb[0] != 0x0a && (BlockFlagsOf(task) & 0x08) != 0; }

bool IsAtomic(const Task& task) { return task.cdb[0] == 0x9c; }

// Bug::kMissingDataInvented: the `bytes` that came, until there are enough.
std::span<const iovec> Repeated(Task& task, uint64_t bytes) {
  const std::span<const iovec> came = BytesFrom(task, 0, bytes);
  std::vector<iovec> all;
  for (uint64_t made = 0; made < task.transfer_bytes; made += bytes) {
    all.insert(all.end(), came.begin(), came.end());
  }
  return task.work.buffers = std::move(all);
}

}  // namespace

Prepared PrepareWrite(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  if (range.blocks == 0 && unit.device().bugs.Has(Bug::kScsiWriteOfNothingRefused)) {
    return InvalidField(LengthByte(task));
  }
  return DataOut(uint64_t{range.blocks} * unit.block_size());
}

Step ExecuteWrite(LogicalUnit& unit, Task& task) {
  uint64_t bytes = UsableBytes(task);
  bytes -= bytes % unit.block_size();
  if (bytes == 0 || unit.device().bugs.Has(Bug::kScsiWritesForgotten)) return Step::Good();
  Io& io = task.work.io;
  io.op = Io::Op::kWrite;
  const bool fua = Fua(task) && !unit.device().bugs.Has(Bug::kFuaIgnored);
  io.durable = fua || !MayCache(unit);
  io.offset = BlockRangeOf(task).lba * unit.block_size();
  if (IsAtomic(task) && unit.device().bugs.Has(Bug::kScsiAtomicWriteCut)) {
    bytes -= unit.block_size();
    if (bytes == 0) return Step::Good();
  }
  const bool invents = unit.device().bugs.Has(Bug::kMissingDataInvented);
  io.buffers = invents ? Repeated(task, bytes) : FirstBytes(task, bytes);
  return Step::Transfer();
}

Step ResumeWrite(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(WriteFailure(status));
  const Io& io = task.work.io;
  if (io.op == Io::Op::kFlush || io.durable) return Step::Good();
  // The cache may have been turned off while this was on its way.
  return FlushUnlessCached(unit, task);
}

// Others keep off its blocks meanwhile (the command table knows). There are no boundaries within
// it.
Prepared PrepareWriteAtomic(const LogicalUnit& unit, const Task& task) {
  const BlockRange range = BlockRangeOf(task);
  PUSHPULL_TRY(CheckWithin(unit, range));
  if (range.blocks > unit.max_atomic_blocks()) return InvalidField(LengthByte(task));
  return DataOut(uint64_t{range.blocks} * unit.block_size());
}

// All of it or nothing: of less than was promised nothing is written.
Step ExecuteWriteAtomic(LogicalUnit& unit, Task& task) {
  if (UsableBytes(task) < task.transfer_bytes) return Step::Fail(InvalidField(LengthByte(task)));
  return ExecuteWrite(unit, task);
}

}  // namespace pushpull::target::commands
