#include "target/store/store.h"

namespace pushpull::target {

uint64_t IoBytes(std::span<const iovec> buffers) {
  uint64_t bytes = 0;
  for (const iovec& buffer : buffers) bytes += buffer.iov_len;
  return bytes;
}

}  // namespace pushpull::target
