#include "initiator_sim/pdu/pattern.h"

#include <gtest/gtest.h>

#include <vector>

namespace pushpull::initiator_sim {
namespace {

std::vector<uint8_t> Pattern(uint64_t seed, uint64_t offset, size_t size) {
  std::vector<uint8_t> bytes(size);
  FillPattern(seed, offset, bytes);
  return bytes;
}

TEST(Pattern, IsAFunctionOfSeedAndPlace) {
  const std::vector<uint8_t> whole = Pattern(5, 0, 4096);
  for (size_t offset = 0; offset < 40; ++offset) {
    for (const size_t size :
         {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{9}, size_t{1000}}) {
      const std::vector<uint8_t> part = Pattern(5, offset, size);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<long>(offset)));
      EXPECT_FALSE(CheckPattern(5, offset, part).has_value());
    }
  }
  EXPECT_TRUE(CheckPattern(6, 0, whole).has_value());
  EXPECT_TRUE(CheckPattern(5, 1, whole).has_value());
}

TEST(Pattern, TellsWhereMisplacedBytesBelong) {
  for (const uint64_t from : {uint64_t{0}, uint64_t{8}, uint64_t{513}, uint64_t{1} << 40}) {
    // A piece of 512 bytes that belongs at `from` stands at 1003.
    std::vector<uint8_t> bytes = Pattern(9, 0, 4096);
    const std::vector<uint8_t> piece = Pattern(9, from, 512);
    std::copy(piece.begin(), piece.end(), bytes.begin() + 1003);
    const std::optional<PatternMismatch> mismatch = CheckPattern(9, 0, bytes);
    ASSERT_TRUE(mismatch.has_value());
    ASSERT_TRUE(mismatch->belongs_at.has_value());
    // A byte may be right by chance.
    EXPECT_EQ(*mismatch->belongs_at - from, mismatch->at - 1003);
    EXPECT_GT(mismatch->wrong, 500u);
  }
}

TEST(Pattern, SaysWhatIsNoPatternAtAll) {
  std::vector<uint8_t> bytes = Pattern(9, 0, 100);
  bytes[50] ^= 0xff;
  const std::optional<PatternMismatch> mismatch = CheckPattern(9, 0, bytes);
  ASSERT_TRUE(mismatch.has_value());
  EXPECT_EQ(mismatch->at, 50u);
  EXPECT_EQ(mismatch->wrong, 1u);
  EXPECT_FALSE(mismatch->belongs_at.has_value());
  EXPECT_EQ(mismatch->actual, bytes[50]);

  EXPECT_FALSE(CheckPattern(9, 0, std::vector<uint8_t>(100))->belongs_at.has_value());
}

}  // namespace
}  // namespace pushpull::initiator_sim
