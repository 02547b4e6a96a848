// How one delivery is played: operations are given to a feeder, the machine is polled, its queue is
// emptied as a session would that is in no hurry.

#ifndef FUZZ_REPLAY_RX_DRIVE_H_
#define FUZZ_REPLAY_RX_DRIVE_H_

#include <cstddef>
#include <cstdint>

#include "fuzz/replay/delivery.h"
#include "fuzz/replay/rx_events.h"
#include "fuzz/replay/rx_placer.h"
#include "target/rx/framing.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"

namespace pushpull::replay {

struct RxRun {
  const Delivery* delivery;
  const Parameters* parameters;
  RxPlacer* placer;
  RxEvents* events;
  target::BugSet bugs;
  uint64_t max_polls;  // after which the machine counts as running in circles
};

// class Feeder {
//   void Do(const Operation&);  // but kNotYet
//   bool Refused();             // the last kNotYet of its source was one on purpose
//   bool MoreNow();             // completes messages that waited for a slot; false: none could be
//   bool Waiting();             // messages still wait for a slot
//   bool SlotsInUse();
// };
template <typename Source, typename Feeder>
class RxDriver {
 public:
  RxDriver(const RxRun& run, Source* source, Feeder* feeder)
      : run_(run),
        feeder_(feeder),
        queue_(run.delivery->queue_capacity, run.bugs),
        machine_(source, run.placer, &queue_) {
    machine_.SetBugs(run.bugs);
    machine_.SetFraming(FramingOf(run.parameters->login_pdus == 0));
  }

  // All events, in order, into run.events.
  void Run() {
    const auto& operations = run_.delivery->operations;
    for (size_t i = 0; i < operations.size(); ++i) {
      if (operations[i].kind != Operation::Kind::kNotYet) feeder_->Do(operations[i]);
      const bool end_is_next =
          i + 1 < operations.size() && operations[i + 1].kind == Operation::Kind::kEnd;
      if (run_.delivery->end_with_last && end_is_next) feeder_->Do(operations[++i]);
      if (!PollDry()) break;
    }
    while (!queue_.empty()) Pop();
    if (machine_.failed()) {
      run_.events->AddError(*machine_.error());
    } else if (machine_.ended()) {
      run_.events->AddEnd(machine_.ended_inside_pdu());
      // Where the connection failed, the PDU that it failed in still has its slot, and messages
      // that nobody looked at have theirs.
      if (feeder_->SlotsInUse()) Fault("a slot is held though every PDU was taken and dropped");
    } else if (!run_.events->fault()) {
      run_.events->AddFault("the machine waits for more when the bytes have ended");
    }
  }

 private:
  target::Framing FramingOf(bool full_feature) const {
    const Parameters& parameters = *run_.parameters;
    return {.header_digest = full_feature && parameters.header_digest,
            .data_digest = full_feature && parameters.data_digest,
            .max_recv_data_segment_length = parameters.max_recv_data_segment_length,
            .max_ahs_bytes = parameters.max_ahs_bytes,
            .one_at_a_time = !full_feature};
  }

  // Polls until the machine waits for more than there is. False: it is over.
  bool PollDry() {
    while (true) {
      if (++polls_ > run_.max_polls) return Fault("the machine runs in circles");
      switch (machine_.Poll()) {
        case target::RxStop::kNotYet:
          if (feeder_->Refused()) continue;
          if (feeder_->MoreNow()) continue;
          if (!feeder_->Waiting()) return true;
          // Messages wait for a slot, which only a PDU that leaves the queue gives back.
          if (queue_.empty()) return Fault("a message waits for a slot that nobody holds");
          Pop();
          (void)feeder_->MoreNow();
          continue;
        case target::RxStop::kQueueFull:
        case target::RxStop::kNoSlot:
          if (queue_.empty()) return Fault("the machine waits for room, but its queue is empty");
          Pop();
          continue;
        case target::RxStop::kHeld:
          if (++login_pdus_ == run_.parameters->login_pdus) machine_.SetFraming(FramingOf(true));
          machine_.Proceed();
          continue;
        case target::RxStop::kBudget:
          continue;
        case target::RxStop::kEnded:
        case target::RxStop::kFailed:
          return false;
      }
    }
  }

  void Pop() { run_.events->AddPdu(*queue_.Pop()); }

  bool Fault(const char* text) {
    run_.events->AddFault(text);
    return false;
  }

  const RxRun& run_;
  Feeder* const feeder_;
  target::PduQueue queue_;
  target::PduMachine<Source, RxPlacer> machine_;
  uint64_t polls_ = 0;
  size_t login_pdus_ = 0;
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RX_DRIVE_H_
