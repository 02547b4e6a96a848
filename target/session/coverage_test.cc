#include "target/session/coverage.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

TEST(CoverageTest, NothingIsOnePiece) {
  Coverage coverage;
  EXPECT_TRUE(coverage.contiguous());
  EXPECT_TRUE(coverage.Add(4, 4)) << "no byte of it";
  EXPECT_TRUE(coverage.contiguous());
}

TEST(CoverageTest, WhatDoesNotBeginAtZeroHasAHole) {
  Coverage coverage;
  EXPECT_TRUE(coverage.Add(4, 8));
  EXPECT_FALSE(coverage.contiguous());
}

TEST(CoverageTest, WhatHasAHoleInTheMiddleIsNotOnePiece) {
  Coverage coverage;
  EXPECT_TRUE(coverage.Add(0, 4));
  EXPECT_TRUE(coverage.Add(8, 12));
  EXPECT_FALSE(coverage.contiguous());
}

// In each order in which four pieces can come.
TEST(CoverageTest, PiecesThatTouchAreOne) {
  std::array<uint32_t, 4> order = {0, 1, 2, 3};
  do {
    Coverage coverage;
    for (size_t i = 0; i < order.size(); ++i) {
      EXPECT_TRUE(coverage.Add(4 * order[i], 4 * order[i] + 4));
      const uint32_t last = *std::max_element(order.begin(), order.begin() + i + 1);
      EXPECT_EQ(coverage.contiguous(), last == i) << order[0] << order[1] << order[2] << i;
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(CoverageTest, NoByteComesTwice) {
  Coverage coverage;
  EXPECT_TRUE(coverage.Add(8, 12));
  EXPECT_TRUE(coverage.Add(12, 16));
  EXPECT_TRUE(coverage.Add(20, 24));
  for (const auto& [begin, end] : {std::pair(8u, 12u), std::pair(7u, 9u), std::pair(11u, 12u),
                                   std::pair(15u, 17u), std::pair(0u, 40u), std::pair(16u, 21u)}) {
    EXPECT_FALSE(coverage.Add(begin, end)) << begin;
  }
  EXPECT_TRUE(coverage.Add(16, 20)) << "what was refused left nothing";
  EXPECT_TRUE(coverage.Add(0, 8));
  EXPECT_TRUE(coverage.contiguous());
}

}  // namespace
}  // namespace pushpull::target
