// The receive machine's source for byte streams: pulls out of a fabric::Stream.

#ifndef TARGET_RX_TCP_SOURCE_H_
#define TARGET_RX_TCP_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "fabric/stream.h"
#include "target/bugs/bugs.h"
#include "target/rx/block_pool.h"
#include "target/rx/chunk.h"
#include "target/rx/read_ahead.h"
#include "target/rx/slot.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {

// Small chunks come out of a read-ahead buffer. Data that isn't in there yet is read straight into
// its places, with the read-ahead buffer behind them: one system call takes the rest of a data
// segment, its digest and what follows. How much is read ahead follows from what comes: much where
// small PDUs follow one another, little where most of it would be data that has to be copied out.
class TcpSource {
 public:
  static constexpr const TransportTraits& kTraits = kTcpTraits;

  // All three live longer than the source. Of the stream only TryRead is used. `bugs`: defects on
  // demand.
  TcpSource(fabric::Stream* stream, ReadAheadPool* buffers, BlockPool* slots,
            const BugSet& bugs = {})
      : stream_(stream),
        buffers_(buffers),
        slots_(slots),
        bugs_(bugs),
        ahead_(buffers->buffer_bytes()) {}
  TcpSource(const TcpSource&) = delete;
  TcpSource& operator=(const TcpSource&) = delete;
  ~TcpSource() { GiveBuffer(); }

  Obtained Obtain(Chunk /*kind*/, size_t size) {
    if (end_ - begin_ >= size) [[likely]]
      return {Obtained::Answer::kReady, TakeBuffered(size)};
    return ObtainAfterRead(size);
  }
  Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size);
  PduSlot* AllocTask(base::Bytes bhs) { return slots_->AllocTask(bhs); }
  base::Bytes KeepAhs(PduSlot& slot, base::Bytes ahs) { return slots_->KeepAhs(slot, ahs); }
  base::MutableBytes RoomInSlot(PduSlot& slot, size_t size) {
    return slots_->RoomInSlot(slot, size);
  }

  // Where nothing is obtained for a while: whether the bytes have ended. What came is kept.
  bool HasEnded();

  // After kEnded: the errno value with which the stream broke, 0 where the peer closed in order.
  int error() const { return error_; }
  // Whether bytes were read ahead that nothing asked for yet.
  bool has_read_ahead() const { return begin_ != end_; }

 private:
  Obtained ObtainAfterRead(size_t size);
  // Reads until the buffer holds `size` bytes.
  Obtained::Answer Fill(size_t size);
  // Reads what is there into `into` and, behind it, the empty buffer.
  Obtained::Answer ReadStraight(std::span<const base::MutableBytes> into);
  Obtained::Answer AnswerOf(const fabric::IoResult& result);
  base::MutableBytes TakeBuffered(size_t size) {
    begin_ += size;
    return {buffer_.get() + begin_ - size, size};
  }
  void NeedBuffer();
  void GiveBuffer();

  fabric::Stream* const stream_;
  ReadAheadPool* const buffers_;
  BlockPool* const slots_;
  const BugSet bugs_;
  ReadAheadPool::Buffer buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t ahead_;       // bytes to read ahead, as far as there is room
  size_t landed_ = 0;  // bytes that ReadStraight put in their places and nobody was told of yet
  int error_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_TCP_SOURCE_H_
