#include "target/scsi/exclusion.h"

#include <algorithm>

#include "target/scsi/command.h"
#include "target/scsi/commands/blocks.h"

namespace pushpull::target {
namespace {

// What a command may read or write. Where its CDB doesn't say it, that is all.
Extent ExtentOf(const Task& task, const CommandEntry& entry) {
  constexpr Extent kNothing, kAll{0, UINT64_MAX};
  constexpr uint8_t kExtendedCopy = 0x83;
  if (entry.opcode == kExtendedCopy) return kAll;
  const bool names_blocks = (entry.flags & (kMovesBlocks | kHasProtectField)) != 0;
  if (!names_blocks) return (entry.flags & kWritesMedium) != 0 ? kAll : kNothing;
  const commands::BlockRange range = commands::BlockRangeOf(task);
  if (range.blocks == 0)
    return commands::IsWriteSame(task) ? Extent{range.lba, UINT64_MAX} : kNothing;
  return {range.lba, range.lba + range.blocks};
}

bool IsExclusive(const CommandEntry& entry) { return (entry.flags & kExcludesOthers) != 0; }

}  // namespace

void Exclusion::Enter(Task* task) {
  task->held_ = false;
  if (!IsExclusive(*task->command_)) return;
  task->excludes_ = true;
  ++exclusive_;
}

void Exclusion::Leave(Task* task) {
  if (task->excludes_) --exclusive_;
  task->excludes_ = false;
  task->held_ = false;
}

bool Exclusion::Holds(Task* task, const TaskSet& tasks) {
  if (exclusive_ == 0) return false;
  const Extent extent = ExtentOf(*task, *task->command_);
  const bool urgent = task->attribute == TaskAttribute::kHeadOfQueue;
  bool held = task->excludes_ && std::ranges::any_of(foreign_, [&](const Extent& foreign) {
                return extent.Overlaps(foreign);
              });
  tasks.ForEach([&](const Task* other) {
    if (held || other == task || other->state_ == Task::State::kPrepared) return;
    const bool waits = other->state_ == Task::State::kDormant;
    const bool first = other->held_ && other->excludes_ && other->ready_ < task->ready_;
    if (waits ? urgent || !first : !(task->excludes_ || other->excludes_)) return;
    held = extent.Overlaps(ExtentOf(*other, *other->command_));
  });
  task->held_ = held;
  return held;
}

bool Exclusion::BeginForeign(const Extent& extent, const TaskSet& tasks) {
  bool held = false;
  tasks.ForEach([&](const Task* task) {
    const bool runs =
        task->state_ == Task::State::kStarting || task->state_ == Task::State::kRunning;
    if (!runs || !task->excludes_) return;
    held = held || extent.Overlaps(ExtentOf(*task, *task->command_));
  });
  if (!held) foreign_.push_back(extent);
  return !held;
}

void Exclusion::EndForeign(const Extent& extent) {
  foreign_.erase(std::ranges::find(foreign_, extent));
}

void Exclusion::HoldAnew(const TaskSet& tasks) {
  if (exclusive_ == 0) return;
  tasks.ForEach([](Task* task) { task->held_ = false; });
}

}  // namespace pushpull::target
