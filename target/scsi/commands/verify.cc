#include "target/scsi/commands/verify.h"

#include <algorithm>
#include <cstring>
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

ByteCheck ByteCheckOf(const Task& task) { return static_cast<ByteCheck>((task.cdb[1] >> 1) & 3); }

constexpr uint64_t kChunkBytes = 256 << 10;

struct VerifyState : CommandState {
  std::vector<uint8_t> chunk;
  iovec buffer{};
  uint64_t position = 0;  // bytes from the LBA
  uint64_t end = 0;
};

// Whether `data` from `offset` on is what `bytes` holds.
bool Matches(std::span<const iovec> data, uint64_t offset, base::Bytes bytes) {
  for (const iovec& buffer : data) {
    if (offset >= buffer.iov_len) {
      offset -= buffer.iov_len;
      continue;
    }
    const size_t part = std::min<uint64_t>(buffer.iov_len - offset, bytes.size());
    if (part == 0) break;
    const auto* expected = static_cast<const uint8_t*>(buffer.iov_base) + offset;
    if (std::memcmp(expected, bytes.data(), part) != 0) return false;
    bytes = bytes.subspan(part);
    offset = 0;
  }
  return true;
}

bool MatchesOneBlock(const Task& task, uint32_t block_size, base::Bytes bytes) {
  for (uint64_t at = 0; at < bytes.size(); at += block_size) {
    if (!Matches(task.data, 0, bytes.subspan(at, block_size))) return false;
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

Prepared PrepareVerify(const LogicalUnit& unit, const Task& task) {
  const ByteCheck check = ByteCheckOf(task);
  if (check == ByteCheck::kReserved) return InvalidField(1, 2);
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckTransferRange(unit, task));
  if (check == ByteCheck::kMediumOnly || range.blocks == 0) return NoData();
  return DataOut(uint64_t{check == ByteCheck::kOneBlock ? 1 : range.blocks} * unit.block_size());
}

Step ExecuteVerify(LogicalUnit& unit, Task& task) {
  uint64_t usable = UsableBytes(task);
  usable -= usable % unit.block_size();
  auto state = std::make_unique<VerifyState>();
  state->end = uint64_t{BlockRangeOf(task).blocks} * unit.block_size();
  // Against less than a block nothing can be compared.
  if (ByteCheckOf(task) == ByteCheck::kWholeBuffer) state->end = usable;
  if (ByteCheckOf(task) == ByteCheck::kOneBlock && usable == 0) state->end = 0;
  VerifyState& state_ref = *state;
  task.work.state = std::move(state);
  return ReadNextChunk(unit, task, state_ref);
}

Step ResumeVerify(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(ReadFailure(status));
  auto& state = static_cast<VerifyState&>(*task.work.state);
  const ByteCheck check = ByteCheckOf(task);
  const bool same =
      check == ByteCheck::kMediumOnly ||
      (check == ByteCheck::kOneBlock ? MatchesOneBlock(task, unit.block_size(), state.chunk)
                                     : Matches(task.data, state.position, state.chunk));
  if (!same) return Step::Fail(sense::kMiscompareDuringVerify);
  state.position += state.chunk.size();
  return ReadNextChunk(unit, task, state);
}

}  // namespace pushpull::target::commands
