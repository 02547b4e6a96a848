#include "target/scsi/commands/unmap.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

constexpr size_t kHeaderBytes = 8;
constexpr size_t kDescriptorBytes = 16;

uint16_t ListLength(const Task& task) { return base::LoadBe16(&task.cdb[7]); }

struct UnmapState : CommandState {
  std::vector<BlockRange> ranges;
  size_t next = 0;
  uint64_t done_bytes = 0;   // of that range
  uint64_t slice_bytes = 0;  // since the last rest
};

// All is looked at before anything is unmapped.
base::Result<std::vector<BlockRange>, Sense> Parse(const LogicalUnit& unit, base::Bytes list) {
  if (list.size() < kHeaderBytes) return sense::kParameterListLengthError;
  // A last descriptor that isn't whole is ignored; so are those that didn't come.
  const size_t said = base::LoadBe16(&list[2]);
  size_t count = std::min(said, list.size() - kHeaderBytes) / kDescriptorBytes;
  if (unit.device().bugs.Has(Bug::kScsiUnmapFirstOnly)) count = std::min<size_t>(count, 1);
  if (count > LogicalUnit::kMaxUnmapRanges) return InvalidParameter(2);
  std::vector<BlockRange> ranges;
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = kHeaderBytes + i * kDescriptorBytes;
    const BlockRange range{base::LoadBe64(&list[at]), base::LoadBe32(&list[at + 8])};
    const auto within = CheckWithin(unit, range);
    if (!within.ok() && unit.device().bugs.Has(Bug::kScsiUnmapRangeUnchecked)) continue;
    PUSHPULL_TRY(within);
    total += range.blocks;
    if (total > unit.max_unmap_blocks()) return InvalidParameter(static_cast<uint16_t>(at + 8));
    if (range.blocks != 0) ranges.push_back(range);
  }
  if (ranges.size() > 1 && unit.device().bugs.Has(Bug::kScsiUnmapBetween)) {
    const BlockRange& last = ranges.back();
    ranges.front().blocks = static_cast<uint32_t>(last.lba + last.blocks - ranges.front().lba);
    ranges.resize(1);
  }
  return ranges;
}

Step UnmapNext(LogicalUnit& unit, Task& task) {
  auto& state = static_cast<UnmapState&>(*task.work.state);
  if (state.next == state.ranges.size()) return FlushUnlessCached(unit, task);
  if (state.slice_bytes == kUnmapSliceBytes) {
    state.slice_bytes = 0;
    return Rest(unit, task);
  }
  const uint64_t block = unit.block_size();
  const BlockRange& range = state.ranges[state.next];
  const uint64_t left = range.blocks * block - state.done_bytes;
  const uint64_t bytes = std::min(left, kUnmapSliceBytes - state.slice_bytes);
  SetUnmap(range.lba * block + state.done_bytes, bytes, &task.work.io);
  state.slice_bytes += bytes;
  state.done_bytes += bytes;
  if (bytes == left) {
    ++state.next;
    state.done_bytes = 0;
  }
  return Step::Transfer();
}

}  // namespace

Prepared PrepareUnmap(const LogicalUnit& /*unit*/, const Task& task) {
  return DataOut(ListLength(task));
}

Step ExecuteUnmap(LogicalUnit& unit, Task& task) {
  const bool wants_some = unit.device().bugs.Has(Bug::kScsiUnmapEmptyRefused);
  if (ListLength(task) == 0 && !wants_some) return Step::Good();
  auto ranges = Parse(unit, ParameterList(task));
  if (!ranges.ok()) return Step::Fail(ranges.error());
  const bool idle = unit.device().bugs.Has(Bug::kScsiUnmapDoesNothing);
  if (ranges->empty() || idle) return Step::Good();
  auto state = std::make_unique<UnmapState>();
  state->ranges = *std::move(ranges);
  task.work.state = std::move(state);
  return UnmapNext(unit, task);
}

Step ResumeUnmap(LogicalUnit& unit, Task& task, const absl::Status& status) {
  if (!status.ok()) return Step::Fail(WriteFailure(status));
  if (task.work.io.op == Io::Op::kFlush) return Step::Good();
  return UnmapNext(unit, task);
}

}  // namespace pushpull::target::commands
