// A buffer that a target reads or writes by RDMA, between two guards, all of it filled with bytes
// that tell where they belong. Its key reaches over the guards too, so that a target that misses
// the buffer is not stopped by the device but found out by what it leaves there.

#ifndef INITIATOR_SIM_ISER_BUFFER_H_
#define INITIATOR_SIM_ISER_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"

namespace pushpull::initiator_sim {

class IserBuffer {
 public:
  static constexpr size_t kGuardBytes = 4096;  // before and behind

  struct Options {
    std::string name;
    size_t length = 0;
    // kRemoteRead, kRemoteWrite or both.
    fabric::RdmaRights rights = fabric::RdmaRights::kRemoteWrite;
    // Of the fill; different for each buffer, so that they can be told apart.
    uint64_t seed = 0;
    // Bytes from the buffer's beginning that the key reaches over, and no guard. Unset: it and both
    // guards.
    std::optional<size_t> key_length = std::nullopt;
  };
  // A key through a window, where the device has windows; else the region's own.
  static absl::StatusOr<std::unique_ptr<IserBuffer>> Create(fabric::RdmaDomain* domain,
                                                            Options options);
  ~IserBuffer() { Release(); }

  const std::string& name() const { return options_.name; }
  base::MutableBytes data() { return memory().subspan(kGuardBytes, options_.length); }
  base::Bytes data() const { return {bytes_.data() + kGuardBytes, options_.length}; }
  size_t length() const { return options_.length; }

  // The binding that must be posted before the first Send that advertises the key; false: none is
  // needed.
  bool MakeBind(fabric::RdmaWork* work);
  // What the peer names it by. Of a window: once MakeBind's work is posted; before that it will be
  // next_key().
  uint32_t key() const { return key_; }
  uint32_t next_key() const { return window_ == nullptr || bound_ ? key_ : window_->next_key(); }
  uint64_t address() const { return reinterpret_cast<uintptr_t>(bytes_.data()) + kGuardBytes; }
  // Where a region of this memory was touched, counted from data(): negative in the first guard.
  int64_t OffsetOf(uint64_t address) const {
    return static_cast<int64_t>(address - this->address());
  }
  bool Holds(const uint8_t* byte) const {
    return byte >= bytes_.data() && byte < bytes_.data() + bytes_.size();
  }
  bool released() const { return region_ == nullptr; }

  // Nobody reaches it any more; what is in it stays.
  void Release();

  // What was changed outside the buffer, in words; empty: nothing.
  std::string GuardDamage() const;
  // The first byte from `begin` to `end` that is still as it was filled, where eight such bytes
  // stand together (or four at the end, or all there are); `end`: there is none, or there are fewer
  // than four bytes.
  size_t FirstUnwritten(size_t begin, size_t end) const;
  // One more than the last byte that isn't as it was filled; 0: all are.
  size_t WrittenEnd() const;

 private:
  explicit IserBuffer(Options options);
  base::MutableBytes memory() { return bytes_; }

  const Options options_;
  std::vector<uint8_t> bytes_;
  std::vector<uint8_t> fill_;  // what all of it was at the beginning
  std::unique_ptr<fabric::RdmaMemory> region_;
  std::unique_ptr<fabric::RdmaWindow> window_;
  bool bound_ = false;
  uint32_t key_ = 0;
};

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_ISER_BUFFER_H_
