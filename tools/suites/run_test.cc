// What a run says beside its verdicts: what was left out, and what looks like a test and was none.

#include "conformance/runner/run.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/suite.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;
using conformance::RunOutcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kOfBoth[] = "nop/ping_echoed";
constexpr char kOfIser[] = "iser/short_read";
constexpr char kOfTcp[] = "digests/header_digest_wrong";

std::vector<Case> Chosen(std::vector<std::string> only) {
  conformance::Selection selection;
  selection.only = std::move(only);
  return conformance::Select(AllCases(), selection);
}

std::vector<std::string> AreasOf(const RunOutcome& outcome) {
  std::vector<std::string> areas;
  for (const v1::CaseResult& result : outcome.result.result()) areas.push_back(result.area());
  areas.erase(std::unique(areas.begin(), areas.end()), areas.end());
  return areas;
}

TEST(RunTest, LeavesOutWhatIsOfAnotherTransport) {
  const std::vector<Case> cases = Chosen({"iser/*", "digests/*", "nop/*"});
  const RunOutcome tcp = PlaySuites(cases, EmbeddedSimOptions(), {});
  EXPECT_THAT(AreasOf(tcp), ElementsAre("digests", "nop"));
  ASSERT_THAT(tcp.result.left_out(), SizeIs(1));
  EXPECT_THAT(tcp.result.left_out(0).reason(), HasSubstr("of iSER alone; --target iser://"));
  EXPECT_EQ(tcp.result.left_out(0).cases() + static_cast<size_t>(tcp.result.result_size()),
            cases.size());

  const RunOutcome iser = PlaySuites(cases, EmbeddedIserOptions(), {});
  EXPECT_THAT(AreasOf(iser), ElementsAre("iser", "nop"));
  ASSERT_THAT(iser.result.left_out(), SizeIs(1));
  EXPECT_THAT(iser.result.left_out(0).reason(), HasSubstr("of TCP alone; --target tcp://"));
}

TEST(RunTest, WhatIsAskedForByNameIsSkippedWithItsReason) {
  const RunOutcome outcome = PlaySuites(Chosen({kOfIser, kOfBoth}), EmbeddedSimOptions(), {});
  EXPECT_THAT(outcome.result.left_out(), IsEmpty());
  const auto& results = outcome.result.result();
  const auto skipped = std::find_if(results.begin(), results.end(),
                                    [](const auto& result) { return result.id() == kOfIser; });
  ASSERT_NE(skipped, results.end());
  EXPECT_EQ(skipped->verdict(), v1::SKIP);
  EXPECT_THAT(skipped->failure().message(), HasSubstr("iser://"));
  // Over RDMA likewise.
  const RunOutcome iser = PlaySuites(Chosen({kOfTcp}), EmbeddedIserOptions(), {});
  for (const v1::CaseResult& result : iser.result.result()) {
    EXPECT_EQ(result.verdict(), v1::SKIP) << result.id();
  }
}

TEST(RunTest, NothingIsLeftToPlay) {
  const RunOutcome outcome = PlaySuites(Chosen({"iser/*"}), EmbeddedSimOptions(), {});
  EXPECT_TRUE(absl::IsOutOfRange(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.result.exit_code(), conformance::kExitNothingMatched);
  EXPECT_THAT(outcome.result.run_error(), HasSubstr("of iSER alone"));
}

TEST(RunTest, SharesOutWhatIsToBePlayed) {
  // Every second case of all is of iSER.
  std::vector<Case> cases;
  for (const Case& nop : Chosen({"nop/*"})) {
    cases.push_back(Chosen({kOfIser}).front());
    cases.back().named = false;
    cases.push_back(nop);
  }
  const size_t nops = cases.size() / 2;
  size_t played = 0, left_out = 0;
  conformance::RunOptions options;
  for (options.shard = {1, 2}; options.shard.index <= 2; ++options.shard.index) {
    const RunOutcome part = PlaySuites(cases, EmbeddedSimOptions(), options);
    EXPECT_THAT(part.result.result(), SizeIs(testing::Ge(nops / 2)));
    played += static_cast<size_t>(part.result.result_size());
    ASSERT_THAT(part.result.left_out(), SizeIs(1));
    left_out += part.result.left_out(0).cases();
  }
  EXPECT_EQ(played, nops);
  EXPECT_EQ(left_out, nops);
}

TEST(RunTest, AShardWithoutACaseIsNoFailure) {
  conformance::RunOptions options;
  options.shard = {5, 8};
  const std::vector<Case> one = {Chosen({kOfBoth}).front()};
  const RunOutcome outcome = PlaySuites(one, EmbeddedSimOptions(), options);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.result.exit_code(), conformance::kExitAsExpected);
  EXPECT_THAT(outcome.result.result(), IsEmpty());
  EXPECT_THAT(outcome.result.warning(),
              ElementsAre("shard 5/8 has nothing to do: 1 case to be played in all, by the "
                          "shards before it"));
}

TEST(RunTest, WarnsOfALunThatTakesNoWrites) {
  EmbeddedSimOptions endpoint;
  endpoint.config.add_lun()->set_spec("pattern:64M");
  conformance::RunOptions options;
  const std::vector<Case> cases = Chosen({"write/*", "nop/*"});
  EXPECT_THAT(PlaySuites(cases, endpoint, options).result.warning(), IsEmpty());
  options.allow_writes = true;
  const RunOutcome outcome = PlaySuites(cases, endpoint, options);
  ASSERT_THAT(outcome.result.warning(), SizeIs(1));
  EXPECT_THAT(outcome.result.warning(0), HasSubstr("LUN 0 is write-protected; name one"));
  EXPECT_THAT(PlaySuites(Chosen({"nop/*"}), endpoint, options).result.warning(), IsEmpty());
  EXPECT_THAT(PlaySuites(cases, EmbeddedSimOptions(), options).result.warning(), IsEmpty());
}

TEST(RunTest, WarnsWhereNothingWasTested) {
  EXPECT_THAT(PlaySuites(Chosen({kOfIser}), EmbeddedSimOptions(), {}).result.warning(),
              ElementsAre(HasSubstr("nothing was tested")));
}

}  // namespace
}  // namespace pushpull::tools
