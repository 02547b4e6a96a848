// What a run makes of a target that others share: verdicts, death, restart, interruption.

#include "conformance/runner/run.h"

#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/scripted_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kPasses[] = "step { login {} } step { command { cdb { test_unit_ready {} } } }";
constexpr char kFails[] =
    "step { login {} } step { command { cdb { test_unit_ready {} } status: BUSY } }";
// What the target below dies of, where it takes part in it.
constexpr char kKills[] = R"(step { login {} }
  step { send { task: "k" pdu { task_management_request { function: TARGET_COLD_RESET } } } }
  step { expect { task: "k" one_of { closed: true } } })";
// The same, but nobody sees it in the case's verdict.
constexpr char kKillsUnseen[] = R"(step { login {} }
  step { send { task: "k" pdu { task_management_request { function: TARGET_COLD_RESET } } } }
  step { expect { task: "k" one_of { pdu { task_management_response {} } } } })";

class RunTest : public testing::Test {
 protected:
  RunTest() : sanity_(CaseOf("sanity/alive", "step { login {} }")) {
    targets_.script = [this](uint64_t) {
      return std::string(dead_ && access(power_.c_str(), F_OK) != 0 ? kHangsUp : kServes);
    };
    targets_.received = [this](const v1::Pdu& pdu) {
      if (pdu.has_task_management_request()) dead_ = true;
    };
  }

  RunOutcome Play(const std::vector<Case>& cases) {
    return RunSuites(&targets_, sanity_, cases, options_);
  }
  static std::vector<std::string> Told(const RunOutcome& outcome) {
    std::vector<std::string> told;
    for (const v1::CaseResult& result : outcome.result.result()) {
      told.push_back(absl::StrCat(result.id(), " ", VerdictName(result).data()));
    }
    return told;
  }

  const Case sanity_;
  ScriptedTargets targets_;
  std::atomic<bool> dead_ = false;
  // A file that brings it back to life.
  const std::string power_ = absl::StrCat(testing::TempDir(), "/power");
  RunOptions options_;
};

TEST_F(RunTest, AllAsExpected) {
  std::vector<std::string> seen;
  options_.seed = 17;
  options_.progress = [&seen](const v1::CaseResult& result, size_t done, size_t total) {
    seen.push_back(absl::StrCat(result.id(), " ", done, "/", total));
  };
  const RunOutcome outcome = Play({CaseOf("a/one", kPasses), CaseOf("a/two", kPasses)});
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS", "a/two PASS"));
  EXPECT_THAT(seen, ElementsAre("a/one 1/2", "a/two 2/2"));
  EXPECT_EQ(outcome.result.exit_code(), kExitAsExpected);
  EXPECT_EQ(outcome.result.totals().unexpected(), 0u);
  EXPECT_EQ(outcome.result.totals().by_verdict().at("PASS"), 2u);
  EXPECT_EQ(outcome.result.target(), "tcp://192.0.2.5");
  EXPECT_EQ(outcome.result.target_identity(), "PUSHPULL SCRIPTED TARGET 1");
  EXPECT_EQ(outcome.result.seed(), 17u);
  EXPECT_THAT(outcome.result.warning(), IsEmpty());
  EXPECT_EQ(outcome.result.run_error(), "");
}

