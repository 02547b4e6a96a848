#include "target/scsi/commands/blocks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "target/scsi/commands/fields.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {

namespace {

constexpr uint8_t kCompareAndWrite = 0x89, kWriteAtomic16 = 0x9c;

}  // namespace

bool IsWriteSame(const Task& task) {
  if (IsVariableLength(task)) return base::LoadBe16(&task.cdb[8]) == 0x000d;
  return task.cdb[0] == 0x41 || task.cdb[0] == 0x93;
}

uint16_t LengthByte(const Task& task) {
  if (task.cdb[0] == kCompareAndWrite) return 13;
  if (task.cdb[0] == kWriteAtomic16) return 12;
  switch (task.cdb[0] >> 5) {
    case 0:
      return 4;
    case 3:
      return 28;
    case 4:
      return 10;
    case 5:
      return 6;
    default:
      return 7;
  }
}

BlockRange BlockRangeOf(const Task& task) {
  const uint8_t* cdb = task.cdb.data();
  if (cdb[0] == kCompareAndWrite) return {base::LoadBe64(cdb + 2), cdb[13]};
  if (cdb[0] == kWriteAtomic16) return {base::LoadBe64(cdb + 2), base::LoadBe16(cdb + 12)};
  switch (cdb[0] >> 5) {
    case 0:
      return {base::LoadBe24(cdb + 1) & 0x1fffff, cdb[4] == 0 ? 256u : cdb[4]};
    case 3:
      return {base::LoadBe64(cdb + 12), base::LoadBe32(cdb + 28)};
    case 4:
      return {base::LoadBe64(cdb + 2), base::LoadBe32(cdb + 10)};
    case 5:
      return {base::LoadBe32(cdb + 2), base::LoadBe32(cdb + 6)};
    default:
      return {base::LoadBe32(cdb + 2), base::LoadBe16(cdb + 7)};
  }
}

base::Result<void, Sense> CheckWithin(const LogicalUnit& unit, const BlockRange& range) {
  const BugSet& bugs = unit.device().bugs;
  const bool beyond = range.lba > unit.blocks() || range.blocks > unit.blocks() - range.lba;
  const bool last = !beyond && range.blocks != 0 && range.lba + range.blocks == unit.blocks();
  if (!beyond && !(last && bugs.Has(Bug::kScsiLastBlockRefused))) return {};
  Sense sense = sense::kLbaOutOfRange;
  if (bugs.Has(Bug::kScsiLbaRangeSenseKey)) sense.key = SenseKey::kMediumError;
  return sense;
}

base::Result<BlockRange, Sense> CheckRange(const LogicalUnit& unit, const Task& task) {
  const BlockRange range = BlockRangeOf(task);
  PUSHPULL_TRY(CheckWithin(unit, range));
  return range;
}

base::Result<BlockRange, Sense> CheckTransferRange(const LogicalUnit& unit, const Task& task) {
  PUSHPULL_TRY_ASSIGN(const BlockRange range, CheckRange(unit, task));
  const bool checks = !unit.device().bugs.Has(Bug::kScsiLimitsUnchecked);
  if (checks && range.blocks > unit.max_transfer_blocks()) return InvalidField(LengthByte(task));
  return range;
}

uint64_t UsableBytes(const Task& task) { return std::min(task.transfer_bytes, IoBytes(task.data)); }

std::span<const iovec> FirstBytes(Task& task, uint64_t bytes) {
  if (IoBytes(task.data) == bytes) return task.data;
  return BytesFrom(task, 0, bytes);
}

std::span<const iovec> BytesFrom(Task& task, uint64_t offset, uint64_t bytes) {
  std::vector<iovec>& buffers = task.work.buffers;
  buffers.clear();
  for (const iovec& buffer : task.data) {
    const size_t skipped = std::min<uint64_t>(buffer.iov_len, offset);
    const size_t part = std::min<uint64_t>(buffer.iov_len - skipped, bytes);
    offset -= skipped;
    if (part == 0) continue;
    buffers.push_back({static_cast<uint8_t*>(buffer.iov_base) + skipped, part});
    bytes -= part;
  }
  CHECK_EQ(bytes, 0u);
  return buffers;
}

std::optional<uint64_t> FirstDifference(std::span<const iovec> data, uint64_t offset,
                                        base::Bytes bytes) {
  uint64_t at = 0;
  for (const iovec& buffer : data) {
    const size_t skipped = std::min<uint64_t>(buffer.iov_len, offset);
    offset -= skipped;
    const size_t part = std::min<uint64_t>(buffer.iov_len - skipped, bytes.size() - at);
    const auto* expected = static_cast<const uint8_t*>(buffer.iov_base) + skipped;
    const auto differ = std::mismatch(expected, expected + part, bytes.data() + at);
    if (differ.first != expected + part) {
      return at + static_cast<uint64_t>(differ.first - expected);
    }
    at += part;
  }
  return std::nullopt;
}

Step Rest(LogicalUnit& unit, Task& task) {
  task.nexus->loop()->Post([&unit, &task] { unit.Continue(&task, absl::OkStatus()); });
  return Step::Wait();
}

void SetUnmap(uint64_t offset, uint64_t bytes, Io* io) {
  io->op = Io::Op::kUnmap;
  io->durable = false;
  io->offset = offset;
  io->bytes = bytes;
  io->buffers = {};
}

Step Flush(Io* io) {
  io->op = Io::Op::kFlush;
  io->durable = false;
  io->offset = 0;
  io->buffers = {};
  return Step::Transfer();
}

bool MayCache(const LogicalUnit& unit) {
  return unit.parameters().write_cache || unit.device().bugs.Has(Bug::kWriteCacheOffIgnored);
}

Step FlushUnlessCached(const LogicalUnit& unit, Task& task) {
  const bool done = MayCache(unit) || !unit.has_volatile_cache() ||
                    unit.device().bugs.Has(Bug::kUnmapCachedWithoutCache);
  return done ? Step::Good() : Flush(&task.work.io);
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
