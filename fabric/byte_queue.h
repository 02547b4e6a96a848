// Bytes in order, put in at the end and taken out at the front.

#ifndef FABRIC_BYTE_QUEUE_H_
#define FABRIC_BYTE_QUEUE_H_

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace pushpull::fabric {

inline size_t TotalSize(std::span<const iovec> buffers) {
  size_t total = 0;
  for (const iovec& buffer : buffers) total += buffer.iov_len;
  return total;
}

class ByteQueue {
 public:
  size_t size() const { return bytes_.size() - head_; }

  // The first `size` bytes of the buffers, which have as many.
  void Append(std::span<const iovec> buffers, size_t size) {
    for (const iovec& buffer : buffers) {
      const size_t part = std::min(size, buffer.iov_len);
      const auto* from = static_cast<const uint8_t*>(buffer.iov_base);
      bytes_.insert(bytes_.end(), from, from + part);
      size -= part;
    }
  }

  // Moves the first `size` bytes, which are there, into the buffers, which have the room.
  void Take(std::span<const iovec> buffers, size_t size) {
    for (const iovec& buffer : buffers) {
      const size_t part = std::min(size, buffer.iov_len);
      if (part > 0) std::memcpy(buffer.iov_base, bytes_.data() + head_, part);
      head_ += part;
      size -= part;
    }
    Compact();
  }

  // Drops the first `size` bytes, which are there.
  void Drop(size_t size) {
    head_ += size;
    Compact();
  }

  // Drops all behind the first `size` bytes.
  void Truncate(size_t size) {
    if (size < this->size()) bytes_.resize(head_ + size);
    Compact();
  }

 private:
  void Compact() {
    // Each byte is moved at most once on average.
    if (2 * head_ < bytes_.size()) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }

  std::vector<uint8_t> bytes_;
  size_t head_ = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_BYTE_QUEUE_H_
