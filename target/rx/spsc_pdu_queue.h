// The queue between receiving and processing where these run on two threads: one thread receives
// (a poller of completion queues, say), one processes.
//
// It is a type of its own beside PduQueue, which stays two plain indices: an atomic store with its
// fence for each PDU costs as much as a third of receiving it. The machine takes either.
//
// Slots belong to the thread that receives: references are counted without atomics. So a PDU comes
// out as a RemotePdu, which can be looked at and moved, but not referred to twice; when it ends its
// slot goes back through a second ring, and the receiving thread lets go of it in Reclaim().
//
//   receiving thread                           processing thread
//     queue.Reclaim();                           while (RemotePdu pdu = queue.Pop()) { ... }
//     machine.Poll();                            if (queue.TakeStalled()) (post a poll over there)
//     if (!queue.empty()) (post a turn over there)

#ifndef TARGET_RX_SPSC_PDU_QUEUE_H_
#define TARGET_RX_SPSC_PDU_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"
#include "target/rx/slot.h"

namespace pushpull::target {

// A bounded ring of references from one thread to one other.
class SpscSlotRing {
 public:
  explicit SpscSlotRing(size_t capacity) : ring_(capacity) { CHECK_GT(capacity, 0u); }

  size_t capacity() const { return ring_.size(); }
  // Exact for the thread that changes it in this direction: full() for the one that pushes, empty()
  // for the one that pops.
  size_t size() const {
    return pushed_.load(std::memory_order_seq_cst) - popped_.load(std::memory_order_seq_cst);
  }
  bool empty() const { return size() == 0; }
  bool full() const { return size() == ring_.size(); }

  // ---- the one thread ----
  void Push(SlotRef slot) {
    const size_t at = pushed_.load(std::memory_order_relaxed);
    if (at - popped_seen_ == ring_.size()) {
      popped_seen_ = popped_.load(std::memory_order_acquire);
      CHECK_LT(at - popped_seen_, ring_.size()) << "full";
    }
    ring_[push_at_] = std::move(slot);
    if (++push_at_ == ring_.size()) push_at_ = 0;
    pushed_.store(at + 1, std::memory_order_seq_cst);
  }

  // ---- the other thread ----
  // The oldest; none where it is empty.
  SlotRef Pop() {
    const size_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_seen_) {
      pushed_seen_ = pushed_.load(std::memory_order_acquire);
      if (at == pushed_seen_) return SlotRef();
    }
    SlotRef slot = std::move(ring_[pop_at_]);
    if (++pop_at_ == ring_.size()) pop_at_ = 0;
    popped_.store(at + 1, std::memory_order_seq_cst);
    return slot;
  }

 private:
  // Each thread's own, on lines of their own: what it changes, and what it saw last of the other's.
  static constexpr size_t kLine = 64;

  std::vector<SlotRef> ring_;
  alignas(kLine) std::atomic<size_t> pushed_{0};  // ever
  size_t push_at_ = 0;
  size_t popped_seen_ = 0;
  alignas(kLine) std::atomic<size_t> popped_{0};  // ever
  size_t pop_at_ = 0;
  size_t pushed_seen_ = 0;
};

class SpscPduQueue;

// A received PDU on the thread that processes it. Ends before the queue does.
class RemotePdu {
 public:
  RemotePdu() = default;
  RemotePdu(RemotePdu&& other) noexcept
      : queue_(other.queue_), slot_(std::exchange(other.slot_, SlotRef())) {}
  RemotePdu& operator=(RemotePdu&& other) noexcept {
    std::swap(queue_, other.queue_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~RemotePdu();

  explicit operator bool() const { return static_cast<bool>(slot_); }
  const PduSlot& operator*() const { return *slot_; }
  const PduSlot* operator->() const { return slot_.get(); }

 private:
  friend class SpscPduQueue;
  RemotePdu(SpscPduQueue* queue, SlotRef slot) : queue_(queue), slot_(std::move(slot)) {}

  SpscPduQueue* queue_ = nullptr;
  SlotRef slot_;
};

class SpscPduQueue {
 public:
  // `slots`: how many the connection has, all of which may be on their way back at one time.
  SpscPduQueue(size_t capacity, size_t slots) : forth_(capacity), back_(slots) {}
  SpscPduQueue(const SpscPduQueue&) = delete;
  SpscPduQueue& operator=(const SpscPduQueue&) = delete;

  size_t capacity() const { return forth_.capacity(); }
  size_t size() const { return forth_.size(); }
  bool empty() const { return forth_.empty(); }

  // ---- receiving thread ----
  // Where it says so, the processing thread will find the queue stalled.
  bool full() {
    if (!forth_.full()) return false;
    stalled_.store(true, std::memory_order_seq_cst);
    // What was taken just before would not have seen it.
    if (forth_.full()) return true;
    stalled_.store(false, std::memory_order_seq_cst);
    return false;
  }
  void Push(SlotRef pdu) { forth_.Push(std::move(pdu)); }
  // Lets go of what the processing thread is done with, and returns how many that were.
  size_t Reclaim() {
    size_t count = 0;
    while (const SlotRef slot = back_.Pop()) ++count;
    return count;
  }

  // ---- processing thread ----
  // The oldest PDU; none where the queue is empty.
  RemotePdu Pop() { return RemotePdu(this, forth_.Pop()); }
  // Whether the receiving thread found the queue full since this was asked: it is to be polled.
  bool TakeStalled() { return stalled_.exchange(false, std::memory_order_seq_cst); }

 private:
  friend class RemotePdu;

  SpscSlotRing forth_;
  SpscSlotRing back_;
  std::atomic<bool> stalled_{false};
};

inline RemotePdu::~RemotePdu() {
  if (slot_) queue_->back_.Push(std::move(slot_));
}

}  // namespace pushpull::target

#endif  // TARGET_RX_SPSC_PDU_QUEUE_H_
