// A slot: one received PDU and the memory in which its parts lie, from AllocTask to FreeTask.
//
// Who holds a SlotRef holds the slot: BHS, AHS and data that were put into it stay where they are.
// With the last reference the slot goes back to its pool (on iSER: is posted again). References are
// counted without atomics: they are copied and dropped on the loop of their connection only.

#ifndef TARGET_RX_SLOT_H_
#define TARGET_RX_SLOT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/bytes.h"
#include "base/check.h"
#include "target/bugs/bugs.h"
#include "target/pdu/bhs.h"
#include "target/pdu/protocol_error.h"

namespace pushpull::target {

class SlotPool;

class PduSlot {
 public:
  explicit PduSlot(SlotPool* pool) : pool_(pool) {}
  PduSlot(const PduSlot&) = delete;
  PduSlot& operator=(const PduSlot&) = delete;

  // ---- the PDU ----
  BhsView bhs() const { return BhsView(bhs_); }
  base::Bytes ahs() const { return ahs_; }
  // What the message held before the BHS: the 28 bytes of iSER header; empty on a stream.
  base::Bytes message_header() const { return message_header_; }

  // Where the data segment lies, in order and without pad: in the places that Place() named, in the
  // slot, or in both. Empty while it isn't complete, where it has no bytes, and where it was
  // discarded.
  std::span<const base::MutableBytes> data() const { return {data_.data(), data_.size()}; }
  // The bytes of data().
  size_t data_bytes() const {
    size_t bytes = 0;
    for (const auto& run : data_) bytes += run.size();
    return bytes;
  }
  // Copies up to to.size() bytes of data(), and returns how many.
  size_t CopyData(base::MutableBytes to) const;

  // The data segment was taken, but kept nowhere.
  bool data_discarded() const { return data_discarded_; }
  // What data() holds isn't what was sent (RFC 7143 §7.8): to be answered by a Reject.
  bool data_digest_failed() const { return data_digest_failed_; }
  // What Place() refused the PDU for, where the connection goes on behind it. Its data was
  // discarded.
  const std::optional<ProtocolError>& refusal() const { return refusal_; }

  // Memory that comes with each slot for the session's own task object, aligned for any type. Its
  // contents are as the slot's last user left them; the size is the pool's option.
  base::MutableBytes task_room() const { return task_room_; }

  // ---- for the receive machine and the sources ----
  void Begin(const uint8_t* bhs, base::Bytes message_header) {
    bhs_ = bhs;
    message_header_ = message_header;
    ahs_ = {};
    while (!data_.empty()) data_.pop_back();  // unlike clear(), keeps its memory
    data_discarded_ = false;
    data_digest_failed_ = false;
    refusal_.reset();
  }
  void set_ahs(base::Bytes ahs) { ahs_ = ahs; }
  void AddData(base::MutableBytes run) {
    if (!data_.empty() && data_.back().data() + data_.back().size() == run.data()) {
      data_.back() = {data_.back().data(), data_.back().size() + run.size()};
    } else {
      data_.push_back(run);
    }
  }
  void set_data_discarded() { data_discarded_ = true; }
  void set_data_digest_failed() { data_digest_failed_ = true; }
  void set_refusal(const ProtocolError& error) { refusal_ = error; }
  void set_task_room(base::MutableBytes room) { task_room_ = room; }

 private:
  friend class SlotPool;
  friend class SlotRef;

  SlotPool* const pool_;
  uint32_t references_ = 0;
  bool data_discarded_ = false;
  bool data_digest_failed_ = false;
  const uint8_t* bhs_ = nullptr;
  base::Bytes ahs_;
  base::Bytes message_header_;
  absl::InlinedVector<base::MutableBytes, 2> data_;
  std::optional<ProtocolError> refusal_;
  base::MutableBytes task_room_;
};

// Bug::kRxRefusalCarried: what a slot that begins again has kept of its last PDU.
inline std::optional<ProtocolError> Carried(const PduSlot& slot, const BugSet& bugs) {
  return bugs.Has(Bug::kRxRefusalCarried) ? slot.refusal() : std::nullopt;
}

// Where slots come from. It outlives its source as long as slots are held: a command whose
// connection has ended keeps its memory until its store is done with it.
class SlotPool {
 public:
  struct Closer {
    void operator()(SlotPool* pool) const { pool->Close(); }
  };

  SlotPool() = default;
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  uint32_t slots_in_use() const { return in_use_; }

 protected:
  virtual ~SlotPool() = default;

  // The one virtual call in a PDU's life. O(1).
  virtual void FreeTask(PduSlot* slot) = 0;
  // The owner has gone: nobody asks for slots or wants to hear of freed ones any more.
  virtual void OnClose() {}

  // A slot begins its use.
  void Acquire(PduSlot* slot) {
    DCHECK(slot->references_ == 0);
    ++in_use_;
  }

 private:
  friend class SlotRef;

  void Release(PduSlot* slot) {
    --in_use_;
    FreeTask(slot);
    if (closed_ && in_use_ == 0) delete this;
  }
  void Close() {
    closed_ = true;
    OnClose();
    if (in_use_ == 0) delete this;
  }

  uint32_t in_use_ = 0;
  bool closed_ = false;
};

// One reference to a slot.
class SlotRef {
 public:
  SlotRef() = default;
  explicit SlotRef(PduSlot* slot) : slot_(slot) {
    if (slot_ != nullptr) ++slot_->references_;
  }
  SlotRef(const SlotRef& other) : SlotRef(other.slot_) {}
  SlotRef(SlotRef&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
  SlotRef& operator=(SlotRef other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~SlotRef() {
    if (slot_ != nullptr && --slot_->references_ == 0) slot_->pool_->Release(slot_);
  }

  PduSlot* get() const { return slot_; }
  PduSlot* operator->() const { return slot_; }
  PduSlot& operator*() const { return *slot_; }
  explicit operator bool() const { return slot_ != nullptr; }

  // Bug::kSlotFreedTwice: gives back a reference that stays where it is.
  static void GiveBackTwice(const SlotRef& slot) {
    if (!slot) return;
    SlotRef again;
    again.slot_ = slot.slot_;
  }

 private:
  PduSlot* slot_ = nullptr;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_SLOT_H_
