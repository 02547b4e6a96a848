#include "conformance/capture/session_trace.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "absl/strings/str_join.h"
#include "base/random.h"
#include "conformance/capture/capture_maker.h"
#include "conformance/tap/pcapng.h"
#include "conformance/tap/tap_feeder.h"
#include "conformance/tap/wire_log.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::Digests;

struct Said {
  Direction direction;
  std::string bytes;
};
using Talk = std::vector<Said>;

void Say(Talk* talk, const v1::Pdu& pdu, Digests digests) {
  const auto encoded = initiator_sim::Encode(pdu, digests);
  CHECK(encoded.ok()) << encoded.status().ToString();
  talk->push_back(
      {initiator_sim::IsRequest(pdu.kind_case()) ? Direction::kToTarget : Direction::kToInitiator,
       std::string(base::AsText(encoded->bytes))});
}

void AddDigests(Digests digests, v1::KeyList* keys) {
  const std::pair<const char*, bool> both[] = {{"HeaderDigest", digests.header_digest},
                                               {"DataDigest", digests.data_digest}};
  for (const auto& [name, on] : both) {
    v1::KeyValue* key = keys->add_key();
    key->set_name(name);
    key->set_value(on ? "CRC32C" : "None");
  }
}

void SayLogin(Talk* talk, Digests digests) {
  v1::Pdu request;
  request.mutable_login_request()->set_transit(true);
  request.mutable_login_request()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  request.mutable_login_request()->set_next_stage(v1::FULL_FEATURE_PHASE);
  AddDigests(digests, request.mutable_data()->mutable_keys());
  Say(talk, request, {});
  v1::Pdu response;
  response.mutable_login_response()->set_transit(true);
  response.mutable_login_response()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  response.mutable_login_response()->set_next_stage(v1::FULL_FEATURE_PHASE);
  response.mutable_login_response()->set_tsih(7);
  AddDigests(digests, response.mutable_data()->mutable_keys());
  Say(talk, response, {});
}

// A read with its data, or a ping, each way.
void SayTask(Talk* talk, Digests digests, base::Random* random) {
  const auto tag = static_cast<uint32_t>(random->Below(1000));
  v1::Pdu request;
  v1::Pdu response;
  if (random->Chance(50)) {
    request.mutable_scsi_command()->set_initiator_task_tag(tag);
    request.mutable_scsi_command()->mutable_cdb()->mutable_read()->set_blocks(1);
    response.mutable_data_in()->set_initiator_task_tag(tag);
    response.mutable_data_in()->set_status_present(true);
    std::string data(random->Below(3000), '\0');
    for (char& c : data) c = static_cast<char>(random->Next());
    response.mutable_data()->set_raw(data);
  } else {
    request.mutable_nop_out()->set_initiator_task_tag(tag);
    request.mutable_data()->set_raw("ping");
    response.mutable_nop_in()->set_initiator_task_tag(tag);
    response.mutable_data()->set_raw("ping");
  }
  Say(talk, request, digests);
  Say(talk, response, digests);
}

Talk TalkOf(Digests digests, size_t tasks, base::Random* random) {
  Talk talk;
  SayLogin(&talk, digests);
  for (size_t i = 0; i < tasks; ++i) SayTask(&talk, digests, random);
  return talk;
}

struct Made {
  CaptureMaker maker;
  uint32_t seq[2] = {1, 1};
};

// Each PDU in segments of `size` bytes; those for whose number (from 0) `lost` holds aren't there.
void Segments(const Talk& talk, size_t size, const std::function<bool(size_t)>& lost, Made* made) {
  size_t number = 0;
  for (const Said& said : talk) {
    const int side = said.direction == Direction::kToTarget ? 0 : 1;
    for (size_t at = 0; at < said.bytes.size(); at += size) {
      MadeSegment segment;
      if (side == 1) segment = segment.Back();
      segment.seq = made->seq[side];
      segment.payload = said.bytes.substr(at, size);
      made->seq[side] += static_cast<uint32_t>(segment.payload.size());
      if (!lost(number++)) made->maker.Segment(segment);
    }
  }
}

Made FromStart() {
  Made made;
  made.maker.Handshake({}, 0);
  return made;
}

struct Read {
  Capture capture;
  SessionTrace trace;
};

