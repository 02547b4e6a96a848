// The receive machine's source for messages: each is one PDU that was pushed into a posted slot.

#ifndef TARGET_RX_PUSH_SOURCE_H_
#define TARGET_RX_PUSH_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "target/bugs/bugs.h"
#include "target/rx/chunk.h"
#include "target/rx/slot.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {

struct PushSourceOptions {
  uint32_t slots = 128;
  // Of one posted buffer: transport header, BHS, AHSs, data and pad (RFC 7145 §8.1).
  size_t slot_bytes = 28 + 48 + 256 + 8192;
  size_t task_bytes = 0;  // task_room() of each slot
  BugSet bugs = {};       // defects on demand
  // slots * slot_bytes of memory that the caller registered with its transport, and what keeps it.
  base::MutableBytes memory;
  std::shared_ptr<const void> keep_alive;
  // The slot may be posted again: nobody looks into it any more. Not called once the source has
  // gone.
  absl::AnyInvocable<void(uint32_t slot)> repost;
};

// Copies nothing: every chunk, and with it BHS, AHS and data of the PDU, lies in the slot in which
// the transport put it. A slot is given back in O(1) by its address.
//
// The transport looks at its header (the first kTraits.header_bytes) before Deliver(): the machine
// begins behind it and shows it as PduSlot::message_header().
class PushSource {
 public:
  static constexpr const TransportTraits& kTraits = kIserTraits;

  explicit PushSource(PushSourceOptions options);
  PushSource(const PushSource&) = delete;
  PushSource& operator=(const PushSource&) = delete;
  ~PushSource();

  // ---- for the transport ----
  // The buffer to be posted for a slot. In the beginning each slot counts as posted.
  base::MutableBytes Buffer(uint32_t slot) const;
  // A message of `bytes` bytes came into a posted slot. Messages are received in this order.
  void Deliver(uint32_t slot, size_t bytes);
  // No message will come behind those that were delivered.
  void End() { ended_ = true; }

  uint32_t slots() const;
  uint32_t slots_posted() const;

  // ---- for the receive machine ----
  Obtained Obtain(Chunk kind, size_t size);
  Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size);
  PduSlot* AllocTask(base::Bytes bhs);
  base::Bytes KeepAhs(PduSlot& /*slot*/, base::Bytes ahs) { return ahs; }
  base::MutableBytes RoomInSlot(PduSlot& /*slot*/, size_t /*size*/) { return {}; }
  size_t MessageRemaining() const { return length_ - offset_; }
  void EndMessage();

 private:
  class Pool;
  struct Message {
    uint32_t slot;
    size_t bytes;
  };

  // Turns to the next message, if there is one.
  bool Begin();

  std::unique_ptr<Pool, SlotPool::Closer> pool_;
  std::vector<Message> delivered_;  // a ring of as many as there are slots
  size_t first_ = 0;
  size_t count_ = 0;
  bool ended_ = false;

  // The message that is being received.
  bool inside_ = false;
  SlotRef held_;  // until a PDU took it over or its bytes turned out to be none
  uint8_t* base_ = nullptr;
  size_t length_ = 0;
  size_t offset_ = 0;

  // Of defects on demand.
  bool more_was_there_ = false;  // when the last message ended
  std::vector<SlotRef> kept_;    // Bug::kRxMessageSlotKept
};

}  // namespace pushpull::target

#endif  // TARGET_RX_PUSH_SOURCE_H_
