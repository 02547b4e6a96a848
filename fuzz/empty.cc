// Does nothing: what libFuzzer itself costs, beside which the others' executions a second are told.

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return 0; }
