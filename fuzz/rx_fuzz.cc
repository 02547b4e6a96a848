// The receive machine, differential: the same bytes under deliveries at random give the same events
// as all at once, and pulled the same as pushed. Inputs: fuzz/replay/stream_input.h.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "fuzz/planted_bugs.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/delivery.h"
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

}  // namespace
}  // namespace pushpull::replay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = pushpull::replay::ReadStreamInput({data, size});
  if (input.has_value()) pushpull::replay::Deliver(*input);
  return 0;
}
