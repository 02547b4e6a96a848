// No false alarm: whatever the target chooses of what the RFCs leave open (--legal-variation), no
// case fails, and few go unplayed.
//
// PUSHPULL_VARIATION_SEEDS=1000 plays so many, with all cases under each.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/sanitized.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

constexpr char kVariable[] = "PUSHPULL_VARIATION_SEEDS";

uint64_t Seeds() { return SeedsOf(kVariable, base::kSanitized ? 4 : 50); }
uint64_t IserSeeds() { return SeedsOf(kVariable, base::kSanitized ? 4 : 12); }

// Where nobody asks for more, each seed plays every so manieth case only, the next seed the next.
uint64_t Stride() { return std::getenv(kVariable) == nullptr ? 8 : 1; }

// Of so many that are played: where what a case is about isn't there.
size_t MostUnplayed(size_t cases) { return 3 + cases / 8; }

// What the messages of those begin with: no other reason is a good one, on either transport.
constexpr std::string_view kReasons[] = {
    "needs window at least",
    "needs InitialR2T No",
    "needs ImmediateData Yes",
    "needs HeaderDigest CRC32C",
    "needs DataDigest CRC32C",
    "needs MaxRecvDataSegmentLength at least",
    "needs task.w.desired_data_transfer_length at least",
    "the target wants",
    "the target has keys of its own to negotiate first",
    "the command takes longer than a ping",
    "the target's answer comes in several parts, which it may",
    "the session was dropped, which is legal",
};

bool IsGoodReason(std::string_view message) {
  return std::ranges::any_of(kReasons, [&](auto reason) { return message.starts_with(reason); });
}

std::vector<conformance::Case> CasesOf(uint64_t seed, bool iser) {
  std::vector<conformance::Case> cases = AllCases();
  uint64_t index = seed;
  std::erase_if(cases, [&](const conformance::Case& c) {
    if (!iser && c.scenario().needs().transport() == v1::ISER_ONLY) return true;
    return index++ % Stride() != 0;
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
    const std::string line =
        absl::StrCat(result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                     result.failure().message(), "\n");
    if (!IsGoodReason(result.failure().message())) absl::StrAppend(&alarms, "unplayed: ", line);
    which += line;
  }
  if (unplayed > MostUnplayed(outcome.result.result_size())) {
    absl::StrAppend(&alarms, unplayed, " are not played:\n", which);
  }
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

INSTANTIATE_TEST_SUITE_P(Seeds, VariationTest, ::testing::Range(uint64_t{1}, Seeds() + 1));

class IserVariationTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(IserVariationTest, NoCaseFails) {
  EmbeddedIserOptions endpoint;
  endpoint.config.set_legal_variation(GetParam());
  conformance::RunOptions options;
  options.seed = GetParam();
  EXPECT_EQ(Alarms(PlaySuites(CasesOf(GetParam(), true), endpoint, options)), "")
      << "--target embedded-iser: --legal-variation " << GetParam() << " --seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Seeds, IserVariationTest, ::testing::Range(uint64_t{1}, IserSeeds() + 1));

// Cases that pass or not by what comes between two PDUs of theirs, which few seeds bring about.
TEST(RareVariationTest, NoCaseFails) {
  std::vector<conformance::Case> cases = AllCases();
  std::erase_if(cases, [](const conformance::Case& c) {
    return c.id() != "sequencing/command_above_window" && c.id() != "nop/no_answer_wanted";
  });
  ASSERT_EQ(cases.size(), 2u);
  const uint64_t end = base::kSanitized ? 390 : 570;
  for (uint64_t seed = 370; seed < end; ++seed) {
    EmbeddedSimOptions endpoint;
    endpoint.config.set_legal_variation(seed);
    conformance::RunOptions options;
    options.seed = seed;
    EXPECT_EQ(Unexpected(PlaySuites(cases, endpoint, options)), "")
        << "--target embedded-sim: --legal-variation " << seed << " --seed " << seed;
  }
}

}  // namespace
}  // namespace pushpull::tools
