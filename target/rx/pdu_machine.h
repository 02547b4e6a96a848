// The receive state machine (RFC 7143 §11.2): asks its source for the next chunk by kind, decides
// where data goes once the header and its digest were accepted, and puts complete PDUs into a
// queue. It does no I/O, takes no locks and never asks which transport it serves: what the RFCs
// make different is read from the source's TransportTraits.
//
// Source, delegate and queue are template parameters and not interfaces: a PDU is three to six
// chunks, of which most are a comparison and an addition once inlined, where a virtual call each
// would cost more than the work. There are few pairs (one for each transport and delegate), so that
// code size is no argument against it.
//
//   class Source {
//     static constexpr const TransportTraits& kTraits;
//     // All of `size` bytes of a small chunk, or nothing. Valid until the next call.
//     Obtained Obtain(Chunk kind, size_t size);
//     // The next 1 to `size` bytes of data. `into`: where the rest of it should go, together
//     // `size` bytes; empty where it is to be discarded. Ready bytes lie at into's beginning, or
//     // in the current slot; discarded ones anywhere, valid until the next call.
//     Obtained ObtainData(std::span<const base::MutableBytes> into, size_t size);
//     // A slot for the PDU whose BHS was just obtained, with the BHS in it; null where there is
//     // none now. It is asked again for the same BHS.
//     PduSlot* AllocTask(base::Bytes bhs);
//     // Makes an AHS that was just obtained stay with the slot.
//     base::Bytes KeepAhs(PduSlot& slot, base::Bytes ahs);
//     // Room for data in the slot; empty where data is in the slot when it comes.
//     base::MutableBytes RoomInSlot(PduSlot& slot, size_t size);
//     // With message_boundaries: bytes of the message that were not obtained; and that its PDU is
//     // complete.
//     size_t MessageRemaining() const;
//     void EndMessage();
//   };
//
//   class Queue: PduQueue, or SpscPduQueue where another thread processes: full(), Push(SlotRef).
//
//   class Delegate {
//     // The header `pdu` (bhs(), ahs(), message_header()) was accepted: its digest was right, its
//     // lengths are within the limits. Says where its data goes, or refuses it. Called once for
//     // each PDU in the order of arrival, also where there is no data; PDUs that came before may
//     // still stand in the queue. It may take PDUs from the queue, but may not call Poll() or
//     // destroy the machine.
//     void Place(const PduSlot& pdu, Placement& placement);
//   };

#ifndef TARGET_RX_PDU_MACHINE_H_
#define TARGET_RX_PDU_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/check.h"
#include "target/pdu/bhs.h"
#include "target/pdu/digest.h"
#include "target/pdu/protocol_error.h"
#include "target/rx/chunk.h"
#include "target/rx/event_log.h"
#include "target/rx/framing.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/placement.h"
#include "target/rx/rx_faults.h"
#include "target/rx/slot.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {

// Why Poll() came back.
enum class RxStop : uint8_t {
  kNotYet,     // the source has no more now: poll when it has
  kQueueFull,  // poll when the queue was drained
  kNoSlot,     // poll when a slot came free
  kHeld,       // poll after Proceed()
  kBudget,     // poll soon: there may be more
  kEnded,      // for good: the bytes ended
  kFailed,     // for good: error() says why
};

template <typename Source, typename Delegate, typename Queue = PduQueue>
class PduMachine {
 public:
  static constexpr const TransportTraits& kTraits = Source::kTraits;

  // All three live longer than the machine.
  PduMachine(Source* source, Delegate* delegate, Queue* queue)
      : source_(source), delegate_(delegate), queue_(queue) {}
  PduMachine(const PduMachine&) = delete;
  PduMachine& operator=(const PduMachine&) = delete;

  // From the next PDU on that hasn't begun.
  void SetFraming(const Framing& framing) {
    CHECK(kTraits.digests || !(framing.header_digest || framing.data_digest)) << kTraits.name;
    CHECK_LE(framing.max_recv_data_segment_length, kMaxDataSegmentBytes);
    next_framing_ = framing;
  }
  const Framing& framing() const { return next_framing_; }

