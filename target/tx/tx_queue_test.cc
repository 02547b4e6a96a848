#include "target/tx/tx_queue.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/pdu/response.h"

namespace pushpull::target {
namespace {

OutPdu Response(uint32_t tag, StatSnUse use = StatSnUse::kNext, size_t data_bytes = 0) {
  static const std::vector<uint8_t> kData(1 << 20, 0x5a);
  OutPdu pdu;
  pdu.bhs = ScsiResponse{.initiator_task_tag = tag, .stat_sn = 0xbad}.Encode();
  pdu.stat_sn = use;
  if (data_bytes > 0) pdu.data.push_back(base::Bytes(kData).first(data_bytes));
  return pdu;
}

// Data-In PDUs of a task: `left` more of `data_bytes` each, the last one with status where asked.
struct Reader final : DataInProducer {
  Reader(uint32_t tag, size_t left, bool status = false) : tag(tag), left(left), status(status) {}

  bool NextDataIn(OutPdu& pdu) override {
    EXPECT_GT(left, 0u);
    EXPECT_TRUE(pdu.data.empty() && !pdu.done);
    EXPECT_EQ(pdu.stat_sn, StatSnUse::kAsIs);
    --left;
    DataIn header;
    header.initiator_task_tag = tag;
    header.data_sn = data_sn++;
    if (left == 0 && status) {
      header.status_present = true;
      pdu.stat_sn = StatSnUse::kNext;
    }
    pdu.bhs = header.Encode();
    if (on_produce) on_produce();
    return left > 0;
  }

  uint32_t tag;
  size_t left;
  bool status;
  uint32_t data_sn = 0;
  absl::AnyInvocable<void()> on_produce;
};

struct Fixture {
  explicit Fixture(const TxQueue::Limits& limits = {}, uint32_t first_stat_sn = 10)
      : stat_sn(first_stat_sn), queue(limits, &stat_sn, [this](BhsView) { return numbers; }) {}

  // All that is there, as "tag" or "tag.DataSN", with "s" and StatSN for what has a status.
  std::vector<std::string> Drain() {
    std::vector<std::string> order;
    OutPdu pdu;
    while (queue.Next(pdu)) order.push_back(Name(pdu));
    return order;
  }
  static std::string Name(const OutPdu& pdu) {
    const BhsView bhs(pdu.bhs);
    std::string name = std::to_string(bhs.initiator_task_tag());
    const bool data_in = bhs.opcode() == Opcode::kDataIn;
    if (data_in) name += "." + std::to_string(bhs.data_sn());
    if (!data_in || DataIn::Decode(bhs).status_present) {
      name += "s" + std::to_string(ScsiResponse::Decode(bhs).stat_sn);
    }
    return name;
  }

