#include "target/scsi/commands/or_write.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kChunkBytes = 256 << 10;

struct OrWriteState : CommandState {
  std::vector<uint8_t> chunk;
  iovec buffer{};
  uint64_t position = 0;  // bytes from the LBA
  uint64_t end = 0;
};

bool Fua(const Task& task) { return (task.cdb[1] & 0x08) != 0; }

Step ReadNextChunk(LogicalUnit& unit, Task& task, OrWriteState& state) {
  if (state.position == state.end) {
    return Fua(task) ? Flush(&task.work.io) : FlushUnlessCached(unit, task);
  }
  const uint64_t bytes = std::min(kChunkBytes, state.end - state.position);
  state.chunk.resize(bytes);
  state.buffer = {state.chunk.data(), bytes};
  Io& io = task.work.io;
  io.op = Io::Op::kRead;
  io.durable = false;
  io.offset = BlockRangeOf(task).lba * unit.block_size() + state.position;
  io.buffers = {&state.buffer, 1};
  return Step::Transfer();
}

void OrInto(std::vector<uint8_t>* chunk, std::span<const iovec> data) {
  uint8_t* out = chunk->data();
  for (const iovec& buffer : data) {
    const auto* bytes = static_cast<const uint8_t*>(buffer.iov_base);
    for (size_t i = 0; i < buffer.iov_len; ++i) *out++ |= bytes[i];
  }
}

}  // namespace

Prepared PrepareOrWrite(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  return DataOut(uint64_t{range.blocks} * unit.block_size());
}

// Nobody else comes between the reads and the writes (the command table knows).
Step ExecuteOrWrite(LogicalUnit& unit, Task& task) {
  auto state = std::make_unique<OrWriteState>();
  state->end = UsableBytes(task);
  state->end -= state->end % unit.block_size();
  if (state->end == 0) return Step::Good();
  OrWriteState& state_ref = *state;
  task.work.state = std::move(state);
  return ReadNextChunk(unit, task, state_ref);
}

Step ResumeOrWrite(LogicalUnit& unit, Task& task, const absl::Status& status) {
  auto& state = static_cast<OrWriteState&>(*task.work.state);
  Io& io = task.work.io;
  if (io.op != Io::Op::kRead) {
    if (!status.ok()) return Step::Fail(WriteFailure(status));
    if (io.op == Io::Op::kFlush) return Step::Good();
    state.position += state.chunk.size();
    return ReadNextChunk(unit, task, state);
  }
  if (!status.ok()) return Step::Fail(ReadFailure(status));
  const bool overwrites = unit.device().bugs.Has(Bug::kScsiOrWriteOverwrites);
  if (overwrites) std::ranges::fill(state.chunk, uint8_t{0});
  OrInto(&state.chunk, BytesFrom(task, state.position, state.chunk.size()));
  io.op = Io::Op::kWrite;
  return Step::Transfer();
}

}  // namespace pushpull::target::commands
