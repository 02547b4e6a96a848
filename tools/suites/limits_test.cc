// No false alarm: against the reference target under any legal configuration no case fails, and few
// go unplayed.

#include "tools/suites/limits.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kCombinations = 20;

std::vector<LegalConfig> Configurations() {
  std::vector<LegalConfig> configs = SingleChoices();
  for (uint64_t seed = 1; seed <= kCombinations; ++seed) {
    configs.push_back(RandomChoices(seed));
    configs.back().name = absl::StrCat("combination_", seed);
  }
  return configs;
}

class LimitsTest : public ::testing::TestWithParam<LegalConfig> {};

TEST_P(LimitsTest, NoCaseFails) {
  const LegalConfig& legal = GetParam();
  EmbeddedSimOptions endpoint;
  endpoint.config = legal.config;
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), endpoint, {});
  EXPECT_EQ(Unexpected(outcome), "") << legal.config.ShortDebugString();

  size_t unplayed = 0;
  std::string which;
  for (const v1::CaseResult& result : outcome.result.result()) {
    const v1::Verdict verdict = result.verdict();
    if (verdict == v1::PASS || verdict == v1::AMBIGUOUS) continue;
    ++unplayed;
    absl::StrAppend(&which, result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                    result.failure().message(), "\n");
  }
  EXPECT_LE(unplayed, legal.unplayed) << which << legal.config.ShortDebugString();
}

INSTANTIATE_TEST_SUITE_P(Legal, LimitsTest, ::testing::ValuesIn(Configurations()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace pushpull::tools