TEST_F(RunTest, AFailureIsUnexpected) {
  const RunOutcome outcome = Play({CaseOf("a/one", kFails), CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two PASS"));
  EXPECT_EQ(outcome.result.exit_code(), kExitUnexpectedVerdict);
  EXPECT_EQ(outcome.result.totals().unexpected(), 1u);
}

TEST_F(RunTest, AProfileExpectsAFailureAndItsComplaintFailsTheRun) {
  v1::Profile profile;
  profile.add_expect()->set_id("a/one");
  ProfileOverlay overlay(profile, "2026-11-22");
  overlay.SetCases({"a/one"});
  options_.overlay = &overlay;
  RunOutcome outcome = Play({CaseOf("a/one", kFails)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one XFAIL"));
  EXPECT_EQ(outcome.result.exit_code(), kExitAsExpected);

  overlay.SetCases({"other"});
  outcome = Play({CaseOf("a/one", kFails)});
  ASSERT_THAT(outcome.result.profile_complaint(), SizeIs(1));
  EXPECT_EQ(outcome.result.exit_code(), kExitUnexpectedVerdict);
}

TEST_F(RunTest, WhatAnUnsteadyEntryTakesIsWarnedOf) {
  v1::Profile profile;
  profile.add_expect()->set_id("a/one");
  profile.mutable_expect(0)->set_unsteady(true);
  ProfileOverlay overlay(profile, "2026-11-22");
  overlay.SetCases({"a/one"});
  options_.overlay = &overlay;
  EXPECT_THAT(Play({CaseOf("a/one", kFails)}).result.warning(),
              ElementsAre(HasSubstr("entry a/one is unsteady")));
}

// ---- a target that isn't there ---------------------------------------------------------------

TEST_F(RunTest, NobodyThere) {
  targets_.reachable = absl::UnavailableError("nobody there");
  options_.seed = 17;
  const RunOutcome outcome = Play({CaseOf("a/one", kPasses)});
  EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.result.exit_code(), kExitTargetUnreachable);
  EXPECT_EQ(outcome.result.run_error(), "nobody there");
  EXPECT_EQ(outcome.result.target(), "tcp://192.0.2.5");
  EXPECT_EQ(outcome.result.seed(), 17u);
  EXPECT_THAT(outcome.result.result(), IsEmpty());
}

TEST_F(RunTest, AnOptionThatDoesNotFitTheTargetIsAUsageError) {
  options_.play.scratch_last_lba = 32768;
  const RunOutcome outcome = Play({CaseOf("a/one", kPasses)});
  EXPECT_TRUE(absl::IsInvalidArgument(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.result.exit_code(), kExitUsage);
  EXPECT_THAT(outcome.result.run_error(), HasSubstr("has 32768 blocks, 0-32767"));
  options_.play.scratch_last_lba = 32767;
  EXPECT_TRUE(Play({CaseOf("a/one", kPasses)}).status.ok());
}

TEST_F(RunTest, ATargetThatStandsNoPlainSessionIsNotPlayedAgainst) {
  const Case broken = CaseOf("sanity/alive", kFails);
  const RunOutcome outcome = RunSuites(&targets_, broken, {CaseOf("a/one", kPasses)}, options_);
  EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.result.run_error(),
              testing::AllOf(HasSubstr("a plain session fails: "), HasSubstr("; expected: "),
                             HasSubstr("; came: ")));
  EXPECT_THAT(outcome.result.result(), IsEmpty());
}

// ---- a target that dies ----------------------------------------------------------------------

TEST_F(RunTest, NothingIsPlayedAfterItsDeath) {
  const RunOutcome outcome =
      Play({CaseOf("a/one", kPasses), CaseOf("a/two", kKills), CaseOf("a/three", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS", "a/two FAIL", "a/three ERROR"));
  EXPECT_THAT(outcome.result.result(1).failure().message(),
              HasSubstr("; after it the target no longer answers"));
  EXPECT_EQ(outcome.result.result(2).failure().message(),
            "not played: the target no longer answers since a/two");
  ASSERT_THAT(outcome.result.warning(), SizeIs(1));
  EXPECT_THAT(outcome.result.warning(0), HasSubstr("after a/two: what came later was not played. "
                                                   "With a restart_command"));
  EXPECT_THAT(outcome.result.warning(0), HasSubstr("--exclude 'a/two'"));
}

TEST_F(RunTest, ACaseThatFailsIsNotTakenForADeath) {
  const RunOutcome outcome = Play({CaseOf("a/one", kFails), CaseOf("a/two", kFails)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two FAIL"));
  EXPECT_THAT(outcome.result.result(0).failure().message(), Not(HasSubstr("no longer answers")));
}

// Between the looks it may come back by itself.
TEST_F(RunTest, ADeathIsLookedAtAgain) {
  int looks = 0;
  targets_.script = [this, &looks](uint64_t) {
    const bool hangs_up = dead_ && looks++ < 2;
    return std::string(hangs_up ? kHangsUp : kServes);
  };
  const RunOutcome outcome = Play({CaseOf("a/one", kKills), CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two PASS"));
  EXPECT_THAT(outcome.result.warning(), IsEmpty());
}

TEST_F(RunTest, ADeathThatNoCaseSawIsSeenAtTheEnd) {
  const RunOutcome outcome = Play({CaseOf("a/one", kKillsUnseen)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS", "sanity/alive#at_the_end FAIL"));
  EXPECT_EQ(outcome.result.exit_code(), kExitUnexpectedVerdict);
}

// One that ends the connection as it dies; the case wants to see that.
TEST_F(RunTest, ADeathThatPassesIsSeen) {
  targets_.script = [this](uint64_t) {
    return std::string(dead_ ? kHangsUp : R"(
      step { accept {} } step { accept_login {} }
      step { serve { until { task_management_request {} } or_closed: true } }
      step { close {} } epilogue: NOTHING)");
  };
  const Case closed = CaseOf("a/one", R"(step { login {} }
    step { send { task: "k" pdu { task_management_request { function: TARGET_COLD_RESET } } } }
    step { expect_closed {} } epilogue: NOTHING)");
  const RunOutcome outcome = Play({closed, CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two ERROR"));
  EXPECT_EQ(outcome.result.result(0).failure().message(), "after it the target no longer answers");
}

// Nobody asks between cases, as one can't harm another.
TEST_F(RunTest, EachCaseHasATargetOfItsOwn) {
  Play({CaseOf("a/one", kFails)});
  const size_t shared = targets_.seeds().size();
  targets_.own = true;
  Play({CaseOf("a/one", kFails)});
  EXPECT_EQ(targets_.seeds().size() - shared, shared - 1);
}

TEST_F(RunTest, IsRestartedByTheUsersCommand) {
  options_.commands.restart = absl::StrCat("touch ", power_);
  const RunOutcome outcome = Play({CaseOf("a/one", kKills), CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two PASS"));
  EXPECT_THAT(outcome.result.result(0).failure().message(),
              HasSubstr("after it the target no longer answers, and was restarted"));
  EXPECT_THAT(outcome.result.warning(), IsEmpty());
  EXPECT_EQ(unlink(power_.c_str()), 0);
}

TEST_F(RunTest, ARestartThatFailsEndsTheRun) {
  options_.commands.restart = "echo no power; exit 9";
  const RunOutcome outcome = Play({CaseOf("a/one", kKills), CaseOf("a/two", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two ERROR"));
  EXPECT_THAT(outcome.result.result(0).failure().message(),
              HasSubstr("; restart_command: exit code 9; it wrote: no power"));
  EXPECT_THAT(outcome.result.warning(0), HasSubstr("Its restart_command did not help. Without"));
}

// ---- the run ---------------------------------------------------------------------------------

TEST_F(RunTest, AnInterruptedRunTellsWhatItHas) {
  std::atomic<bool> interrupted = false;
  options_.interrupted = &interrupted;
  options_.progress = [&interrupted](const v1::CaseResult&, size_t, size_t) { interrupted = true; };
  const RunOutcome outcome =
      Play({CaseOf("a/one", kPasses), CaseOf("a/two", kPasses), CaseOf("a/three", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS", "a/two NOT_PLAYED", "a/three NOT_PLAYED"));
  EXPECT_EQ(outcome.result.run_error(), "interrupted when 1 of 3 cases had been judged");
}

TEST_F(RunTest, WhatWasJudgedWhenTheInterruptCameCounts) {
  std::atomic<bool> interrupted = false;
  options_.interrupted = &interrupted;
  targets_.received = [&](const v1::Pdu& pdu) {
    if (pdu.data().raw() == "now") interrupted = dead_ = true;
  };
  const Case now = CaseOf("a/one", R"(step { login {} }
    step { send { task: "p" pdu { nop_out {} immediate: true data { raw: "now" } } } }
    step { expect { task: "p" one_of { pdu { nop_in {} } } } })");
  // Nor is the target looked at any more.
  EXPECT_THAT(Told(Play({now})), ElementsAre("a/one PASS"));
}

TEST_F(RunTest, EachShardPlaysItsPart) {
  const std::vector<Case> cases = {CaseOf("a/one", kPasses), CaseOf("a/two", kPasses),
                                   CaseOf("a/three", kPasses)};
  options_.shard = {1, 2};
  EXPECT_THAT(Told(Play(cases)), ElementsAre("a/one PASS", "a/three PASS"));
  options_.shard = {2, 2};
  EXPECT_THAT(Told(Play(cases)), ElementsAre("a/two PASS"));
}

TEST_F(RunTest, WhatIsOfAnotherTransportIsLeftOut) {
  Case iser = CaseOf("a/iser", absl::StrCat("needs { transport: ISER_ONLY }", kPasses));
  RunOutcome outcome = Play({iser, CaseOf("a/one", kPasses)});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one PASS"));
  ASSERT_THAT(outcome.result.left_out(), SizeIs(1));
  EXPECT_EQ(outcome.result.left_out(0).cases(), 1u);
  EXPECT_THAT(outcome.result.left_out(0).reason(), HasSubstr("of iSER alone"));

  outcome = Play({iser});
  EXPECT_TRUE(absl::IsOutOfRange(outcome.status)) << outcome.status;
  EXPECT_EQ(outcome.result.exit_code(), kExitNothingMatched);

  iser.named = true;
  EXPECT_THAT(Told(Play({iser})), ElementsAre("a/iser SKIP"));
}

TEST_F(RunTest, EachPortalIsLookedFor) {
  options_.portals = 2;
  const RunOutcome outcome = Play({CaseOf("a/one", kPasses)});
  EXPECT_TRUE(absl::IsUnavailable(outcome.status)) << outcome.status;
  EXPECT_THAT(outcome.result.run_error(), HasSubstr("portal 2"));
}

TEST_F(RunTest, AWarningFailsAStrictRun) {
  const Case warns = CaseOf("a/one", R"(step { login {} }
    step { send { task: "p" pdu { nop_out {} immediate: true } } }
    step { expect { task: "p" one_of { pdu { nop_in {} } why: "w"
      verdict: ALTERNATIVE_WARN } } })");
  EXPECT_EQ(Play({warns}).result.exit_code(), kExitAsExpected);
  options_.strict = true;
  const RunOutcome outcome = Play({warns});
  EXPECT_EQ(outcome.result.exit_code(), kExitUnexpectedVerdict);
  EXPECT_EQ(outcome.result.totals().unexpected(), 1u);
}

// Whether a LUN keeps what is written is looked at only where that is to be written over anyway.
TEST_F(RunTest, WritesNothingUnasked) {
  size_t writes = 0;
  targets_.received = [&writes](const v1::Pdu& pdu) { writes += pdu.scsi_command().write(); };
  const std::vector<Case> cases = {
      CaseOf("a/one", absl::StrCat("needs { writes: true }", kPasses))};
  Play(cases);
  EXPECT_EQ(writes, 0u);
  options_.allow_writes = true;
  Play({CaseOf("a/one", kPasses)});
  EXPECT_EQ(writes, 0u) << "no case writes";
  EXPECT_THAT(Told(Play(cases)), ElementsAre("a/one PASS"));
  EXPECT_EQ(writes, 1u);
  targets_.own = true;
  Play(cases);
  EXPECT_EQ(writes, 1u) << "it is known to keep it";
}

// ---- what a case leaves ----------------------------------------------------------------------

TEST_F(RunTest, WhatFailsBehindWhatWasLeftIsNotJudged) {
  targets_.script = [](uint64_t) { return std::string(kTakesPortGroups); };
  const std::vector<Case> cases = {CaseOf("a/one", std::string(kSetsPortGroups)),
                                   CaseOf("a/two", kPasses), CaseOf("a/three", kFails)};
  const RunOutcome outcome = Play(cases);
  EXPECT_THAT(Told(outcome), ElementsAre("a/one FAIL", "a/two PASS", "a/three ERROR"));
  EXPECT_THAT(outcome.result.result(0).failure().message(),
              HasSubstr("; after it LUN 0 was sent SET TARGET PORT GROUPS"));
  EXPECT_THAT(outcome.result.result(2).failure().message(),
              HasSubstr("can't be judged: since a/one LUN 0 was sent"));
  EXPECT_THAT(outcome.result.warning(), ElementsAre(HasSubstr("which could not be put back")));

  options_.commands.restart = "true";
  const RunOutcome restarted = Play(cases);
  EXPECT_THAT(Told(restarted), ElementsAre("a/one FAIL", "a/two PASS", "a/three FAIL"));
  EXPECT_THAT(restarted.result.warning(), IsEmpty());
}

TEST_F(RunTest, WhatIsMissingIsNoFailure) {
  const RunOutcome outcome =
      Play({CaseOf("a/one", absl::StrCat("needs { writes: true }", kPasses))});
  EXPECT_THAT(Told(outcome), ElementsAre("a/one SKIP"));
  EXPECT_EQ(outcome.result.exit_code(), kExitAsExpected);
  EXPECT_THAT(outcome.result.warning(), ElementsAre(HasSubstr("nothing was tested")));
}

}  // namespace
}  // namespace pushpull::conformance
