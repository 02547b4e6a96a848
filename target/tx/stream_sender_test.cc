#include "target/tx/stream_sender.h"

#include <memory>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "target/pdu/digest.h"
#include "target/pdu/response.h"
#include "target/rx/scripted_stream.h"

namespace pushpull::target {
namespace {

const std::vector<uint8_t>& Data() {
  static const std::vector<uint8_t> kData = [] {
    std::vector<uint8_t> data(100'000);
    std::iota(data.begin(), data.end(), 0);
    return data;
  }();
  return kData;
}

struct Fixture {
  Fixture() : queue({}, &stat_sn, [](BhsView) { return TxQueue::Numbers{1, 32}; }) {}

  // `pieces`: the sizes into which the data segment is cut.
  OutPdu Make(uint32_t tag, const std::vector<size_t>& pieces) {
    OutPdu pdu;
    pdu.bhs = NopIn{.initiator_task_tag = tag}.Encode();
    size_t at = tag;
    for (const size_t piece : pieces) {
      pdu.data.push_back(base::Bytes(data).subspan(at, piece));
      at += piece;
    }
    pdu.done = [this, tag] { sent.push_back(tag); };
    return pdu;
  }

  ScriptedStream stream;
  StatSnCounter stat_sn;
  TxQueue queue;
  StreamSender sender{&stream, &queue};
  const std::vector<uint8_t>& data = Data();
  std::vector<uint32_t> sent;
};

// Reads one PDU off the front of `bytes`, checks its form, and returns tag and data.
std::pair<uint32_t, std::vector<uint8_t>> TakePdu(std::vector<uint8_t>& bytes, bool header_digest,
                                                  bool data_digest) {
  const BhsView bhs(bytes.data());
  const uint32_t tag = bhs.initiator_task_tag();
  size_t at = kBhsBytes;
  if (header_digest) {
    EXPECT_EQ(Crc32c::Load(&bytes[at]), Crc32cOf(base::Bytes(bytes).first(kBhsBytes)));
    at += 4;
  }
  const size_t size = bhs.data_segment_length();
  const size_t pad = bhs.pad_bytes();
  std::vector<uint8_t> data(bytes.begin() + static_cast<long>(at),
                            bytes.begin() + static_cast<long>(at + size));
  for (size_t i = 0; i < pad; ++i) EXPECT_EQ(bytes[at + size + i], 0) << "RFC 7143 §11.1";
  if (data_digest && size > 0) {
    EXPECT_EQ(Crc32c::Load(&bytes[at + size + pad]),
              Crc32cOf(base::Bytes(bytes).subspan(at, size + pad)));
    at += 4;
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<long>(at + size + pad));
  return {tag, data};
}

const std::vector<std::vector<size_t>> kShapes = {
    {}, {1}, {2}, {3}, {4}, {5}, {1, 1, 1}, {0, 7}, {7, 0}, {1000, 24}, {3, 4, 5, 6, 7}, {70000}};

TEST(StreamSenderTest, FormsInAllCombinationsOfDigests) {
  for (int digests = 0; digests < 4; ++digests) {
    const bool header = (digests & 1) != 0, payload = (digests & 2) != 0;
    Fixture f;
    f.queue.SetDigests(header, payload);
    for (uint32_t i = 0; i < kShapes.size(); ++i) {
      ASSERT_TRUE(f.queue.Queue(f.Make(i, kShapes[i])));
    }
    EXPECT_EQ(f.sender.Pump(), TxStop::kIdle);
    EXPECT_TRUE(f.sender.idle());
    std::vector<uint8_t> wire = f.stream.TakeWritten();
    for (uint32_t i = 0; i < kShapes.size(); ++i) {
      const auto [tag, data] = TakePdu(wire, header, payload);
      EXPECT_EQ(tag, i);
      const size_t size = std::accumulate(kShapes[i].begin(), kShapes[i].end(), size_t{0});
      EXPECT_EQ(data, std::vector<uint8_t>(f.data.begin() + i,
                                           f.data.begin() + static_cast<long>(i + size)));
      EXPECT_EQ(f.sent[i], i);
    }
    EXPECT_TRUE(wire.empty());
    EXPECT_LE(f.stream.writes(), 3u) << "several PDUs go out in one write";
  }
}

// The named defect: right digests but those of R2Ts' headers and of later Data-In's data.
TEST(StreamSenderTest, DigestsThatAreCarriedOn) {
  if (!kBugsEnabled) GTEST_SKIP() << "built without defects";
  Fixture f;
  BugSet bugs;
  bugs.Add(Bug::kDigestsCarriedOn);
  StreamSender sender(&f.stream, &f.queue, bugs);
  f.queue.SetDigests(true, true);
  const auto header_is_right = [&](const std::vector<uint8_t>& wire) {
    return Crc32c::Load(&wire[kBhsBytes]) == Crc32cOf(base::Bytes(wire).first(kBhsBytes));
  };
  const auto sent = [&](OutPdu pdu) {
    EXPECT_TRUE(f.queue.Queue(std::move(pdu)));
    sender.Pump();
    return f.stream.TakeWritten();
  };
  OutPdu r2t = f.Make(1, {});
  r2t.bhs = R2t{.initiator_task_tag = 1}.Encode();
  EXPECT_FALSE(header_is_right(sent(std::move(r2t))));
  for (const uint32_t data_sn : {0U, 1U}) {
    OutPdu data_in = f.Make(1, {4});
    data_in.bhs =
        DataIn{.initiator_task_tag = 1, .data_sn = data_sn, .data_segment_length = 4}.Encode();
    const std::vector<uint8_t> wire = sent(std::move(data_in));
    EXPECT_TRUE(header_is_right(wire));
    const base::Bytes data = base::Bytes(wire).subspan(kBhsBytes + kDigestBytes, 4);
    EXPECT_EQ(Crc32c::Load(data.data() + 4) == Crc32cOf(data), data_sn == 0);
  }
}

std::vector<uint8_t> WholeWire() {
  Fixture f;
  f.queue.SetDigests(true, true);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(f.queue.Queue(f.Make(i, {i, 2, 3})));
  f.sender.Pump();
  return f.stream.TakeWritten();
}

TEST(StreamSenderTest, EveryPartialWriteGoesOn) {
  const auto whole = WholeWire();
  for (size_t cut = 1; cut < whole.size(); ++cut) {
    Fixture f;
    f.queue.SetDigests(true, true);
    f.stream.AllowWrites({cut});
    for (uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(f.queue.Queue(f.Make(i, {i, 2, 3})));
    EXPECT_EQ(f.sender.Pump(), TxStop::kBlocked);
    EXPECT_EQ(f.stream.written().size(), cut);
    EXPECT_FALSE(f.sender.idle());
    f.stream.AllowWrites({whole.size()});
    EXPECT_EQ(f.sender.Pump(), TxStop::kIdle);
    ASSERT_EQ(f.stream.written(), whole) << cut;
    EXPECT_EQ(f.sent, (std::vector<uint32_t>{0, 1, 2, 3}));
  }
}

TEST(StreamSenderTest, ByteByByte) {
  const auto whole = WholeWire();
  Fixture f;
  f.queue.SetDigests(true, true);
  for (uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(f.queue.Queue(f.Make(i, {i, 2, 3})));
  for (size_t i = 0; i < whole.size(); ++i) {
    f.stream.AllowWrites({1});
    f.sender.Pump();
    EXPECT_EQ(f.stream.written().size(), i + 1);
  }
  EXPECT_EQ(f.stream.written(), whole);
  EXPECT_EQ(f.sent.size(), 4u);
}

TEST(StreamSenderTest, MemoryIsFreedWhenTheStreamTookIt) {
  Fixture f;
  f.stream.AllowWrites({48 + 99});
  OutPdu pdu = f.Make(1, {100});
  const auto watch = std::make_shared<int>();
  pdu.done = [watch, &f] { f.sent.push_back(1); };
  EXPECT_TRUE(f.queue.Queue(std::move(pdu)));
  f.sender.Pump();
  EXPECT_TRUE(f.sent.empty()) << "one byte is missing";
  EXPECT_EQ(watch.use_count(), 2);
  f.stream.AllowWrites({1});
  f.sender.Pump();
  EXPECT_EQ(f.sent.size(), 1u);
  EXPECT_EQ(watch.use_count(), 1);
}

TEST(StreamSenderTest, WhatNeverWentOutIsReleasedWithoutACall) {
  const auto watch = std::make_shared<int>();
  bool called = false;
  {
    Fixture f;
    f.stream.AllowWrites({10});
    for (int i = 0; i < 40; ++i) {
      OutPdu pdu = f.Make(1, {});
      pdu.done = [watch, &called] { called = true; };
      EXPECT_TRUE(f.queue.Queue(std::move(pdu)));
    }
    EXPECT_EQ(f.sender.Pump(), TxStop::kBlocked);
    f.stream.BreakWrites();
    EXPECT_EQ(f.sender.Pump(), TxStop::kFailed);
    EXPECT_EQ(f.sender.Pump(), TxStop::kFailed);
    EXPECT_EQ(f.sender.error(), EPIPE);
  }
  EXPECT_FALSE(called);
  EXPECT_EQ(watch.use_count(), 1);
}

TEST(StreamSenderTest, SlowReaderIsHeldByTheBound) {
  Fixture f;
  f.stream.AllowWrites({});
  uint32_t accepted = 0;
  for (uint32_t tag = 0; tag < 10'000; ++tag) {
    if (f.queue.Queue(f.Make(tag, {8}))) ++accepted;
    f.sender.Pump();
  }
  EXPECT_EQ(accepted, 256u + 16u) << "the queue's limit, and one batch";
}

TEST(StreamSenderTest, CallbackMayQueueAndPump) {
  Fixture f;
  OutPdu first = f.Make(1, {});
  first.done = [&f] {
    EXPECT_TRUE(f.queue.Queue(f.Make(2, {4})));
    EXPECT_EQ(f.sender.Pump(), TxStop::kIdle) << "the running call does it";
    EXPECT_TRUE(f.sent.empty());
  };
  EXPECT_TRUE(f.queue.Queue(std::move(first)));
  EXPECT_EQ(f.sender.Pump(), TxStop::kIdle);
  EXPECT_EQ(f.sent, (std::vector<uint32_t>{2}));
}

TEST(StreamSenderTest, BudgetLetsOthersHaveTheirTurn) {
  Fixture f;
  for (uint32_t i = 0; i < 40; ++i) EXPECT_TRUE(f.queue.Queue(f.Make(i, {16384})));
  int pumps = 0;
  while (f.sender.Pump(100'000) == TxStop::kMore) ++pumps;
  EXPECT_GE(pumps, 1);
  EXPECT_EQ(f.sent.size(), 40u);
  EXPECT_EQ(f.sender.bytes_sent(), 40u * (48 + 16384));
}

// Two readers, one of whom has far more to send: the small one is done early.
struct Reader final : DataInProducer {
  Reader(Fixture* f, uint32_t tag, int left) : f(f), tag(tag), left(left) {}
  bool NextDataIn(OutPdu& pdu) override {
    pdu = f->Make(tag, {8192});
    pdu.stat_sn = StatSnUse::kAsIs;
    return --left > 0;
  }
  Fixture* f;
  uint32_t tag;
  int left;
};

TEST(StreamSenderTest, BigReadDoesNotStarveASmallOne) {
  Fixture f;
  Reader big(&f, 1, 1000), small(&f, 2, 3);
  f.queue.Add(&big);
  f.queue.Add(&small);
  f.sender.Pump(400'000);
  EXPECT_EQ(std::count(f.sent.begin(), f.sent.begin() + 6, 2u), 3);
  EXPECT_GT(big.left, 900) << "data isn't taken before the stream takes it";
}

TEST(StreamSenderTest, RandomWritesOfRandomPdus) {
  base::Random random(7);
  for (int run = 0; run < 60; ++run) {
    Fixture f;
    const bool header = random.Chance(50), payload = random.Chance(50);
    f.queue.SetDigests(header, payload);
    std::vector<size_t> sizes;
    for (uint32_t tag = 0; tag < 60; ++tag) {
      std::vector<size_t> pieces(random.Below(6));
      for (size_t& piece : pieces) piece = random.Below(random.Chance(20) ? 4000 : 9);
      sizes.push_back(std::accumulate(pieces.begin(), pieces.end(), size_t{0}));
      f.queue.QueueExempt(f.Make(tag, pieces));
      std::vector<size_t> writes(random.Below(3));
      for (size_t& write : writes) write = 1 + random.Below(random.Chance(50) ? 60 : 6000);
      f.stream.AllowWrites(writes);
      f.sender.Pump();
    }
    while (!f.sender.idle()) {
      f.stream.AllowWrites({1 + random.Below(10'000)});
      f.sender.Pump();
    }
    std::vector<uint8_t> wire = f.stream.TakeWritten();
    for (uint32_t tag = 0; tag < 60; ++tag) {
      const auto [got, data] = TakePdu(wire, header, payload);
      ASSERT_EQ(got, tag);
      ASSERT_EQ(data.size(), sizes[tag]);
      ASSERT_TRUE(std::equal(data.begin(), data.end(), f.data.begin() + tag));
    }
    EXPECT_TRUE(wire.empty());
  }
}

}  // namespace
}  // namespace pushpull::target
