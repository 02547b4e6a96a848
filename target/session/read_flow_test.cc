#include "target/session/read_flow.h"

#include <memory>
#include <vector>

#include "base/random.h"
#include "gtest/gtest.h"
#include "target/variation/data_in_plan.h"

namespace pushpull::target {
namespace {

std::vector<ReadFlow::Piece> AllPieces(uint32_t bytes, uint32_t max_burst, uint32_t max_segment,
                                       const BugSet& bugs = BugSet()) {
  ReadFlow flow;
  flow.Begin(bytes, max_burst, bugs);
  std::vector<ReadFlow::Piece> pieces;
  while (!flow.done()) pieces.push_back(flow.Next(max_segment));
  EXPECT_EQ(flow.pieces(), pieces.size());
  return pieces;
}

struct Case {
  uint32_t bytes, max_burst, max_segment;
  std::vector<uint32_t> lengths;
  std::vector<uint32_t> finals;  // indices of pieces with F
};

TEST(ReadFlowTest, CutsSegmentsAndSequences) {
  const Case cases[] = {
      {0, 4096, 8192, {}, {}},
      {1, 4096, 8192, {1}, {0}},
      {4096, 4096, 8192, {4096}, {0}},
      {8192, 4096, 8192, {4096, 4096}, {0, 1}},
      {8193, 4096, 8192, {4096, 4096, 1}, {0, 1, 2}},
      {10000, 8192, 4096, {4096, 4096, 1808}, {1, 2}},
      // Whole words, unless F ends a sequence.
      {2000, 1500, 513, {512, 512, 476, 500}, {2, 3}},
      {1030, 515, 8192, {515, 515}, {0, 1}},
      {1027, 4096, 513, {512, 512, 3}, {2}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(::testing::Message() << c.bytes << " " << c.max_burst << " " << c.max_segment);
    const auto pieces = AllPieces(c.bytes, c.max_burst, c.max_segment);
    std::vector<uint32_t> lengths, finals;
    uint32_t offset = 0;
    for (uint32_t i = 0; i < pieces.size(); ++i) {
      EXPECT_EQ(pieces[i].offset, offset);
      EXPECT_EQ(pieces[i].from, offset);
      EXPECT_EQ(pieces[i].data_sn, i);
      EXPECT_EQ(pieces[i].last, i + 1 == pieces.size());
      offset += pieces[i].length;
      lengths.push_back(pieces[i].length);
      if (pieces[i].final) finals.push_back(i);
    }
    EXPECT_EQ(lengths, c.lengths);
    EXPECT_EQ(finals, c.finals);
  }
}

// RFC 7143 §11.4.8: ExpDataSN counts them all, those of a plan and an empty one, too.
TEST(ReadFlowTest, EveryPieceIsCounted) {
  const BugSet bugs;
  ReadFlow flow;
  flow.Begin(10000, 4096, bugs);
  flow.Follow(std::make_unique<DataInPlan>(10000, DataInOrder{4096, true, true}, base::Random(1)));
  uint32_t pieces = 0;
  while (!flow.done()) EXPECT_EQ(flow.Next(1024).data_sn, pieces++);
  EXPECT_EQ(flow.pieces(), pieces);
  const ReadFlow::Piece empty = flow.Empty();
  EXPECT_EQ(empty.length, 0u);
  EXPECT_EQ(empty.offset, 10000u) << "behind all others";
  EXPECT_EQ(empty.data_sn, pieces);
  EXPECT_EQ(flow.pieces(), pieces + 1);
}

TEST(ReadFlowTest, FollowsASegmentLimitThatChanges) {
  const BugSet bugs;
  ReadFlow flow;
  flow.Begin(4096, 65536, bugs);
  EXPECT_EQ(flow.Next(512).length, 512u);
  EXPECT_EQ(flow.Next(2048).length, 2048u);
  EXPECT_EQ(flow.Next(512).length, 512u);
}

TEST(ReadFlowTest, DefectsShow) {
  if (!kBugsEnabled) GTEST_SKIP() << "built without defects";
  const auto with = [](Bug bug) {
    BugSet bugs;
    bugs.Add(bug);
    return AllPieces(4096, 2048, 1024, bugs);
  };
  EXPECT_EQ(with(Bug::kDataSnStartsAtOne)[0].data_sn, 1u);
  EXPECT_EQ(with(Bug::kDataSnPerSequence)[2].data_sn, 0u);
  EXPECT_FALSE(with(Bug::kDataInBeyondMaxBurst)[1].final);
  EXPECT_FALSE(with(Bug::kDataInFinalMissing)[1].final);
  EXPECT_EQ(with(Bug::kDataInBeyondMaxRecv)[0].length, 1028u);
  EXPECT_EQ(with(Bug::kDataInOffsetStuck)[3].offset, 0u);
  EXPECT_EQ(with(Bug::kDataInOffsetStuck)[3].from, 3072u);
  EXPECT_EQ(with(Bug::kDataInUnaligned)[0].length, 1023u);
  const auto long_read = [](Bug bug) {
    BugSet bugs;
    bugs.Add(bug);
    return AllPieces(257 * 512, 65536, 512, bugs);
  };
  EXPECT_EQ(long_read(Bug::kDataSnLosesCarry)[256].data_sn, 0u);
  EXPECT_EQ(long_read(Bug::kDataInOffset16Bits)[129].offset, 512u);
  EXPECT_EQ(long_read(Bug::kDataInOffset16Bits)[129].from, 129u * 512);
}

}  // namespace
}  // namespace pushpull::target
