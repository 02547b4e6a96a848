// Received PDUs on their way to the session: a bounded ring, filled by the receive machine.

#ifndef TARGET_RX_PDU_QUEUE_H_
#define TARGET_RX_PDU_QUEUE_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"
#include "target/bugs/bugs.h"
#include "target/rx/slot.h"

namespace pushpull::target {

class PduQueue {
 public:
  // `bugs`: defects on demand.
  explicit PduQueue(size_t capacity, const BugSet& bugs = {}) : ring_(capacity), bugs_(bugs) {
    CHECK_GT(capacity, 0u);
  }

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == ring_.size() && !bugs_.Has(Bug::kRxQueueOverwritesOldest); }
  size_t size() const { return size_; }
  size_t capacity() const { return ring_.size(); }

  void Push(SlotRef pdu) {
    CHECK(!full());
    if (bugs_.Has(Bug::kRxQueueOverwritesOldest) && size_ == ring_.size()) Pop();
    size_t at = first_ + size_++;
    if (at >= ring_.size()) at -= ring_.size();
    ring_[at] = std::move(pdu);
  }

  // The oldest. The queue must not be empty.
  SlotRef Pop() {
    CHECK(!empty());
    if (bugs_.Has(Bug::kRxQueueNewestFirst) && first_ + size_ > ring_.size()) {
      return std::move(ring_[first_ + --size_ - ring_.size()]);
    }
    SlotRef pdu = std::move(ring_[first_]);
    if (bugs_.Has(Bug::kRxQueueKeepsReference)) ring_[first_] = pdu;
    if (++first_ == ring_.size()) first_ = 0;
    --size_;
    return pdu;
  }

 private:
  std::vector<SlotRef> ring_;
  size_t first_ = 0;
  size_t size_ = 0;
  BugSet bugs_;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_PDU_QUEUE_H_
