#include "conformance/capture/capture.h"

#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/random.h"
#include "conformance/capture/capture_maker.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::conformance {
namespace {

Capture Read(const CaptureMaker& maker, const CaptureOptions& options = {}) {
  absl::StatusOr<Capture> capture = ReadCapture(maker.bytes(), options);
  EXPECT_TRUE(capture.ok()) << capture.status();
  return capture.ok() ? *std::move(capture) : Capture();
}

std::string TextOf(const CapturedStream& stream) { return std::string(base::AsText(stream.bytes)); }

std::string RandomText(size_t size, base::Random* random) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random->Next());
  return text;
}

// A Login Request as a TCP payload.
std::string Login() {
  v1::Pdu pdu;
  pdu.mutable_login_request()->set_isid("\x80\x01\x02\x03\x04\x05");
  const auto encoded = initiator_sim::Encode(pdu, {});
  return std::string(base::AsText(encoded->bytes));
}

// ---- links -----------------------------------------------------------------------------------

struct LinkCase {
  int type;
  int tags;
};
class LinkTest : public testing::TestWithParam<LinkCase> {};

TEST_P(LinkTest, BothVersionsOfIpAreRead) {
  for (const bool v6 : {false, true}) {
    CaptureMaker maker(GetParam().type);
    maker.set_tags(GetParam().tags);
    MadeSegment segment;
    if (v6) {
      segment.from = "2001:db8::1";
      segment.to = "2001:db8::2";
    }
    segment.seq = 100;
    maker.Handshake(segment, 500);
    segment.seq = 101;
    segment.payload = "to the target";
    maker.Segment(segment);
    MadeSegment back = segment.Back();
    back.seq = 501;
    back.payload = "to the initiator";
    maker.Segment(back);
    back.seq += 16;
    back.payload = "!";
    back.flags = kFin | kAck;
    maker.Segment(back);

    const Capture capture = Read(maker);
    ASSERT_EQ(capture.connections.size(), 1u) << v6;
    const CapturedConnection& connection = capture.connections[0];
    EXPECT_EQ(connection.Name(),
              v6 ? "[2001:db8::1]:40000 -> [2001:db8::2]:3260" : "10.0.0.1:40000 -> 10.0.0.2:3260");
    EXPECT_EQ(TextOf(connection.to_target), "to the target");
    EXPECT_EQ(TextOf(connection.to_initiator), "to the initiator!");
    EXPECT_TRUE(connection.to_target.from_start);
    EXPECT_FALSE(connection.to_target.ended);
    EXPECT_TRUE(connection.to_initiator.ended);
    EXPECT_EQ(connection.to_initiator.end_frame, 5u);
    EXPECT_EQ(connection.to_target.PieceAt(3).frame, 3u);
    EXPECT_EQ(connection.to_initiator.PieceAt(15).frame, 4u);
    EXPECT_EQ(connection.to_initiator.PieceAt(16).frame, 5u);
    EXPECT_EQ(connection.to_initiator.PieceAt(16).time,
              absl::FromUnixSeconds(1000) + absl::Milliseconds(5));
    EXPECT_TRUE(connection.remarks.empty()) << connection.remarks[0];
    EXPECT_EQ(capture.frames, 5u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LinkTest,
                         testing::Values(LinkCase{DLT_EN10MB, 0}, LinkCase{DLT_EN10MB, 1},
                                         LinkCase{DLT_EN10MB, 3}, LinkCase{DLT_LINUX_SLL, 0},
                                         LinkCase{DLT_LINUX_SLL, 1}, LinkCase{DLT_LINUX_SLL2, 0},
                                         LinkCase{DLT_LINUX_SLL2, 2}, LinkCase{DLT_NULL, 0},
                                         LinkCase{DLT_LOOP, 0}, LinkCase{DLT_RAW, 0}));

TEST(CaptureTest, FragmentsArePutTogether) {
  for (const bool v6 : {false, true}) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      base::Random random(seed);
      CaptureMaker maker;
      MadeSegment segment;
      if (v6) {
        segment.from = "2001:db8::1";
        segment.to = "2001:db8::2";
      }
      segment.payload = RandomText(3000, &random);
      std::vector<std::pair<size_t, size_t>> pieces;
      const size_t whole = TcpOf(segment).size();
      for (size_t at = 0; at < whole;) {
        const size_t size = std::min<size_t>(8 * random.Between(1, 60), whole - at);
        pieces.emplace_back(at, size);
        if (random.Chance(20)) pieces.emplace_back(at, size);  // twice
        at += size;
      }
      for (size_t i = pieces.size(); i > 1; --i) {
        std::swap(pieces[i - 1], pieces[random.Below(i)]);
      }
      for (const auto& [at, size] : pieces) maker.Fragment(segment, at, size);
      const Capture capture = Read(maker);
      ASSERT_EQ(capture.connections.size(), 1u);
      EXPECT_EQ(TextOf(capture.connections[0].to_target), segment.payload);
    }
  }
}

