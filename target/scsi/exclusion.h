// Commands that read and write their blocks as one (COMPARE AND WRITE, ORWRITE, WRITE ATOMIC):
// while such a one runs, no other command touches its blocks. (SBC-3 §5.3)

#ifndef TARGET_SCSI_EXCLUSION_H_
#define TARGET_SCSI_EXCLUSION_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "target/scsi/task.h"
#include "target/scsi/task_set.h"

namespace pushpull::target {

// Logical blocks.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;  // the same: nothing

  bool Overlaps(const Extent& other) const { return begin < other.end && other.begin < end; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Not thread-safe: the logical unit's mutex guards it, and the tasks of its set. Costs a comparison
// where no such command is there.
class Exclusion {
 public:
  // A task has its data. Before Holds(), and once.
  void Enter(Task* task);
  // It ended, or was never ready.
  void Leave(Task* task);

  // Whether a task that may run otherwise has to wait: for one that runs, or for one that waited
  // before it for the same reason, so that nobody waits for ever. HEAD OF QUEUE waits for what runs
  // alone, as all others wait for it.
  bool Holds(Task* task, const TaskSet& tasks);
  // Before all that wait are looked at again: one that now waits for its turn in the task set isn't
  // held here any more, and holds nobody.
  void HoldAnew(const TaskSet& tasks);

  // What another unit's command reads or writes here counts like a task that runs. False: such a
  // command runs on its blocks.
  bool BeginForeign(const Extent& extent, const TaskSet& tasks);
  void EndForeign(const Extent& extent);

  // Whether it may hold any.
  bool any() const { return exclusive_ > 0; }

 private:
  size_t exclusive_ = 0;
  std::vector<Extent> foreign_;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_EXCLUSION_H_