Read ReadTrace(const Made& made) {
  Read read;
  read.capture = *ReadCapture(made.maker.bytes());
  CHECK_EQ(read.capture.connections.size(), size_t{1});
  read.trace = TraceSession(read.capture.connections[0]);
  return read;
}

std::string TextOf(const CapturedPdu& pdu) { return std::string(base::AsText(pdu.bytes)); }

std::string Remarks(const SessionTrace& trace) { return absl::StrJoin(trace.remarks, "\n"); }

const Digests kAllDigests[] = {{false, false}, {false, true}, {true, false}, {true, true}};

TEST(SessionTraceTest, PdusComeInTheirOrderWithTheirFrames) {
  for (const Digests digests : kAllDigests) {
    base::Random random(3);
    const Talk talk = TalkOf(digests, 30, &random);
    for (const size_t mss : {1u, 47u, 536u, 100000u}) {
      Made made = FromStart();
      Segments(talk, mss, [](size_t) { return false; }, &made);
      const Read read = ReadTrace(made);
      EXPECT_TRUE(read.trace.whole());
      EXPECT_EQ(Remarks(read.trace), "");
      ASSERT_EQ(read.trace.pdus.size(), talk.size());
      uint64_t frame = 2;
      for (size_t i = 0; i < talk.size(); ++i) {
        const CapturedPdu& pdu = read.trace.pdus[i];
        EXPECT_EQ(TextOf(pdu), talk[i].bytes);
        EXPECT_EQ(pdu.direction, talk[i].direction);
        EXPECT_EQ(pdu.first_frame, frame + 1);
        frame += (talk[i].bytes.size() + mss - 1) / mss;
        EXPECT_EQ(pdu.frame, frame);
        EXPECT_EQ(pdu.digests, i < 2 ? Digests() : digests);
        EXPECT_EQ(pdu.part, 0u);
      }
      EXPECT_EQ(read.trace.session.tsih, 7u);
      EXPECT_EQ(read.trace.state.digests, digests);
    }
  }
}

TEST(SessionTraceTest, ACaptureThatBeginsLateIsGuessed) {
  for (const Digests digests : kAllDigests) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      base::Random random(seed);
      Talk talk;
      for (int i = 0; i < 40; ++i) SayTask(&talk, digests, &random);
      const size_t mss = random.Between(20, 1500);
      // Some frames into it: within a PDU, or its data.
      const size_t from = random.Below(20);
      Made made;
      Segments(talk, mss, [&](size_t i) { return i < from; }, &made);
      const Read read = ReadTrace(made);
      EXPECT_FALSE(read.trace.from_start);
      EXPECT_FALSE(read.trace.whole());
      ASSERT_GE(read.trace.pdus.size(), talk.size() - 22) << seed << Remarks(read.trace);
      const size_t before = talk.size() - read.trace.pdus.size();
      // The last ones are right, and all from the first one on that is whole in both directions.
      for (size_t i = 2; i < read.trace.pdus.size(); ++i) {
        EXPECT_EQ(TextOf(read.trace.pdus[i]), talk[before + i].bytes) << seed;
        EXPECT_EQ(read.trace.pdus[i].digests, digests);
      }
      EXPECT_NE(Remarks(read.trace).find("was guessed"), std::string::npos);
    }
  }
}

// With one segment missing, all PDUs but those that it held are found; where PDUs go on is known
// where only data of one are missing, else it is guessed.
TEST(SessionTraceTest, PdusGoOnAfterAGap) {
  for (const Digests digests : kAllDigests) {
    for (uint64_t seed = 0; seed < 30; ++seed) {
      base::Random random(seed);
      const Talk talk = TalkOf(digests, 40, &random);
      const size_t mss = random.Between(60, 1500);
      const size_t lost = random.Between(5, 25);
      Made made = FromStart();
      Segments(talk, mss, [&](size_t i) { return i == lost; }, &made);
      const Read read = ReadTrace(made);
      std::set<std::string> all;
      for (const Said& said : talk) all.insert(said.bytes);
      size_t right = 0;
      for (const CapturedPdu& pdu : read.trace.pdus) right += all.count(TextOf(pdu));
      EXPECT_EQ(right, read.trace.pdus.size()) << seed << Remarks(read.trace);
      EXPECT_GE(right, talk.size() - 4) << seed << Remarks(read.trace);
      EXPECT_LT(right, talk.size());
      EXPECT_EQ(read.trace.pdus.back().part, 1u);
      EXPECT_FALSE(read.trace.whole());
    }
  }
}

