// A hundred seeds of cuts and delays: the suites come to the same verdicts under each.
//
// PUSHPULL_SEEDS=1000 plays so many.

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kSeedsInGroup = 5;

uint64_t Groups() { return (SeedsOf("PUSHPULL_SEEDS", 100) + kSeedsInGroup - 1) / kSeedsInGroup; }

// In groups, for the shards to share.
class SeedsTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(SeedsTest, SameVerdicts) {
  const std::vector<conformance::Case> cases = AllCases();
  for (uint64_t i = 1; i <= kSeedsInGroup; ++i) {
    conformance::RunOptions options;
    options.seed = GetParam() * kSeedsInGroup + i;
    EXPECT_EQ(Unexpected(PlaySuites(cases, EmbeddedSimOptions(), options)), "")
        << "--seed " << options.seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Groups, SeedsTest, ::testing::Range(uint64_t{0}, Groups()));

}  // namespace
}  // namespace pushpull::tools
