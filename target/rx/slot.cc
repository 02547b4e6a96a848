#include "target/rx/slot.h"

#include <algorithm>
#include <cstring>

namespace pushpull::target {

size_t PduSlot::CopyData(base::MutableBytes to) const {
  size_t copied = 0;
  for (const base::MutableBytes run : data_) {
    const size_t n = std::min(run.size(), to.size() - copied);
    if (n == 0) break;
    std::memcpy(to.data() + copied, run.data(), n);
    copied += n;
  }
  return copied;
}

}  // namespace pushpull::target
