#include "target/session/stale_transfers.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

TEST(StaleTransfersTest, TakeWhatIsTheirs) {
  StaleTransfers stale;
  stale.Add(1, 10, 0);
  EXPECT_FALSE(stale.Takes(1, 11, false)) << "another R2T";
  EXPECT_FALSE(stale.Takes(2, 10, false)) << "another task";
  EXPECT_TRUE(stale.Takes(1, 10, false));
  EXPECT_TRUE(stale.Takes(1, 10, true)) << "F";
  EXPECT_FALSE(stale.Takes(1, 10, true)) << "behind its end";
  EXPECT_TRUE(stale.empty());
}

TEST(StaleTransfersTest, ALogicalUnitIsForgotten) {
  StaleTransfers stale;
  stale.Add(1, 10, 7);
  stale.Add(2, 11, 8);
  stale.Forget(7);
  EXPECT_FALSE(stale.Takes(1, 10, false));
  EXPECT_TRUE(stale.Takes(2, 11, false));
}

// Answers to an R2T name it; unsolicited data has nothing but the task's tag.
TEST(StaleTransfersTest, ATagThatIsUsedAgainHasUnsolicitedDataOfItsOwn) {
  StaleTransfers stale;
  stale.Add(1, kNoTag, 0);
  stale.Add(1, 10, 0);
  stale.Add(2, kNoTag, 0);
  stale.Reuse(1);
  EXPECT_FALSE(stale.Takes(1, kNoTag, false));
  EXPECT_TRUE(stale.Takes(1, 10, false));
  EXPECT_TRUE(stale.Takes(2, kNoTag, false));
}

TEST(StaleTransfersTest, TheOldestOfTooManyIsForgotten) {
  StaleTransfers stale;
  for (uint32_t i = 0; i <= StaleTransfers::kMost; ++i) stale.Add(i, 10, 0);
  EXPECT_FALSE(stale.Takes(0, 10, false));
  EXPECT_TRUE(stale.Takes(1, 10, false));
  EXPECT_TRUE(stale.Takes(StaleTransfers::kMost, 10, false));
}

}  // namespace
}  // namespace pushpull::target
