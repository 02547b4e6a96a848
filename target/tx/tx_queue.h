// What a connection has to send, in which order: responses first come first served, and the data of
// reads in turns.
//
// The queue belongs to one connection and is drained by its sender: StreamSender for byte streams,
// the iSER transport's own for queue pairs.

#ifndef TARGET_TX_TX_QUEUE_H_
#define TARGET_TX_TX_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "target/tx/out_pdu.h"
#include "target/tx/ring.h"

namespace pushpull::target {

// The connection's status numbers (RFC 7143 §4.2.2.2). It outlives the queue where a session keeps
// it for recovery.
class StatSnCounter {
 public:
  explicit StatSnCounter(uint32_t first = 1) : next_(first) {}
  uint32_t next() const { return next_; }
  uint32_t Take() { return next_++; }

 private:
  uint32_t next_;
};

// A task with data to send. It is asked for one Data-In PDU at a time, when it is its turn and the
// transport takes more: what isn't sent yet needs no memory here.
class DataInProducer {
 public:
  // Fills `pdu`, which is as newly made, and answers whether there is more to come. With status
  // (S bit) it sets StatSnUse::kNext. May queue PDUs: they follow this one. A SCSI Response that
  // follows the last data is queued here or later.
  virtual bool NextDataIn(OutPdu& pdu) = 0;

 protected:
  ~DataInProducer() = default;
};

class TxQueue {
 public:
  struct Limits {
    // Of what Queue() takes; data of producers isn't counted, as it isn't held here.
    size_t max_pdus = 256;
    size_t max_bytes = 1 << 20;
  };
  struct Numbers {
    uint32_t exp_cmd_sn;
    uint32_t max_cmd_sn;
  };

  // `stat_sn` lives longer than the queue. `numbers` is called with the header of each PDU when it
  // goes out.
  using AskNumbers = absl::AnyInvocable<Numbers(BhsView)>;
  TxQueue(const Limits& limits, StatSnCounter* stat_sn, AskNumbers numbers);
  TxQueue(const TxQueue&) = delete;
  TxQueue& operator=(const TxQueue&) = delete;

  // Digests of the PDUs that are queued or produced from now on (RFC 7143 §13.1): the Login
  // Response that ends the login is queued before.
  void SetDigests(bool header, bool data) {
    header_digest_ = header;
    data_digest_ = data;
  }

  // ---- for the session ----
  // Takes the PDU and gives it its StatSN; or, where the queue is full, leaves it untouched.
  [[nodiscard]] bool Queue(OutPdu&& pdu);
  // Beyond the limits: for answers to what the window has let in, whose number the window bounds.
  void QueueExempt(OutPdu&& pdu);

  // A reader of data joins the turns. It must leave before it dies, unless it answered that there
  // is no more. May be called within NextDataIn() of another.
  void Add(DataInProducer* producer);
  // Does nothing where it isn't in turn. What it had produced before goes out.
  void Remove(DataInProducer* producer);

  // Queue() would refuse. Who receives from this connection stops then, until on_space.
  bool full() const { return queued_.size() >= limits_.max_pdus || bytes_ >= limits_.max_bytes; }
  // Called once after a refused Queue() or want_space(), when half of the limits is free again;
  // from within the sender's Pump().
  void set_on_space(absl::AnyInvocable<void()> on_space) { on_space_ = std::move(on_space); }
  void want_space() { space_wanted_ = true; }

  // Called with each PDU as it goes out, complete but for pad and digests.
  void set_tap(absl::AnyInvocable<void(const OutPdu&)> tap) { tap_ = std::move(tap); }

  // Called when there is something to send after there was nothing: the sender's wake-up. From
  // within Queue() and Add().
  void set_on_work(absl::AnyInvocable<void()> on_work) { on_work_ = std::move(on_work); }

  bool empty() const { return queued_.empty() && producers_.empty(); }
  size_t queued_pdus() const { return queued_.size(); }
  size_t queued_bytes() const { return bytes_; }

  // ---- for the sender ----
  // The next PDU with all its numbers and lengths, ready to be sent; false where there is none.
  bool Next(OutPdu& pdu);

 private:
  // Queued PDUs that may pass waiting data in a row.
  static constexpr uint32_t kQueuedInARow = 8;

  static size_t Cost(const OutPdu& pdu) { return kBhsBytes + pdu.data_bytes(); }
  void Number(OutPdu& pdu);
  void Append(OutPdu&& pdu);
  // The next PDU of the producer whose turn it is.
  void Produce(OutPdu& pdu);
  void TellSpace();

  const Limits limits_;
  StatSnCounter* const stat_sn_;
  AskNumbers numbers_;
  absl::AnyInvocable<void()> on_space_;
  absl::AnyInvocable<void()> on_work_;
  absl::AnyInvocable<void(const OutPdu&)> tap_;
  bool header_digest_ = false;
  bool data_digest_ = false;

  Ring<OutPdu> queued_;
  size_t bytes_ = 0;
  bool space_wanted_ = false;
  uint32_t queued_in_a_row_ = 0;
  std::vector<DataInProducer*> producers_;  // in turn; few, as a window bounds them
  size_t turn_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_TX_TX_QUEUE_H_
