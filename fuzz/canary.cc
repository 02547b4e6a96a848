// Must crash: shows that the short fuzzing of CI finds something where there is something.

#include <cstddef>
#include <cstdint>

#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CHECK(size < 2 || data[0] != '!' || data[1] < 0x80) << "the canary sings";
  return 0;
}
