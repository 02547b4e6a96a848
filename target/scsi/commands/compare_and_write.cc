#include "target/scsi/commands/compare_and_write.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

struct CompareState : CommandState {
  std::vector<uint8_t> medium;
  std::optional<uint64_t> differs;  // of a defective target, which writes all the same
  iovec buffer{};
};

bool Fua(const Task& task) { return (task.cdb[1] & 0x08) != 0; }

uint64_t BytesOf(const LogicalUnit& unit, const Task& task) {
  return uint64_t{BlockRangeOf(task).blocks} * unit.block_size();
}

// The offset of the first byte of the data that isn't as the medium has it.
Step Miscompare(const LogicalUnit& unit, uint64_t offset) {
  if (unit.device().bugs.Has(Bug::kScsiMiscompareAtBlock)) offset -= offset % unit.block_size();
  Sense sense = sense::kMiscompareDuringVerify;
  sense.information = offset;
  return Step::Fail(sense);
}

}  // namespace

Prepared PrepareCompareAndWrite(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY(CheckTransferRange(unit, task));
  return DataOut(2 * BytesOf(unit, task));
}

// Nobody else comes between the read and the write (the command table knows).
Step ExecuteCompareAndWrite(LogicalUnit& unit, Task& task) {
  if (task.transfer_bytes == 0) return Step::Good();
  // Neither half is there if not both are.
  if (UsableBytes(task) < task.transfer_bytes) return Step::Fail(InvalidField(LengthByte(task)));
  auto state = std::make_unique<CompareState>();
  state->medium.resize(BytesOf(unit, task));
  state->buffer = {state->medium.data(), state->medium.size()};
  Io& io = task.work.io;
  io.op = Io::Op::kRead;
  io.durable = false;
  io.offset = BlockRangeOf(task).lba * unit.block_size();
  io.buffers = {&state->buffer, 1};
  task.work.state = std::move(state);
  return Step::Transfer();
}

Step ResumeCompareAndWrite(LogicalUnit& unit, Task& task, const absl::Status& status) {
  Io& io = task.work.io;
  if (io.op == Io::Op::kFlush || io.op == Io::Op::kWrite) {
    const auto& state = static_cast<const CompareState&>(*task.work.state);
    if (state.differs.has_value()) return Miscompare(unit, *state.differs);
    if (!status.ok()) return Step::Fail(WriteFailure(status));
    return io.op == Io::Op::kFlush || io.durable ? Step::Good() : FlushUnlessCached(unit, task);
  }
  if (!status.ok()) return Step::Fail(ReadFailure(status));
  auto& state = static_cast<CompareState&>(*task.work.state);
  const BugSet& bugs = unit.device().bugs;
  base::Bytes compared(state.medium);
  if (bugs.Has(Bug::kScsiCompareFirstBlockOnly)) compared = compared.first(unit.block_size());
  if (const auto offset = FirstDifference(task.data, 0, compared)) {
    if (!bugs.Has(Bug::kScsiCompareWritesAlways)) return Miscompare(unit, *offset);
    state.differs = offset;
  }
  io.op = Io::Op::kWrite;
  io.durable = Fua(task) || !MayCache(unit);
  const bool first = bugs.Has(Bug::kScsiCompareWritesWhatItCompared);
  const bool short_write = bugs.Has(Bug::kScsiCompareWritesFirstOnly);
  io.buffers = BytesFrom(task, first ? 0 : state.medium.size(),
                         short_write ? unit.block_size() : state.medium.size());
  return Step::Transfer();
}

}  // namespace pushpull::target::commands
