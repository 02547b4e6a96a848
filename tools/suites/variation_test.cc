// No false alarm: whatever the target chooses of what the RFCs leave open (--legal-variation), no
// case fails, and few go unplayed.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/sanitized.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kSeeds = base::kSanitized ? 4 : 50;
constexpr uint64_t kIserSeeds = base::kSanitized ? 4 : 12;
// Each seed plays every so manieth case only, the next seed the next ones: 2000 seeds by all cases
// are a matter of `pushpull run --legal-variation`.
constexpr uint64_t kStride = 8;
// Where what a case is about isn't there: digests, immediate data, a window of several commands.
constexpr size_t kUnplayed = 8;

std::vector<conformance::Case> CasesOf(uint64_t seed, bool iser) {
  std::vector<conformance::Case> cases = AllCases();
  uint64_t index = seed;
  std::erase_if(cases, [&](const conformance::Case& c) {
    if (!iser && c.scenario().needs().transport() == v1::ISER_ONLY) return true;
    return index++ % kStride != 0;
  });
  return cases;
}

// Results that are not as they should be, a line each.
std::string Alarms(const conformance::RunOutcome& outcome) {
  std::string alarms = Unexpected(outcome);
  size_t unplayed = 0;
  std::string which;
  for (const v1::CaseResult& result : outcome.result.result()) {
    if (result.verdict() == v1::PASS || result.verdict() == v1::AMBIGUOUS) continue;
    ++unplayed;
    absl::StrAppend(&which, result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                    result.failure().message(), "\n");
  }
  if (unplayed > kUnplayed) absl::StrAppend(&alarms, unplayed, " are not played:\n", which);
  return alarms;
}

class VariationTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(VariationTest, NoCaseFails) {
  EmbeddedSimOptions endpoint;
  endpoint.config.set_legal_variation(GetParam());
  conformance::RunOptions options;
  options.seed = GetParam();
  EXPECT_EQ(Alarms(PlaySuites(CasesOf(GetParam(), false), endpoint, options)), "")
      << "--target embedded-sim: --legal-variation " << GetParam() << " --seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, VariationTest, ::testing::Range(uint64_t{1}, kSeeds + 1));

class IserVariationTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(IserVariationTest, NoCaseFails) {
  EmbeddedIserOptions endpoint;
  endpoint.config.set_legal_variation(GetParam());
  conformance::RunOptions options;
  options.seed = GetParam();
  EXPECT_EQ(Unexpected(PlaySuites(CasesOf(GetParam(), true), endpoint, options)), "")
      << "--target embedded-iser: --legal-variation " << GetParam() << " --seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, IserVariationTest, ::testing::Range(uint64_t{1}, kIserSeeds + 1));

}  // namespace
}  // namespace pushpull::tools
