#include "target/rx/spsc_pdu_queue.h"

#include <atomic>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/rx_testing.h"

namespace pushpull::target {
namespace {

SlotRef Alloc(BlockPool& pool, uint32_t tag) {
  return SlotRef(pool.AllocTask(MakePdu(Opcode::kNopOut, tag, 0, 0).bhs));
}

TEST(SpscPduQueueTest, KeepsOrderRoundTheRing) {
  const BlockPool::Handle pool = BlockPool::Create({});
  SpscPduQueue queue(3, 128);
  uint32_t in = 0, out = 0;
  for (int round = 0; round < 10; ++round) {
    while (!queue.full()) queue.Push(Alloc(*pool, in++));
    EXPECT_EQ(queue.size(), 3u);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(queue.Pop()->bhs().initiator_task_tag(), out++);
    EXPECT_EQ(queue.Reclaim(), 2u);
    EXPECT_EQ(pool->slots_in_use(), 1u);
  }
  EXPECT_TRUE(queue.Pop());
  EXPECT_FALSE(queue.Pop());
}

TEST(SpscPduQueueTest, SlotComesFreeWhereItBelongs) {
  const BlockPool::Handle pool = BlockPool::Create({});
  SpscPduQueue queue(2, 128);
  queue.Push(Alloc(*pool, 1));
  {
    RemotePdu pdu = queue.Pop();
    const RemotePdu moved = std::move(pdu);
    EXPECT_FALSE(pdu);
    EXPECT_EQ(moved->bhs().initiator_task_tag(), 1u);
    EXPECT_EQ(queue.Reclaim(), 0u) << "somebody looks at it";
  }
  EXPECT_EQ(pool->slots_in_use(), 1u) << "given back, and not yet taken back";
  EXPECT_EQ(queue.Reclaim(), 1u);
  EXPECT_EQ(pool->slots_in_use(), 0u);
}

TEST(SpscPduQueueTest, TellsOfAFullQueueOnce) {
  const BlockPool::Handle pool = BlockPool::Create({});
  SpscPduQueue queue(1, 128);
  EXPECT_FALSE(queue.full());
  EXPECT_FALSE(queue.TakeStalled());
  queue.Push(Alloc(*pool, 1));
  EXPECT_FALSE(queue.TakeStalled()) << "nobody wanted more room";
  EXPECT_TRUE(queue.full());
  queue.Pop();
  EXPECT_TRUE(queue.TakeStalled());
  EXPECT_FALSE(queue.TakeStalled());
}

TEST(SpscPduQueueDeathTest, FullAndTooManyOnTheirWayBack) {
  const BlockPool::Handle pool = BlockPool::Create({});
  SpscPduQueue queue(1, 1);
  queue.Push(Alloc(*pool, 1));
  EXPECT_DEATH(queue.Push(Alloc(*pool, 2)), "full");
  queue.Pop();
  queue.Push(Alloc(*pool, 3));
  EXPECT_DEATH(queue.Pop(), "full");
}

// The receiving thread runs until it has put `pdus` PDUs into the queue. Whoever has nothing to do
// waits for the other by a flag, as a loop would for a posted task.
class Flag {
 public:
  void Raise() {
    value_.store(1, std::memory_order_release);
    value_.notify_one();
  }
  void Await() {
    value_.wait(0, std::memory_order_acquire);
    value_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<int> value_{0};
};

struct Threads {
  Threads(size_t capacity, size_t slots) : queue(capacity, slots) {}

  // `poll` polls a machine once; on a thread of its own, until `total` PDUs were processed here.
  void Run(uint32_t total, const std::function<void()>& poll) {
    std::atomic<bool> done{false};
    std::thread receiver([&] {
      while (!done.load(std::memory_order_acquire)) {
        queue.Reclaim();
        poll();
        processor.Raise();
        receiving.Await();
      }
      queue.Reclaim();
    });
    std::vector<RemotePdu> held;  // some at a time, as commands are that wait for their disk
    uint32_t next = 0;
    while (next < total) {
      while (RemotePdu pdu = queue.Pop()) {
        const uint32_t tag = pdu->bhs().initiator_task_tag();
        ASSERT_EQ(tag, next++) << "order";
        std::vector<uint8_t> data(pdu->data_bytes());
        pdu->CopyData(data);
        ASSERT_EQ(data, MakePdu(Opcode::kNopOut, tag, 0, tag % 50).data);
        held.push_back(std::move(pdu));
        if (held.size() > 5) held.clear();
      }
      // As with a lost slot, too: there may be one again.
      if (queue.TakeStalled() || next < total) {
        held.clear();
        receiving.Raise();
        processor.Await();
      }
    }
    held.clear();
    done.store(true, std::memory_order_release);
    receiving.Raise();
    receiver.join();
    EXPECT_EQ(next, total);
  }

  SpscPduQueue queue;
  Flag receiving;
  Flag processor;
};

TEST(SpscPduQueueTest, MachineAndProcessingOnTwoThreads) {
  constexpr uint32_t kPdus = 3000;
  std::vector<TestPdu> pdus;
  for (uint32_t tag = 0; tag < kPdus; ++tag) {
    pdus.push_back(MakePdu(Opcode::kNopOut, tag, 0, tag % 50));
  }
  const auto bytes = Wire(pdus, {true, true});
  for (const size_t capacity : {1u, 2u, 7u, 64u}) {
    const BlockPool::Handle pool = BlockPool::Create({.max_slots = 16});
    ByteSource source(bytes, {.cuts = {1000, 48, 20000, 3}, .ends = false}, pool.get());
    TestDelegate delegate;
    Threads threads(capacity, 16);
    PduMachine machine(&source, &delegate, &threads.queue);
    machine.SetFraming({.header_digest = true, .data_digest = true});
    threads.Run(kPdus, [&] { machine.Poll(); });
    EXPECT_EQ(pool->slots_in_use(), 0u) << "no slot is lost";
  }
}

TEST(SpscPduQueueTest, PushedSlotsArePostedAgainOnTheirOwnThread) {
  constexpr uint32_t kPdus = 3000;
  PushFixture push(16, 28 + 48 + 64);
  TestDelegate delegate;
  Threads threads(4, 16);
  PduMachine machine(push.source.get(), &delegate, &threads.queue);
  uint32_t next = 0;
  threads.Run(kPdus, [&] {
    // As many as there are slots: several completions in one poll.
    while (next < kPdus && !push.posted.empty()) {
      push.Deliver(Wire(MakePdu(Opcode::kNopOut, next, 0, next % 50), {}));
      ++next;
    }
    machine.Poll();
  });
  EXPECT_EQ(push.source->slots_posted(), 16u);
  EXPECT_EQ(push.reposted.size(), kPdus);
}

}  // namespace
}  // namespace pushpull::target