  // With one_at_a_time: the next PDU may begin.
  void Proceed() { held_ = false; }
  bool held() const { return held_; }

  // Defects on demand. Before the first Poll().
  void SetBugs(const BugSet& bugs) { faults_ = RxFaults(bugs); }

  // Every event from now on is copied into `log`; null for none.
  void set_event_log(EventLog* log) { log_ = log; }

  // Receives as far as it can, at most `max_pdus` PDUs.
  RxStop Poll(size_t max_pdus = std::numeric_limits<size_t>::max());

  RxState state() const { return state_; }
  bool failed() const { return state_ == RxState::kFailed; }
  bool ended() const { return ended_; }
  bool ended_inside_pdu() const { return ended_inside_pdu_; }
  // Why the machine failed.
  const std::optional<ProtocolError>& error() const { return error_; }
  // The PDU that was being received when it failed, as far as it is known; null before its header.
  const PduSlot* current() const { return slot_.get(); }

 private:
  // A step's answer: nothing to go on with the state that it set, or why Poll() stops.
  using Step = std::optional<RxStop>;

  Step TakeBhs();
  Step TakeAhs();
  Step TakeHeaderDigest();
  Step TakeHeader();
  Step Accept();
  Step TakeData();
  Step TakePad();
  Step TakeDataDigest();
  Step Complete();
  void Enqueue(SlotRef pdu);
  // Before Place(): the lengths against our limits and, where it has one, the message.
  std::optional<ProtocolError> CheckLengths(BhsView bhs) const;
  void Decide(PduSlot& pdu);
  void AdvancePlaces(size_t bytes);
  Step Stopped(const Obtained& obtained);
  Step Fail(const ProtocolError& error);

  Source* const source_;
  Delegate* const delegate_;
  Queue* const queue_;
  EventLog* log_ = nullptr;

  RxState state_ = RxState::kBhs;
  bool held_ = false;
  bool ended_ = false;
  bool ended_inside_pdu_ = false;
  bool ahs_too_long_ = false;
  Framing next_framing_;
  Framing framing_;  // of the current PDU
  base::Bytes bhs_without_slot_;
  SlotRef slot_;
  Crc32c crc_;
  Placement placement_;
  std::span<base::MutableBytes> places_;  // where the rest of the data goes
  uint32_t data_left_ = 0;
  std::optional<ProtocolError> error_;
  RxFaults faults_;
};

// ---- implementation ---------------------------------------------------------------------------

