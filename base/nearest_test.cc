#include "base/nearest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NearestTest, OrdersByDistance) {
  const std::vector<std::string> names = {"run", "list", "target", "replay"};
  EXPECT_THAT(Nearest("rum", names, 1), ElementsAre("run"));
  EXPECT_THAT(Nearest("targt", names, 2), ElementsAre("target", "list"));
  EXPECT_THAT(Nearest("play", names, 1), ElementsAre("replay"));
  EXPECT_THAT(Nearest("x", {}), IsEmpty());
  EXPECT_THAT(Nearest(std::string(100000, 'x'), names, 9).size(), names.size());
}

}  // namespace
}  // namespace pushpull::base
