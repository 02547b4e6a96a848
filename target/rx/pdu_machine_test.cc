#include "target/rx/pdu_machine.h"

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "target/pdu/ahs.h"
#include "target/rx/byte_source.h"
#include "target/rx/rx_testing.h"

namespace pushpull::target {
namespace {

// A machine over bytes that come in `schedule`.
struct Fixture {
  Fixture(std::vector<uint8_t> bytes, const ByteSchedule& schedule, const Framing& framing,
          const BlockPoolOptions& pool_options = {}, size_t queue_capacity = 8)
      : pool(BlockPool::Create(pool_options)),
        source(bytes, schedule, pool.get()),
        queue(queue_capacity),
        machine(&source, &delegate, &queue) {
    machine.SetFraming(framing);
    machine.set_event_log(&log);
  }

  BlockPool::Handle pool;
  ByteSource source;
  TestDelegate delegate;
  PduQueue queue;
  PduMachine<ByteSource, TestDelegate> machine;
  EventLog log;
};

constexpr Framing kBothDigests{.header_digest = true, .data_digest = true};

TEST(PduMachineTest, EachStateByTheBytesThatCame) {
  // BHS, two words of AHS, digest, five bytes of data, three of pad, digest.
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 2, 5), {true, true});
  ASSERT_EQ(bytes.size(), 72u);
  for (size_t came = 0; came < bytes.size(); ++came) {
    const std::vector<uint8_t> part(bytes.begin(), bytes.begin() + static_cast<long>(came));
    Fixture f(part, {.ends = false}, kBothDigests);
    EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
    const RxState expected = came < 48   ? RxState::kBhs
                             : came < 56 ? RxState::kAhs
                             : came < 60 ? RxState::kHeaderDigest
                             : came < 68 ? RxState::kData
                                         : RxState::kDataDigest;
    EXPECT_EQ(f.machine.state(), expected) << came;
    EXPECT_EQ(f.delegate.placed, came < 60 ? 0u : 1u) << "not before the digest was checked";
    EXPECT_TRUE(f.queue.empty());
  }
}

TEST(PduMachineTest, StatesThatHaveNothingArePassedOver) {
  const struct {
    size_t ahs_words, data_bytes;
    Framing framing;
    std::vector<RxState> states;
  } kCases[] = {
      {0, 0, {}, {RxState::kBhs}},
      {1, 0, {}, {RxState::kBhs, RxState::kAhs}},
      {0, 4, {}, {RxState::kBhs, RxState::kData}},
      {0, 0, kBothDigests, {RxState::kBhs, RxState::kHeaderDigest}},
      {0, 4, {.data_digest = true}, {RxState::kBhs, RxState::kData, RxState::kDataDigest}},
      {1,
       1,
       {.header_digest = true},
       {RxState::kBhs, RxState::kAhs, RxState::kHeaderDigest, RxState::kData}},
  };
  for (const auto& c : kCases) {
    const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, c.ahs_words, c.data_bytes),
                            {c.framing.header_digest, c.framing.data_digest});
    Fixture f(bytes, {.cuts = std::vector<size_t>(bytes.size(), 1)}, c.framing);
    std::vector<RxState> states;
    while (f.machine.Poll() == RxStop::kNotYet) {
      if (!f.queue.empty()) break;
      if (states.empty() || states.back() != f.machine.state()) states.push_back(f.machine.state());
    }
    EXPECT_EQ(states, c.states);
    EXPECT_EQ(f.queue.size(), 1u);
  }
}

TEST(PduMachineTest, LengthsFromNoneToFiveInEachPlace) {
  for (const Opcode opcode : {Opcode::kNopOut, Opcode::kScsiCommand, Opcode::kDataOut}) {
    for (size_t size = 0; size <= 5; ++size) {
      SCOPED_TRACE(std::string(OpcodeName(opcode)) + " " + std::to_string(size));
      const TestPdu pdu = MakePdu(opcode, 3, 0, size, 11);
      auto bytes = Wire(pdu, {true, true, 0xff});
      EXPECT_EQ(bytes.size(), 52 + (size + 3) / 4 * 4 + (size > 0 ? 4 : 0));
      Fixture f(bytes, {}, kBothDigests);
      EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
      ASSERT_EQ(f.queue.size(), 1u);
      const SlotRef received = f.queue.Pop();
      std::vector<uint8_t> data(received->data_bytes());
      EXPECT_EQ(received->CopyData(data), data.size());
      EXPECT_EQ(data, pdu.data);
      EXPECT_FALSE(received->data_digest_failed());
    }
  }
}

