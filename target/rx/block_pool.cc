#include "target/rx/block_pool.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/poison.h"

namespace pushpull::target {
namespace {

constexpr size_t AlignUp(size_t bytes) {
  constexpr size_t kAlign = alignof(std::max_align_t);
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

}  // namespace

// The rooms for AHSs, task and data follow the struct in the same allocation.
struct alignas(std::max_align_t) BlockPool::Block : PduSlot {
  using PduSlot::PduSlot;
  uint8_t* rooms() { return reinterpret_cast<uint8_t*>(this + 1); }

  Bhs bhs_copy;
  std::unique_ptr<uint8_t[]> long_data;  // for what is longer than the block's room
};

void BlockPool::BlockDeleter::operator()(Block* block) const {
  base::Unpoison(block, sizeof(Block));
  block->~Block();
  ::operator delete(block);
}

BlockPool::Handle BlockPool::Create(const BlockPoolOptions& options) {
  return Handle(new BlockPool(options));
}

BlockPool::BlockPool(const BlockPoolOptions& options)
    : options_(options),
      task_offset_(AlignUp(options.max_ahs_bytes)),
      data_offset_(task_offset_ + AlignUp(options.task_bytes)),
      block_bytes_(sizeof(Block) + data_offset_ + options.data_bytes) {
  CHECK_GT(options_.max_slots, 0u);
}

BlockPool::BlockPtr BlockPool::NewBlock() {
  // Room for each block that can come back, so that giving back never allocates.
  if (free_.capacity() < slots_in_use() + 1) {
    free_.reserve(std::max<size_t>(2 * free_.capacity(), slots_in_use() + 1));
  }
  BlockPtr block(new (::operator new(block_bytes_)) Block(this));
  block->set_task_room({block->rooms() + task_offset_, options_.task_bytes});
  return block;
}

PduSlot* BlockPool::AllocTask(base::Bytes bhs) {
  if (slots_in_use() >= options_.max_slots) {
    refused_ = true;
    return nullptr;
  }
  BlockPtr block;
  if (free_.empty()) {
    block = NewBlock();
  } else {
    block = std::move(free_.back());
    free_.pop_back();
    base::Unpoison(block.get(), block_bytes_);
  }
  Acquire(block.get());
  DCHECK(bhs.size() == kBhsBytes);
  std::memcpy(block->bhs_copy.data(), bhs.data(), kBhsBytes);
  const std::optional<ProtocolError> carried = Carried(*block, options_.bugs);
  block->Begin(options_.bugs.Has(Bug::kRxBhsNotCopied) ? bhs.data() : block->bhs_copy.data(), {});
  if (carried) block->set_refusal(*carried);
  return block.release();
}

base::Bytes BlockPool::KeepAhs(PduSlot& slot, base::Bytes ahs) {
  CHECK_LE(ahs.size(), options_.max_ahs_bytes) << "the framing's limit is beyond the pool's";
  if (options_.bugs.Has(Bug::kRxAhsNotCopied)) return ahs;
  auto& block = static_cast<Block&>(slot);
  std::memcpy(block.rooms(), ahs.data(), ahs.size());
  return {block.rooms(), ahs.size()};
}

base::MutableBytes BlockPool::RoomInSlot(PduSlot& slot, size_t size) {
  auto& block = static_cast<Block&>(slot);
  if (size <= options_.data_bytes) {
    uint8_t* const room = block.rooms() + data_offset_;
    base::Unpoison(room, options_.data_bytes);
    base::Poison(room + size, options_.data_bytes - size);
    return {room, size};
  }
  block.long_data.reset(new uint8_t[size]);
  return {block.long_data.get(), size};
}

void BlockPool::FreeTask(PduSlot* slot) {
  BlockPtr block(static_cast<Block*>(slot));
  block->long_data.reset();
  base::Poison(block.get(), block_bytes_);
  free_.push_back(std::move(block));
  if (std::exchange(refused_, false) && on_free_) on_free_();
}

void BlockPool::OnClose() {
  on_free_ = nullptr;
  free_.clear();
}

}  // namespace pushpull::target
