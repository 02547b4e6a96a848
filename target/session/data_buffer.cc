#include "target/session/data_buffer.h"

#include <algorithm>
#include <utility>

#include "base/poison.h"

namespace pushpull::target {

BufferPool::Chunk BufferPool::Take(uint32_t bytes) {
  bytes_in_use_ += bytes;
  std::vector<Chunk>& idle = Idle(bytes);
  if (idle.empty()) return {std::unique_ptr<uint8_t[]>(new uint8_t[bytes]), nullptr};
  Chunk chunk = std::move(idle.back());
  idle.pop_back();
  idle_bytes_ -= bytes;
  base::Unpoison(chunk.bytes.get(), bytes);
  return chunk;
}

void BufferPool::Give(Chunk chunk, uint32_t bytes) {
  bytes_in_use_ -= bytes;
  if (idle_bytes_ + bytes > max_idle_bytes_) return;
  idle_bytes_ += bytes;
  base::Poison(chunk.bytes.get(), bytes);
  Idle(bytes).push_back(std::move(chunk));
}

size_t BufferPool::idle_attachments() const {
  const auto attached = [](const Chunk& chunk) { return chunk.attachment != nullptr; };
  return static_cast<size_t>(std::ranges::count_if(small_, attached) +
                             std::ranges::count_if(large_, attached));
}

void DataBuffer::Begin(BufferPool* pool, uint64_t expected_bytes) {
  CHECK(chunks_.empty());
  pool_ = pool;
  chunk_bytes_ =
      expected_bytes <= BufferPool::kSmallBytes ? BufferPool::kSmallBytes : BufferPool::kLargeBytes;
}

uint64_t DataBuffer::GrowthFor(uint32_t bytes) const {
  if (bytes <= capacity()) return 0;
  const uint64_t chunks = (bytes - 1) / chunk_bytes_ + 1;
  return (chunks - chunks_.size()) * chunk_bytes_;
}

void DataBuffer::Grow(uint32_t bytes) {
  while (capacity() < bytes) chunks_.push_back(pool_->Take(chunk_bytes_));
}

void DataBuffer::Release() {
  for (BufferPool::Chunk& chunk : chunks_) pool_->Give(std::move(chunk), chunk_bytes_);
  chunks_.clear();
}

}  // namespace pushpull::target
