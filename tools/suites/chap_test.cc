// No false alarm where the target asks for CHAP, one way or both: no case fails, and those that go
// unplayed log in by themselves.

#include "initiator_sim/session/chap.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

// Cases that send Login Requests of their own; more would hide what CHAP breaks.
constexpr size_t kMostUnplayed = 80;

initiator_sim::ChapCredentials Credentials(bool mutual) {
  initiator_sim::ChapCredentials credentials;
  credentials.user = "alice";
  credentials.secret = "alice's secret 16";
  if (mutual) {
    credentials.mutual_user = "storage";
    credentials.mutual_secret = "the target's own";
  }
  return credentials;
}

void CheckNoFalseAlarm(const conformance::RunOutcome& outcome) {
  EXPECT_EQ(Unexpected(outcome), "");
  size_t unplayed = 0;
  std::string other;
  for (const v1::CaseResult& result : outcome.result.result()) {
    const std::string& why = result.failure().message();
    if (why.find("without authentication") != std::string::npos) {
      ++unplayed;
      continue;
    }
    // Without mutual CHAP nobody asks the target to prove itself; it has no MC/S.
    if (result.verdict() == v1::UNSUPPORTED) continue;
    // The account is the first initiator's alone.
    const bool bound = why.find("another initiator's name is let in") != std::string::npos;
    if (bound && result.verdict() == v1::SKIP) continue;
    const bool needs = why.find("it needs ") == 0 || why.find("it is about what only TCP") == 0;
    if (result.verdict() == v1::PASS || result.verdict() == v1::AMBIGUOUS || needs) continue;
    absl::StrAppend(&other, result.id(), " ", base::ToAbsl(conformance::VerdictName(result)), ": ",
                    why, "\n");
  }
  EXPECT_EQ(other, "");
  EXPECT_GT(unplayed, 0u) << "the target lets in who doesn't authenticate";
  EXPECT_LE(unplayed, kMostUnplayed);
}

class ChapSuitesTest : public ::testing::TestWithParam<bool> {};

TEST_P(ChapSuitesTest, NoCaseFailsOverTcp) {
  conformance::RunOptions options;
  options.play.chap = Credentials(GetParam());
  EmbeddedSimOptions endpoint;
  endpoint.auth.given = options.play.chap;
  CheckNoFalseAlarm(PlaySuites(AllCases(), endpoint, options));
}

TEST_P(ChapSuitesTest, NoCaseFailsOverIser) {
  conformance::RunOptions options;
  options.play.chap = Credentials(GetParam());
  EmbeddedIserOptions endpoint;
  endpoint.auth.given = options.play.chap;
  CheckNoFalseAlarm(PlaySuites(AllCases(), endpoint, options));
}

INSTANTIATE_TEST_SUITE_P(Chap, ChapSuitesTest, ::testing::Bool(), [](const auto& info) {
  return info.param ? std::string("Mutual") : std::string("OneWay");
});

// A target may cut its answer to AuthMethod in two (RFC 7143 §6.2), which few seeds do.
TEST(VariedChapTest, ItsAnswerIsUnderstood) {
  std::vector<conformance::Case> cases = AllCases();
  std::erase_if(cases, [](const conformance::Case& c) { return c.id() != "sanity/alive"; });
  ASSERT_EQ(cases.size(), 1u);
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    conformance::RunOptions options;
    options.play.chap = Credentials(true);
    EmbeddedSimOptions endpoint;
    endpoint.auth.given = options.play.chap;
    endpoint.config.set_legal_variation(seed);
    const conformance::RunOutcome outcome = PlaySuites(cases, endpoint, options);
    EXPECT_TRUE(outcome.status.ok()) << seed << ": " << outcome.status;
    EXPECT_EQ(Unexpected(outcome), "") << seed;
  }
}

// Without credentials of the user's, the cases about CHAP have a target made for them.
TEST(OwnChapTest, CasesOfChapAreAllPlayed) {
  std::vector<conformance::Case> cases = AllCases();
  std::erase_if(cases, [](const conformance::Case& c) { return !c.id().starts_with("chap/"); });
  EXPECT_GE(cases.size(), 40u);
  const conformance::RunOutcome outcomes[] = {PlaySuites(cases, EmbeddedSimOptions(), {}),
                                              PlaySuites(cases, EmbeddedIserOptions(), {})};
  for (const conformance::RunOutcome& outcome : outcomes) {
    ASSERT_TRUE(outcome.status.ok()) << outcome.status;
    for (const v1::CaseResult& result : outcome.result.result()) {
      EXPECT_EQ(v1::Verdict_Name(result.verdict()), "PASS")
          << result.id() << ": " << result.failure().message();
    }
  }
}

}  // namespace
}  // namespace pushpull::tools