  TxQueue::Numbers numbers{0x100, 0x200};
  StatSnCounter stat_sn;
  TxQueue queue;
};

using Order = std::vector<std::string>;

TEST(TxQueueTest, StatSnIsGivenWhenQueued) {
  Fixture f({}, 0xfffffffe);
  EXPECT_TRUE(f.queue.Queue(Response(1)));
  EXPECT_TRUE(f.queue.Queue(Response(2, StatSnUse::kCurrent)));
  EXPECT_TRUE(f.queue.Queue(Response(3)));
  EXPECT_TRUE(f.queue.Queue(Response(4, StatSnUse::kAsIs)));
  EXPECT_TRUE(f.queue.Queue(Response(5)));
  EXPECT_EQ(f.stat_sn.next(), 1u);
  EXPECT_EQ(f.Drain(), (Order{"1s4294967294", "2s4294967295", "3s4294967295", "4s2989", "5s0"}));
}

TEST(TxQueueTest, WindowAndLengthAreThoseOfTheMomentOfSending) {
  Fixture f;
  EXPECT_TRUE(f.queue.Queue(Response(1, StatSnUse::kNext, 77)));
  f.numbers = {0x101, 0x1ff};
  OutPdu pdu;
  ASSERT_TRUE(f.queue.Next(pdu));
  const auto response = ScsiResponse::Decode(BhsView(pdu.bhs));
  EXPECT_EQ(response.exp_cmd_sn, 0x101u);
  EXPECT_EQ(response.max_cmd_sn, 0x1ffu);
  EXPECT_EQ(response.data_segment_length, 77u);
  EXPECT_FALSE(f.queue.Next(pdu));
}

TEST(TxQueueTest, ReadersTakeTurns) {
  Fixture f;
  Reader a(1, 3), b(2, 1), c(3, 5);
  f.queue.Add(&a);
  f.queue.Add(&b);
  f.queue.Add(&c);
  EXPECT_EQ(f.Drain(), (Order{"1.0", "2.0", "3.0", "1.1", "3.1", "1.2", "3.2", "3.3", "3.4"}));
  EXPECT_TRUE(f.queue.empty());
}

TEST(TxQueueTest, OneThatJoinsWaitsForOneRoundAtMost) {
  Fixture f;
  Reader a(1, 100), b(2, 100);
  f.queue.Add(&a);
  OutPdu pdu;
  for (int i = 0; i < 5; ++i) f.queue.Next(pdu);
  f.queue.Add(&b);
  f.queue.Next(pdu);
  const std::string first = Fixture::Name(pdu);
  f.queue.Next(pdu);
  const std::string second = Fixture::Name(pdu);
  EXPECT_TRUE((first == "1.5" && second == "2.0") || (first == "2.0" && second == "1.5"));
}

TEST(TxQueueTest, ResponsesPassDataButDontStarveIt) {
  Fixture f;
  Reader a(100, 3);
  f.queue.Add(&a);
  for (uint32_t tag = 1; tag <= 20; ++tag) EXPECT_TRUE(f.queue.Queue(Response(tag)));
  const Order order = f.Drain();
  ASSERT_EQ(order.size(), 23u);
  EXPECT_EQ(order[0], "1s10");
  EXPECT_EQ(order[8], "100.0") << "after eight in a row";
  EXPECT_EQ(order[17], "100.1");
}

TEST(TxQueueTest, StatusesGoOutInTheirOrder) {
  // A last Data-In with status, produced while responses with earlier numbers wait.
  Fixture f;
  Reader a(100, 1, /*status=*/true);
  f.queue.Add(&a);
  for (uint32_t tag = 1; tag <= 12; ++tag) EXPECT_TRUE(f.queue.Queue(Response(tag)));
  const Order order = f.Drain();
  ASSERT_EQ(order.size(), 13u);
  EXPECT_EQ(order.back(), "100.0s22");
  for (size_t i = 0; i < order.size(); ++i) {
    EXPECT_TRUE(order[i].ends_with("s" + std::to_string(10 + i))) << order[i];
  }
}

TEST(TxQueueTest, ResponseQueuedWithTheLastDataFollowsIt) {
  Fixture f;
  Reader a(1, 2), b(2, 3);
  a.on_produce = [&] {
    if (a.left == 0) f.queue.QueueExempt(Response(1));
  };
  f.queue.Add(&a);
  f.queue.Add(&b);
  EXPECT_EQ(f.Drain(), (Order{"1.0", "2.0", "1.1", "1s10", "2.1", "2.2"}));
}

TEST(TxQueueTest, ReaderThatIsRemovedProducesNoMore) {
  for (uint32_t removed = 0; removed < 3; ++removed) {
    for (uint32_t before = 0; before < 4; ++before) {
      SCOPED_TRACE(testing::Message() << removed << " after " << before);
      Fixture f;
      Reader readers[] = {{0, 9}, {1, 9}, {2, 9}};
      for (Reader& reader : readers) f.queue.Add(&reader);
      OutPdu pdu;
      for (uint32_t i = 0; i < before; ++i) f.queue.Next(pdu);
      f.queue.Remove(&readers[removed]);
      f.queue.Remove(&readers[removed]);
      const size_t left = readers[removed].left;
      // The two others go on in turn, from the one that was next.
      uint32_t next = before;
      for (int i = 0; i < 8; ++i, ++next) {
        if (next % 3 == removed) ++next;
        ASSERT_TRUE(f.queue.Next(pdu));
        EXPECT_EQ(BhsView(pdu.bhs).initiator_task_tag(), next % 3);
      }
      f.Drain();
      EXPECT_EQ(readers[removed].left, left);
    }
  }
}

TEST(TxQueueTest, ReadersMayComeAndGoWhileOneProduces) {
  Fixture f;
  Reader a(1, 3), b(2, 3), c(3, 2);
  a.on_produce = [&] {
    if (a.data_sn == 1) {
      f.queue.Remove(&b);
      f.queue.Add(&c);
    }
    if (a.data_sn == 2) f.queue.Remove(&a);
  };
  f.queue.Add(&a);
  f.queue.Add(&b);
  EXPECT_EQ(f.Drain(), (Order{"1.0", "3.0", "1.1", "3.1"}));
  EXPECT_EQ(b.left, 3u);
}

TEST(TxQueueTest, FullByCountAndSpaceAgain) {
  Fixture f({.max_pdus = 4});
  int space = 0;
  f.queue.set_on_space([&] { ++space; });
  for (uint32_t tag = 1; tag <= 4; ++tag) EXPECT_TRUE(f.queue.Queue(Response(tag)));
  EXPECT_TRUE(f.queue.full());
  OutPdu refused = Response(5);
  refused.done = [] {};
  EXPECT_FALSE(f.queue.Queue(std::move(refused)));
  EXPECT_TRUE(refused.done) << "left untouched";
  EXPECT_EQ(f.stat_sn.next(), 14u) << "no number for what was refused";
  f.queue.QueueExempt(Response(6));
  EXPECT_EQ(f.queue.queued_pdus(), 5u);
  OutPdu pdu;
  f.queue.Next(pdu);
  f.queue.Next(pdu);
  EXPECT_EQ(space, 0) << "not before half is free";
  f.queue.Next(pdu);
  EXPECT_EQ(space, 1);
  f.queue.Next(pdu);
  f.queue.Next(pdu);
  EXPECT_EQ(space, 1) << "once";
}

TEST(TxQueueTest, FullByBytes) {
  Fixture f({.max_bytes = 10000});
  bool space = false;
  f.queue.set_on_space([&] { space = true; });
  EXPECT_TRUE(f.queue.Queue(Response(1, StatSnUse::kNext, 9000)));
  EXPECT_FALSE(f.queue.full());
  EXPECT_TRUE(f.queue.Queue(Response(2, StatSnUse::kNext, 9000))) << "begun below the limit";
  EXPECT_TRUE(f.queue.full());
  f.queue.want_space();
  OutPdu pdu;
  f.queue.Next(pdu);
  EXPECT_FALSE(space);
  f.queue.Next(pdu);
  EXPECT_TRUE(space);
  EXPECT_EQ(f.queue.queued_bytes(), 0u);
}

TEST(TxQueueTest, SaysWhenThereIsWorkAfterNone) {
  Fixture f;
  int work = 0;
  f.queue.set_on_work([&] { ++work; });
  EXPECT_TRUE(f.queue.Queue(Response(1)));
  EXPECT_TRUE(f.queue.Queue(Response(2)));
  EXPECT_EQ(work, 1);
  f.Drain();
  Reader a(1, 1);
  f.queue.Add(&a);
  EXPECT_EQ(work, 2);
}

TEST(TxQueueTest, DigestsAreThoseOfTheMomentOfQueueing) {
  Fixture f;
  Reader reader(2, 1);
  EXPECT_TRUE(f.queue.Queue(Response(1)));  // the Login Response that agrees on them
  f.queue.SetDigests(true, true);
  f.queue.Add(&reader);
  OutPdu pdu;
  f.queue.Next(pdu);
  EXPECT_FALSE(pdu.header_digest || pdu.data_digest);
  f.queue.Next(pdu);
  EXPECT_TRUE(pdu.header_digest && pdu.data_digest);
}

}  // namespace
}  // namespace pushpull::target
