#include "base/serial.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

// RFC 1982 §3.2 as it stands there, with wider integers: the judge of the short forms.
bool LessByTheText(uint64_t i1, uint64_t i2) {
  constexpr uint64_t kHalf = uint64_t{1} << 31;
  return (i1 < i2 && i2 - i1 < kHalf) || (i1 > i2 && i1 - i2 > kHalf);
}

constexpr uint32_t kPoints[] = {0,          1,          2,          0x7ffffffe, 0x7fffffff,
                                0x80000000, 0x80000001, 0x80000002, 0xfffffffe, 0xffffffff};

TEST(SerialTest, AgreesWithTheRfcsDefinition) {
  for (const uint32_t a : kPoints) {
    for (const uint32_t b : kPoints) {
      SCOPED_TRACE(testing::Message() << a << " and " << b);
      EXPECT_EQ(SerialLess(a, b), LessByTheText(a, b));
      EXPECT_EQ(SerialGreater(a, b), LessByTheText(b, a));
      EXPECT_EQ(SerialLessOrEqual(a, b), a == b || LessByTheText(a, b));
      EXPECT_EQ(SerialGreaterOrEqual(a, b), a == b || LessByTheText(b, a));
    }
  }
}

TEST(SerialTest, NumbersHalfTheSpaceApartHaveNoOrder) {
  for (const uint32_t a : kPoints) {
    const uint32_t b = a + kSerialHalf;
    EXPECT_FALSE(SerialLess(a, b));
    EXPECT_FALSE(SerialLess(b, a));
    EXPECT_FALSE(SerialLessOrEqual(a, b));
    EXPECT_FALSE(SerialLessOrEqual(b, a));
    EXPECT_FALSE(SerialInWindow(b, a, a + 5));
    EXPECT_EQ(SerialMax(a, b), a);
  }
}

TEST(SerialTest, WindowWraps) {
  EXPECT_TRUE(SerialInWindow(0xffffffff, 0xfffffffe, 3));
  EXPECT_TRUE(SerialInWindow(0, 0xfffffffe, 3));
  EXPECT_TRUE(SerialInWindow(3, 0xfffffffe, 3));
  EXPECT_FALSE(SerialInWindow(4, 0xfffffffe, 3));
  EXPECT_FALSE(SerialInWindow(0xfffffffd, 0xfffffffe, 3));
}

TEST(SerialTest, ClosedWindowHoldsNothing) {
  for (const uint32_t first : kPoints) {
    EXPECT_FALSE(SerialInWindow(first, first, first - 1));
    EXPECT_FALSE(SerialInWindow(first - 1, first, first - 1));
    EXPECT_TRUE(SerialInWindow(first, first, first));
  }
}

TEST(SerialTest, DistanceAndMaximumWrap) {
  EXPECT_EQ(SerialDistance(0xffffffff, 1), 2);
  EXPECT_EQ(SerialDistance(1, 0xffffffff), -2);
  EXPECT_EQ(SerialMax(0xffffffff, 1), 1u);
  EXPECT_EQ(SerialMax(1, 0xffffffff), 1u);
}

static_assert(SerialLess(0xffffffff, 0));

}  // namespace
}  // namespace pushpull::base
