// A store that remembers which blocks were written and not unmapped since: what a whole disk holds,
// without reading it.

#ifndef TOOLS_ENDPOINTS_WATCHED_STORE_H_
#define TOOLS_ENDPOINTS_WATCHED_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "target/store/store.h"

namespace pushpull::tools {

// Used by one thread, or by loops that take turns.
class WatchedStore final : public target::Store {
 public:
  static constexpr uint64_t kBlockBytes = 512;

  // `behind` lies in memory.
  explicit WatchedStore(std::shared_ptr<target::Store> behind);

  std::optional<absl::Status> Submit(target::Io* io) override;
  void Cancel(target::Io* io) override { behind_->Cancel(io); }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool read_only() const override { return behind_->read_only(); }
  bool has_volatile_cache() const override { return behind_->has_volatile_cache(); }
  bool can_unmap() const override { return behind_->can_unmap(); }
  uint32_t unmap_granularity_bytes() const override { return behind_->unmap_granularity_bytes(); }
  Extent ExtentAt(uint64_t offset) const override { return behind_->ExtentAt(offset); }

  // What stands now in each of these blocks, by number; all others hold zeros.
  std::vector<std::pair<uint64_t, std::string>> Written();

 private:
  void Note(target::Io::Op op, uint64_t begin, uint64_t end);

  const std::shared_ptr<target::Store> behind_;
  std::set<uint64_t> written_;
};

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_WATCHED_STORE_H_
