#include <algorithm>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "target/rx/block_pool.h"
#include "target/rx/event_log.h"
#include "target/rx/pdu_queue.h"
#include "target/rx/rx_testing.h"

namespace pushpull::target {
namespace {

SlotRef Alloc(BlockPool& pool, uint32_t tag) {
  return SlotRef(pool.AllocTask(MakePdu(Opcode::kNopOut, tag, 0, 0).bhs));
}

TEST(BlockPoolTest, SlotsAreReusedAndBounded) {
  const BlockPool::Handle pool = BlockPool::Create({.max_slots = 2});
  SlotRef a = Alloc(*pool, 1);
  const PduSlot* const address = a.get();
  SlotRef b = Alloc(*pool, 2);
  EXPECT_FALSE(Alloc(*pool, 3));
  EXPECT_EQ(pool->slots_in_use(), 2u);
  a = SlotRef();
  EXPECT_EQ(pool->free_blocks(), 1u);
  const SlotRef c = Alloc(*pool, 4);
  EXPECT_EQ(c.get(), address);
  EXPECT_EQ(c->bhs().initiator_task_tag(), 4u);
  EXPECT_EQ(b->bhs().initiator_task_tag(), 2u);
}

TEST(BlockPoolTest, RoomsAreApartAndAligned) {
  const BlockPool::Handle pool =
      BlockPool::Create({.max_ahs_bytes = 12, .task_bytes = 100, .data_bytes = 50});
  const SlotRef slot = Alloc(*pool, 1);
  const std::vector<uint8_t> ahs(12, 0xaa);
  const base::Bytes kept = pool->KeepAhs(*slot, ahs);
  const base::MutableBytes task = slot->task_room();
  const base::MutableBytes data = pool->RoomInSlot(*slot, 50);
  ASSERT_EQ(task.size(), 100u);
  std::ranges::fill(task, 0xbb);
  std::ranges::fill(data, 0xcc);
  EXPECT_TRUE(std::ranges::equal(kept, ahs));
  EXPECT_TRUE(std::ranges::all_of(task, [](uint8_t b) { return b == 0xbb; }));
  EXPECT_EQ(slot->bhs().initiator_task_tag(), 1u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(task.data()) % alignof(std::max_align_t), 0u);
}

TEST(BlockPoolTest, HeldSlotOutlivesItsPoolsOwner) {
  SlotRef held;
  bool told = false;
  {
    const BlockPool::Handle pool = BlockPool::Create({.max_slots = 1});
    pool->set_on_free([&] { told = true; });
    held = Alloc(*pool, 5);
    EXPECT_FALSE(Alloc(*pool, 6));
    std::ranges::fill(pool->RoomInSlot(*held, 10000), 0x11);
  }
  EXPECT_EQ(held->bhs().initiator_task_tag(), 5u);
  held = SlotRef();
  EXPECT_FALSE(told) << "nobody is left to hear of it";
}

TEST(BlockPoolTest, TellsOfAFreeSlotOnlyWhoWasRefusedOne) {
  const BlockPool::Handle pool = BlockPool::Create({.max_slots = 2});
  int told = 0;
  pool->set_on_free([&] { ++told; });
  SlotRef a = Alloc(*pool, 1), b = Alloc(*pool, 2);
  EXPECT_FALSE(Alloc(*pool, 3));
  EXPECT_FALSE(Alloc(*pool, 3));
  a = SlotRef();
  EXPECT_EQ(told, 1);
  b = SlotRef();
  EXPECT_EQ(told, 1);
}

TEST(BlockPoolTest, TrimGivesFreeBlocksBack) {
  const BlockPool::Handle pool = BlockPool::Create({});
  {
    const SlotRef a = Alloc(*pool, 1), b = Alloc(*pool, 2);
  }
  EXPECT_EQ(pool->free_blocks(), 2u);
  pool->Trim();
  EXPECT_EQ(pool->free_blocks(), 0u);
  EXPECT_TRUE(Alloc(*pool, 3));
}

TEST(PduQueueTest, KeepsOrderRoundTheRing) {
  const BlockPool::Handle pool = BlockPool::Create({});
  PduQueue queue(3);
  uint32_t in = 0, out = 0;
  for (int round = 0; round < 10; ++round) {
    while (!queue.full()) queue.Push(Alloc(*pool, in++));
    EXPECT_EQ(queue.size(), 3u);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(queue.Pop()->bhs().initiator_task_tag(), out++);
  }
  EXPECT_EQ(pool->slots_in_use(), 1u) << "a popped slot isn't held";
}

TEST(PduQueueDeathTest, FullAndEmpty) {
  PduQueue queue(1);
  EXPECT_DEATH(queue.Pop(), "CHECK");
  queue.Push(SlotRef());
  EXPECT_DEATH(queue.Push(SlotRef()), "CHECK");
}

TEST(EventLogTest, ComparesAndPrints) {
  const BlockPool::Handle pool = BlockPool::Create({});
  const SlotRef slot = Alloc(*pool, 0x42);
  uint8_t data[] = {1, 2, 3};
  slot->AddData(base::MutableBytes(data).first(1));
  slot->AddData(base::MutableBytes(data).subspan(1));
  EXPECT_EQ(slot->data().size(), 1u) << "what is one piece of memory is one run";
  EventLog log;
  log.AddPdu(*slot);
  EventLog other = log;
  EXPECT_EQ(log, other);
  other.Add(EndEvent{true});
  EXPECT_NE(log, other);
  slot->set_data_digest_failed();
  log.AddPdu(*slot);
  EXPECT_NE(log.events[0], log.events[1]);
  log.Add(kTestReject);
  log.Add(EndEvent{});
  const std::string bhs = "0080000000000000000000000000000000000042" + std::string(56, '0');
  EXPECT_EQ(ToString(log), "pdu NOP-Out bhs=" + bhs + " data=010203\n" + "pdu NOP-Out bhs=" + bhs +
                               " data=010203 data_digest_failed\n" +
                               "error unexpected_data (RFC 7143 §11.5.2): reject\nend\n");
}

}  // namespace
}  // namespace pushpull::target
