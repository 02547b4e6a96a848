// What a run of scripted targets makes of an initiator: the script's verdict, how its command
// ended, who comes again, and who comes late.

#include "conformance/runner/run_initiator.h"

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text_proto.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/meeting.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/scripted_target.h"
#include "fabric/stream.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kRight[] = "step { login {} }";
constexpr char kLeaves[] = "step { login {} } step { close {} } epilogue: NOTHING";
constexpr char kGapInCmdSn[] = R"(step { login {} }
  step { send { pdu { nop_out {} } misbehaviour: CMD_SN_GAP } } epilogue: NOTHING)";

Case Script(const std::string& id, const std::string& steps = kServes) {
  return CaseOf(id, absl::StrCat("role: TARGET ", steps));
}

class RunInitiatorTest : public testing::Test {
 protected:
  RunInitiatorTest() {
    options_.target_name = "iqn.2026-11.org.example:scripted";
    options_.command = "true";
    options_.command_limit = absl::Seconds(20);
    options_.listening = [this](const Case&, const std::vector<fabric::Address>& portals) {
      ++listened_;
      if (comes_) meeting_->Start(portals, comes_after_);
    };
  }

  v1::RunResult Run(const std::vector<Case>& scripts) {
    const auto make = [this](const std::vector<fabric::Address>& listen) {
      asked_for_.push_back(listen);
      auto factory = std::make_unique<MeetingFactory>(initiator_);
      factory->reachable = reachable_;
      factory->made = [this](Meeting* meeting) {
        meeting_ = meeting;
        if (made_) made_(meeting);
      };
      return factory;
    };
    return RunInitiator(make, scripts, options_);
  }
  v1::CaseResult RunOne() {
    const v1::RunResult run = Run({Script("x/one")});
    EXPECT_THAT(run.result(), SizeIs(1)) << run.ShortDebugString();
    return run.result_size() == 1 ? run.result(0) : v1::CaseResult();
  }
  static std::vector<std::string> Told(const v1::RunResult& run) {
    std::vector<std::string> told;
    for (const v1::CaseResult& result : run.result()) {
      told.push_back(absl::StrCat(result.id(), " ", VerdictName(result).data()));
    }
    return told;
  }

  InitiatorOptions options_;
  std::string initiator_ = kRight;
  bool comes_ = true;  // the initiator
  absl::Duration comes_after_;
  absl::Status reachable_;
  std::function<void(Meeting*)> made_;
  Meeting* meeting_ = nullptr;
  size_t listened_ = 0;
  std::vector<std::vector<fabric::Address>> asked_for_;
};

TEST_F(RunInitiatorTest, ARightInitiatorPasses) {
  options_.seed = 17;
  std::vector<std::string> progress;
  options_.progress = [&](const v1::CaseResult& result) { progress.push_back(result.id()); };
  const v1::RunResult run = Run({Script("x/one"), Script("x/two")});
  EXPECT_THAT(Told(run), ElementsAre("x/one PASS", "x/two PASS")) << run.ShortDebugString();
  EXPECT_THAT(progress, ElementsAre("x/one", "x/two"));
  EXPECT_EQ(run.exit_code(), kExitAsExpected);
  EXPECT_EQ(run.totals().unexpected(), 0u);
  EXPECT_EQ(run.totals().by_verdict().at("PASS"), 2u);
  EXPECT_EQ(run.target(), "initiator: true");
  EXPECT_EQ(run.seed(), 17u);
  EXPECT_EQ(run.run_error(), "");
  EXPECT_EQ(listened_, 2u);
}

// ---- how the command ended -------------------------------------------------------------------

TEST_F(RunInitiatorTest, ACommandMayFailAsItLikes) {
  for (const char* command : {"exit 3", "exit 127", "exit 137", "exit 143", "kill -TERM $$"}) {
    options_.command = command;
    const v1::CaseResult result = RunOne();
    EXPECT_EQ(result.verdict(), v1::PASS) << command << ": " << result.ShortDebugString();
    EXPECT_EQ(result.failure().message(), "") << command;
  }
}

TEST_F(RunInitiatorTest, ACommandMustNotCrash) {
  for (const int signal : {4, 6, 7, 8, 11}) {
    // A shell tells of its child so.
    options_.command = absl::StrCat("exit ", 128 + signal);
    EXPECT_EQ(RunOne().verdict(), v1::FAIL) << options_.command;
    options_.command = absl::StrCat("kill -", signal, " $$");
    const v1::CaseResult result = RunOne();
    EXPECT_EQ(result.verdict(), v1::FAIL) << options_.command;
    EXPECT_THAT(result.failure().message(),
                HasSubstr(absl::StrCat("the initiator's command crashed: it was ended by signal ",
                                       signal)));
  }
}

