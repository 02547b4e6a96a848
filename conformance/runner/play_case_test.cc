// What a play comes to beside the player's own verdict.

#include "conformance/runner/play_case.h"

#include <sys/stat.h>

#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text_proto.h"
#include "conformance/runner/scripted_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPing[] = R"(
  step { login {} }
  step { name: "ping" send { task: "p" pdu { nop_out {} immediate: true } } }
  step { expect { task: "p" one_of { pdu { nop_in {} } } } }
)";
constexpr char kPingOfAByte[] = R"(
  step { login {} }
  step { send { task: "p" pdu { nop_out {} immediate: true data { raw: "x" } } } }
  step { expect { task: "p" one_of { pdu { nop_in {} } } } }
)";
constexpr char kWrong[] =
    "step { login {} } step { command { cdb { test_unit_ready {} } status: BUSY } }";

// Answers pings with this.
std::string Pings(const std::string& answer) {
  return absl::StrCat(R"(
    step { accept {} }
    step { accept_login {} }
    step { serve { until { nop_out {} } } }
    step { expect { task: "p" one_of { pdu { nop_out {} } } } }
    step { send { task: "p" )",
                      answer, R"( } }
    step { serve { or_closed: true } }
    epilogue: NOTHING)");
}

class PlayCaseTest : public testing::Test {
 protected:
  void SetUp() override {
    facts_.target_name = targets_.target_name();
    facts_.luns = {0};
    options_.settings = &settings_;
    options_.facts = &facts_;
    options_.replay_command = "pushpull run";
  }
  void WithFolder() {
    const auto* const info = testing::UnitTest::GetInstance()->current_test_info();
    auto folder = ResultFolder::Create(absl::StrCat(testing::TempDir(), "/", info->name()));
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
    options_.folder = &*folder_;
  }
  std::string Written(const std::string& name) {
    const auto text =
        base::ReadTextFile(absl::StrCat(folder_->path(), "/", folder_->CasePath("t/x", name)));
    return text.ok() ? *text : text.status().ToString();
  }
  v1::CaseResult Play(const std::string& text) {
    return PlayCase(&targets_, CaseOf("t/x", text), options_);
  }

  ScriptedTargets targets_;
  PlaySettings settings_;
  TargetFacts facts_;
  TargetCommands commands_;
  PlayCaseOptions options_;
  std::optional<ResultFolder> folder_;
};

TEST_F(PlayCaseTest, APassIsTheCasesOwn) {
  const v1::CaseResult result = Play(absl::StrCat("title: \"T\" ", kPing, R"(
      step { cite: "RFC7143-4.2.1-b" cite: "RFC7143-4.2.1-a" logout {} } epilogue: NOTHING)"));
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  EXPECT_EQ(result.id(), "t/x");
  EXPECT_EQ(result.title(), "T");
  EXPECT_EQ(result.area(), "t");
  EXPECT_EQ(result.level(), v1::MUST);
  EXPECT_THAT(result.cite(), ElementsAre("RFC7143-4.2.1-a", "RFC7143-4.2.1-b"));
  EXPECT_THAT(result.violation(), IsEmpty());
  EXPECT_EQ(result.wire_log(), "");
}

TEST_F(PlayCaseTest, IsPlayedAgainByTheSameIsid) {
  EXPECT_EQ(Play(kPing).replay(), "pushpull run --only t/x");
  settings_.isid = {0x80, 1, 2, 3, 4, 0xff};
  EXPECT_EQ(Play(kPing).replay(), "pushpull run --isid 8001020304ff --only t/x");
  const v1::CaseResult skipped = NotPlayed(CaseOf("t/x", kPing), v1::SKIP, "no");
  EXPECT_EQ(skipped.verdict(), v1::SKIP);
  EXPECT_EQ(skipped.failure().message(), "no");
}

// ---- what the monitor saw --------------------------------------------------------------------

TEST_F(PlayCaseTest, AMustThatTheMonitorSawBrokenFails) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const v1::CaseResult result = Play(absl::StrCat(kPing, "step { logout {} } epilogue: NOTHING"));
  EXPECT_EQ(result.verdict(), v1::FAIL) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), HasSubstr("monitor: stat_sn_increments: "));
  EXPECT_THAT(result.failure().cite(), testing::Contains("RFC7143-4.2.2.2-a"));
  EXPECT_EQ(result.failure().step(), "step 3");
  EXPECT_EQ(result.failure().file(), "t/x.textproto");
  EXPECT_EQ(result.failure().line(), 7u);
  ASSERT_THAT(result.violation(), testing::Not(IsEmpty()));
  EXPECT_EQ(result.violation(0).rule(), "stat_sn_increments");
  EXPECT_FALSE(result.violation(0).expected());
}