TEST(PduMachineTest, DamagedHeaderDigestEndsTheConnection) {
  TestPdu pdu = MakePdu(Opcode::kNopOut, 1, 1, 4);
  pdu.break_header_digest = true;
  Fixture f(Wire({pdu, MakePdu(Opcode::kNopOut, 2, 0, 0)}, {true, true}), {}, kBothDigests);
  EXPECT_EQ(f.machine.Poll(), RxStop::kFailed);
  EXPECT_EQ(f.machine.error(),
            (ProtocolError{Reason::kHeaderDigest, "RFC 7143 §7.8", Action::kCloseConnection}));
  EXPECT_EQ(f.delegate.placed, 0u) << "nothing acts on a header before its digest was checked";
  ASSERT_EQ(f.log.events.size(), 1u);
}

TEST(PduMachineTest, EachDamagedBitOfAHeaderIsSeen) {
  const auto right = Wire(MakePdu(Opcode::kNopOut, 1, 1, 0), {true, true});
  for (size_t bit = 0; bit < right.size() * 8; ++bit) {
    auto bytes = right;
    bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    bytes.resize(3000);  // so that no damaged length runs out of bytes
    Fixture f(bytes, {}, kBothDigests);
    EXPECT_EQ(f.machine.Poll(), RxStop::kFailed);
    ASSERT_TRUE(f.machine.error().has_value());
    EXPECT_EQ(f.machine.error()->reason, Reason::kHeaderDigest) << bit;
    EXPECT_EQ(f.delegate.placed, 0u);
  }
}

TEST(PduMachineTest, DamagedDataDigestIsThePdusOwnMatter) {
  for (const Opcode opcode : {Opcode::kNopOut, Opcode::kDataOut, Opcode::kTextRequest}) {
    TestPdu pdu = MakePdu(opcode, 1, 0, 7);
    pdu.break_data_digest = true;
    Fixture f(Wire({pdu, MakePdu(Opcode::kNopOut, 2, 0, 1)}, {true, true}), {}, kBothDigests);
    EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
    ASSERT_EQ(f.queue.size(), 2u);
    EXPECT_TRUE(f.queue.Pop()->data_digest_failed());
    EXPECT_FALSE(f.queue.Pop()->data_digest_failed());
  }
}

TEST(PduMachineTest, PadIsPartOfTheDataDigest) {
  auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 5), {false, true});
  bytes[48 + 6] ^= 1;  // pad
  Fixture f(bytes, {}, {.data_digest = true});
  f.machine.Poll();
  ASSERT_EQ(f.queue.size(), 1u);
  EXPECT_TRUE(f.queue.Pop()->data_digest_failed());
}

TEST(PduMachineTest, FailedIsAbsorbing) {
  Fixture f(Wire({MakePdu(Opcode::kLogoutRequest, 1, 0, 4), MakePdu(Opcode::kNopOut, 2, 0, 0)}, {}),
            {}, {});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(f.machine.Poll(), RxStop::kFailed);
    EXPECT_EQ(f.machine.state(), RxState::kFailed);
  }
  EXPECT_EQ(f.machine.error(), kTestClose);
  ASSERT_NE(f.machine.current(), nullptr);
  EXPECT_EQ(f.machine.current()->bhs().initiator_task_tag(), 1u);
  EXPECT_TRUE(f.queue.empty());
  EXPECT_EQ(f.log.events.size(), 1u);
}

TEST(PduMachineTest, EndIsForGood) {
  Fixture f(Wire(MakePdu(Opcode::kNopOut, 1, 0, 0), {}), {}, {});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_TRUE(f.machine.ended());
  EXPECT_EQ(f.log.events.size(), 2u);
}

TEST(PduMachineTest, EndInsideAPduIsSaid) {
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 1, 5), {true, true});
  for (size_t came = 0; came <= bytes.size(); ++came) {
    Fixture f({bytes.begin(), bytes.begin() + static_cast<long>(came)}, {}, kBothDigests);
    EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
    EXPECT_EQ(std::get<EndEvent>(f.log.events.back()).inside_pdu, came != 0 && came != bytes.size())
        << came;
    f.queue = PduQueue(1);
    EXPECT_EQ(f.pool->slots_in_use(), 0u) << "the slot of what was cut off is free";
  }
}

TEST(PduMachineTest, DataSegmentLimit) {
  for (const uint32_t limit : {512u, 8192u, 65536u}) {
    for (const bool over : {false, true}) {
      const TestPdu pdu = MakePdu(Opcode::kNopOut, 1, 0, limit + over);
      Fixture f(Wire(pdu, {}), {}, {.max_recv_data_segment_length = limit});
      EXPECT_EQ(f.machine.Poll(), over ? RxStop::kFailed : RxStop::kEnded);
      EXPECT_EQ(f.delegate.placed, over ? 0u : 1u);
      if (over) {
        EXPECT_EQ(f.machine.error(), (ProtocolError{Reason::kDataSegmentTooLong, "RFC 7143 §13.12",
                                                    Action::kCloseSession}));
      }
    }
  }
}