TEST(SessionTraceTest, HeadersAreFoundWhereTheSnapLengthCutAllData) {
  base::Random random(5);
  const Talk talk = TalkOf({}, 60, &random);
  Made made = FromStart();
  Segments(Talk(talk.begin(), talk.begin() + 2), 5000, [](size_t) { return false; }, &made);
  made.maker.set_snap_length(14 + 20 + 32 + 60);
  Segments(Talk(talk.begin() + 2, talk.end()), 5000, [](size_t) { return false; }, &made);
  const Read read = ReadTrace(made);
  size_t whole = 0;
  for (const Said& said : talk) whole += said.bytes.size() <= 60 ? 1 : 0;
  EXPECT_EQ(read.trace.pdus.size(), whole + 2);
  EXPECT_EQ(read.trace.incomplete, talk.size() - whole - 2);
  EXPECT_EQ(Remarks(read.trace).find("guessed"), std::string::npos) << Remarks(read.trace);
}

TEST(SessionTraceTest, WhatIsNoIscsiIsSaid) {
  Made made = FromStart();
  Segments(
      {{Direction::kToTarget, std::string(5000, 'x')}}, 700, [](size_t) { return false; }, &made);
  const Read read = ReadTrace(made);
  EXPECT_TRUE(read.trace.pdus.empty());
  EXPECT_EQ(Remarks(read.trace), "no PDU was found in 5000 bytes to the target");
}

TEST(SessionTraceTest, AnEndWithinAPduIsSaid) {
  base::Random random(1);
  Talk talk = TalkOf({}, 1, &random);
  talk.resize(3);
  talk[2].bytes.resize(20);
  Made made = FromStart();
  Segments(talk, 5000, [](size_t) { return false; }, &made);
  const Read read = ReadTrace(made);
  EXPECT_EQ(read.trace.pdus.size(), 2u);
  EXPECT_EQ(read.trace.incomplete, 1u);
  EXPECT_EQ(Remarks(read.trace),
            "the stream to the target ends within a PDU, after 20 bytes of it");
}

// What the wire log writes as a capture is read back as it was, connection by connection.
TEST(SessionTraceTest, OurOwnCapturesAreReadBack) {
  base::Random random(9);
  WireLog log;
  TapFeeder feeder({&log});
  std::vector<uint32_t> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(feeder.Open("c"));
  std::vector<Talk> talks;
  for (size_t i = 0; i < ids.size(); ++i) talks.push_back(TalkOf(kAllDigests[i], 40, &random));
  for (size_t j = 0; j < talks[0].size(); ++j) {
    for (size_t i = 0; i < ids.size(); ++i) {
      const Said& said = talks[i][j];
      const size_t cut = random.Between(1, said.bytes.size() - 1);
      feeder.Send(ids[i], said.direction, base::AsBytes(said.bytes), {}, {cut});
    }
  }
  for (const uint32_t id : ids) feeder.Close(id, true);
  const std::string file = ToPcapng(log);
  const absl::StatusOr<Capture> capture = ReadCapture(base::AsBytes(file));
  ASSERT_TRUE(capture.ok()) << capture.status();
  ASSERT_EQ(capture->connections.size(), talks.size());
  std::vector<SessionTrace> traces;
  for (const CapturedConnection& one : capture->connections) traces.push_back(TraceSession(one));
  for (size_t i = 0; i < talks.size(); ++i) {
    EXPECT_TRUE(traces[i].whole()) << Remarks(traces[i]);
    ASSERT_EQ(traces[i].pdus.size(), talks[i].size());
    for (size_t j = 0; j < talks[i].size(); ++j) {
      EXPECT_EQ(TextOf(traces[i].pdus[j]), talks[i][j].bytes);
    }
  }
  // A tap hears all of them in the order in which they were said.
  WireLog again;
  std::vector<ToldPdu> told;
  TellTap(traces, &again, &told);
  ASSERT_EQ(again.frames(), 3 * talks[0].size());
  ASSERT_EQ(told.size(), again.frames());
  for (uint32_t frame = 1; frame <= again.frames(); ++frame) {
    const Talk& talk = talks[(frame - 1) % 3];
    EXPECT_EQ(base::AsText(again.Frame(frame)->bytes), talk[(frame - 1) / 3].bytes);
    EXPECT_EQ(told[frame - 1].trace, (frame - 1) % 3);
    EXPECT_EQ(told[frame - 1].pdu, (frame - 1) / 3);
  }
  const auto closed =
      std::count_if(again.entries().begin(), again.entries().end(), [](const WireEntry& entry) {
        return entry.kind == WireEntry::Kind::kClosed && entry.by_peer && entry.reason.empty();
      });
  EXPECT_EQ(closed, 3);
}