// What the case said before is another failure's.
TEST_F(PlayCaseTest, AMustThatTheMonitorSawBrokenDecidesBeforeTheCasesWarning) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const v1::CaseResult result = Play(R"(
    step { login {} }
    step { send { task: "p" pdu { nop_out {} immediate: true } } }
    step { expect { task: "p" one_of {
      pdu { nop_in {} } verdict: ALTERNATIVE_WARN why: "w" } } })");
  EXPECT_EQ(result.verdict(), v1::FAIL) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), HasSubstr("stat_sn_increments"));
  EXPECT_EQ(result.failure().expected(), "");
  EXPECT_EQ(result.failure().actual(), "");
}

TEST_F(PlayCaseTest, OfTwoRulesTheProfileMayKnowOne) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const std::set<std::string> known = {"max_cmd_sn_never_falls"};
  options_.known_rules = &known;
  EXPECT_EQ(Play(kPing).verdict(), v1::FAIL);
}

TEST_F(PlayCaseTest, AShouldThatTheMonitorSawMissedWarns) {
  targets_.script = [](uint64_t) {
    return Pings("pdu { nop_in {} data { raw: \"x\" } pad: \"abc\" }");
  };
  const v1::CaseResult result = Play(kPingOfAByte);
  EXPECT_EQ(result.verdict(), v1::WARN) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), HasSubstr("monitor: pad_zero: "));
}

TEST_F(PlayCaseTest, WhatTheProfileKnowsDecidesNothing) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const std::set<std::string> known = {"stat_sn_increments", "stat_sn_next"};
  options_.known_rules = &known;
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  ASSERT_THAT(result.violation(), testing::Not(IsEmpty()));
  EXPECT_TRUE(result.violation(0).expected());
}

TEST_F(PlayCaseTest, AMustDecidesBeforeAShould) {
  targets_.script = [](uint64_t) {
    return Pings("pdu { nop_in { stat_sn: 99 } data { raw: \"x\" } pad: \"abc\" }");
  };
  EXPECT_THAT(Play(kPingOfAByte).failure().message(), HasSubstr("stat_sn_increments"));
}

TEST_F(PlayCaseTest, TheCasesOwnFailureStaysTheReason) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const v1::CaseResult result = Play(absl::StrCat(kPing, "step { expect_closed {} }"));
  EXPECT_EQ(result.verdict(), v1::TIMEOUT) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), testing::Not(HasSubstr("monitor")));
  EXPECT_THAT(result.violation(), testing::Not(IsEmpty()));
}

TEST_F(PlayCaseTest, AFailureStaysOneWhereAShouldWasMissedToo) {
  targets_.script = [](uint64_t) {
    return Pings("pdu { nop_in {} data { raw: \"x\" } pad: \"abc\" }");
  };
  EXPECT_EQ(Play(absl::StrCat(kPingOfAByte, "step { expect_closed {} }")).verdict(), v1::TIMEOUT);
}

TEST_F(PlayCaseTest, WhatWasBrokenBeforeACaseIsSkippedCounts) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  const v1::CaseResult result = Play(absl::StrCat(
      kPing, "step { require_negotiated { name: \"HeaderDigest\" value: \"CRC32C\" } }"));
  EXPECT_EQ(result.verdict(), v1::FAIL) << result.ShortDebugString();
  EXPECT_THAT(result.failure().message(), HasSubstr("stat_sn_increments"));
}

TEST_F(PlayCaseTest, WithoutTheMonitorNothingIsSeen) {
  targets_.script = [](uint64_t) { return Pings("pdu { nop_in { stat_sn: 99 } }"); };
  options_.monitor = false;
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.verdict(), v1::PASS);
  EXPECT_THAT(result.violation(), IsEmpty());
}

// What a case sends wrong on purpose is not the target's doing.
TEST_F(PlayCaseTest, TheInitiatorIsNotJudged) {
  const v1::CaseResult result = Play(absl::StrCat(
      "step { login {} } step { send { pdu { nop_out { initiator_task_tag: 0xffffffff }",
      " immediate: true data { raw: \"x\" } pad: \"abc\" } } }"));
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
}

// ---- the endpoint ----------------------------------------------------------------------------

TEST_F(PlayCaseTest, NobodyThereIsAnError) {
  targets_.reachable = absl::UnavailableError("nobody");
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.verdict(), v1::ERROR);
  EXPECT_EQ(result.failure().message(), "nobody");
}

