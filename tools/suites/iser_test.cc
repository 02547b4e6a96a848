// All suites over the simulated RDMA network: the same verdicts under each seed of its delays,
// batches and late Writes, and nothing kept by a target that ended.

#include <cstdint>
#include <string>
#include <vector>

#include "base/sanitized.h"
#include "gmock/gmock.h"
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

// What tools/suites/limits_test holds over TCP: few cases are about blocks of 512 bytes alone.
TEST(IserBlocksTest, LongBlocks) {
  EmbeddedIserOptions endpoint;
  v1::LunConfig* lun = endpoint.config.add_lun();
  lun->set_spec("ram:64M");
  lun->set_block_size(4096);
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), endpoint, {});
  EXPECT_EQ(Unexpected(outcome), "");
  std::vector<std::string> unplayed;
  for (const v1::CaseResult& result : outcome.result.result()) {
    if (result.failure().message().find("blocks of 512 bytes") != std::string::npos) {
      unplayed.push_back(result.id());
    }
  }
  EXPECT_THAT(unplayed, testing::ElementsAre("iser/unsolicited_not_read"));
}

}  // namespace
}  // namespace pushpull::tools
