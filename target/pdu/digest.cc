#include "target/pdu/digest.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <climits>

namespace pushpull::target {

void Crc32c::Add(base::Bytes bytes) {
  // ISA-L neither complements its seed nor its result, and takes an int as length.
  while (!bytes.empty()) {
    const size_t n = std::min<size_t>(bytes.size(), INT_MAX);
    // The parameter lacks const; the function only reads.
    state_ = crc32_iscsi(const_cast<uint8_t*>(bytes.data()), static_cast<int>(n), state_);
    bytes = bytes.subspan(n);
  }
}

}  // namespace pushpull::target
