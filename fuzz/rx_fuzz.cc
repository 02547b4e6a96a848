// The receive machine, differential: the same bytes under deliveries at random give the same events
// as all at once, and pulled the same as pushed; so does the machine's own log. Inputs:
// fuzz/replay/stream_input.h.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "fuzz/planted_bugs.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/machine_log.h"
#include "fuzz/replay/random_delivery.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/stream_input.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {
namespace {

constexpr int kDeliveries = 8;

void Deliver(const StreamInput& input) {
  static Receiver* const receiver = MakeRxReceiver(fuzz::PlantedBugs()).release();
  const Trace& trace = input.trace;
  CHECK(receiver->Open(trace).ok());
  auto oracle = Oracle::Make(trace, receiver);
  CHECK(oracle.ok()) << oracle.status().ToString();
  CHECK(!oracle->reference().fault) << "the whole delivery is a fault";
  base::Random random(input.seed);
  Delivery delivery;
  for (int i = 0; i < kDeliveries; ++i) {
    const std::vector<Source> sources = receiver->sources();
    delivery.Clear(sources[static_cast<size_t>(i) % sources.size()]);
    MakeRandomDelivery(trace, &random, &delivery);
    const auto differs = oracle->Differs(delivery, receiver);
    CHECK(differs.ok()) << differs.status().ToString();
    CHECK(!*differs) << ToString(delivery);
  }
}

// What the machine says itself, in pieces of at most so many bytes.
void CompareLogs(const StreamInput& input) {
  MachineRun run;
  run.bugs = fuzz::PlantedBugs();
  const std::string whole = MachineLog(input.trace, run);
  base::Random random(input.seed);
  const uint64_t most = random.Chance(50) ? 4 : 200;
  for (size_t at = 0; at < input.trace.bytes.size() && run.cuts.size() < 300;) {
    run.cuts.push_back(random.Below(most + 1));
    at += run.cuts.back();
  }
  run.not_yet_before_each_chunk = random.Chance(50);
  run.queue_capacity = random.Between(1, 4);
  run.budget = random.Between(1, 3);
  const std::string cut = MachineLog(input.trace, run);
  CHECK(cut == whole) << cut << "instead of\n" << whole;
}

}  // namespace
}  // namespace pushpull::replay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = pushpull::replay::ReadStreamInput({data, size});
  if (!input.has_value()) return 0;
  pushpull::replay::Deliver(*input);
  pushpull::replay::CompareLogs(*input);
  return 0;
}
