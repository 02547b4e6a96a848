// All suites over the simulated RDMA network: the same verdicts under each seed of its delays,
// batches and late Writes, in each dialect, on one loop and on several; and nothing kept by a
// target whose sessions have ended (an ERROR of the case).
//
// PUSHPULL_ISER_SEEDS=1000 plays so many seeds (docs/ISER.md).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/sanitized.h"
#include "conformance/report/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/iser/dialect.h"
#include "target/iser/dialect.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

uint64_t Seeds() { return SeedsOf("PUSHPULL_ISER_SEEDS", base::kSanitized ? 1 : 20); }

class IserTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(IserTest, SameVerdicts) {
  conformance::RunOptions options;
  options.seed = GetParam();
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), EmbeddedIserOptions(), options);
  EXPECT_EQ(Unexpected(outcome), "") << "--target embedded-iser: --seed " << options.seed;
}

INSTANTIATE_TEST_SUITE_P(Seeds, IserTest, ::testing::Range(uint64_t{1}, Seeds() + 1));

// How both ends read RFC 7145, and what the target has.
struct Speech {
  const char* name;
  target::IserDialect target;
  initiator_sim::IserDialect initiator;
  size_t loops = 1;
  uint32_t max_outstanding_unexpected_pdus = 16;
  std::vector<std::string> departs = {};  // cases that fail, as the target means to be lenient
};

class IserSpeechTest : public ::testing::TestWithParam<Speech> {};

TEST_P(IserSpeechTest, SameVerdicts) {
  conformance::RunOptions options;
  options.play.iser_dialect = GetParam().initiator;
  EmbeddedIserOptions endpoint;
  endpoint.dialect = GetParam().target;
  endpoint.target_loops = GetParam().loops;
  endpoint.config.mutable_limits()->set_max_outstanding_unexpected_pdus(
      GetParam().max_outstanding_unexpected_pdus);
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), endpoint, options);
  std::vector<std::string> unexpected;
  for (const v1::CaseResult& result : outcome.result.result()) {
    if (!conformance::IsExpected(result, /*strict=*/true)) unexpected.push_back(result.id());
  }
  EXPECT_THAT(unexpected, testing::UnorderedElementsAreArray(GetParam().departs))
      << Unexpected(outcome);
  const auto& results = outcome.result.result();
  EXPECT_GT(std::count_if(results.begin(), results.end(),
                          [](const auto& result) { return result.verdict() == v1::PASS; }),
            300);
}

std::vector<Speech> Speeches() {
  using enum target::IserDialect;
  using Initiator = initiator_sim::IserDialect;
  const std::vector<std::string> lenient = {"iser/hello_versions#9", "iser/hello_missed"};
  std::vector<Speech> speeches = {
      {"linux_three_loops", kLinux, Initiator::kLinux, 3},
      {"rfc7145_to_permissive", kPermissive, Initiator::kRfc7145, 1, 16, lenient},
      {"linux", kLinux, Initiator::kLinux},
      {"linux_to_permissive", kPermissive, Initiator::kLinux, 1, 16, {lenient[0]}},
      {"three_loops", kRfc7145, Initiator::kRfc7145, 3},
      {"fewest_unexpected", kRfc7145, Initiator::kRfc7145, 1, 2},
  };
  if (base::kSanitized) speeches.resize(2);  // which have most that differs
  return speeches;
}

INSTANTIATE_TEST_SUITE_P(Speeches, IserSpeechTest, ::testing::ValuesIn(Speeches()),
                         [](const auto& info) { return std::string(info.param.name); });

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
  EXPECT_THAT(unplayed, testing::ElementsAre("iser/unsolicited_not_read",
                                             "scsi/compare_and_write_differs", "scsi/or_write"));
}

}  // namespace
}  // namespace pushpull::tools
