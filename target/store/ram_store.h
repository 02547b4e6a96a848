// `ram:SIZE`: memory that the system provides page by page as it is written, and gets back as it is
// unmapped; zero elsewhere.

#ifndef TARGET_STORE_RAM_STORE_H_
#define TARGET_STORE_RAM_STORE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "target/store/store.h"
#include "target/store/written_map.h"

namespace pushpull::target {

class RamStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<RamStore>> Create(uint64_t size_bytes);
  ~RamStore() override;
  RamStore(const RamStore&) = delete;
  RamStore& operator=(const RamStore&) = delete;

  std::optional<absl::Status> Submit(Io* io) override;
  uint64_t size_bytes() const override { return size_bytes_; }
  bool can_unmap() const override { return true; }
  // By sectors of 512 bytes. Extents are cut where looking further would take long.
  Extent ExtentAt(uint64_t offset) const override;
  base::MutableBytes Memory() override { return {bytes_, size_bytes_}; }
  // What is unmapped there is overwritten with zeros, and no memory goes back.
  void PinMemory(uint64_t offset, uint64_t bytes) override;
  void NoteWritten(uint64_t offset, uint64_t bytes) override;

  // How many bytes Submit() has copied: what lies in its place already is not.
  uint64_t bytes_copied() const { return bytes_copied_.load(std::memory_order_relaxed); }

 private:
  // Copies of neighbouring bytes exclude one another by stripes, so that loops seldom meet.
  static constexpr uint64_t kStripeBytes = 64 << 10;
  static constexpr size_t kLocks = 64;
  static constexpr uint64_t kPinBytes = 4 << 20;  // whole stripes

  RamStore(uint8_t* bytes, uint64_t size_bytes, std::unique_ptr<WrittenMap> written)
      : bytes_(bytes), size_bytes_(size_bytes), written_(std::move(written)) {}

  std::mutex& LockOf(uint64_t at) { return locks_[at / kStripeBytes % kLocks]; }
  void Copy(Io::Op op, uint64_t at, const iovec& buffer);
  void Unmap(uint64_t offset, uint64_t bytes);
  // Within one stripe, whose lock is held.
  void UnmapLocked(uint64_t at, uint64_t bytes);
  void Release(uint64_t at, uint64_t bytes);

  uint8_t* const bytes_;
  const uint64_t size_bytes_;
  const std::unique_ptr<WrittenMap> written_;
  std::array<std::mutex, kLocks> locks_;
  std::atomic<uint64_t> bytes_copied_{0};

  std::mutex pins_mutex_;      // after a stripe's; held while pages go back
  std::set<uint64_t> pinned_;  // numbers of pieces of kPinBytes
};

}  // namespace pushpull::target

#endif  // TARGET_STORE_RAM_STORE_H_
