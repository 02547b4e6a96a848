// Sends a TxQueue's PDUs over a byte stream.

#ifndef TARGET_TX_STREAM_SENDER_H_
#define TARGET_TX_STREAM_SENDER_H_

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "fabric/stream.h"
#include "target/bugs/bugs.h"
#include "target/pdu/bhs.h"
#include "target/tx/out_pdu.h"
#include "target/tx/tx_queue.h"

namespace pushpull::target {

// Why Pump() came back.
enum class TxStop : uint8_t {
  kIdle,     // all was sent: pump when the queue has work
  kBlocked,  // pump when the stream is writable
  kMore,     // the budget is used up: pump soon, when others of the loop had their turn
  kFailed,   // for good: the stream broke
};

// Several PDUs go out in one write, by iovecs; data isn't copied. A write may end between any two
// bytes and goes on there.
class StreamSender {
 public:
  // Both live longer than the sender. Of the stream only TryWrite is used.
  StreamSender(fabric::Stream* stream, TxQueue* queue, const BugSet& bugs = {})
      : stream_(stream), queue_(queue), bugs_(bugs) {}
  StreamSender(const StreamSender&) = delete;
  StreamSender& operator=(const StreamSender&) = delete;

  // Sends as much as the stream takes, and no more once `budget_bytes` were sent. From within a
  // callback of its own it does nothing: what was queued there is sent by the call that is running.
  TxStop Pump(uint64_t budget_bytes = 1 << 20);

  // Nothing is queued, nor half sent.
  bool idle() const { return count_ == 0 && queue_->empty(); }
  // After kFailed: the errno value.
  int error() const { return error_; }
  uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  // PDUs taken out of the queue at one time: enough to fill a write, few enough that the order is
  // decided late.
  static constexpr size_t kBatchPdus = 16;
  static constexpr size_t kBatchBytes = 256 * 1024;
  static constexpr size_t kMaxIovecs = 64;

  struct Outgoing {
    OutPdu pdu;
    std::array<uint8_t, kBhsBytes + kDigestBytes> head;  // BHS and its digest
    std::array<uint8_t, 3 + kDigestBytes> tail;          // pad and the data's digest
    uint8_t head_bytes = 0;
    uint8_t tail_bytes = 0;
    size_t bytes = 0;  // all
  };

  Outgoing& At(size_t i) { return batch_[(first_ + i) % kBatchPdus]; }
  void Fill();
  void Encode(Outgoing& out) const;
  size_t Gather(std::array<iovec, kMaxIovecs>& vector);
  void Advance(size_t bytes);

  fabric::Stream* const stream_;
  TxQueue* const queue_;
  const BugSet bugs_;
  std::array<Outgoing, kBatchPdus> batch_;
  size_t first_ = 0;
  size_t count_ = 0;
  size_t batch_bytes_ = 0;  // of the batch, not yet written
  size_t sent_ = 0;         // of the first PDU
  uint64_t bytes_sent_ = 0;
  bool pumping_ = false;
  bool failed_ = false;
  int error_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_TX_STREAM_SENDER_H_
