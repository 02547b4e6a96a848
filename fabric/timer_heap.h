// Timers ordered by due time; those due at the same time in the order in which they were added.

#ifndef FABRIC_TIMER_HEAP_H_
#define FABRIC_TIMER_HEAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "fabric/loop.h"

namespace pushpull::fabric {

// A binary heap whose entries know their place, so that adding, cancelling and firing are O(log n),
// and nothing is allocated but when there are more timers than ever before.
class TimerHeap {
 public:
  using Id = Loop::TimerId;

  Id Add(absl::Time due, Task task);

  // Takes the timer out and returns its task; an empty one if it isn't there any more. The caller
  // destroys it: that may run code which uses this heap.
  Task Remove(Id id);

  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }

  // absl::InfiniteFuture() if there is none.
  absl::Time next_due() const;

  // Everything that is added from now on comes after the fence.
  uint64_t fence() const { return next_sequence_; }

  // Takes out the first timer if it is due at `now` and was added before the fence; else returns an
  // empty task.
  Task PopDue(absl::Time now, uint64_t fence);

 private:
  struct Node {
    absl::Time due;
    uint64_t sequence;
    uint32_t slot;
  };
  struct Slot {
    uint32_t generation = 0;
    uint32_t heap_index = 0;
    bool used = false;
    Task task;
  };

  static bool Before(const Node& a, const Node& b) {
    return a.due != b.due ? a.due < b.due : a.sequence < b.sequence;
  }
  void Put(size_t index, const Node& node);
  void SiftUp(size_t index);
  void SiftDown(size_t index);
  Task TakeAt(size_t index);

  std::vector<Node> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint64_t next_sequence_ = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_TIMER_HEAP_H_
