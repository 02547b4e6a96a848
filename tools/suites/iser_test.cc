// All suites over the simulated RDMA network: the same verdicts under each seed of its delays,
// batches and late Writes, and nothing kept by a target that ended.

#include <cstdint>
#include <vector>

#include "base/sanitized.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kSeeds = base::kSanitized ? 2 : 20;

class IserTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(IserTest, SameVerdicts) {
  conformance::RunOptions options;
  options.seed = GetParam();
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), EmbeddedIserOptions(), options);
  EXPECT_EQ(Unexpected(outcome), "") << "--target embedded-iser: --seed " << options.seed;
}

INSTANTIATE_TEST_SUITE_P(Seeds, IserTest, ::testing::Range(uint64_t{1}, kSeeds + 1));

}  // namespace
}  // namespace pushpull::tools
