#include "target/scsi/commands/blocks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "target/scsi/commands/fields.h"

namespace pushpull::target::commands {
namespace {

// Where TRANSFER LENGTH stands.
uint16_t LengthByte(const Task& task) {
  switch (task.cdb[0] >> 5) {
    case 0:
      return 4;
    case 4:
      return 10;
    case 5:
      return 6;
    default:
      return 7;
  }
}

}  // namespace

BlockRange BlockRangeOf(const Task& task) {
  const uint8_t* cdb = task.cdb.data();
  switch (cdb[0] >> 5) {
    case 0:
      return {base::LoadBe24(cdb + 1) & 0x1fffff, cdb[4] == 0 ? 256u : cdb[4]};
    case 4:
      return {base::LoadBe64(cdb + 2), base::LoadBe32(cdb + 10)};
    case 5:
      return {base::LoadBe32(cdb + 2), base::LoadBe32(cdb + 6)};
    default:
      return {base::LoadBe32(cdb + 2), base::LoadBe16(cdb + 7)};
  }
}

base::Result<BlockRange, Sense> CheckRange(const LogicalUnit& unit, const Task& task) {
  const BlockRange range = BlockRangeOf(task);
  if (range.lba > unit.blocks() || range.blocks > unit.blocks() - range.lba) {
    return sense::kLbaOutOfRange;
  }
  return range;
}

base::Result<BlockRange, Sense> CheckTransferRange(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckRange(unit, task));
  if (range.blocks > unit.max_transfer_blocks()) return InvalidField(LengthByte(task));
  return range;
}

uint64_t UsableBytes(const Task& task) { return std::min(task.transfer_bytes, IoBytes(task.data)); }

std::span<const iovec> FirstBytes(Task& task, uint64_t bytes) {
  if (IoBytes(task.data) == bytes) return task.data;
  std::vector<iovec>& buffers = task.work.buffers;
  buffers.clear();
  for (const iovec& buffer : task.data) {
    const size_t part = std::min<uint64_t>(buffer.iov_len, bytes);
    if (part == 0) continue;
    buffers.push_back({buffer.iov_base, part});
    bytes -= part;
  }
  CHECK_EQ(bytes, 0u);
  return buffers;
}

Sense ReadFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) ? sense::kInternalTargetFailure : sense::kUnrecoveredReadError;
}

Sense WriteFailure(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kPermissionDenied:
      return sense::kWriteProtected;
    case absl::StatusCode::kResourceExhausted:
      return sense::kSpaceAllocationFailed;
    case absl::StatusCode::kUnavailable:
      return sense::kInternalTargetFailure;
    default:
      return sense::kWriteError;
  }
}

}  // namespace pushpull::target::commands