// A gap in one direction that shows late keeps those of the other apart.
TEST(SessionTraceTest, GapsOfBothDirectionsCount) {
  base::Random random(2);
  Talk talk = TalkOf({}, 2, &random);
  const size_t first = talk.size();
  const Talk more = TalkOf({}, 30, &random);
  for (const Said& said : more) {
    if (said.direction == Direction::kToInitiator) talk.push_back(said);
  }
  talk.push_back(more[2]);
  const std::set<size_t> lost = {first - 2, first + 6, first + 14};
  Made made = FromStart();
  Segments(talk, 5000, [&](size_t i) { return lost.count(i) != 0; }, &made);
  EXPECT_EQ(ReadTrace(made).trace.pdus.back().part, 3u);
  uint32_t part = 0;
  std::set<uint32_t> parts;
  for (const CapturedPdu& pdu : ReadTrace(made).trace.pdus) {
    EXPECT_GE(pdu.part, part);
    part = pdu.part;
    parts.insert(part);
  }
  EXPECT_EQ(parts.size(), 4u);
}

TEST(SessionTraceTest, APartAfterAGapIsAConnectionOfItsOwn) {
  base::Random random(2);
  const Talk talk = TalkOf({}, 20, &random);
  Made made = FromStart();
  Segments(talk, 5000, [](size_t i) { return i == 10; }, &made);
  const Read read = ReadTrace(made);
  // Before its gap is to be seen, the request that is missing may have been answered: as may, for
  // all that a reader knows, whatever came since the last one that is there.
  ASSERT_GT(read.trace.pdus.size(), 11u);
  ASSERT_EQ(TextOf(read.trace.pdus[10]), talk[11].bytes);
  for (size_t i = 0; i < read.trace.pdus.size(); ++i) {
    EXPECT_EQ(read.trace.pdus[i].part, i < 9 ? 0u : 1u) << i;
  }
  WireLog log;
  TellTap({read.trace}, &log, nullptr);
  size_t opened = 0;
  std::set<uint32_t> ids;
  for (const WireEntry& entry : log.entries()) {
    opened += entry.kind == WireEntry::Kind::kOpened ? 1 : 0;
    ids.insert(entry.connection);
  }
  EXPECT_EQ(opened, 1u);
  EXPECT_EQ(ids.size(), 2u);
}

// Streams of random bytes, turned over: it ends, and PDUs lie within the streams.
TEST(SessionTraceTest, HostileStreamsDoNoHarm) {
  for (uint64_t seed = 0; seed < 600; ++seed) {
    base::Random random(seed);
    Talk talk = TalkOf(kAllDigests[seed % 4], 8, &random);
    for (uint64_t n = random.Below(10); n > 0; --n) {
      std::string& bytes = talk[random.Below(talk.size())].bytes;
      bytes[random.Below(std::min<size_t>(bytes.size(), 60))] = static_cast<char>(random.Next());
    }
    Made made = random.Chance(50) ? FromStart() : Made();
    Segments(talk, random.Between(30, 900), [&](size_t) { return random.Chance(5); }, &made);
    const Capture capture = *ReadCapture(made.maker.bytes());
    for (const CapturedConnection& connection : capture.connections) {
      const SessionTrace trace = TraceSession(connection);
      for (const CapturedPdu& pdu : trace.pdus) {
        const CapturedStream& stream =
            pdu.direction == Direction::kToTarget ? connection.to_target : connection.to_initiator;
        ASSERT_LE(pdu.stream_offset + pdu.bytes.size(), stream.bytes.size());
        ASSERT_EQ(pdu.bytes.data(), stream.bytes.data() + pdu.stream_offset);
      }
    }
  }
}

}  // namespace
}  // namespace pushpull::conformance