template <typename S, typename D, typename Q>
RxStop PduMachine<S, D, Q>::Poll(size_t max_pdus) {
  faults_.OnPoll();
  while (true) {
    Step stop;
    switch (state_) {
      case RxState::kBhs:
        if (ended_) return RxStop::kEnded;
        if (max_pdus == 0) return RxStop::kBudget;
        stop = TakeBhs();
        break;
      case RxState::kAhs:
        stop = TakeAhs();
        break;
      case RxState::kHeaderDigest:
        stop = TakeHeaderDigest();
        break;
      case RxState::kData:
        stop = data_left_ > 0 ? TakeData() : TakePad();
        break;
      case RxState::kDataDigest:
        stop = TakeDataDigest();
        break;
      case RxState::kComplete:
        stop = Complete();
        if (!stop) --max_pdus;
        break;
      case RxState::kFailed:
        return RxStop::kFailed;
    }
    if (stop) return *stop;
  }
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeBhs() -> Step {
  if (bhs_without_slot_.empty()) {
    if (held_) return RxStop::kHeld;
    if (faults_.OwesDigest()) {
      const Obtained digest = source_->Obtain(Chunk::kDataDigest, kDigestBytes);
      if (digest.answer != Obtained::Answer::kReady) return Stopped(digest);
      faults_.PaysDigest();
    }
    const Obtained got = source_->Obtain(Chunk::kBhs, kBhsBytes);
    if (got.answer != Obtained::Answer::kReady) return Stopped(got);
    bhs_without_slot_ = got.bytes;
  }
  slot_ = SlotRef(source_->AllocTask(bhs_without_slot_));
  if (!slot_) {
    if (faults_.Has(Bug::kRxBhsLostWithoutSlot)) bhs_without_slot_ = {};
    return RxStop::kNoSlot;
  }
  bhs_without_slot_ = {};
  framing_ = next_framing_;
  const BhsView bhs = slot_->bhs();
  if (framing_.header_digest) {
    if (!faults_.WaitedAnd(Bug::kRxHeaderCrcCarried)) crc_.Reset();
    crc_.Add(bhs.bytes());
  }
  // Without a digest an AHS beyond the limit is known to be one. With a digest the length may be
  // what was damaged, and is judged when the digest was.
  ahs_too_long_ = bhs.ahs_bytes() > framing_.max_ahs_bytes;
  faults_.OnBegin(bhs.ahs_bytes(), ahs_too_long_);
  faults_.OnTaken();
  if (ahs_too_long_ && !framing_.header_digest) return TakeHeader();
  if (faults_.AhsBytes(bhs.ahs_bytes()) == 0)
    return framing_.header_digest ? TakeHeaderDigest() : TakeHeader();
  return TakeAhs();
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeAhs() -> Step {
  state_ = RxState::kAhs;
  const Obtained got = source_->Obtain(Chunk::kAhs, faults_.AhsBytes(slot_->bhs().ahs_bytes()));
  if (got.answer != Obtained::Answer::kReady) return Stopped(got);
  const bool left_out =
      faults_.WaitedAnd(Bug::kRxAhsNotInDigest) || faults_.Has(Bug::kAhsNotInHeaderDigest);
  if (framing_.header_digest && !left_out) crc_.Add(got.bytes);
  // One that is too long is only passed over, up to its digest.
  if (!ahs_too_long_ && !faults_.WaitedAnd(Bug::kRxAhsLostWhenCut)) {
    slot_->set_ahs(source_->KeepAhs(*slot_, got.bytes));
  }
  faults_.OnHeaderChunkTaken();
  return framing_.header_digest ? TakeHeaderDigest() : TakeHeader();
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeHeaderDigest() -> Step {
  state_ = RxState::kHeaderDigest;
  const Obtained got = source_->Obtain(Chunk::kHeaderDigest, kDigestBytes);
  if (got.answer != Obtained::Answer::kReady) {
    if (got.answer == Obtained::Answer::kNotYet && faults_.AcceptsEarly()) {
      const Step stop = Accept();
      if (stop || !slot_) return stop;
    }
    return Stopped(got);
  }
  const bool checked = !faults_.Has(Bug::kHeaderDigestUnchecked) &&
                       !faults_.WaitedAnd(Bug::kRxHeaderDigestLateUnchecked);
  faults_.OnHeaderChunkTaken();
  if (Crc32c::Load(got.bytes.data()) != crc_.value() && checked) {
    // Where the next PDU begins isn't known any more, and there is no other means to find it.
    return Fail({Reason::kHeaderDigest, "RFC 7143 §7.8", Action::kCloseConnection});
  }
  return TakeHeader();
}

template <typename S, typename D, typename Q>
std::optional<ProtocolError> PduMachine<S, D, Q>::CheckLengths(BhsView bhs) const {
  if (ahs_too_long_) {
    return ProtocolError{Reason::kAhsTooLong, "RFC 7143 §11.2.1.5", Action::kCloseSession};
  }
  const uint32_t data = bhs.data_segment_length();
  if (data > framing_.max_recv_data_segment_length &&
      !faults_.HeaderWaitedAnd(Bug::kRxLimitUnchecked)) {
    return ProtocolError{Reason::kDataSegmentTooLong, "RFC 7143 §13.12", Action::kCloseSession};
  }
  if constexpr (kTraits.message_boundaries) {
    const size_t remaining = source_->MessageRemaining();
    const size_t padded = size_t{data} + PadBytes(data);
    if (remaining > padded) {
      return ProtocolError{Reason::kLeftoverBytes, "RFC 7145 §10.1.3.3", Action::kCloseSession};
    }
    if (remaining != padded && !(kTraits.pad_optional && remaining == data)) {
      return ProtocolError{Reason::kShortMessage, "RFC 7145 §10.1.3.3", Action::kCloseSession};
    }
  }
  return std::nullopt;
}

// Acts on the header.
template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::Accept() -> Step {
  if (const auto error = CheckLengths(slot_->bhs())) return Fail(*error);
  Decide(*slot_);
  if (placement_.kind() == Placement::Kind::kRefuse) {
    const ProtocolError& error = *placement_.error();
    if (error.ends_connection()) return Fail(error);
    slot_->set_refusal(error);
    if (log_ != nullptr) log_->Add(error);
  }
  return std::nullopt;
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeHeader() -> Step {
  if (!faults_.AcceptedEarly()) {
    const Step stop = Accept();
    if (stop || !slot_) return stop;
  }
  if (data_left_ == 0) {
    state_ = RxState::kComplete;
    return std::nullopt;
  }
  state_ = RxState::kData;
  if (framing_.data_digest && !faults_.HeaderWaitedAnd(Bug::kRxDataCrcCarried)) crc_.Reset();
  return std::nullopt;
}

template <typename S, typename D, typename Q>
void PduMachine<S, D, Q>::Decide(PduSlot& pdu) {
  data_left_ = pdu.bhs().data_segment_length();
  placement_.Clear();
  delegate_->Place(pdu, placement_);
  if (faults_.Discards() && placement_.kind() != Placement::Kind::kRefuse) placement_.Discard();
  places_ = {};
  faults_.OnPlaced(placement_.kind() >= Placement::Kind::kDiscard);
  switch (placement_.kind()) {
    case Placement::Kind::kInSlot:
      if (data_left_ > 0) {
        const base::MutableBytes room = source_->RoomInSlot(pdu, data_left_);
        if (!room.empty()) placement_.Into(room);
      }
      break;
    case Placement::Kind::kInto:
      CHECK_EQ(placement_.bytes(), data_left_) << "Place() gave room for another length";
      break;
    case Placement::Kind::kDiscard:
    case Placement::Kind::kRefuse:
      if (data_left_ > 0) pdu.set_data_discarded();
      return;
  }
  places_ = placement_.spans();
}

template <typename S, typename D, typename Q>
void PduMachine<S, D, Q>::AdvancePlaces(size_t bytes) {
  while (bytes > 0) {
    base::MutableBytes& first = places_.front();
    if (bytes < first.size()) {
      first = faults_.Has(Bug::kRxDataPlaceRepeated) ? first.first(first.size() - bytes)
                                                     : first.subspan(bytes);
      return;
    }
    bytes -= first.size();
    places_ = places_.subspan(1);
  }
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeData() -> Step {
  const Obtained got = source_->ObtainData(places_, data_left_);
  if (got.answer != Obtained::Answer::kReady) {
    if (got.answer == Obtained::Answer::kNotYet && faults_.TakesTailAsPad(data_left_)) {
      data_left_ = 0;
    }
    return Stopped(got);
  }
  data_left_ -= static_cast<uint32_t>(got.bytes.size());
  if (framing_.data_digest && !faults_.WaitedAnd(Bug::kRxDataPieceNotInDigest)) {
    crc_.Add(got.bytes);
  }
  faults_.OnTaken();
  faults_.OnPiece(got.bytes.size());
  if (!slot_->data_discarded()) {
    slot_->AddData(got.bytes);
    if (!places_.empty()) AdvancePlaces(got.bytes.size());
  }
  return std::nullopt;
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakePad() -> Step {
  const uint32_t pad = faults_.PadBytes(slot_->bhs().pad_bytes());
  bool absent = pad == 0;
  if constexpr (kTraits.pad_optional) absent = absent || source_->MessageRemaining() == 0;
  if (!absent) {
    const Obtained got = source_->Obtain(Chunk::kPad, pad);
    if (got.answer != Obtained::Answer::kReady) {
      if (got.answer != Obtained::Answer::kNotYet || !faults_.Has(Bug::kRxPadSkippedWhenLate)) {
        return Stopped(got);
      }
    } else if (framing_.data_digest && !faults_.WaitedAnd(Bug::kRxPadNotInDigest)) {
      // Whatever it holds: a receiver doesn't judge it (RFC 7143 §11.1).
      crc_.Add(got.bytes);
    }
    if (faults_.Has(Bug::kRxPadAsData) && !faults_.WaitedAnd(Bug::kRxPadAsData) &&
        !slot_->data_discarded()) {
      slot_->AddData(RxFaults::PadAsData(pad));
    }
    faults_.OnTaken();
  }
  state_ = framing_.data_digest ? RxState::kDataDigest : RxState::kComplete;
  return std::nullopt;
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::TakeDataDigest() -> Step {
  const Obtained got = source_->Obtain(Chunk::kDataDigest, kDigestBytes);
  if (got.answer != Obtained::Answer::kReady) {
    if (got.answer != Obtained::Answer::kNotYet || !faults_.QueuesBeforeDataDigest()) {
      return Stopped(got);
    }
    state_ = RxState::kComplete;
    return std::nullopt;
  }
  // The PDU is known and so is its end: the connection goes on, and the session rejects it.
  if (Crc32c::Load(got.bytes.data()) != crc_.value() &&
      !faults_.WaitedAnd(Bug::kRxDataDigestLateUnchecked)) {
    slot_->set_data_digest_failed();
    faults_.OnDigestFailed();
  }
  faults_.OnTaken();
  state_ = RxState::kComplete;
  return std::nullopt;
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::Complete() -> Step {
  if (queue_->full()) {
    faults_.OnQueueFull();
    if (!faults_.Has(Bug::kRxLostWhenQueueFull)) return RxStop::kQueueFull;
    if constexpr (kTraits.message_boundaries) source_->EndMessage();
    slot_ = SlotRef();
    state_ = RxState::kBhs;
    return RxStop::kQueueFull;
  }
  if constexpr (kTraits.message_boundaries) source_->EndMessage();
  if (faults_.DigestFailureCarried()) slot_->set_data_digest_failed();
  if (faults_.QueuesTwice()) {
    Enqueue(slot_);
    return std::nullopt;
  }
  Enqueue(std::move(slot_));
  faults_.OnComplete();
  held_ = framing_.one_at_a_time;
  state_ = RxState::kBhs;
  return std::nullopt;
}

template <typename S, typename D, typename Q>
void PduMachine<S, D, Q>::Enqueue(SlotRef pdu) {
  if (log_ != nullptr) log_->AddPdu(*pdu);
  queue_->Push(std::move(pdu));
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::Stopped(const Obtained& obtained) -> Step {
  switch (obtained.answer) {
    case Obtained::Answer::kReady:
    case Obtained::Answer::kNotYet:
      faults_.OnNotYet();
      return RxStop::kNotYet;
    case Obtained::Answer::kEnded: {
      const bool inside = state_ != RxState::kBhs || !obtained.bytes.empty();
      if (log_ != nullptr) log_->Add(EndEvent{inside});
      slot_ = SlotRef();
      ended_ = true;
      ended_inside_pdu_ = inside;
      state_ = RxState::kBhs;
      return RxStop::kEnded;
    }
    case Obtained::Answer::kShortMessage:
      return Fail({Reason::kShortMessage, "RFC 7145 §10.1.3.3", Action::kCloseSession});
  }
  return RxStop::kNotYet;
}

template <typename S, typename D, typename Q>
auto PduMachine<S, D, Q>::Fail(const ProtocolError& error) -> Step {
  if (log_ != nullptr) log_->Add(error);
  if (faults_.HeaderWaitedAnd(Bug::kRxFailureForgotten)) {
    if constexpr (kTraits.message_boundaries) source_->EndMessage();
    slot_ = SlotRef();
    state_ = RxState::kBhs;
    return std::nullopt;
  }
  error_ = error;
  state_ = RxState::kFailed;
  return RxStop::kFailed;
}

}  // namespace pushpull::target

#endif  // TARGET_RX_PDU_MACHINE_H_
