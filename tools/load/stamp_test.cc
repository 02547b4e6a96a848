#include "tools/load/stamp.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using ::testing::HasSubstr;

TEST(StampTest, ABlockSaysWhatItIs) {
  const Stamp due = {.lba = 17, .session = 3, .generation = 5};
  std::vector<uint8_t> block(512);
  EXPECT_THAT(CheckBlock(due, block), HasSubstr("all zeros"));
  FillBlock(due, block);
  EXPECT_EQ(CheckBlock(due, block), "");
  for (const Stamp& other : {Stamp{18, 3, 5}, Stamp{17, 4, 5}, Stamp{17, 3, 4}}) {
    std::vector<uint8_t> wrong(512);
    FillBlock(other, wrong);
    EXPECT_NE(std::vector<uint8_t>(block.begin() + 24, block.end()),
              std::vector<uint8_t>(wrong.begin() + 24, wrong.end()));
    EXPECT_THAT(CheckBlock(due, wrong), HasSubstr("but of LBA"));
  }
  for (const size_t at : {0, 24, 511}) {
    block[at] ^= 1;
    EXPECT_THAT(CheckBlock(due, block), HasSubstr("wrong from byte " + std::to_string(at)));
    block[at] ^= 1;
  }
}

}  // namespace
}  // namespace pushpull::tools
