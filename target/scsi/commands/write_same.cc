#include "target/scsi/commands/write_same.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kChunkBytes = 256 << 10;

bool UnmapBit(const Task& task) { return (BlockFlagsOf(task) & 0x08) != 0; }
// NO DATA-OUT BUFFER: zeros. Reserved in the short form (the command table knows).
bool NoDataOut(const Task& task) { return (BlockFlagsOf(task) & 0x01) != 0; }

struct WriteSameState : CommandState {
  std::vector<uint8_t> chunk;  // the block, again and again; empty: it is unmapped
  iovec buffer{};
  uint64_t position = 0;  // bytes from the LBA
  uint64_t rested_at = 0;
  uint64_t end = 0;
};

// 0 blocks: all to the end of the medium (WSNZ = 0).
base::Result<BlockRange, Sense> RangeOf(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(BlockRange range, CheckRange(unit, task));
  const uint64_t blocks = range.blocks == 0 ? unit.blocks() - range.lba : range.blocks;
  const bool checks = !unit.device().bugs.Has(Bug::kScsiLimitsUnchecked);
  if (checks && blocks > unit.max_write_same_blocks()) return InvalidField(LengthByte(task));
  if (range.blocks == 0 && unit.device().bugs.Has(Bug::kScsiWriteSameZeroNothing)) return range;
  range.blocks = static_cast<uint32_t>(blocks);
  return range;
}

// The block that came; empty if less did.
std::vector<uint8_t> BlockOf(const LogicalUnit& unit, const Task& task) {
  std::vector<uint8_t> block;
  if (NoDataOut(task)) {
    const bool ones = unit.device().bugs.Has(Bug::kScsiWriteSameNdobOnes);
    block.resize(unit.block_size(), ones ? 0xff : 0);
    return block;
  }
  if (UsableBytes(task) < unit.block_size()) return block;
  for (const iovec& buffer : task.data) {
    const auto* bytes = static_cast<const uint8_t*>(buffer.iov_base);
    const size_t part = std::min<size_t>(buffer.iov_len, unit.block_size() - block.size());
    block.insert(block.end(), bytes, bytes + part);
  }
  return block;
}

bool IsZero(base::Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

Step DoNextSlice(LogicalUnit& unit, Task& task) {
  auto& state = static_cast<WriteSameState&>(*task.work.state);
  if (state.position == state.end) return FlushUnlessCached(unit, task);
  const uint64_t most = state.chunk.empty() ? kUnmapSliceBytes : kWriteSliceBytes;
  if (state.position - state.rested_at == most) {
    state.rested_at = state.position;
    return Rest(unit, task);
  }
  const uint64_t begin = BlockRangeOf(task).lba * unit.block_size() + state.position;
  uint64_t bytes = std::min(state.end - state.position, most);
  Io& io = task.work.io;
  if (state.chunk.empty()) {
    SetUnmap(begin, bytes, &io);
  } else {
    bytes = std::min<uint64_t>(bytes, state.chunk.size());
    state.buffer = {state.chunk.data(), bytes};
    io.op = Io::Op::kWrite;
    io.durable = false;
    io.offset = begin;
    io.buffers = {&state.buffer, 1};
  }
  state.position += bytes;
  return Step::Transfer();
}

}  // namespace

Prepared PrepareWriteSame(const LogicalUnit& unit, const Task& task) {
  if (UnmapBit(task) && !unit.can_unmap()) return InvalidField(BlockFlagsByte(task), 3);
  PUSHPULL_TRY_ASSIGN(const BlockRange range, RangeOf(unit, task));
  if (NoDataOut(task) || range.blocks == 0) return NoData();
  return DataOut(unit.block_size());
}

Step ExecuteWriteSame(LogicalUnit& unit, Task& task) {
  const BlockRange range = *RangeOf(unit, task);
  const std::vector<uint8_t> block = BlockOf(unit, task);
  if (range.blocks == 0 || block.empty()) return Step::Good();
  auto state = std::make_unique<WriteSameState>();
  // SBC-3 §5.46: blocks may be unmapped only if they then read as what was to be written.
  const bool unmaps = UnmapBit(task) && IsZero(block);
  const bool once = unit.device().bugs.Has(Bug::kScsiWriteSameOnce) && !unmaps;
  const bool one_more = unit.device().bugs.Has(Bug::kScsiWriteSameOneMore) &&
                        range.lba + range.blocks < unit.blocks();
  state->end = uint64_t{once ? 1 : range.blocks + (one_more ? 1 : 0)} * unit.block_size();
  if (!unmaps) state->chunk.resize(std::min(kChunkBytes, state->end));
  for (size_t at = 0; at < state->chunk.size(); at += block.size()) {
    std::memcpy(&state->chunk[at], block.data(), block.size());
  }
  task.work.state = std::move(state);
  return DoNextSlice(unit, task);
}

Step ResumeWriteSame(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(WriteFailure(status));
  if (task.work.io.op == Io::Op::kFlush) return Step::Good();
  return DoNextSlice(unit, task);
}

}  // namespace pushpull::target::commands
