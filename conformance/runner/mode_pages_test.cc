#include "conformance/runner/mode_pages.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ModePages Parse(const std::string& bytes) { return ParseModePages(base::AsBytes(bytes)); }

// SPC-4 §7.5.5, §7.5.7: a header, a block descriptor, a page with PS, one with a subpage.
const std::string kSense(
    "\x16\0\0\x08"
    "\0\0\0\0\0\0\x02\0"
    "\x8a\x02\x04\x05"
    "\x4a\x01\0\x03\x07\x08\x09",
    23);

TEST(ModePagesTest, ReadsPagesAndSubpages) {
  EXPECT_THAT(Parse(kSense),
              ElementsAre(Pair(Pair(0x0a, 0), std::string("\x0a\x02\x04\x05", 4)),
                          Pair(Pair(0x0a, 1), std::string("\x4a\x01\0\x03\x07\x08\x09", 7))));
}

TEST(ModePagesTest, ReadsNoPageThatDidntComeWhole) {
  for (size_t size = 0; size < kSense.size(); ++size) {
    EXPECT_EQ(Parse(kSense.substr(0, size)).size(), size < 16 ? 0u : 1u) << size;
  }
}

TEST(ModePagesTest, GoesNoFurtherThanTheLengthSays) {
  std::string sense = kSense;
  sense[0] = 0x0f;
  EXPECT_EQ(Parse(sense).size(), 1u);
  sense[0] = 0x0e;
  EXPECT_THAT(Parse(sense), IsEmpty());
}

TEST(ModePagesTest, PageZeroHasNoFormat) {
  EXPECT_THAT(Parse(std::string("\x0b\0\0\0\0\x02\x01\x02\x0a\x02\x04\x05", 12)), IsEmpty());
}

}  // namespace
}  // namespace pushpull::conformance
