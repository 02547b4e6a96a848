// The tasks of one logical unit in the order of their arrival, and which of them may run.
// (SAM-5 §8: SIMPLE, ORDERED and HEAD OF QUEUE; one task set for all nexuses, TST = 000b)
//
// Between tasks of different nexuses, whose order of arrival nobody can tell, the order is that in
// which they were ready: a write whose initiator doesn't send its data holds its own nexus, and
// nobody else.

#ifndef TARGET_SCSI_TASK_SET_H_
#define TARGET_SCSI_TASK_SET_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
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
  // It has its data, or needs none.
  void SetReady(Task* task);

  // Of one that is ready. SAM-5 §8.8: HEAD OF QUEUE always; ORDERED when it is the oldest; SIMPLE
  // when no older ORDERED is there; none of both while a HEAD OF QUEUE is there.
  bool MayRun(const Task& task);

  // Whether another may run that might not while this one, which is there no more, was.
  bool MakesWay(const Task& gone) const { return IsSpecial(gone) || ready_ordered_ > 0; }

  Task* Find(uint64_t serial) const;

  // Visits from the oldest; `visit` may not change the set.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (Task* task = oldest_; task != nullptr; task = task->newer_) visit(task);
  }

  // Visits from the oldest those that are ready and for which MayRun. `visit` may say that a task
  // is starting.
  template <typename Visit>
  void ForEachThatMayRun(Visit visit) {
    const Queue queue = LineUp();
    ForEach([&](Task* task) {
      if (task->ready_ != 0 && !Blocked(*task, queue)) visit(task);
    });
  }

  size_t size() const { return size_; }

 private:
  // The lowest number, and the lowest of another nexus than that one's.
  class Lowest {
   public:
    void Add(const Nexus* nexus, uint64_t number);
    // Whether another nexus has a lower one.
    bool Below(const Nexus* nexus, uint64_t number) const {
      return (nexus == nexus_ ? other_ : first_) < number;
    }

   private:
    uint64_t first_ = UINT64_MAX;
    uint64_t other_ = UINT64_MAX;
    const Nexus* nexus_ = nullptr;
  };
  // What all tasks of the set hold up.
  struct Queue {
    Lowest any;
    Lowest ordered;
    bool urgent = false;                                // a HEAD OF QUEUE is ready
    absl::flat_hash_map<const Nexus*, bool> urgent_of;  // who has one, and all of them are ready
  };

  // Gives each task its number in the queue.
  Queue LineUp();
  static bool Blocked(const Task& task, const Queue& queue);
  static bool IsSpecial(const Task& task) {
    return task.attribute == TaskAttribute::kOrdered ||
           task.attribute == TaskAttribute::kHeadOfQueue;
  }

  Task* oldest_ = nullptr;
  Task* newest_ = nullptr;
  size_t size_ = 0;
  // ORDERED and HEAD OF QUEUE, on which all else hangs: by nexus, and those that are ready.
  absl::flat_hash_map<const Nexus*, size_t> special_of_;
  size_t ready_special_ = 0;
  size_t ready_ordered_ = 0;
  uint64_t last_serial_ = 0;
  uint64_t last_ready_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TASK_SET_H_
