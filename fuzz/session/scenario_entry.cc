#include "fuzz/session/scenario_entry.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "fuzz/session/scenario_fuzzer.h"

namespace {

// Where libFuzzer looks for coverage that isn't of code; the replay engine has no such section.
__attribute__((section("__libfuzzer_extra_counters"), used)) std::array<uint8_t, 8192> g_counters;

pushpull::fuzz::ScenarioFuzzer& Fuzzer() {
  static pushpull::fuzz::ScenarioFuzzer fuzzer(pushpull::fuzz::kFuzzIser, g_counters);
  return fuzzer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return Fuzzer().Test(pushpull::base::AsText({data, size}));
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return Fuzzer().Mutate(data, size, max_size, seed);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  return Fuzzer().CrossOver(pushpull::base::AsText({data1, size1}),
                            pushpull::base::AsText({data2, size2}), {out, max_size}, seed);
}
