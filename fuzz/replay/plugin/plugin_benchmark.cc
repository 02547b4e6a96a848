// What a delivery to a plug-in costs, with its way to the child and back.

#include <cstdint>
#include <utility>
#include <vector>

#include "base/check.h"
#include "benchmark/benchmark.h"
#include "fuzz/replay/plugin/plugin_host.h"

namespace pushpull::replay {
namespace {

// Two NOP-Outs, the second with data: 104 bytes.
Trace SmallTrace() {
  std::vector<uint8_t> bytes(48 + 48 + 8);
  bytes[0] = 0x40;
  bytes[48] = 0x40;
  bytes[48 + 7] = 5;
  return MakeTrace("small", Direction::kToTarget, {}, std::move(bytes));
}

void BM_Deliver(benchmark::State& state, const char* plugin, Source source) {
  const Trace trace = SmallTrace();
  PluginOptions options;
  options.path = plugin;
  auto host = PluginHost::Create(options);
  CHECK(host.ok()) << host.status();
  CHECK((*host)->Open(trace).ok());
  Delivery delivery;
  uint32_t cut = 0;
  for (auto _ : state) {
    cut = cut % 103 + 1;
    delivery.Clear(source);
    if (source == Source::kPush) {
      delivery.Push(1);
      delivery.Push(1);
    } else {
      delivery.Feed(cut);
      delivery.Feed(104 - cut);
    }
    delivery.End();
    benchmark::DoNotOptimize((*host)->Play(delivery)->events_digest);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(BM_Deliver, c_pulled, "fuzz/replay/plugins/wrong.so", Source::kTcp)
    ->UseRealTime();
BENCHMARK_CAPTURE(BM_Deliver, c_pushed, "fuzz/replay/plugins/wrong.so", Source::kPush)
    ->UseRealTime();
BENCHMARK_CAPTURE(BM_Deliver, machine_pulled, "fuzz/replay/plugins/machine.so", Source::kTcp)
    ->UseRealTime();

}  // namespace
}  // namespace pushpull::replay