// ---- order -----------------------------------------------------------------------------------

struct Sent {
  uint64_t begin;
  uint64_t size;
};

// Segments that cover `size` bytes, some of them twice or overlapping; out of order within a few.
std::vector<Sent> RandomSegments(uint64_t size, base::Random* random) {
  std::vector<Sent> sent;
  for (uint64_t at = 0; at < size;) {
    const uint64_t length = std::min<uint64_t>(random->Between(1, 700), size - at);
    const uint64_t back = random->Chance(20) ? std::min<uint64_t>(at, random->Below(900)) : 0;
    const uint64_t on = random->Chance(20) ? std::min(size - at - length, random->Below(900)) : 0;
    sent.push_back({at - back, back + length + on});
    if (random->Chance(10)) sent.push_back({at, length});
    at += length;
  }
  for (size_t i = 0; i + 1 < sent.size(); ++i) {
    if (random->Chance(40))
      std::swap(sent[i], sent[std::min(i + random->Below(9), sent.size() - 1)]);
  }
  return sent;
}

TEST(CaptureTest, SegmentsInAnyOrderGiveTheStream) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    base::Random random(seed);
    const std::string stream = RandomText(random.Between(1, 20000), &random);
    CaptureMaker maker;
    MadeSegment segment;
    // Half of them pass the end of the sequence numbers.
    const uint32_t isn = random.Chance(50) ? 0xffffffff - static_cast<uint32_t>(random.Below(9000))
                                           : static_cast<uint32_t>(random.Next());
    segment.seq = isn;
    maker.Handshake(segment, 0);
    std::map<uint64_t, Sent> frames;
    for (const Sent& sent : RandomSegments(stream.size(), &random)) {
      segment.seq = isn + 1 + static_cast<uint32_t>(sent.begin);
      segment.payload = stream.substr(sent.begin, sent.size);
      maker.Segment(segment);
      frames[maker.frames()] = sent;
    }
    const Capture capture = Read(maker);
    ASSERT_EQ(capture.connections.size(), 1u);
    const CapturedStream& got = capture.connections[0].to_target;
    ASSERT_EQ(TextOf(got), stream) << "seed " << seed;
    ASSERT_TRUE(got.gaps.empty());
    ASSERT_TRUE(capture.connections[0].remarks.empty());
    // Each piece stood in the frame that it names.
    for (size_t i = 0; i < got.pieces.size(); ++i) {
      const size_t end = i + 1 < got.pieces.size() ? got.pieces[i + 1].begin : stream.size();
      const Sent& sent = frames.at(got.pieces[i].frame);
      ASSERT_TRUE(sent.begin <= got.pieces[i].begin && end <= sent.begin + sent.size)
          << "seed " << seed << " piece " << i;
    }
  }
}

