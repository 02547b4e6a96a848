// `ram:SIZE`: memory that the system provides page by page as it is written; zero elsewhere.

#ifndef TARGET_STORE_RAM_STORE_H_
#define TARGET_STORE_RAM_STORE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "target/store/store.h"

namespace pushpull::target {

class RamStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<RamStore>> Create(uint64_t size_bytes);
  ~RamStore() override;
  RamStore(const RamStore&) = delete;
  RamStore& operator=(const RamStore&) = delete;

  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  base::MutableBytes Memory() override { return {bytes_, size_bytes_}; }

  // How many bytes Submit() has copied: what lies in its place already is not.
  uint64_t bytes_copied() const { return bytes_copied_.load(std::memory_order_relaxed); }

 private:
  // Copies of neighbouring bytes exclude one another by stripes, so that loops seldom meet.
  static constexpr uint64_t kStripeBytes = 64 << 10;
  static constexpr size_t kLocks = 64;

  RamStore(uint8_t* bytes, uint64_t size_bytes) : bytes_(bytes), size_bytes_(size_bytes) {}

  uint8_t* const bytes_;
  const uint64_t size_bytes_;
  std::array<std::mutex, kLocks> locks_;
  std::atomic<uint64_t> bytes_copied_{0};
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_RAM_STORE_H_
