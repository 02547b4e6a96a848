// Memory for the data of tasks: chunks of two sizes, kept and reused by each loop.

#ifndef TARGET_SESSION_DATA_BUFFER_H_
#define TARGET_SESSION_DATA_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/bytes.h"
#include "base/check.h"

namespace pushpull::target {

// Where chunks come from. It belongs to one loop.
class BufferPool {
 public:
  static constexpr uint32_t kSmallBytes = 8 << 10;
  static constexpr uint32_t kLargeBytes = 128 << 10;

  // Keeps up to `max_idle_bytes` of what was given back.
  explicit BufferPool(size_t max_idle_bytes = 64 << 20) : max_idle_bytes_(max_idle_bytes) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { CHECK_EQ(bytes_in_use_, 0u) << "a buffer outlived its pool"; }

  // What a transport keeps with a chunk as long as that lives: its registration. It ends before the
  // chunk does.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  struct Chunk {
    std::unique_ptr<uint8_t[]> bytes;
    std::unique_ptr<Attachment> attachment;
  };
  // `bytes` is one of the two sizes. Contents are whatever they were.
  Chunk Take(uint32_t bytes);
  void Give(Chunk chunk, uint32_t bytes);

  size_t bytes_in_use() const { return bytes_in_use_; }
  // Of the chunks that nobody uses.
  size_t idle_attachments() const;

 private:
  std::vector<Chunk>& Idle(uint32_t bytes) { return bytes == kSmallBytes ? small_ : large_; }

  const size_t max_idle_bytes_;
  size_t idle_bytes_ = 0;
  size_t bytes_in_use_ = 0;
  std::vector<Chunk> small_;
  std::vector<Chunk> large_;
};

// The data of one task, from offset 0 on. It grows at its end.
class DataBuffer {
 public:
  DataBuffer() = default;
  DataBuffer(const DataBuffer&) = delete;
  DataBuffer& operator=(const DataBuffer&) = delete;
  ~DataBuffer() { Release(); }

  // Of a task that may come to have `expected_bytes`: it only chooses the size of chunks.
  void Begin(BufferPool* pool, uint64_t expected_bytes);
  // Makes room for `bytes` in all.
  void Grow(uint32_t bytes);
  void Release();

  uint64_t capacity() const { return uint64_t{chunks_.size()} * chunk_bytes_; }
  // What growing to `bytes` in all would take from the pool.
  uint64_t GrowthFor(uint32_t bytes) const;

  // Calls `visit(base::MutableBytes)` with the pieces of [offset, offset + length), in order.
  template <typename Visitor>
  void Visit(uint32_t offset, uint32_t length, Visitor visit) {
    CHECK_LE(uint64_t{offset} + length, capacity());
    while (length > 0) {
      const uint32_t within = offset % chunk_bytes_;
      const uint32_t piece = length < chunk_bytes_ - within ? length : chunk_bytes_ - within;
      visit(base::MutableBytes(chunks_[offset / chunk_bytes_].bytes.get() + within, piece));
      offset += piece;
      length -= piece;
    }
  }

  // The chunk in which `offset` lies, what is attached to it, and how far into it that is.
  struct Place {
    base::MutableBytes chunk;
    std::unique_ptr<BufferPool::Attachment>& attachment;
    uint32_t within;
  };
  Place PlaceOf(uint32_t offset) {
    CHECK_LT(offset, capacity());
    BufferPool::Chunk& chunk = chunks_[offset / chunk_bytes_];
    return {{chunk.bytes.get(), chunk_bytes_}, chunk.attachment, offset % chunk_bytes_};
  }

 private:
  BufferPool* pool_ = nullptr;
  uint32_t chunk_bytes_ = BufferPool::kSmallBytes;
  absl::InlinedVector<BufferPool::Chunk, 4> chunks_;
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_DATA_BUFFER_H_
