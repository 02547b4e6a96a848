#include "target/rx/push_source.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "target/rx/rx_testing.h"

namespace pushpull::target {
namespace {

struct Fixture {
  explicit Fixture(uint32_t slots = 4, size_t queue_capacity = 8)
      : push(slots, 28 + 48 + 256 + 8192), queue(queue_capacity) {
    machine.set_event_log(&log);
  }

  PushFixture push;
  TestDelegate delegate;
  PduQueue queue;
  PduMachine<PushSource, TestDelegate> machine{push.source.get(), &delegate, &queue};
  EventLog log;
};

TEST(PushSourceTest, EveryPartLiesInTheSlot) {
  for (const Opcode opcode : {Opcode::kNopOut, Opcode::kScsiCommand, Opcode::kDataOut}) {
    Fixture f;
    const TestPdu pdu = MakePdu(opcode, 1, 3, 4001);
    f.push.Deliver(Wire(pdu, {}));
    EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
    ASSERT_EQ(f.queue.size(), 1u);
    const SlotRef received = f.queue.Pop();
    const uint8_t* slot = f.push.memory.data();
    EXPECT_EQ(received->message_header().data(), slot);
    EXPECT_EQ(received->message_header().size(), 28u);
    EXPECT_EQ(received->bhs().data(), slot + 28);
    EXPECT_EQ(received->ahs().data(), slot + 28 + 48);
    ASSERT_EQ(received->data().size(), 1u) << "nothing was copied";
    EXPECT_EQ(received->data()[0].data(), slot + 28 + 48 + 12);
    EXPECT_EQ(received->data()[0].size(), 4001u);
  }
}

TEST(PushSourceTest, SlotIsPostedAgainWithItsLastReference) {
  Fixture f(3);
  for (uint32_t tag = 1; tag <= 3; ++tag)
    f.push.Deliver(Wire(MakePdu(Opcode::kNopOut, tag, 0, 0), {}));
  EXPECT_EQ(f.push.source->slots_posted(), 0u);
  f.machine.Poll();
  SlotRef first = f.queue.Pop();
  SlotRef second = f.queue.Pop();
  SlotRef third = f.queue.Pop();
  const SlotRef also_second = second;
  third = SlotRef();
  second = SlotRef();
  EXPECT_EQ(f.push.reposted, (std::vector<uint32_t>{2}));
  first = SlotRef();
  EXPECT_EQ(f.push.reposted, (std::vector<uint32_t>{2, 0}));
  EXPECT_EQ(f.push.source->slots_posted(), 2u);
  f.push.Deliver(Wire(MakePdu(Opcode::kNopOut, 4, 0, 0), {}));
  f.machine.Poll();
  EXPECT_EQ(f.queue.Pop()->bhs().initiator_task_tag(), 4u);
}

// What a message of so many bytes is that should hold a PDU with 5 bytes of data.
TEST(PushSourceTest, LengthOfTheMessage) {
  const auto whole = Wire(MakePdu(Opcode::kNopOut, 1, 1, 5), {});
  ASSERT_EQ(whole.size(), 60u);
  constexpr ProtocolError kShort{Reason::kShortMessage, "RFC 7145 §10.1.3.3",
                                 Action::kCloseSession};
  constexpr ProtocolError kLeftover{Reason::kLeftoverBytes, "RFC 7145 §10.1.3.3",
                                    Action::kCloseSession};
  for (size_t length = 0; length <= 70; ++length) {
    SCOPED_TRACE(length);
    Fixture f;
    auto bytes = whole;
    bytes.resize(length);
    f.push.Deliver(bytes);
    const RxStop stop = f.machine.Poll();
    if (length == 57 || length == 60) {  // without pad, with pad
      EXPECT_EQ(stop, RxStop::kNotYet);
      ASSERT_EQ(f.queue.size(), 1u);
      EXPECT_EQ(f.queue.Pop()->data_bytes(), 5u);
      continue;
    }
    EXPECT_EQ(stop, RxStop::kFailed);
    EXPECT_EQ(f.machine.error(), length > 60 ? kLeftover : kShort);
    EXPECT_EQ(f.delegate.placed, 0u) << "nothing is placed of a message that isn't what it claims";
  }
}

TEST(PushSourceTest, MessageShorterThanItsTransportHeader) {
  for (size_t length = 0; length < 28; ++length) {
    std::vector<uint8_t> memory(1000);
    PushSourceOptions options;
    options.slots = 1;
    options.slot_bytes = 1000;
    options.memory = memory;
    PushSource source(std::move(options));
    source.Deliver(0, length);
    EXPECT_EQ(source.Obtain(Chunk::kBhs, 48).answer, Obtained::Answer::kShortMessage);
  }
}

TEST(PushSourceTest, SeveralMessagesInOnePoll) {
  Fixture f(4, 2);
  for (uint32_t tag = 1; tag <= 4; ++tag)
    f.push.Deliver(Wire(MakePdu(Opcode::kNopOut, tag, 0, 9), {}));
  EXPECT_EQ(f.machine.Poll(), RxStop::kQueueFull);
  EXPECT_EQ(f.queue.size(), 2u);
  for (uint32_t tag = 1; tag <= 4; ++tag) {
    EXPECT_EQ(f.queue.Pop()->bhs().initiator_task_tag(), tag);
    f.machine.Poll();
  }
  EXPECT_EQ(f.push.reposted, (std::vector<uint32_t>{0, 1, 2, 3}));
}

TEST(PushSourceTest, EndComesBehindWhatWasDelivered) {
  Fixture f;
  f.push.Deliver(Wire(MakePdu(Opcode::kNopOut, 1, 0, 0), {}));
  f.push.source->End();
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.queue.size(), 1u);
  EXPECT_EQ(f.log.events.back(), RxEvent(EndEvent{false}));
}

TEST(PushSourceTest, MemoryLivesAsLongAsASlotIsHeld) {
  auto memory = std::make_shared<std::vector<uint8_t>>(4 * 1000);
  const std::weak_ptr<std::vector<uint8_t>> watch = memory;
  int reposts = 0;
  SlotRef held;
  {
    PushSourceOptions options;
    options.slots = 4;
    options.slot_bytes = 1000;
    options.memory = *memory;
    options.keep_alive = std::move(memory);
    options.repost = [&](uint32_t) { ++reposts; };
    PushSource source(std::move(options));
    const auto bytes = Wire(MakePdu(Opcode::kNopOut, 7, 0, 12), {});
    for (uint32_t slot = 0; slot < 3; ++slot) {
      std::copy(bytes.begin(), bytes.end(), source.Buffer(slot).begin() + 28);
      source.Deliver(slot, 28 + bytes.size());
    }
    TestDelegate delegate;
    PduQueue queue(1);
    PduMachine machine(&source, &delegate, &queue);
    EXPECT_EQ(machine.Poll(), RxStop::kQueueFull)
        << "one in the queue, one complete, one delivered";
    held = queue.Pop();
    EXPECT_EQ(reposts, 0);
  }
  EXPECT_EQ(reposts, 0) << "nothing is posted on a connection that has gone";
  ASSERT_FALSE(watch.expired());
  EXPECT_EQ(held->bhs().initiator_task_tag(), 7u);
  EXPECT_EQ(held->data_bytes(), 12u);
  held = SlotRef();
  EXPECT_TRUE(watch.expired());
}

TEST(PushSourceTest, TaskRoomIsTheSlotsOwn) {
  std::vector<uint8_t> memory(2 * 100);
  PushSourceOptions options;
  options.slots = 2;
  options.slot_bytes = 100;
  options.task_bytes = 40;
  options.memory = memory;
  PushSource source(std::move(options));
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 0), {});
  std::vector<uint8_t*> rooms;
  std::vector<SlotRef> slots;
  for (uint32_t slot = 0; slot < 2; ++slot) {
    std::copy(bytes.begin(), bytes.end(), source.Buffer(slot).begin() + 28);
    source.Deliver(slot, 76);
    const Obtained bhs = source.Obtain(Chunk::kBhs, 48);
    slots.emplace_back(source.AllocTask(bhs.bytes));
    source.EndMessage();
    EXPECT_EQ(slots.back()->task_room().size(), 40u);
    rooms.push_back(slots.back()->task_room().data());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(rooms.back()) % alignof(std::max_align_t), 0u);
  }
  EXPECT_GE(rooms[1] - rooms[0], 40);
}

TEST(PushSourceDeathTest, TransportsMistakes) {
  PushFixture push(2, 100);
  push.source->Deliver(0, 76);
  EXPECT_DEATH(push.source->Deliver(0, 76), "isn't posted");
  EXPECT_DEATH(push.source->Deliver(1, 101), "CHECK");
  EXPECT_DEATH(push.source->Deliver(2, 76), "CHECK");
}

}  // namespace
}  // namespace pushpull::target
