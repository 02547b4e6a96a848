#include "base/random.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(RandomTest, IsSplitMix64) {
  // The generator's published test values for seed 1234567.
  Random random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317u);
  EXPECT_EQ(random.Next(), 3203168211198807973u);
  EXPECT_EQ(random.Next(), 9817491932198370423u);
}

TEST(RandomTest, BelowStaysBelowAndReachesAll) {
  Random random(1);
  uint32_t seen = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random.Below(10);
    ASSERT_LT(value, 10u);
    seen |= 1u << value;
  }
  EXPECT_EQ(seen, 0x3ffu);
  EXPECT_EQ(random.Below(0), 0u);
  EXPECT_EQ(random.Below(1), 0u);
}

TEST(RandomTest, BetweenHoldsBothEnds) {
  Random random(2);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = random.Between(5, 8);
    ASSERT_GE(value, 5u);
    ASSERT_LE(value, 8u);
    low = low || value == 5;
    high = high || value == 8;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(random.Between(9, 9), 9u);
}

TEST(RandomTest, BetweenOverTheWholeRangeIsNotConstant) {
  Random random(3);
  EXPECT_NE(random.Between(0, UINT64_MAX), random.Between(0, UINT64_MAX));
}

TEST(RandomTest, ChanceKnowsNeverAndAlways) {
  Random random(4);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(random.Chance(0));
    ASSERT_TRUE(random.Chance(100));
  }
}

TEST(RandomTest, ForkDoesNotFollowItsParent) {
  Random a(5);
  Random b(5);
  Random a_fork = a.Fork();
  Random b_fork = b.Fork();
  a.Next();  // draws more than b
  for (int i = 0; i < 10; ++i) ASSERT_EQ(a_fork.Next(), b_fork.Next());
}

}  // namespace
}  // namespace pushpull::base
