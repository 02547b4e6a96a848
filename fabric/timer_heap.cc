#include "fabric/timer_heap.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"

namespace pushpull::fabric {

// An id is the slot's number plus one, and above it the slot's generation: an old id of a slot that
// is used again doesn't match.
TimerHeap::Id TimerHeap::Add(absl::Time due, Task task) {
  uint32_t index;
  if (free_slots_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.used = true;
  slot.task = std::move(task);
  heap_.push_back({});
  Put(heap_.size() - 1, {due, next_sequence_++, index});
  SiftUp(heap_.size() - 1);
  return uint64_t{slot.generation} << 32 | (index + 1);
}

Task TimerHeap::Remove(Id id) {
  const uint64_t index = (id & 0xffffffff) - 1;  // wraps for 0, which is beyond the end then
  if (index >= slots_.size()) return nullptr;
  const Slot& slot = slots_[index];
  if (!slot.used || slot.generation != id >> 32) return nullptr;
  return TakeAt(slot.heap_index);
}

absl::Time TimerHeap::next_due() const {
  return heap_.empty() ? absl::InfiniteFuture() : heap_[0].due;
}

Task TimerHeap::PopDue(absl::Time now, uint64_t fence) {
  if (heap_.empty() || heap_[0].due > now || heap_[0].sequence >= fence) return nullptr;
  return TakeAt(0);
}

void TimerHeap::Put(size_t index, const Node& node) {
  heap_[index] = node;
  slots_[node.slot].heap_index = static_cast<uint32_t>(index);
}

void TimerHeap::SiftUp(size_t index) {
  const Node node = heap_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (!Before(node, heap_[parent])) break;
    Put(index, heap_[parent]);
    index = parent;
  }
  Put(index, node);
}

void TimerHeap::SiftDown(size_t index) {
  const Node node = heap_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && Before(heap_[child + 1], heap_[child])) ++child;
    if (!Before(heap_[child], node)) break;
    Put(index, heap_[child]);
    index = child;
  }
  Put(index, node);
}

Task TimerHeap::TakeAt(size_t index) {
  const uint32_t slot_index = heap_[index].slot;
  const Node last = heap_.back();
  heap_.pop_back();
  if (index < heap_.size()) {
    Put(index, last);
    SiftDown(index);
    SiftUp(slots_[last.slot].heap_index);
  }
  Slot& slot = slots_[slot_index];
  slot.used = false;
  ++slot.generation;
  free_slots_.push_back(slot_index);
  return std::exchange(slot.task, nullptr);
}

}  // namespace pushpull::fabric
