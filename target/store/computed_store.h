// Stores without a memory: `null:SIZE` and `pattern:SIZE`. They may be as large as one likes.

#ifndef TARGET_STORE_COMPUTED_STORE_H_
#define TARGET_STORE_COMPUTED_STORE_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "target/store/store.h"

namespace pushpull::target {

// Reads as zeros; takes all writes and forgets them. Nothing of it is ever mapped.
class NullStore final : public Store {
 public:
  explicit NullStore(uint64_t size_bytes) : size_bytes_(size_bytes) {}
  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  bool can_unmap() const override { return true; }
  Extent ExtentAt(uint64_t offset) const override { return {false, size_bytes_ - offset}; }

 private:
  const uint64_t size_bytes_;
};

// Each aligned group of eight bytes holds its own address, big-endian: data in the wrong place, or
// of the wrong length, shows what it is. Read-only.
class PatternStore final : public Store {
 public:
  explicit PatternStore(uint64_t size_bytes) : size_bytes_(size_bytes) {}
  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  bool read_only() const override { return true; }

 private:
  const uint64_t size_bytes_;
};

// What PatternStore holds at `address` and behind it.
void FillPattern(uint64_t address, base::MutableBytes bytes);

}  // namespace pushpull::target

#endif  // TARGET_STORE_COMPUTED_STORE_H_
