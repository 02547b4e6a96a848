// The buffers into which byte streams read ahead.

#ifndef TARGET_RX_READ_AHEAD_H_
#define TARGET_RX_READ_AHEAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"
#include "target/pdu/bhs.h"

namespace pushpull::target {

// Buffers of one size, shared by all connections of a loop: a connection has one only from the
// moment it reads until all that it read was taken, so that a thousand idle ones have none.
class ReadAheadPool {
 public:
  using Buffer = std::unique_ptr<uint8_t[]>;
  static constexpr size_t kDefaultBytes = 16 * 1024;

  // `kept`: how many buffers nobody uses are kept for the next reader.
  explicit ReadAheadPool(size_t buffer_bytes = kDefaultBytes, size_t kept = 4)
      : buffer_bytes_(buffer_bytes), kept_(kept) {
    // The longest chunk that must lie in one piece.
    CHECK_GE(buffer_bytes, kMaxAhsBytes);
    free_.reserve(kept);
  }

  size_t buffer_bytes() const { return buffer_bytes_; }

  Buffer Take() {
    if (free_.empty()) return Buffer(new uint8_t[buffer_bytes_]);
    Buffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  void Give(Buffer buffer) {
    if (free_.size() < kept_) free_.push_back(std::move(buffer));
  }

 private:
  const size_t buffer_bytes_;
  const size_t kept_;
  std::vector<Buffer> free_;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_READ_AHEAD_H_
