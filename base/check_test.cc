#include "base/check.h"

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(CheckTest, TrueConditionEvaluatesOnceAndNoMessage) {
  int conditions = 0;
  int messages = 0;
  CHECK(++conditions == 1) << ++messages;
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(messages, 0);
  CHECK_EQ(1, 1);
  CHECK_NE(1, 2);
  CHECK_LE(1, 1);
  CHECK_LT(1, 2);
  CHECK_GE(2, 2);
  CHECK_GT(2, 1);
}

TEST(CheckTest, StandsAloneInAnIf) {
  bool other = false;
  if (false)
    CHECK(false);
  else
    other = true;
  EXPECT_TRUE(other);
}

TEST(CheckDeathTest, SaysWhereAndWhat) {
  EXPECT_DEATH(CHECK(1 > 2) << "more " << 3, "check_test.cc:[0-9]+: CHECK failed: 1 > 2 more 3");
  EXPECT_DEATH(CHECK_EQ(1, 2) << "x", "CHECK failed: .*1 vs 2 x");
  EXPECT_DEATH(CHECK_NE(3, 3), "3 vs 3");
  EXPECT_DEATH(CHECK_LE(2, 1), "2 vs 1");
  EXPECT_DEATH(CHECK_LT(1, 1), "1 vs 1");
  EXPECT_DEATH(CHECK_GE(1, 2), "1 vs 2");
  EXPECT_DEATH(CHECK_GT(1, 1), "1 vs 1");
}

#ifdef NDEBUG
TEST(CheckTest, DcheckIsNothingInReleaseBuilds) {
  int conditions = 0;
  DCHECK(++conditions == 0);
  EXPECT_EQ(conditions, 0);
}
#else
TEST(CheckDeathTest, DcheckIsCheckInDebugBuilds) { EXPECT_DEATH(DCHECK(false), "CHECK failed"); }
#endif

}  // namespace
}  // namespace pushpull::base