TEST(PduMachineTest, AhsLimit) {
  constexpr ProtocolError kTooLong{Reason::kAhsTooLong, "RFC 7143 §11.2.1.5",
                                   Action::kCloseSession};
  for (const bool digest : {false, true}) {
    for (const size_t words : {4u, 5u, 255u}) {
      const Framing framing{.header_digest = digest, .max_ahs_bytes = 16};
      TestPdu pdu = MakePdu(Opcode::kNopOut, 1, words, 0);
      Fixture f(Wire(pdu, {digest, false}), {}, framing, {.max_ahs_bytes = 16});
      EXPECT_EQ(f.machine.Poll(), words > 4 ? RxStop::kFailed : RxStop::kEnded);
      if (words > 4) {
        EXPECT_EQ(f.machine.error(), kTooLong);
      }
      // A length that may be damaged is the digest's to find.
      pdu.break_header_digest = true;
      Fixture damaged(Wire(pdu, {digest, false}), {}, framing, {.max_ahs_bytes = 16});
      damaged.machine.Poll();
      if (digest) {
        EXPECT_EQ(damaged.machine.error()->reason, Reason::kHeaderDigest);
      }
    }
  }
}

// An extended CDB, a bidirectional read length, two reserved types, in every order of two and under
// every cut: the chain comes out whole, and the codec reads each of it.
TEST(PduMachineTest, ChainsOfEveryAhsType) {
  const std::vector<uint8_t> kinds[] = {
      {0, 6, 1, 0, 1, 2, 3, 4, 5, 0, 0, 0},  // extended CDB of five bytes, three of pad
      {0, 5, 2, 0, 0, 0, 2, 0},              // expected bidirectional read data length
      {0, 1, 63, 9},                         // reserved, of the shortest length with anything
      {0, 9, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9}  // reserved
  };
  for (const auto& first : kinds) {
    for (const auto& second : kinds) {
      TestPdu pdu = MakePdu(Opcode::kScsiCommand, 1, (first.size() + second.size()) / 4, 5);
      pdu.ahs = first;
      pdu.ahs.insert(pdu.ahs.end(), second.begin(), second.end());
      const auto bytes = Wire({pdu, MakePdu(Opcode::kNopOut, 2, 0, 0)}, {true, true});
      for (size_t cut = 1; cut < bytes.size(); ++cut) {
        Fixture f(bytes, {.cuts = {cut}}, kBothDigests);
        while (f.machine.Poll() == RxStop::kNotYet) {
        }
        ASSERT_EQ(f.queue.size(), 2u) << cut;
        const SlotRef received = f.queue.Pop();
        AhsReader reader(received->ahs());
        for (const auto& kind : {first, second}) {
          const auto next = reader.Next();
          ASSERT_TRUE(std::holds_alternative<Ahs>(next));
          const Ahs& ahs = std::get<Ahs>(next);
          EXPECT_EQ(ahs.type, kind[2]);
          ASSERT_EQ(ahs.specific.size(), kind[1]);
          EXPECT_TRUE(std::equal(ahs.specific.begin(), ahs.specific.end(), kind.begin() + 3));
        }
        EXPECT_TRUE(std::holds_alternative<std::monostate>(reader.Next()));
        EXPECT_TRUE(f.queue.Pop()->ahs().empty()) << "nothing is left of the PDU before";
      }
    }
  }
}

TEST(PduMachineTest, RefusedPduIsPassedOver) {
  Fixture f(
      Wire({MakePdu(Opcode::kTaskManagementRequest, 1, 0, 9),
            MakePdu(Opcode::kTaskManagementRequest, 2, 0, 0), MakePdu(Opcode::kNopOut, 3, 0, 0)},
           {}),
      {}, {});
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  ASSERT_EQ(f.queue.size(), 3u);
  const SlotRef first = f.queue.Pop();
  EXPECT_EQ(first->refusal(), kTestReject);
  EXPECT_TRUE(first->data_discarded());
  EXPECT_TRUE(first->data().empty());
  const SlotRef second = f.queue.Pop();
  EXPECT_EQ(second->refusal(), kTestReject);
  EXPECT_FALSE(second->data_discarded()) << "there was none";
  EXPECT_FALSE(f.queue.Pop()->refusal().has_value()) << "nothing is left in a slot used again";
}

TEST(PduMachineTest, FullQueueStopsAndGoesOn) {
  std::vector<TestPdu> pdus;
  for (uint32_t tag = 1; tag <= 7; ++tag) pdus.push_back(MakePdu(Opcode::kNopOut, tag, 0, tag));
  for (size_t capacity = 1; capacity <= 4; ++capacity) {
    Fixture f(Wire(pdus, {}), {}, {}, {}, capacity);
    for (uint32_t tag = 1; tag <= 7; ++tag) {
      const RxStop stop = f.machine.Poll();
      EXPECT_EQ(stop, tag + capacity <= 7 ? RxStop::kQueueFull : RxStop::kEnded) << tag;
      EXPECT_EQ(f.machine.Poll(), stop) << "polling again changes nothing";
      EXPECT_EQ(f.queue.Pop()->bhs().initiator_task_tag(), tag);
    }
    EXPECT_TRUE(f.queue.empty());
  }
}

