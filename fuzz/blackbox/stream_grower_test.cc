#include "fuzz/blackbox/stream_grower.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "fuzz/replay/trace.h"

namespace pushpull::fuzz {
namespace {

using replay::Direction;
using replay::Trace;

std::vector<uint8_t> BytesOf(const StreamGrower& grower, uint64_t number) {
  return grower.Make(number).ToTrace("t").bytes;
}

TEST(StreamGrower, StreamsAreTheirSeedAndNumber) {
  const StreamGrower first({}, {.seed = 7});
  const StreamGrower again({}, {.seed = 7});
  const StreamGrower other({}, {.seed = 8});
  std::set<std::vector<uint8_t>> all;
  for (uint64_t number = 0; number < 100; ++number) {
    EXPECT_EQ(BytesOf(first, number), BytesOf(again, number));
    EXPECT_NE(BytesOf(first, number), BytesOf(other, number));
    all.insert(BytesOf(first, number));
  }
  EXPECT_GT(all.size(), 95u);
  EXPECT_EQ(BytesOf(first, 3), BytesOf(again, 3)) << "in any order";
}

// What a receiver doesn't take, it is not sent.
TEST(StreamGrower, KeepsToWhatTheReceiverTakes) {
  const StreamOptions options = {.to_initiator = false,
                                 .header_digest = false,
                                 .data_digest = false,
                                 .login = false,
                                 .ahs = false};
  const StreamGrower grower({}, options);
  for (uint64_t number = 0; number < 500; ++number) {
    const Trace trace = grower.Make(number).ToTrace("t");
    EXPECT_EQ(trace.direction, Direction::kToTarget);
    EXPECT_FALSE(trace.parameters.header_digest || trace.parameters.data_digest);
    EXPECT_EQ(trace.parameters.login_pdus, 0u);
    EXPECT_FALSE(trace.bytes.empty());
    for (const StreamPiece& piece : grower.Make(number).pieces) EXPECT_EQ(piece.head.size(), 48u);
  }
}

// Most are right in part: a stream whose first PDU is wrong shows nothing of what comes behind.
TEST(StreamGrower, HasBothWholePdusAndWhatIsNone) {
  const StreamGrower grower({}, {});
  size_t pdus = 0, tails = 0, digests = 0, ahs = 0;
  for (uint64_t number = 0; number < 500; ++number) {
    const Trace trace = grower.Make(number).ToTrace("t");
    pdus += trace.pdus.size();
    tails += trace.has_tail() ? 1 : 0;
    digests += trace.parameters.header_digest ? 1 : 0;
    for (const replay::PduBorders& pdu : trace.pdus) ahs += pdu.ahs_ends.empty() ? 0 : 1;
  }
  EXPECT_GT(pdus, 1000u);
  EXPECT_GT(tails, 50u);
  EXPECT_GT(digests, 80u);
  EXPECT_GT(ahs, 30u);
}

TEST(Stream, IsItsTraceAgain) {
  const StreamGrower grower({}, {});
  for (uint64_t number = 0; number < 200; ++number) {
    Stream stream = grower.Make(number);
    // Right digests are made again; wrong ones are not known for such.
    for (StreamPiece& piece : stream.pieces) {
      piece.header_digest_wrong = piece.data_digest_wrong = false;
    }
    const Trace trace = stream.ToTrace("t");
    if (trace.has_tail()) continue;
    EXPECT_EQ(StreamOf(trace).ToTrace("t").bytes, trace.bytes) << number;
  }
}

TEST(StreamGrower, GrowsFromTracesThatFit) {
  const Trace trace =
      StreamGrower({}, {.to_initiator = false, .header_digest = false}).Make(1).ToTrace("seed");
  EXPECT_EQ(StreamGrower({trace}, {}).seeds(), 1u);
  EXPECT_EQ(StreamGrower({trace}, {.to_target = false}).seeds(), 0u);
}

}  // namespace
}  // namespace pushpull::fuzz
