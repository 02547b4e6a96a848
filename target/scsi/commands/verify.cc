#include "target/scsi/commands/verify.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "target/scsi/commands/blocks.h"

namespace pushpull::target::commands {
namespace {

// SBC-3 §5.26, BYTCHK.
enum class ByteCheck : uint8_t {
  kMediumOnly = 0,
  kWholeBuffer = 1,
  kReserved = 2,
  kOneBlock = 3,
};

ByteCheck ByteCheckOf(const Task& task) {
  return static_cast<ByteCheck>((BlockFlagsOf(task) >> 1) & 3);
}

constexpr uint64_t kChunkBytes = 256 << 10;

struct VerifyState : CommandState {
  ByteCheck check = ByteCheck::kMediumOnly;
  std::vector<uint8_t> chunk;
  iovec buffer{};
  uint64_t position = 0;  // bytes from the LBA
  uint64_t end = 0;
};

bool MatchesOneBlock(const LogicalUnit& unit, const Task& task, base::Bytes bytes) {
  const uint32_t block_size = unit.block_size();
  if (unit.device().bugs.Has(Bug::kScsiVerifyOneBlockOnly)) bytes = bytes.first(block_size);
  for (uint64_t at = 0; at < bytes.size(); at += block_size) {
    if (FirstDifference(task.data, 0, bytes.subspan(at, block_size)).has_value()) return false;
  }
  return true;
}

Step ReadNextChunk(LogicalUnit& unit, Task& task, VerifyState& state) {
  if (state.position == state.end) return Step::Good();
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

}  // namespace

namespace {

base::Result<BlockRange, Sense> RangeOf(const LogicalUnit& unit, const Task& task) {
  const base::Result<BlockRange, Sense> range = CheckTransferRange(unit, task);
  const bool takes_all = unit.device().bugs.Has(Bug::kScsiVerifyBeyondTheEnd);
  return takes_all && !range.ok() ? BlockRange{} : range;
}

}  // namespace

Prepared PrepareVerify(const LogicalUnit& unit, const Task& task) {
  const ByteCheck check = ByteCheckOf(task);
  if (check == ByteCheck::kReserved) return InvalidField(BlockFlagsByte(task), 2);
  PUSHPULL_TRY_ASSIGN(const BlockRange range, RangeOf(unit, task));
  const bool takes_data = unit.device().bugs.Has(Bug::kScsiVerifyTakesData);
  if ((check == ByteCheck::kMediumOnly && !takes_data) || range.blocks == 0) return NoData();
  return DataOut(uint64_t{check == ByteCheck::kOneBlock ? 1 : range.blocks} * unit.block_size());
}

Step ExecuteVerify(LogicalUnit& unit, Task& task) {
  uint64_t usable = UsableBytes(task);
  usable -= usable % unit.block_size();
  auto state = std::make_unique<VerifyState>();
  state->check = ByteCheckOf(task);
  state->end = uint64_t{BlockRangeOf(task).blocks} * unit.block_size();
  // Against less than a block nothing can be compared.
  if (state->check == ByteCheck::kWholeBuffer) state->end = usable;
  if (unit.device().bugs.Has(Bug::kScsiVerifyFirstBlockOnly)) {
    state->end = std::min<uint64_t>(state->end, unit.block_size());
  }
  if (state->check == ByteCheck::kOneBlock && usable == 0) state->end = 0;
  VerifyState& state_ref = *state;
  task.work.state = std::move(state);
  return ReadNextChunk(unit, task, state_ref);
}

Step ResumeVerify(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(ReadFailure(status));
  auto& state = static_cast<VerifyState&>(*task.work.state);
  const bool blind = state.check == ByteCheck::kWholeBuffer &&
                     unit.device().bugs.Has(Bug::kScsiVerifyComparesNothing);
  const bool same = state.check == ByteCheck::kMediumOnly || blind ||
                    (state.check == ByteCheck::kOneBlock
                         ? MatchesOneBlock(unit, task, state.chunk)
                         : !FirstDifference(task.data, state.position, state.chunk).has_value());
  if (!same) return Step::Fail(sense::kMiscompareDuringVerify);
  state.position += state.chunk.size();
  return ReadNextChunk(unit, task, state);
}

// ---- WRITE AND VERIFY --------------------------------------------------------------------------

Prepared PrepareWriteAndVerify(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  return DataOut(uint64_t{range.blocks} * unit.block_size());
}

// What was written is verified on the medium, not in a cache (SBC-3 §5.44).
Step ExecuteWriteAndVerify(LogicalUnit& unit, Task& task) {
  uint64_t bytes = UsableBytes(task);
  bytes -= bytes % unit.block_size();
  if (bytes == 0 || unit.device().bugs.Has(Bug::kScsiVerifyWritesNothing)) return Step::Good();
  Io& io = task.work.io;
  io.op = Io::Op::kWrite;
  io.durable = true;
  io.offset = BlockRangeOf(task).lba * unit.block_size();
  io.buffers = FirstBytes(task, bytes);
  return Step::Transfer();
}

Step ResumeWriteAndVerify(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (task.work.state != nullptr) return ResumeVerify(unit, task, status);
  if (!status.ok()) return Step::Fail(WriteFailure(status));
  auto state = std::make_unique<VerifyState>();
  state->check = ByteCheckOf(task);
  state->end = IoBytes(task.work.io.buffers);
  VerifyState& state_ref = *state;
  task.work.state = std::move(state);
  return ReadNextChunk(unit, task, state_ref);
}

}  // namespace pushpull::target::commands
