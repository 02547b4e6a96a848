// A receive machine's source for tests and replay: bytes that are there, in a schedule of cuts.

#ifndef TARGET_RX_BYTE_SOURCE_H_
#define TARGET_RX_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "target/rx/block_pool.h"
#include "target/rx/chunk.h"
#include "target/rx/slot.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {

struct ByteSchedule {
  // The bytes come in pieces of these sizes; the last piece is what is left.
  std::vector<size_t> cuts = {};
  // Each chunk is answered kNotYet once before it is looked for.
  bool not_yet_before_each_chunk = false;
  // The bytes end with an end; else with kNotYet for ever.
  bool ends = true;
};

// Behaves as a byte stream does.
class ByteSource {
 public:
  static constexpr const TransportTraits& kTraits = kTcpTraits;

  ByteSource(base::Bytes bytes, ByteSchedule schedule, BlockPool* slots)
      : bytes_(bytes.begin(), bytes.end()),
        view_(bytes_),
        schedule_(std::move(schedule)),
        slots_(slots),
        cuts_(true) {
    Cut();
  }
  // Nothing is let through but what Feed() says. `bytes` outlive the source.
  ByteSource(base::MutableBytes bytes, bool not_yet_before_each_chunk, BlockPool* slots)
      : view_(bytes),
        schedule_({.not_yet_before_each_chunk = not_yet_before_each_chunk, .ends = false}),
        slots_(slots) {}
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  void Feed(size_t bytes) { end_ += bytes; }
  // No more will be fed.
  void End() { schedule_.ends = true; }

  Obtained Obtain(Chunk kind, size_t size);
  Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size);
  PduSlot* AllocTask(base::Bytes bhs) { return slots_->AllocTask(bhs); }
  base::Bytes KeepAhs(PduSlot& slot, base::Bytes ahs) { return slots_->KeepAhs(slot, ahs); }
  base::MutableBytes RoomInSlot(PduSlot& slot, size_t size) {
    return slots_->RoomInSlot(slot, size);
  }

  size_t taken() const { return begin_; }
  // Whether every byte has been let through.
  bool exhausted() const { return end_ == view_.size(); }
  // The last chunk was answered kNotYet by not_yet_before_each_chunk.
  bool refused() const { return waited_; }

 private:
  // Lets the next piece through.
  void Cut();
  bool Wait();

  std::vector<uint8_t> bytes_;  // where they are its own
  const base::MutableBytes view_;
  ByteSchedule schedule_;
  BlockPool* const slots_;
  const bool cuts_ = false;  // by the schedule, whenever bytes are missing
  size_t next_cut_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;  // what has been let through
  bool waited_ = false;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_BYTE_SOURCE_H_