TEST_F(RunInitiatorTest, ACommandMustNotHang) {
  options_.command = "tail -f /dev/null";
  options_.command_limit = absl::Milliseconds(50);
  const v1::CaseResult result = RunOne();
  EXPECT_EQ(result.verdict(), v1::FAIL);
  EXPECT_THAT(result.failure().message(), HasSubstr("the initiator's command hangs: it took"));
}

TEST_F(RunInitiatorTest, HowTheCommandFailedIsToldOfWhoNeverCame) {
  comes_ = false;
  options_.command = "exit 3";
  v1::CaseResult result = RunOne();
  EXPECT_EQ(result.verdict(), v1::TIMEOUT) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), HasSubstr("; the initiator's command: exit code 3"));
  options_.command = "exit 139";
  result = RunOne();
  EXPECT_EQ(result.verdict(), v1::FAIL);
  EXPECT_THAT(result.failure().message(), HasSubstr("; the initiator's command crashed: exit"));
  options_.command = "true";
  result = RunOne();
  EXPECT_EQ(result.verdict(), v1::TIMEOUT);
  EXPECT_THAT(result.failure().message(), Not(HasSubstr("command")));
}

TEST_F(RunInitiatorTest, TheCommandIsToldWhereToGo) {
  const std::string file = absl::StrCat(testing::TempDir(), "/told");
  options_.command = absl::StrCat(
      "echo $PUSHPULL_URL $PUSHPULL_ADDRESS $PUSHPULL_HOST $PUSHPULL_PORT $PUSHPULL_NAME "
      "$PUSHPULL_CASE > ",
      file);
  RunOne();
  EXPECT_EQ(base::ReadTextFile(file).value_or("nothing"),
            "iscsi://192.0.2.5:3260/iqn.2026-11.org.example:scripted/0 192.0.2.5:3260 192.0.2.5 "
            "3260 iqn.2026-11.org.example:scripted x/one\n");
}

TEST_F(RunInitiatorTest, WhatTheCommandWroteIsKept) {
  const std::string path = absl::StrCat(testing::TempDir(), "/kept");
  auto folder = ResultFolder::Create(path);
  ASSERT_TRUE(folder.ok()) << folder.status();
  options_.folder = &*folder;
  options_.command = "echo here; echo there >&2";
  RunOne();
  EXPECT_EQ(base::ReadTextFile(absl::StrCat(path, "/cases/x/one/initiator.txt")).value_or(""),
            "here\nthere\n");
}

// ---- who comes late, and who comes again -----------------------------------------------------

TEST_F(RunInitiatorTest, WhoStartsTheInitiatorByHandHasTime) {
  options_.command = "";
  options_.wait = absl::Minutes(5);
  comes_after_ = absl::Minutes(4);
  EXPECT_EQ(RunOne().verdict(), v1::PASS);
  EXPECT_EQ(Run({Script("x/one")}).target(), "an initiator");
  options_.wait = absl::Minutes(3);
  EXPECT_EQ(RunOne().verdict(), v1::TIMEOUT);
}

TEST_F(RunInitiatorTest, ACommandComesAtOnce) {
  comes_after_ = absl::Minutes(4);
  EXPECT_EQ(RunOne().verdict(), v1::TIMEOUT);
}

// It ends once it has been let in a second time.
TEST_F(RunInitiatorTest, WhoComesAgainFindsARightTargetAtTheSameAddress) {
  const std::string again = absl::StrCat(testing::TempDir(), "/again");
  options_.command = absl::StrCat("until [ -e ", again, " ]; do :; done");
  options_.listen = {{"192.0.2.5", 0}};
  size_t meetings = 0;
  made_ = [&](Meeting* meeting) {
    if (++meetings != 2) return;
    meeting->Start({{"192.0.2.5", 3260}}, absl::Milliseconds(1),
                   [&again](const initiator_sim::PlayResult& seen) {
                     EXPECT_EQ(seen.verdict, v1::PASS) << seen.failure.message();
                     std::ofstream(again) << "done";
                   });
  };
  EXPECT_EQ(RunOne().verdict(), v1::PASS);
  EXPECT_GE(meetings, 2u);
  ASSERT_THAT(asked_for_, SizeIs(2));
  EXPECT_EQ(asked_for_[0][0].port, 0);
  EXPECT_EQ(asked_for_[1][0].port, 3260);
}

