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
// segment, its digest and what follows.
class TcpSource {
 public:
  static constexpr const TransportTraits& kTraits = kTcpTraits;

  // All three live longer than the source. Of the stream only TryRead is used. `bugs`: defects on
  // demand.
  TcpSource(fabric::Stream* stream, ReadAheadPool* buffers, BlockPool* slots,
            const BugSet& bugs = {})
      : stream_(stream), buffers_(buffers), slots_(slots), bugs_(bugs) {}
  TcpSource(const TcpSource&) = delete;
  TcpSource& operator=(const TcpSource&) = delete;
  ~TcpSource() { GiveBuffer(); }

  Obtained Obtain(Chunk kind, size_t size);
  Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size);
  PduSlot* AllocTask(base::Bytes bhs) { return slots_->AllocTask(bhs); }
  base::Bytes KeepAhs(PduSlot& slot, base::Bytes ahs) { return slots_->KeepAhs(slot, ahs); }
  base::MutableBytes RoomInSlot(PduSlot& slot, size_t size) {
    return slots_->RoomInSlot(slot, size);
  }

  // After kEnded: the errno value with which the stream broke, 0 where the peer closed in order.
  int error() const { return error_; }
  // Whether bytes were read ahead that nothing asked for yet.
  bool has_read_ahead() const { return begin_ != end_; }

 private:
  // Reads until the buffer holds `size` bytes.
  Obtained::Answer Fill(size_t size);
  // Reads what is there into `into` and, behind it, the empty buffer.
  Obtained::Answer ReadStraight(std::span<const base::MutableBytes> into);
  Obtained::Answer AnswerOf(const fabric::IoResult& result);
  base::MutableBytes TakeBuffered(size_t size);
  void NeedBuffer();
  void GiveBuffer();

  fabric::Stream* const stream_;
  ReadAheadPool* const buffers_;
  BlockPool* const slots_;
  const BugSet bugs_;
  ReadAheadPool::Buffer buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t landed_ = 0;  // bytes that ReadStraight put in their places and nobody was told of yet
  int error_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_TCP_SOURCE_H_
