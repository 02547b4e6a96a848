// What the receive machine does wrong on demand: the named defects of target/bugs, area "receive
// machine", as far as they act in the machine itself. Each is a mistake that real receive code has
// made, asked for at the place where it is made. Most act only on a chunk that had to be waited
// for: they show under some cuts of the same bytes and not under others, which is what the replay
// is there to find.
//
// In a build without defects every answer is a constant, and nothing of this is left.

#ifndef TARGET_RX_RX_FAULTS_H_
#define TARGET_RX_RX_FAULTS_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "target/bugs/bugs.h"
#include "target/pdu/bhs.h"
#include "target/rx/chunk.h"

namespace pushpull::target {

class RxFaults {
 public:
  RxFaults() = default;
  explicit RxFaults(const BugSet& bugs) : bugs_(bugs) {}

  bool Has(Bug bug) const { return bugs_.Has(bug); }
  // The chunk that is asked for now was answered "not yet" before.
  bool WaitedAnd(Bug bug) const { return bugs_.Has(bug) && waited_; }
  // The same of any chunk of this PDU's header.
  bool HeaderWaitedAnd(Bug bug) const { return bugs_.Has(bug) && header_waited_; }

  // ---- what the machine tells ----
  void OnPoll() {
    if constexpr (kBugsEnabled) digest_failed_in_poll_ = false;
  }
  void OnNotYet() {
    if constexpr (kBugsEnabled) waited_ = true;
  }
  void OnBegin(uint32_t ahs_bytes, bool ahs_too_long) {
    if constexpr (!kBugsEnabled) return;
    const uint32_t before = std::exchange(ahs_bytes_, ahs_bytes);
    header_waited_ = waited_;
    accepted_early_ = false;
    pad_ = 0;
    last_piece_ = 0;
    if (WaitedAnd(Bug::kRxAhsForgotten)) ahs_bytes_ = 0;
    if (WaitedAnd(Bug::kRxAhsLengthCarried) && before > 0 && !ahs_too_long) ahs_bytes_ = before;
  }
  // A chunk was taken, and what depends on whether it was waited for is done.
  void OnTaken() {
    if constexpr (kBugsEnabled) waited_ = false;
  }
  void OnHeaderChunkTaken() {
    if constexpr (kBugsEnabled) header_waited_ |= std::exchange(waited_, false);
  }
  void OnPlaced(bool discarded) {
    if constexpr (kBugsEnabled) discarded_ = discarded;
  }
  void OnPiece(size_t bytes) {
    if constexpr (kBugsEnabled) last_piece_ = static_cast<uint32_t>(bytes);
  }
  void OnDigestFailed() {
    if constexpr (kBugsEnabled) digest_failed_in_poll_ = true;
  }
  void OnQueueFull() {
    if constexpr (kBugsEnabled) queue_was_full_ = true;
  }
  void OnComplete() {
    if constexpr (kBugsEnabled) queue_was_full_ = queued_twice_ = false;
  }

  // ---- what it does then ----
  uint32_t AhsBytes(uint32_t right) const { return kBugsEnabled ? ahs_bytes_ : right; }

  // kRxPlacedBeforeHeaderDigest: once for each PDU.
  bool AcceptsEarly() {
    return bugs_.Has(Bug::kRxPlacedBeforeHeaderDigest) && !std::exchange(accepted_early_, true);
  }
  bool AcceptedEarly() const { return kBugsEnabled && accepted_early_; }

  bool Discards() const { return HeaderWaitedAnd(Bug::kRxDiscardCarried) && discarded_; }

  // kRxDataTailAsPad: the data has ended, as far as the machine is concerned.
  bool TakesTailAsPad(uint32_t data_left) {
    if (!bugs_.Has(Bug::kRxDataTailAsPad) || data_left > 3) return false;
    pad_ = data_left;
    return true;
  }
  uint32_t PadBytes(uint32_t right) const {
    if (bugs_.Has(Bug::kRxPadByLastPiece)) return target::PadBytes(last_piece_);
    return kBugsEnabled ? right + pad_ : right;
  }
  // kRxPadAsData: what the pad then is, where no slot needs to keep it.
  static base::MutableBytes PadAsData(size_t size) {
    static uint8_t zeros[8];
    return base::MutableBytes(zeros).first(size);
  }

  // kRxQueuedBeforeDataDigest: a digest is to be passed over before the next PDU.
  bool QueuesBeforeDataDigest() {
    if (!bugs_.Has(Bug::kRxQueuedBeforeDataDigest)) return false;
    owes_digest_ = true;
    return true;
  }
  bool OwesDigest() const { return kBugsEnabled && owes_digest_; }
  void PaysDigest() { owes_digest_ = false; }

  bool DigestFailureCarried() const {
    return bugs_.Has(Bug::kRxDigestFailureCarried) && digest_failed_in_poll_;
  }
  // kRxQueuedTwice: once for each PDU, after which it is complete still.
  bool QueuesTwice() {
    return bugs_.Has(Bug::kRxQueuedTwice) && queue_was_full_ && !std::exchange(queued_twice_, true);
  }

 private:
  BugSet bugs_;
  bool waited_ = false;
  bool header_waited_ = false;
  bool accepted_early_ = false;
  bool discarded_ = false;
  bool owes_digest_ = false;
  bool digest_failed_in_poll_ = false;
  bool queue_was_full_ = false;
  bool queued_twice_ = false;
  uint32_t ahs_bytes_ = 0;
  uint32_t pad_ = 0;
  uint32_t last_piece_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_RX_FAULTS_H_
