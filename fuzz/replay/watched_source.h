// A receive machine's source, with a hash of all that it answered: the sequence of spans at the
// machine.

#ifndef FUZZ_REPLAY_WATCHED_SOURCE_H_
#define FUZZ_REPLAY_WATCHED_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "target/rx/chunk.h"
#include "target/rx/slot.h"
#include "target/rx/transport_traits.h"

namespace pushpull::replay {

template <typename Source>
class WatchedSource {
 public:
  static constexpr const target::TransportTraits& kTraits = Source::kTraits;

  explicit WatchedSource(Source* source) : source_(source) {}

  // Equal for deliveries that were one and the same to the machine.
  uint64_t spans_digest() const { return digest_; }

  target::Obtained Obtain(target::Chunk kind, size_t size) {
    return Watch(kind, source_->Obtain(kind, size));
  }
  target::Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size) {
    return Watch(target::Chunk::kData, source_->ObtainData(into, size));
  }
  target::PduSlot* AllocTask(base::Bytes bhs) { return source_->AllocTask(bhs); }
  base::Bytes KeepAhs(target::PduSlot& slot, base::Bytes ahs) {
    return source_->KeepAhs(slot, ahs);
  }
  base::MutableBytes RoomInSlot(target::PduSlot& slot, size_t size) {
    return source_->RoomInSlot(slot, size);
  }
  size_t MessageRemaining() const { return source_->MessageRemaining(); }
  void EndMessage() { source_->EndMessage(); }

 private:
  target::Obtained Watch(target::Chunk kind, target::Obtained obtained) {
    using Answer = target::Obtained::Answer;
    // What has come of a chunk that isn't there yet is nothing to the machine; at the end it is
    // only asked whether it is nothing.
    const uint64_t size = obtained.answer == Answer::kReady   ? obtained.bytes.size()
                          : obtained.answer == Answer::kEnded ? uint64_t{!obtained.bytes.empty()}
                                                              : 0;
    const uint64_t span =
        size << 8 | static_cast<uint64_t>(obtained.answer) << 4 | static_cast<uint64_t>(kind);
    digest_ = (digest_ ^ span) * 0x9fb21c651e98df25;
    digest_ ^= digest_ >> 32;
    return obtained;
  }

  Source* const source_;
  uint64_t digest_ = 0x51;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_WATCHED_SOURCE_H_
