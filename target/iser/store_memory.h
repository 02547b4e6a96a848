// Memory that RDMA operations read and write directly, registered when it is first touched: the
// stores' own, by extents, and the chunks of tasks' buffers.

#ifndef TARGET_ISER_STORE_MEMORY_H_
#define TARGET_ISER_STORE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "target/session/data_buffer.h"
#include "target/store/store.h"

namespace pushpull::target {

using RdmaSegments = std::vector<fabric::RdmaSegment>;

// Of a target, shared by all of its connections. From any thread. It ends before the stores do, and
// after all operations.
class StoreMemory {
 public:
  // The pages of an extent are locked with it; so many at a time.
  static constexpr size_t kExtentBytes = 4 << 20;

  StoreMemory() = default;
  StoreMemory(const StoreMemory&) = delete;
  StoreMemory& operator=(const StoreMemory&) = delete;

  // Whether the `bytes` from `offset` of a store's memory can be used: not so much may be lockable.
  // What is registered is pinned in the store, too.
  bool Prepare(const std::shared_ptr<fabric::RdmaDomain>& domain, Store& store, uint64_t offset,
               uint64_t bytes);

  // Adds the segments of a piece that was prepared, at most `max_segments` in all; returns how many
  // of its bytes they hold.
  uint64_t AddSegments(const fabric::RdmaDomain& domain, base::MutableBytes store, uint64_t offset,
                       uint64_t bytes, size_t max_segments, RdmaSegments& segments);

  // How many there are.
  size_t regions() const;

 private:
  // By device and store; by number of the extent.
  using Key = std::pair<const fabric::RdmaDomain*, const uint8_t*>;
  using Extents = std::vector<std::unique_ptr<fabric::RdmaMemory>>;

  mutable std::mutex mutex_;
  std::map<Key, Extents> stores_;  // guarded by mutex_
};

// Adds the segments of a task's buffer, whose chunks stay registered while they live, as above.
absl::StatusOr<uint64_t> AddBufferSegments(fabric::RdmaDomain* domain, DataBuffer& buffer,
                                           uint32_t offset, uint32_t bytes, size_t max_segments,
                                           RdmaSegments& segments);

}  // namespace pushpull::target

#endif  // TARGET_ISER_STORE_MEMORY_H_
