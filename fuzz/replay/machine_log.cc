#include "fuzz/replay/machine_log.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzz/replay/rx_placer.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/event_log.h"
#include "target/rx/framing.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/pdu_queue.h"

namespace pushpull::replay {
namespace {

using target::RxStop;

// Polls until the end or the failure. Empty, or why it got nowhere.
template <typename Machine>
std::string Run(const MachineRun& run, uint64_t most, Machine* machine, target::PduQueue* queue) {
  for (uint64_t polls = 0; polls < most; ++polls) {
    switch (machine->Poll(run.budget)) {
      case RxStop::kEnded:
      case RxStop::kFailed:
        return "";
      case RxStop::kQueueFull:
      case RxStop::kNoSlot:
        if (queue->empty()) return absl::StrCat("waits for room in nothing");
        queue->Pop();
        break;
      case RxStop::kHeld:
        machine->Proceed();
        break;
      case RxStop::kNotYet:
      case RxStop::kBudget:
        break;
    }
  }
  return "runs in circles";
}

}  // namespace

std::string MachineLog(const Trace& trace, const MachineRun& run) {
  RxPlacer placer;
  placer.Reserve(trace.bytes.size(), trace.parameters.max_recv_data_segment_length);
  const auto pool = target::BlockPool::Create(
      {.max_slots = static_cast<uint32_t>(run.queue_capacity) + 1, .bugs = run.bugs});
  target::EventLog log;
  std::string wrong;
  {
    target::ByteSource source(
        trace.bytes, {.cuts = run.cuts, .not_yet_before_each_chunk = run.not_yet_before_each_chunk},
        pool.get());
    target::PduQueue queue(run.queue_capacity, run.bugs);
    target::PduMachine<target::ByteSource, RxPlacer> machine(&source, &placer, &queue);
    machine.SetBugs(run.bugs);
    machine.set_event_log(&log);
    machine.SetFraming(
        {.header_digest = trace.parameters.header_digest,
         .data_digest = trace.parameters.data_digest,
         .max_recv_data_segment_length = trace.parameters.max_recv_data_segment_length,
         .max_ahs_bytes = trace.parameters.max_ahs_bytes});
    wrong = Run(run, 1000 + 16 * uint64_t{trace.bytes.size()}, &machine, &queue);
  }
  return target::ToString(log) + wrong;
}

}  // namespace pushpull::replay