// ---- the run ---------------------------------------------------------------------------------

TEST_F(RunInitiatorTest, WhatTheInitiatorBreaksFailsUnlessItIsKnown) {
  initiator_ = kGapInCmdSn;
  v1::RunResult run = Run({Script("x/one")});
  EXPECT_THAT(Told(run), ElementsAre("x/one FAIL"));
  EXPECT_THAT(run.result(0).failure().message(), HasSubstr("cmd_sn_increments"));
  EXPECT_EQ(run.exit_code(), kExitUnexpectedVerdict);
  EXPECT_EQ(run.totals().unexpected(), 1u);
  options_.known_rules = {"cmd_sn_increments"};
  EXPECT_THAT(Told(Run({Script("x/one")})), ElementsAre("x/one PASS"));
}

TEST_F(RunInitiatorTest, AWarningFailsAStrictRun) {
  initiator_ = kLeaves;
  const Case script = Script("x/one", R"(step { accept {} } step { accept_login {} }
    step { serve { until { logout_request {} } or_closed: true } }
    step { expect { one_of { closed: true verdict: ALTERNATIVE_WARN why: "w" ends: true } } }
    epilogue: NOTHING)");
  v1::RunResult run = Run({script});
  EXPECT_THAT(Told(run), ElementsAre("x/one WARN")) << run.ShortDebugString();
  EXPECT_EQ(run.exit_code(), kExitAsExpected);
  options_.strict = true;
  run = Run({script});
  EXPECT_EQ(run.exit_code(), kExitUnexpectedVerdict);
  EXPECT_EQ(run.totals().unexpected(), 1u);
}

TEST_F(RunInitiatorTest, AProfileExpectsAFailureAndItsComplaintFailsTheRun) {
  initiator_ = kGapInCmdSn;
  v1::Profile profile;
  profile.add_expect()->set_id("x/one");
  ProfileOverlay overlay(profile, "2026-11-22");
  overlay.SetCases({"x/one"});
  options_.overlay = &overlay;
  v1::RunResult run = Run({Script("x/one")});
  EXPECT_THAT(Told(run), ElementsAre("x/one XFAIL"));
  EXPECT_EQ(run.exit_code(), kExitAsExpected);
  overlay.SetCases({"other"});
  run = Run({Script("x/one")});
  EXPECT_THAT(run.profile_complaint(), SizeIs(1));
  EXPECT_EQ(run.exit_code(), kExitUnexpectedVerdict);
}

TEST_F(RunInitiatorTest, WhereNobodyCanListenNothingIsPlayed) {
  reachable_ = absl::UnavailableError("the address is taken");
  const v1::RunResult run = Run({Script("x/one"), Script("x/two")});
  EXPECT_EQ(run.run_error(), "the address is taken");
  EXPECT_EQ(run.exit_code(), kExitUsage);
  EXPECT_THAT(run.result(), IsEmpty());
}

TEST_F(RunInitiatorTest, AnAddressThatIsLostLaterIsAnErrorOfThatScript) {
  options_.progress = [this](const v1::CaseResult&) {
    reachable_ = absl::UnavailableError("the address is taken");
  };
  const v1::RunResult run = Run({Script("x/one"), Script("x/two")});
  EXPECT_THAT(Told(run), ElementsAre("x/one PASS", "x/two ERROR"));
  EXPECT_EQ(run.run_error(), "");
  EXPECT_EQ(run.exit_code(), kExitUnexpectedVerdict);
}

TEST_F(RunInitiatorTest, AnInterruptedRunTellsWhatItHas) {
  std::atomic<bool> interrupted = false;
  options_.interrupted = &interrupted;
  options_.progress = [&](const v1::CaseResult&) { interrupted = true; };
  v1::RunResult run = Run({Script("x/one"), Script("x/two")});
  EXPECT_THAT(Told(run), ElementsAre("x/one PASS", "x/two NOT_PLAYED"));
  EXPECT_EQ(run.run_error(), "interrupted when 1 of 2 scripts had been played");
  EXPECT_EQ(listened_, 1u) << "the second never began";

  interrupted = false;
  made_ = [&](Meeting*) { interrupted = true; };
  options_.command = "tail -f /dev/null";  // is ended
  options_.command_limit = absl::Hours(1);
  run = Run({Script("x/one")});
  EXPECT_THAT(Told(run), ElementsAre("x/one NOT_PLAYED"));
  EXPECT_EQ(run.run_error(), "interrupted when 0 of 1 scripts had been played");
}

}  // namespace
}  // namespace pushpull::conformance