TEST_F(PlayCaseTest, WhatBothEndsReadDifferentlyIsOurError) {
  targets_.complaints = {"they differ", "and again"};
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.verdict(), v1::ERROR);
  EXPECT_EQ(result.failure().message(), "they differ");
}

TEST_F(PlayCaseTest, ALostConnectionIsTold) {
  bool lost = true;
  options_.connection_lost = &lost;
  Play(kPing);
  EXPECT_FALSE(lost) << "it was logged out";
  targets_.script = [](uint64_t) { return std::string(kHangsUp); };
  Play(kPing);
  EXPECT_TRUE(lost);
  targets_.script = nullptr;
  Play("step { login {} } step { close {} } epilogue: NOTHING");
  EXPECT_FALSE(lost) << "the initiator ended it";
}

// RFC 7143 §11.15: the target ends the connection behind its Logout Response.
TEST_F(PlayCaseTest, AConnectionThatWasLoggedOutIsNotLost) {
  bool lost = true;
  options_.connection_lost = &lost;
  targets_.script = [](uint64_t) {
    return std::string(R"(
      step { accept {} } step { accept_login {} }
      step { expect { task: "l" one_of { pdu { logout_request {} } } } }
      step { send { task: "l" pdu { logout_response {} } } }
      step { close {} } epilogue: NOTHING)");
  };
  const v1::CaseResult result = Play(R"(
    step { login { unit_attention: LEFT } }
    step { send { task: "l" pdu { logout_request {} } } }
    step { expect { task: "l" one_of { pdu { logout_response {} } } } }
    step { expect_closed {} } epilogue: NOTHING)");
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  EXPECT_FALSE(lost);
}

TEST_F(PlayCaseTest, CasesAboutChapHaveATargetMadeForThem) {
  targets_.credentials.user = "u";
  targets_.credentials.secret = "0123456789ab";
  Play(kPing);
  EXPECT_EQ(targets_.made_with_chap(), 0u);
  Play(absl::StrCat("needs { chap: true }", kPing));
  EXPECT_EQ(targets_.made_with_chap(), 1u);
  Play(absl::StrCat("needs { mutual_chap: true }", kPing));
  EXPECT_EQ(targets_.made_with_chap(), 2u);
  settings_.chap.user = "mine";
  Play(absl::StrCat("needs { chap: true }", kPing));
  EXPECT_EQ(targets_.made_with_chap(), 2u) << "the user's own";
}

// ---- unit attentions -------------------------------------------------------------------------

// Ends the next command with a unit attention (SPC-4 §5.14).
constexpr char kAttention[] = R"(
  step { accept {} } step { accept_login {} }
  step { serve { until { scsi_command { cdb { test_unit_ready {} } } } } }
  step { expect { task: "c" one_of { pdu { scsi_command {} } } } }
  step { send { task: "c" pdu {
    scsi_response { status: CHECK_CONDITION }
    data { raw: "\0\x12\x70\0\x06\0\0\0\0\x0a\0\0\0\0\x29\0\0\0\0\0" } } } }
  step { serve { or_closed: true } } epilogue: NOTHING)";

