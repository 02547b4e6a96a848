// The tasks of one logical unit in the order of their arrival, and which of them may run.
// (SAM-5 §8: SIMPLE, ORDERED and HEAD OF QUEUE; one task set for all nexuses, TST = 000b)

#ifndef TARGET_SCSI_TASK_SET_H_
#define TARGET_SCSI_TASK_SET_H_

#include <cstddef>
#include <cstdint>

#include "target/scsi/task.h"

namespace pushpull::target {

// Not thread-safe: the logical unit's mutex guards it, and the tasks' links.
class TaskSet {
 public:
  TaskSet() = default;
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;

  // Gives the task its serial number.
  void Enter(Task* task);
  void Leave(Task* task);

  // SAM-5 §8.8: HEAD OF QUEUE always; ORDERED when it is the oldest; SIMPLE when no older ORDERED
  // is there; none of both while a HEAD OF QUEUE is there.
  bool MayRun(const Task& task) const;

  Task* Find(uint64_t serial) const;

  // Visits from the oldest; `visit` may not change the set.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (Task* task = oldest_; task != nullptr; task = task->newer_) visit(task);
  }

  // Visits from the oldest those for which MayRun.
  template <typename Visit>
  void ForEachThatMayRun(Visit visit) const {
    bool older_ordered = false;
    for (Task* task = oldest_; task != nullptr; task = task->newer_) {
      const bool ordered = task->attribute == TaskAttribute::kOrdered;
      const bool blocked = head_of_queue_ != 0 || older_ordered || (ordered && task != oldest_);
      if (task->attribute == TaskAttribute::kHeadOfQueue || !blocked) visit(task);
      older_ordered = older_ordered || ordered;
    }
  }

  size_t size() const { return size_; }

 private:
  size_t* CounterOf(const Task& task);

  Task* oldest_ = nullptr;
  Task* newest_ = nullptr;
  size_t size_ = 0;
  size_t ordered_ = 0;
  size_t head_of_queue_ = 0;
  uint64_t last_serial_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TASK_SET_H_
