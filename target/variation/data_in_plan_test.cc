#include "target/variation/data_in_plan.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

std::vector<DataInPlan::Piece> AllPieces(DataInPlan plan, uint32_t max_segment_bytes) {
  std::vector<DataInPlan::Piece> pieces;
  do {
    pieces.push_back(plan.Next(max_segment_bytes));
  } while (!pieces.back().last && pieces.size() < 10000);
  return pieces;
}

struct Limits {
  uint32_t bytes;
  uint32_t burst;
  uint32_t segment;
};
constexpr Limits kLimits[] = {{1, 512, 512},         {3, 512, 512},       {511, 512, 512},
                              {512, 512, 512},       {513, 512, 513},     {4096, 4096, 512},
                              {65537, 8191, 1001},   {65536, 8192, 8192}, {131072, 262144, 4096},
                              {1000000, 65536, 8195}};

// Within each limit, once each, in the order that was agreed upon; now and then a piece has no
// data.
TEST(DataInPlanTest, AllOfItComesAsItMay) {
  bool empty = false;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Limits& limits = kLimits[seed % std::size(kLimits)];
    const DataInOrder order{limits.burst, (seed & 64) == 0, (seed & 128) == 0};
    const auto pieces =
        AllPieces(DataInPlan(limits.bytes, order, base::Random(seed)), limits.segment);
    std::vector<std::pair<uint32_t, uint32_t>> ranges;
    uint32_t burst = 0, end_of_burst = 0, lowest = UINT32_MAX, previous_burst = 0;
    for (const auto& piece : pieces) {
      empty |= piece.length == 0;
      EXPECT_FALSE(piece.length == 0 && piece.final) << seed;
      ASSERT_LE(piece.length, limits.segment);
      EXPECT_TRUE(piece.final || piece.length % 4 == 0) << seed;
      if (burst > 0 && order.pdu_in_order) {
        EXPECT_EQ(piece.from, end_of_burst) << seed;
      }
      burst += piece.length;
      lowest = std::min(lowest, piece.from);
      end_of_burst = piece.from + piece.length;
      if (piece.length > 0) ranges.emplace_back(piece.from, piece.length);
      ASSERT_LE(burst, limits.burst) << seed;
      if (!piece.final) continue;
      if (order.sequence_in_order) {
        EXPECT_EQ(lowest, previous_burst) << seed;
      }
      previous_burst += burst;
      burst = 0;
      lowest = UINT32_MAX;
    }
    EXPECT_TRUE(pieces.back().final);
    std::ranges::sort(ranges);
    uint32_t at = 0;
    for (const auto& [from, length] : ranges) {
      ASSERT_EQ(from, at) << seed;
      at += length;
    }
    EXPECT_EQ(at, limits.bytes);
  }
  EXPECT_TRUE(empty);
}

TEST(DataInPlanTest, OrderVariesOnlyWhereItIsFree) {
  bool mixed = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto pieces =
        AllPieces(DataInPlan(65536, {65536, false, true}, base::Random(seed)), 4096);
    for (size_t i = 1; i < pieces.size(); ++i) mixed |= pieces[i].from < pieces[i - 1].from;
  }
  EXPECT_TRUE(mixed);
}

TEST(DataInPlanTest, ALimitThatIsLoweredHoldsAtOnce) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    DataInPlan plan(65536, {65536, true, true}, base::Random(seed));
    uint32_t at = plan.Next(16384).length;
    for (bool last = at == 65536; !last;) {
      const auto piece = plan.Next(512);
      EXPECT_EQ(piece.from, at);
      ASSERT_LE(piece.length, 512u);
      at += piece.length;
      last = piece.last;
    }
    EXPECT_EQ(at, 65536u);
  }
}

}  // namespace
}  // namespace pushpull::target
