// The machine's promise: what it makes of a stream of bytes doesn't depend on how they were cut,
// nor on whether they were pulled or pushed.

#include <string>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/rx_testing.h"
#include "target/rx/scripted_stream.h"
#include "target/rx/tcp_source.h"

namespace pushpull::target {
namespace {

// PDUs of each shape: with and without AHS, with data of every pad, in each kind of placement.
std::vector<TestPdu> Shapes() {
  return {
      MakePdu(Opcode::kNopOut, 1, 0, 0),       MakePdu(Opcode::kScsiCommand, 2, 2, 10),
      MakePdu(Opcode::kDataOut, 3, 0, 33, 7),  MakePdu(Opcode::kNopOut, 4, 1, 5),
      MakePdu(Opcode::kTextRequest, 5, 0, 19), MakePdu(Opcode::kTaskManagementRequest, 6, 0, 6),
      MakePdu(Opcode::kDataOut, 7, 0, 4, 40),  MakePdu(Opcode::kScsiCommand, 8, 5, 0),
  };
}

struct Stream {
  std::string name;
  WireForm form;
  std::vector<uint8_t> bytes;
};

// The shapes in all four combinations of digests; damaged, cut off and refused ones.
std::vector<Stream> Streams() {
  std::vector<Stream> streams;
  for (int digests = 0; digests < 4; ++digests) {
    const WireForm form{.header_digest = (digests & 1) != 0, .data_digest = (digests & 2) != 0};
    const std::string suffix = " digests " + std::to_string(digests);
    std::vector<TestPdu> pdus = Shapes();
    streams.push_back({"whole" + suffix, form, Wire(pdus, form)});
    streams.push_back({"cut off" + suffix, form, Wire(pdus, form)});
    streams.back().bytes.resize(streams.back().bytes.size() - 27);
    streams.push_back({"nothing" + suffix, form, {}});
    pdus[2].break_data_digest = pdus[4].break_data_digest = true;
    streams.push_back({"damaged data" + suffix, form, Wire(pdus, form)});
    pdus[5].break_header_digest = true;
    streams.push_back({"damaged header" + suffix, form, Wire(pdus, form)});
    pdus = Shapes();
    pdus.insert(pdus.begin() + 3, MakePdu(Opcode::kLogoutRequest, 9, 1, 4));
    streams.push_back({"refused" + suffix, form, Wire(pdus, form)});
    pdus = Shapes();
    SetDataSegmentLength(pdus[3].bhs, 65537);
    streams.push_back({"data segment too long" + suffix, form, Wire(pdus, form)});
  }
  return streams;
}

EventLog Pull(const Stream& stream, const ByteSchedule& schedule, size_t queue_capacity) {
  const BlockPool::Handle pool = BlockPool::Create({});
  ByteSource source(stream.bytes, schedule, pool.get());
  TestDelegate delegate;
  return Receive(source, delegate,
                 {.framing = FramingOf(stream.form), .queue_capacity = queue_capacity});
}

EventLog PullTcp(const Stream& stream, const std::vector<size_t>& cuts, size_t queue_capacity) {
  ScriptedStream wire;
  size_t at = 0;
  for (const size_t cut : cuts) {
    wire.AddPiece(base::Bytes(stream.bytes).subspan(at, cut));
    at += cut;
  }
  if (at < stream.bytes.size()) wire.AddPiece(base::Bytes(stream.bytes).subspan(at));
  wire.End();
  ReadAheadPool buffers(1024);
  const BlockPool::Handle pool = BlockPool::Create({.data_bytes = 8});
  TcpSource source(&wire, &buffers, pool.get());
  TestDelegate delegate;
  return Receive(source, delegate,
                 {.framing = FramingOf(stream.form), .queue_capacity = queue_capacity});
}

TEST(EquivalenceTest, WholeDeliverySeesEverything) {
  const auto streams = Streams();
  const EventLog log = Pull(streams[0], {}, 4);
  ASSERT_EQ(log.events.size(), 10u) << log;  // eight PDUs, one refusal, the end
  const auto& command = std::get<PduCompleteEvent>(log.events[1]);
  EXPECT_EQ(command.ahs, Shapes()[1].ahs);
  EXPECT_EQ(command.data, Shapes()[1].data);
  const auto& text = std::get<PduCompleteEvent>(log.events[4]);
  EXPECT_TRUE(text.data_discarded);
  EXPECT_EQ(std::get<ProtocolError>(log.events[5]), kTestReject);
  EXPECT_FALSE(std::get<EndEvent>(log.events.back()).inside_pdu);
}

TEST(EquivalenceTest, EverySingleCut) {
  for (const Stream& stream : Streams()) {
    SCOPED_TRACE(stream.name);
    const EventLog whole = Pull(stream, {}, 4);
    for (size_t cut = 0; cut <= stream.bytes.size(); ++cut) {
      ASSERT_EQ(Pull(stream, {.cuts = {cut}}, 1 + cut % 4), whole) << "cut at " << cut;
    }
  }
}

TEST(EquivalenceTest, EverySingleCutOverAStream) {
  for (const Stream& stream : Streams()) {
    SCOPED_TRACE(stream.name);
    const EventLog whole = Pull(stream, {}, 4);
    for (size_t cut = 1; cut < stream.bytes.size(); ++cut) {
      ASSERT_EQ(PullTcp(stream, {cut}, 1 + cut % 4), whole) << "cut at " << cut;
    }
  }
}

TEST(EquivalenceTest, ByteByByteInEveryQueue) {
  for (const Stream& stream : Streams()) {
    SCOPED_TRACE(stream.name);
    const EventLog whole = Pull(stream, {}, 4);
    const std::vector<size_t> ones(stream.bytes.size(), 1);
    for (size_t capacity = 1; capacity <= 4; ++capacity) {
      SCOPED_TRACE(capacity);
      EXPECT_EQ(Pull(stream, {.cuts = ones}, capacity), whole);
      EXPECT_EQ(Pull(stream, {.cuts = ones, .not_yet_before_each_chunk = true}, capacity), whole);
      EXPECT_EQ(Pull(stream, {.not_yet_before_each_chunk = true}, capacity), whole);
      EXPECT_EQ(PullTcp(stream, ones, capacity), whole);
    }
  }
}

TEST(EquivalenceTest, RandomCuts) {
  base::Random random(20);
  const auto streams = Streams();
  for (int i = 0; i < 2000; ++i) {
    const Stream& stream = streams[random.Below(streams.size())];
    std::vector<size_t> cuts;
    for (size_t at = 0; at < stream.bytes.size();) {
      const size_t size =
          std::min(1 + random.Below(random.Chance(50) ? 8 : 100), stream.bytes.size() - at);
      cuts.push_back(size);
      at += size;
    }
    SCOPED_TRACE(stream.name + " run " + std::to_string(i));
    const EventLog whole = Pull(stream, {}, 4);
    const size_t capacity = 1 + random.Below(4);
    ASSERT_EQ(Pull(stream, {.cuts = cuts}, capacity), whole);
    ASSERT_EQ(PullTcp(stream, cuts, capacity), whole);
  }
}

// Bytes that nobody meant as PDUs, mostly with lengths that fit, with any framing.
TEST(EquivalenceTest, Garbage) {
  base::Random random(4711);
  for (int run = 0; run < 1000; ++run) {
    Stream stream{"", {.header_digest = random.Chance(20), .data_digest = random.Chance(50)}, {}};
    stream.bytes.resize(random.Below(800));
    for (uint8_t& byte : stream.bytes) {
      byte = random.Chance(60) ? 0 : static_cast<uint8_t>(random.Next());
    }
    const EventLog whole = Pull(stream, {}, 4);
    const std::vector<size_t> ones(stream.bytes.size(), 1);
    ASSERT_EQ(Pull(stream, {.cuts = ones}, 1), whole) << run;
    ASSERT_EQ(PullTcp(stream, ones, 2), whole) << run;
    if (stream.bytes.size() < 2) continue;
    const size_t cut = random.Between(1, stream.bytes.size() - 1);
    ASSERT_EQ(PullTcp(stream, {cut}, 3), whole) << run << " cut at " << cut;
  }
}

TEST(EquivalenceTest, PushIsPull) {
  std::vector<std::vector<TestPdu>> sets = {Shapes(), {}, Shapes(), Shapes()};
  sets[2].insert(sets[2].begin() + 2, MakePdu(Opcode::kLogoutRequest, 9, 1, 4));
  sets[3].insert(sets[3].begin() + 5, MakePdu(Opcode::kNopOut, 9, 0, 66000));  // beyond the limit
  for (const auto& pdus : sets) {
    const EventLog pulled = Pull({"", {}, Wire(pdus, {})}, {}, 4);
    for (size_t capacity = 1; capacity <= 4; ++capacity) {
      const RunOptions options{.framing = FramingOf({}), .queue_capacity = capacity};
      for (const bool coalesced : {false, true}) {
        EXPECT_EQ(ReceivePush(pdus, {}, options, coalesced), pulled) << capacity << coalesced;
        EXPECT_EQ(ReceivePush(pdus, {.pad = 0xee}, options, coalesced), pulled);
        EXPECT_EQ(ReceivePush(pdus, {.omit_pad = true}, options, coalesced), pulled);
      }
    }
  }
}

TEST(EquivalenceTest, PadIsAnything) {
  const Stream zero{"", {.data_digest = true}, Wire(Shapes(), {.data_digest = true})};
  const Stream other{"", {.data_digest = true}, Wire(Shapes(), {.data_digest = true, .pad = 0xa5})};
  EXPECT_EQ(Pull(other, {}, 4), Pull(zero, {}, 4));
}

TEST(EquivalenceTest, BudgetChangesNothing) {
  const Stream stream = Streams()[0];
  const EventLog whole = Pull(stream, {}, 4);
  for (size_t budget = 1; budget <= 3; ++budget) {
    const BlockPool::Handle pool = BlockPool::Create({});
    ByteSource source(stream.bytes, {.cuts = {100}}, pool.get());
    TestDelegate delegate;
    EXPECT_EQ(Receive(source, delegate,
                      {.framing = FramingOf(stream.form), .queue_capacity = 4, .budget = budget}),
              whole);
  }
}

}  // namespace
}  // namespace pushpull::target