TEST(CaptureTest, WhatIsMissingIsSaid) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    base::Random random(seed);
    const std::string stream = RandomText(5000, &random);
    CaptureMaker maker;
    MadeSegment segment;
    segment.seq = 0xffffff00;
    maker.Handshake(segment, 0);
    std::string kept;
    std::vector<std::pair<size_t, uint64_t>> gaps;
    for (size_t at = 0; at < stream.size(); at += 100) {
      if (random.Chance(20) && at + 100 < stream.size()) {
        if (gaps.empty() || gaps.back().first != kept.size()) gaps.emplace_back(kept.size(), 0);
        gaps.back().second += 100;
        continue;
      }
      segment.seq = 0xffffff01 + static_cast<uint32_t>(at);
      segment.payload = stream.substr(at, 100);
      kept += segment.payload;
      maker.Segment(segment);
    }
    // Whether it waits to the end, or gives up early, makes no difference.
    CaptureOptions options;
    if (random.Chance(50)) options.max_waiting_segments = random.Below(4);
    if (random.Chance(50)) options.max_waiting_bytes = random.Below(400);
    const Capture capture = Read(maker, options);
    ASSERT_EQ(capture.connections.size(), 1u);
    const CapturedStream& got = capture.connections[0].to_target;
    ASSERT_EQ(TextOf(got), kept) << seed;
    ASSERT_EQ(got.gaps.size(), gaps.size());
    for (size_t i = 0; i < gaps.size(); ++i) {
      EXPECT_EQ(got.gaps[i].at, gaps[i].first);
      EXPECT_EQ(got.gaps[i].missing, gaps[i].second);
      EXPECT_FALSE(got.gaps[i].truncated);
    }
    EXPECT_EQ(capture.connections[0].remarks.size(), gaps.size());
  }
}

TEST(CaptureTest, ALostEndIsSaid) {
  CaptureMaker maker;
  MadeSegment segment;
  maker.Handshake(segment, 0);
  segment.seq = 1;
  segment.payload = "abc";
  maker.Segment(segment);
  segment.seq = 14;
  segment.payload.clear();
  segment.flags = kFin | kAck;
  maker.Segment(segment);
  const CapturedConnection connection = Read(maker).connections.at(0);
  EXPECT_TRUE(connection.to_target.ended);
  EXPECT_EQ(absl::StrJoin(connection.remarks, "\n"),
            "at the end: 10 bytes to the target are missing from the capture");
}

TEST(CaptureTest, PacketsThatAreCutShortAreSaid) {
  CaptureMaker maker;
  MadeSegment segment;
  maker.Handshake(segment, 0);
  segment.seq = 1;
  maker.set_snap_length(14 + 20 + 32 + 60);
  for (const bool late : {false, true, true, false}) {
    segment.payload = std::string(100, late ? 'b' : 'a');
    maker.Segment(segment);
    segment.seq += 100;
  }
  maker.set_snap_length(40);
  maker.Segment(segment);
  const Capture capture = Read(maker);
  const CapturedConnection& connection = capture.connections.at(0);
  EXPECT_EQ(TextOf(connection.to_target),
            std::string(60, 'a') + std::string(120, 'b') + std::string(60, 'a'));
  ASSERT_EQ(connection.to_target.gaps.size(), 4u);
  EXPECT_TRUE(connection.to_target.gaps[3].truncated);
  EXPECT_EQ(connection.to_target.gaps[3].missing, 40u);
  EXPECT_EQ(connection.truncated_frames, 4u);
  EXPECT_EQ(absl::StrJoin(connection.remarks, "\n"),
            "data to the target are cut short in 4 places: capture whole packets (snap length 0)");
  EXPECT_EQ(absl::StrJoin(capture.remarks, "\n"),
            "1 packets were passed over whose headers are cut short, the first is frame 7: capture "
            "whole packets (snap length 0)");
}

// ---- connections -----------------------------------------------------------------------------

TEST(CaptureTest, PortsThatAreUsedAnewMakeAnotherConnection) {
  CaptureMaker maker;
  MadeSegment segment;
  for (const char* text : {"first", "second"}) {
    segment.seq += 1000;
    segment.flags = kAck;
    segment.payload.clear();
    maker.Handshake(segment, segment.seq);
    ++segment.seq;
    segment.payload = text;
    maker.Segment(segment);
    segment.flags = kRst;
    segment.payload = "no data";
    maker.Segment(segment);
  }
  const Capture capture = Read(maker);
  ASSERT_EQ(capture.connections.size(), 2u);
  EXPECT_EQ(TextOf(capture.connections[0].to_target), "first");
  EXPECT_EQ(TextOf(capture.connections[1].to_target), "second");
  EXPECT_EQ(capture.connections[0].reset_frame, 4u);
  EXPECT_FALSE(capture.connections[0].reset_by_target);
  EXPECT_EQ(capture.connections[1].number, 2u);
}