constexpr char kReady[] = R"(
  step { login { unit_attention: LEFT } }
  step { send { task: "t" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
  step { expect { task: "t" one_of { pdu { scsi_response { status: GOOD } } } } })";

TEST_F(PlayCaseTest, IsPlayedAgainAfterAUnitAttention) {
  WithFolder();
  size_t made = 0;
  targets_.script = [&made](uint64_t) { return std::string(made++ == 0 ? kAttention : kServes); };
  const v1::CaseResult result = Play(kReady);
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  EXPECT_EQ(result.failure().message(), "");
  EXPECT_EQ(result.replay(), "pushpull run --only t/x");
  EXPECT_THAT(targets_.seeds(), ElementsAre(1, 2)) << "another seed, or it would come again";
  EXPECT_THAT(Written("disturbed_1.txt"), HasSubstr("CHECK_CONDITION"));
}

TEST_F(PlayCaseTest, IsPlayedAgainForAWarningToo) {
  size_t made = 0;
  targets_.script = [&made](uint64_t) { return std::string(made++ == 0 ? kAttention : kServes); };
  const v1::CaseResult result = Play(R"(
    step { login { unit_attention: LEFT } }
    step { send { task: "t" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
    step { expect { task: "t" one_of { pdu { scsi_response { status: GOOD } } }
      one_of { pdu { scsi_response {} } verdict: ALTERNATIVE_WARN why: "not good" } } })");
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
}

TEST_F(PlayCaseTest, WhatAUnitAttentionDoesNotExplainIsNotPlayedAgain) {
  const std::string attention = kAttention;
  std::string wrong = attention;
  wrong.replace(wrong.find("scsi_response {"), 15, "scsi_response { stat_sn: 99");
  targets_.script = [&wrong](uint64_t) { return wrong; };
  EXPECT_EQ(Play(kReady).verdict(), v1::FAIL);
  EXPECT_THAT(targets_.seeds(), SizeIs(1)) << "a rule was broken";

  std::string gone = attention;
  gone.replace(gone.find("serve { or_closed: true }"), 25, "close {}");
  targets_.script = [&gone](uint64_t) { return gone; };
  Play(absl::StrCat(kReady, "step { expect_closed {} }"));
  EXPECT_THAT(targets_.seeds(), SizeIs(2)) << "the target went away";

  targets_.script = [](uint64_t) { return std::string(kAttention); };
  targets_.complaints = {"they differ"};
  EXPECT_EQ(Play(kReady).verdict(), v1::ERROR);
  EXPECT_THAT(targets_.seeds(), SizeIs(3)) << "it is our error";
}

TEST_F(PlayCaseTest, NothingIsLeftOfAPlayThatWasDisturbed) {
  std::string wrong = kAttention;
  wrong.replace(wrong.find("scsi_response {"), 15, "scsi_response { stat_sn: 99");
  size_t made = 0;
  targets_.script = [&](uint64_t) { return made++ == 0 ? wrong : std::string(kServes); };
  const std::set<std::string> known = {"stat_sn_increments"};
  options_.known_rules = &known;
  const v1::CaseResult result = Play(kReady);
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  EXPECT_THAT(targets_.seeds(), SizeIs(2));
  EXPECT_THAT(result.violation(), IsEmpty());
}

TEST_F(PlayCaseTest, IsPlayedThreeTimesAtTheMost) {
  targets_.script = [](uint64_t) { return std::string(kAttention); };
  EXPECT_EQ(Play(kReady).verdict(), v1::FAIL);
  EXPECT_THAT(targets_.seeds(), ElementsAre(1, 2, 3));
}

TEST_F(PlayCaseTest, AFailureWithoutUnitAttentionIsPlayedOnce) {
  EXPECT_EQ(Play(kWrong).verdict(), v1::FAIL);
  EXPECT_THAT(targets_.seeds(), SizeIs(1));
}

// ---- the user's commands ---------------------------------------------------------------------

TEST_F(PlayCaseTest, CommandsGoBeforeAndAfter) {
  WithFolder();
  options_.commands = &commands_;
  commands_.before_case = "echo one";
  commands_.after_case = "echo two";
  EXPECT_EQ(Play(kPing).verdict(), v1::PASS);
  EXPECT_EQ(Written("before.txt"), "one\n");
  EXPECT_EQ(Written("after.txt"), "two\n");
}

TEST_F(PlayCaseTest, NothingIsPlayedWhereTheCommandBeforeFails) {
  options_.commands = &commands_;
  commands_.before_case = "exit 5";
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.verdict(), v1::ERROR);
  EXPECT_THAT(result.failure().message(), HasSubstr("--before-case: exit code 5"));
  EXPECT_THAT(targets_.seeds(), IsEmpty());
}

TEST_F(PlayCaseTest, ACommandAfterThatFailsIsAnErrorBesideNoFailure) {
  options_.commands = &commands_;
  commands_.after_case = "exit 5";
  EXPECT_EQ(Play(kPing).verdict(), v1::ERROR);
  const v1::CaseResult failed = Play(kWrong);
  EXPECT_EQ(failed.verdict(), v1::FAIL);
  EXPECT_THAT(failed.failure().message(), HasSubstr("; then --after-case: exit code 5"));
}

TEST_F(PlayCaseTest, TheLinkIsShapedForTheCaseAndResetBehindIt) {
  const std::string fabric = absl::StrCat("fabric { mtu: 1024 }", kPing);
  EXPECT_EQ(Play(fabric).verdict(), v1::PASS) << "nobody can shape it";
  WithFolder();
  options_.commands = &commands_;
  const std::string link = absl::StrCat(testing::TempDir(), "/link.sh");
  const auto is = [&](const char* text) {
    std::ofstream(link) << "#!/bin/sh\n" << text << "\n";
    ASSERT_EQ(chmod(link.c_str(), 0755), 0);
    commands_.link = link;
  };
  is("echo $1");
  EXPECT_EQ(Play(fabric).verdict(), v1::PASS);
  EXPECT_THAT(targets_.seeds(), SizeIs(2));
  EXPECT_EQ(Written("link.txt"), "shape\n");
  EXPECT_EQ(Written("link_reset.txt"), "reset\n");
  is("[ $1 = shape ]");
  const v1::CaseResult result = Play(fabric);
  EXPECT_EQ(result.verdict(), v1::ERROR) << "what follows would find it so";
  EXPECT_THAT(result.failure().message(), HasSubstr("the link: "));
}

TEST_F(PlayCaseTest, ALinkThatCantBeShapedIsAnErrorAndIsResetAllTheSame) {
  WithFolder();
  options_.commands = &commands_;
  commands_.link = "/no/such/link";
  const v1::CaseResult result = Play(absl::StrCat("fabric { mtu: 1024 }", kPing));
  EXPECT_EQ(result.verdict(), v1::ERROR);
  EXPECT_THAT(result.failure().message(), HasSubstr("the link: "));
  EXPECT_THAT(targets_.seeds(), IsEmpty());
  EXPECT_THAT(Written("link_reset.txt"), HasSubstr("not found"));
  EXPECT_EQ(Play(kPing).verdict(), v1::PASS) << "another case leaves the link alone";
}

TEST_F(PlayCaseTest, TheUsersHookGoesBeforeTheEndpointsOwn) {
  WithFolder();
  std::vector<std::string> asked;
  targets_.own_hook = [&asked](const v1::Trigger& trigger, initiator_sim::HookDone done) {
    asked.push_back(trigger.hook());
    done(absl::OkStatus());
  };
  options_.commands = &commands_;
  commands_.hooks["drain"] = "echo drained";
  const v1::CaseResult result =
      Play("step { trigger { hook: \"drain\" } } step { trigger { hook: \"fill\" } }");
  EXPECT_EQ(result.verdict(), v1::PASS) << result.ShortDebugString();
  EXPECT_THAT(asked, ElementsAre("fill"));
  EXPECT_EQ(Written("hook_drain.txt"), "drained\n");
}

// ---- what is put back ------------------------------------------------------------------------

constexpr char kReserves[] = R"(
  step { login { unit_attention: LEFT } }
  step { command { cdb { raw: "\x16\0\0\0\0\0" } status: )";

TEST_F(PlayCaseTest, WhatACaseThatPassesLeftItHasSeenUndone) {
  std::string left;
  options_.left = &left;
  EXPECT_EQ(Play(absl::StrCat(kReserves, "CHECK_CONDITION } }")).verdict(), v1::PASS);
  EXPECT_THAT(targets_.seeds(), SizeIs(1));
}

TEST_F(PlayCaseTest, WhatACaseThatFailsMayHaveLeftIsPutBack) {
  WithFolder();
  std::string left;
  options_.left = &left;
  EXPECT_EQ(Play(absl::StrCat(kReserves, "GOOD } }")).verdict(), v1::FAIL);
  EXPECT_THAT(targets_.seeds(), SizeIs(testing::Gt(1)));
  EXPECT_THAT(Written("put_back.txt"), HasSubstr("# as iqn."));
  EXPECT_EQ(left, "");
}

TEST_F(PlayCaseTest, WhereEachCaseHasATargetOfItsOwnNothingIsPutBack) {
  std::string left;
  options_.left = &left;
  targets_.own = true;
  Play(absl::StrCat(kReserves, "GOOD } }"));
  EXPECT_THAT(targets_.seeds(), SizeIs(1));
}

TEST_F(PlayCaseTest, WhatCannotBePutBackIsTold) {
  std::string left;
  options_.left = &left;
  targets_.script = [](uint64_t) { return std::string(kTakesPortGroups); };
  Play(kSetsPortGroups);
  EXPECT_EQ(left, "LUN 0 was sent SET TARGET PORT GROUPS, which is not undone");
}

// ---- what is written -------------------------------------------------------------------------

TEST_F(PlayCaseTest, WritesWhatItTakesToLookIntoIt) {
  WithFolder();
  const v1::CaseResult result = Play(kPing);
  EXPECT_EQ(result.wire_log(), folder_->CasePath("t/x", "wire.pcapng"));
  EXPECT_EQ(result.scenario(), folder_->CasePath("t/x", "scenario.textproto"));
  EXPECT_THAT(Written("wire.txt"), HasSubstr("NOP-Out"));
  EXPECT_THAT(Written("wire.json"), HasSubstr("\"OPENED\""));
  EXPECT_THAT(Written("scenario.textproto"), HasSubstr("id: \"t/x\""));
}

}  // namespace
}  // namespace pushpull::conformance
