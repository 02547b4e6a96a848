// `slow:MILLISECONDS,SPEC`: holds each I/O for a time of its loop's clock before the store behind
// it gets it. For aborts and full windows: a held I/O that is cancelled never reaches the store.

#ifndef TARGET_STORE_SLOW_STORE_H_
#define TARGET_STORE_SLOW_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "target/store/store.h"

namespace pushpull::target {

class SlowStore final : public Store {
 public:
  SlowStore(absl::Duration delay, std::unique_ptr<Store> behind);

  std::optional<absl::Status> Submit(Io* io) override;
  void Cancel(Io* io) override;
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool read_only() const override { return behind_->read_only(); }
  bool has_volatile_cache() const override { return behind_->has_volatile_cache(); }
  bool can_unmap() const override { return behind_->can_unmap(); }
  uint32_t unmap_granularity_bytes() const override { return behind_->unmap_granularity_bytes(); }
  Extent ExtentAt(uint64_t offset) const override { return behind_->ExtentAt(offset); }

 private:
  const absl::Duration delay_;
  const std::unique_ptr<Store> behind_;
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_SLOW_STORE_H_