TEST(PduMachineTest, NoSlotStopsAndGoesOn) {
  std::vector<TestPdu> pdus;
  for (uint32_t tag = 1; tag <= 5; ++tag) pdus.push_back(MakePdu(Opcode::kNopOut, tag, 0, 0));
  Fixture f(Wire(pdus, {}), {}, {}, {.max_slots = 2});
  int freed = 0;
  f.pool->set_on_free([&] { ++freed; });
  EXPECT_EQ(f.machine.Poll(), RxStop::kNoSlot);
  EXPECT_EQ(f.machine.Poll(), RxStop::kNoSlot);
  const SlotRef first = f.queue.Pop();
  EXPECT_EQ(f.machine.Poll(), RxStop::kNoSlot) << "held outside of the queue";
  EXPECT_EQ(freed, 0);
  f.queue.Pop();
  EXPECT_EQ(freed, 1) << "once";
  EXPECT_EQ(f.machine.Poll(), RxStop::kNoSlot);
  EXPECT_EQ(f.queue.Pop()->bhs().initiator_task_tag(), 3u);
  EXPECT_EQ(first->bhs().initiator_task_tag(), 1u) << "what is held stays";
  EXPECT_EQ(f.machine.Poll(), RxStop::kNoSlot);
  f.queue.Pop();
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.queue.Pop()->bhs().initiator_task_tag(), 5u);
}

TEST(PduMachineTest, OneAtATimeLooksNoFurther) {
  // The second PDU has digests, which only the answer to the first turns on.
  auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 4), {});
  const auto second = Wire(MakePdu(Opcode::kNopOut, 2, 0, 4), {true, true});
  bytes.insert(bytes.end(), second.begin(), second.end());
  Fixture f(bytes, {}, {.one_at_a_time = true});
  EXPECT_EQ(f.machine.Poll(), RxStop::kHeld);
  EXPECT_EQ(f.machine.Poll(), RxStop::kHeld);
  EXPECT_EQ(f.queue.size(), 1u);
  f.machine.SetFraming(kBothDigests);
  f.machine.Proceed();
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.queue.size(), 2u);
}

TEST(PduMachineTest, FramingChangesBetweenPdusOnly) {
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 5), {});
  Fixture f(bytes, {.cuts = {50}}, {});
  EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
  f.machine.SetFraming(kBothDigests);
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.queue.size(), 1u);
}

TEST(PduMachineTest, DataLandsInItsPlaces) {
  const TestPdu pdu = MakePdu(Opcode::kScsiCommand, 1, 0, 20);
  Fixture f(Wire(pdu, {}), {.cuts = {48, 2, 7}}, {});
  while (f.machine.Poll() == RxStop::kNotYet) {
  }
  ASSERT_EQ(f.queue.size(), 1u);
  const SlotRef received = f.queue.Pop();
  ASSERT_EQ(f.delegate.buffers.size(), 4u);
  ASSERT_EQ(received->data().size(), 3u);
  EXPECT_EQ(received->data()[0].data(), f.delegate.buffers[0].data());
  EXPECT_EQ(received->data()[1].data(), f.delegate.buffers[1].data());
  EXPECT_EQ(received->data()[2].data(), f.delegate.buffers[3].data());
  EXPECT_EQ(received->data()[2].size(), 16u);
  uint8_t some[7];
  EXPECT_EQ(received->CopyData(some), 7u);
  EXPECT_TRUE(std::equal(some, some + 7, pdu.data.begin()));
}

TEST(PduMachineDeathTest, OurOwnMistakes) {
  struct Wrong {
    void Place(const PduSlot&, Placement& placement) { placement.Into(room); }
    uint8_t room[3];
  } wrong;
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 4), {});
  const BlockPool::Handle pool = BlockPool::Create({});
  ByteSource source(bytes, {}, pool.get());
  PduQueue queue(1);
  PduMachine machine(&source, &wrong, &queue);
  EXPECT_DEATH(machine.Poll(), "room for another length");
  EXPECT_DEATH(machine.SetFraming({.max_recv_data_segment_length = 1 << 24}), "CHECK");

  PushFixture push;
  TestDelegate delegate;
  PduMachine pushed(push.source.get(), &delegate, &queue);
  EXPECT_DEATH(pushed.SetFraming({.data_digest = true}), "iser");
}

}  // namespace
}  // namespace pushpull::target
