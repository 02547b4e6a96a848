// No false alarm: against the reference target under any legal configuration no case fails, and
// none goes unplayed but for what the configuration lacks.

#include "tools/suites/limits.h"

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr uint64_t kCombinations = 20;

struct Param {
  LegalConfig legal;
  bool alone = true;  // one choice
};

void PrintTo(const Param& param, std::ostream* out) { *out << param.legal.name; }

std::vector<Param> Configurations() {
  std::vector<Param> configs;
  for (LegalConfig& legal : SingleChoices()) configs.push_back({std::move(legal)});
  for (uint64_t seed = 1; seed <= kCombinations; ++seed) {
    configs.push_back({RandomChoices(seed), /*alone=*/false});
    configs.back().legal.name = absl::StrCat("combination_", seed);
  }
  return configs;
}

// A case that was not played, with its verdict, and what is said of it.
struct Unplayed {
  std::string id;
  std::string message;
};

std::vector<Unplayed> UnplayedOf(const conformance::RunOutcome& outcome) {
  std::vector<Unplayed> unplayed;
  for (const v1::CaseResult& result : outcome.result.result()) {
    const v1::Verdict verdict = result.verdict();
    if (verdict == v1::PASS || verdict == v1::AMBIGUOUS) continue;
    unplayed.push_back(
        {absl::StrCat(result.id(), " ", base::ToAbsl(conformance::VerdictName(result))),
         result.failure().message()});
  }
  return unplayed;
}

class LimitsTest : public ::testing::TestWithParam<Param> {};

// A case that is unplayed for a reason that the configuration doesn't have is an alarm; so is,
// where one thing alone is chosen, a reason that no case has.
TEST_P(LimitsTest, NoCaseFails) {
  const LegalConfig& legal = GetParam().legal;
  EmbeddedSimOptions endpoint;
  endpoint.config = legal.config;
  const conformance::RunOutcome outcome = PlaySuites(AllCases(), endpoint, {});
  EXPECT_EQ(Unexpected(outcome), "") << legal.config.ShortDebugString();

  std::set<std::string> unseen(legal.reasons.begin(), legal.reasons.end());
  for (const Unplayed& unplayed : UnplayedOf(outcome)) {
    const auto reason = std::ranges::find_if(legal.reasons, [&](const std::string& start) {
      return unplayed.message.starts_with(start);
    });
    if (reason == legal.reasons.end()) {
      ADD_FAILURE() << unplayed.id << ": " << unplayed.message;
    } else {
      unseen.erase(*reason);
    }
  }
  if (GetParam().alone) {
    EXPECT_THAT(unseen, testing::IsEmpty())
        << "no case needs this; take it off tools/suites/limits.cc";
  }
}

INSTANTIATE_TEST_SUITE_P(Legal, LimitsTest, ::testing::ValuesIn(Configurations()),
                         [](const auto& info) { return info.param.legal.name; });

}  // namespace
}  // namespace pushpull::tools