struct SideCase {
  const char* name;
  uint16_t port;
  bool handshake;
  std::string payload;
  CaptureOptions options;
  const char* target;  // "": no iSCSI
};

TEST(CaptureTest, TheTargetIsFound) {
  v1::Pdu ping;
  ping.mutable_nop_in()->set_stat_sn(1);
  std::string pings;
  for (int i = 0; i < 5; ++i) pings += base::AsText(initiator_sim::Encode(ping, {})->bytes);
  const SideCase cases[] = {
      {"known port", 3260, false, "anything", {}, "10.0.0.2:3260"},
      {"system port", 860, false, "anything", {}, "10.0.0.2:860"},
      {"a login", 5000, true, Login(), {}, "10.0.0.2:5000"},
      {"another protocol", 5000, true, std::string(60, 'S'), {}, ""},
      {"its own port", 5000, true, std::string(60, 'S'), {.target_ports = {5000}}, "10.0.0.2:5000"},
      {"other ports only",
       3260,
       true,
       Login(),
       {.target_ports = {5000}, .only_these_ports = true},
       ""},
      {"PDUs of a target", 5000, false, pings, {}, "10.0.0.1:40000"},
      {"nothing that is known", 5000, false, std::string(5000, 'S'), {}, ""},
      {"much that isn't known", 5000, false, std::string(60000, 'S'), {}, ""},
  };
  for (const SideCase& c : cases) {
    CaptureMaker maker;
    MadeSegment segment;
    segment.to_port = c.port;
    if (c.handshake) maker.Handshake(segment, 0);
    segment.seq = 1;
    segment.payload = c.payload;
    maker.Segment(segment);
    segment.seq += static_cast<uint32_t>(segment.payload.size());
    maker.Segment(segment);
    const Capture capture = Read(maker, c.options);
    const std::string target =
        capture.connections.empty() ? "" : capture.connections[0].target.ToString();
    EXPECT_EQ(target, c.target) << c.name;
    EXPECT_EQ(capture.other_connections, c.target[0] == '\0' ? 1u : 0u) << c.name;
  }
}

TEST(CaptureTest, ManyConnectionsAreToldApart) {
  CaptureMaker maker;
  std::vector<MadeSegment> segments(50);
  for (size_t i = 0; i < segments.size(); ++i) {
    segments[i].from_port = static_cast<uint16_t>(40000 + i);
    segments[i].payload = absl::StrCat("connection ", i, ".");
  }
  for (int round = 0; round < 3; ++round) {
    for (MadeSegment& segment : segments) {
      maker.Segment(segment);
      segment.seq += static_cast<uint32_t>(segment.payload.size());
    }
  }
  const Capture capture = Read(maker);
  ASSERT_EQ(capture.connections.size(), segments.size());
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string& text = segments[i].payload;
    EXPECT_EQ(TextOf(capture.connections[i].to_target), text + text + text);
    EXPECT_EQ(absl::StrJoin(capture.connections[i].remarks, "\n"),
              "the capture begins within the stream to the target");
  }
  const Capture few = Read(maker, {.max_connections = 49});
  EXPECT_EQ(few.connections.size(), 49u);
  EXPECT_EQ(absl::StrJoin(few.remarks, "\n"),
            "only the first 49 connections were read; 3 segments belong to others");
}

// ---- bad files -------------------------------------------------------------------------------

