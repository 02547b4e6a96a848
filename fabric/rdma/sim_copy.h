// Copies between lists of segments, whose keys nobody looks at here.

#ifndef FABRIC_RDMA_SIM_COPY_H_
#define FABRIC_RDMA_SIM_COPY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "fabric/rdma/work.h"

namespace pushpull::fabric {

// The first `length` bytes, which both have.
inline void CopySegments(std::span<const RdmaSegment> from, std::span<const RdmaSegment> to,
                         uint64_t length) {
  size_t from_offset = 0;
  size_t to_offset = 0;
  while (length > 0) {
    const size_t size = std::min<uint64_t>(
        length, std::min(from.front().length - from_offset, to.front().length - to_offset));
    // A peer may be told to write where it reads.
    if (size > 0) {
      std::memmove(to.front().address + to_offset, from.front().address + from_offset, size);
    }
    length -= size;
    from_offset += size;
    to_offset += size;
    if (from_offset == from.front().length) from = from.subspan(1), from_offset = 0;
    if (to_offset == to.front().length) to = to.subspan(1), to_offset = 0;
  }
}

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_COPY_H_
