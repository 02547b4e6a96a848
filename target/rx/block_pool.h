// Slots for byte streams: each is one block of memory with the slot, BHS, room for AHSs, for the
// session's task and for small data.

#ifndef TARGET_RX_BLOCK_POOL_H_
#define TARGET_RX_BLOCK_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/bytes.h"
#include "target/bugs/bugs.h"
#include "target/pdu/bhs.h"
#include "target/rx/slot.h"

namespace pushpull::target {

struct BlockPoolOptions {
  uint32_t max_slots = 128;             // in use at one time
  size_t max_ahs_bytes = kMaxAhsBytes;  // at least Framing::max_ahs_bytes
  size_t task_bytes = 0;                // task_room() of each slot
  size_t data_bytes = 512;              // longer data that stays in its slot is allocated for it
  BugSet bugs = {};                     // defects on demand
};

// Blocks are allocated when they are first needed and kept in a free list from then on: a
// connection that does nothing has none, a busy one allocates nothing any more.
class BlockPool final : public SlotPool {
 public:
  using Handle = std::unique_ptr<BlockPool, SlotPool::Closer>;
  static Handle Create(const BlockPoolOptions& options);

  // A slot with a copy of `bhs`, or null where max_slots are in use.
  PduSlot* AllocTask(base::Bytes bhs);
  base::Bytes KeepAhs(PduSlot& slot, base::Bytes ahs);
  base::MutableBytes RoomInSlot(PduSlot& slot, size_t size);

  // Called when a slot comes free after AllocTask answered null: once for each time it did.
  void set_on_free(absl::AnyInvocable<void()> on_free) { on_free_ = std::move(on_free); }

  // Gives blocks that nobody uses back to the heap.
  void Trim() { free_.clear(); }

  size_t free_blocks() const { return free_.size(); }

 private:
  struct Block;
  struct BlockDeleter {
    void operator()(Block* block) const;
  };
  using BlockPtr = std::unique_ptr<Block, BlockDeleter>;

  explicit BlockPool(const BlockPoolOptions& options);
  ~BlockPool() override = default;

  void FreeTask(PduSlot* slot) override;
  void OnClose() override;
  BlockPtr NewBlock();

  const BlockPoolOptions options_;
  const size_t task_offset_;
  const size_t data_offset_;
  const size_t block_bytes_;
  std::vector<BlockPtr> free_;
  absl::AnyInvocable<void()> on_free_;
  bool refused_ = false;
};

}  // namespace pushpull::target

#endif  // TARGET_RX_BLOCK_POOL_H_