TEST(CaptureTest, BadFilesAreRefused) {
  EXPECT_EQ(ReadCapture({}).status().message(),
            "is no capture: it begins neither as pcap nor as pcapng");
  EXPECT_EQ(ReadCapture(base::AsBytes("id: \"a/b\"")).status().message(),
            "is no capture: it begins neither as pcap nor as pcapng");
  const CaptureMaker wireless(DLT_IEEE802_11);
  EXPECT_EQ(ReadCapture(wireless.bytes()).status().message(),
            "captured on a link of type IEEE802_11 (105): only Ethernet, Linux cooked (v1, v2), "
            "loopback and raw IP can be read");
  EXPECT_EQ(ReadCaptureFile("/no/such.pcap").status().message(),
            "/no/such.pcap: No such file or directory");
  const std::string path = testing::TempDir() + "/short.pcap";
  std::ofstream(path) << CaptureMaker().file().substr(0, 10);
  const absl::Status cut = ReadCaptureFile(path).status();
  EXPECT_TRUE(absl::IsInvalidArgument(cut)) << cut;
  EXPECT_EQ(cut.message().substr(0, path.size() + 56),
            path + ": can't be read as a capture (pcap or pcapng): truncated");
}

TEST(CaptureTest, AFileThatEndsEarlyIsReadUpToThere) {
  CaptureMaker maker;
  MadeSegment segment;
  segment.payload = "abc";
  maker.Segment(segment);
  maker.Segment(segment);
  std::string file = maker.file();
  file.pop_back();
  const absl::StatusOr<Capture> capture = ReadCapture(base::AsBytes(file));
  ASSERT_TRUE(capture.ok());
  EXPECT_EQ(capture->frames, 1u);
  ASSERT_EQ(capture->remarks.size(), 1u);
  EXPECT_EQ(capture->remarks[0].find("the file can't be read beyond frame 1: truncated"), 0u)
      << capture->remarks[0];
}

TEST(CaptureTest, ThereIsALimit) {
  CaptureMaker maker;
  MadeSegment segment;
  segment.payload = std::string(1000, 'x');
  for (int i = 0; i < 10; ++i) {
    maker.Segment(segment);
    segment.seq += 1000;
  }
  CaptureOptions options;
  options.max_bytes = 9999;
  const absl::Status status = ReadCapture(maker.bytes(), options).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(status.message().substr(0, 9), "frame 10:");
}

// Bytes of all kinds turned over: whatever comes out, it ends, and holds together.
TEST(CaptureTest, HostileFilesDoNoHarm) {
  base::Random random(1);
  for (const int link : {DLT_EN10MB, DLT_LINUX_SLL2, DLT_RAW}) {
    CaptureMaker maker(link);
    MadeSegment segment;
    maker.Handshake(segment, 0);
    segment.seq = 1;
    for (int i = 0; i < 12; ++i) {
      segment.payload = Login();
      if (i == 4) segment.from = "2001:db8::1", segment.to = "2001:db8::2";
      maker.Segment(segment);
      if (i % 3 == 0) maker.Fragment(segment, 8 * random.Below(3), 16);
      segment.seq += static_cast<uint32_t>(segment.payload.size());
    }
    for (int i = 0; i < 4000; ++i) {
      std::string file = maker.file();
      for (uint64_t n = random.Between(1, 12); n > 0; --n) {
        char& byte = file[random.Between(random.Chance(5) ? 4 : 40, file.size() - 1)];
        byte = static_cast<char>(random.Chance(50) ? random.Next() : byte ^ 1 << random.Below(8));
      }
      if (random.Chance(10)) file.resize(random.Below(file.size()));
      const absl::StatusOr<Capture> capture =
          ReadCapture(base::AsBytes(file), {.max_waiting_segments = 3});
      if (!capture.ok()) continue;
      for (const CapturedConnection& connection : capture->connections) {
        for (const CapturedStream* stream : {&connection.to_target, &connection.to_initiator}) {
          ASSERT_LE(stream->bytes.size(), file.size());
          ASSERT_EQ(stream->bytes.empty(), stream->pieces.empty());
          for (const StreamGap& gap : stream->gaps) ASSERT_LE(gap.at, stream->bytes.size());
        }
      }
    }
  }
}

}  // namespace
}  // namespace pushpull::conformance
