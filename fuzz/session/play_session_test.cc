// What session fuzzing can see: nothing of a target that is right, whatever the initiator does, and
// each kind of finding where the target has a defect.

#include "fuzz/session/play_session.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "fuzz/mutator/scenario_mutator.h"
#include "fuzz/session/state_coverage.h"
#include "gtest/gtest.h"

namespace pushpull::fuzz {
namespace {

v1::Scenario Parse(std::string_view text) {
  v1::Scenario scenario;
  EXPECT_TRUE(FromText({.iser = true}, text, &scenario)) << text;
  Tame({.iser = true}, &scenario);
  return scenario;
}

std::vector<std::string> Findings(std::string_view text, std::string_view bug = "",
                                  bool iser = false) {
  SessionOptions options;
  options.iser = iser;
  if (!bug.empty()) options.bugs.Add(*target::ParseBugName(bug));
  return PlaySession(options, Parse(text));
}

struct Shown {
  const char* scenario;
  const char* bug;
  const char* finding;  // how it begins
};

constexpr Shown kShown[] = {
    {"step { login {} } step { command { cdb { read { blocks: 8 } } } }", "data_sn_starts_at_one",
     "monitor: "},
    {"step { login {} } step { send { task: 't' pdu { task_management_request {"
     " function: LOGICAL_UNIT_RESET } immediate: true } } } step { expect { task: 't' one_of {"
     " pdu { task_management_response {} } } } }",
     "lun_reset_unanswered", "connection c1: the task_management_request "},
    {"step { login {} } step { send { task: 'n' misbehaviour: TRUNCATED pdu { nop_out {} } } }",
     "half_pdu_keeps_connection", "hours after all connections were closed"},
};

TEST(PlaySessionTest, EachKindOfFindingIsSeenAndNothingWithoutTheDefect) {
  for (const Shown& shown : kShown) {
    const std::vector<std::string> healthy = Findings(shown.scenario);
    EXPECT_TRUE(healthy.empty()) << absl::StrJoin(healthy, "\n");
    const std::vector<std::string> found = Findings(shown.scenario, shown.bug);
    ASSERT_FALSE(found.empty()) << shown.bug;
    EXPECT_TRUE(absl::StartsWith(found[0], shown.finding)) << found[0];
  }
}

TEST(PlaySessionTest, AStepThatFailsGivesWayToTheNext) {
  // Nothing of the first steps can be done; the last one is seen all the same.
  const char* const scenario =
      "step { send { pdu { nop_out {} } } } step { expect { task: 'x' one_of { pdu { r2t {} } } } }"
      "step { serve_r2ts { task: 'y' } } step { login {} }"
      "step { expect { one_of { pdu { r2t {} } } } }"
      "step { command { cdb { read { blocks: 8 } } } }";
  EXPECT_TRUE(Findings(scenario).empty());
  EXPECT_FALSE(Findings(scenario, "data_sn_starts_at_one").empty());
}

TEST(PlaySessionTest, AnAdministratorMayCrossTheLogoutOfADiscoverySession) {
  EXPECT_TRUE(Findings("let { name: 'target_loops' number: 2 } step { login { discovery: true } }"
                       "step { trigger { hook: 'stop' argument { name: 'within_s' number: 2 } } }"
                       "step { text_until_final { at_most: 40 offer { name: 'SendTargets' value:"
                       " 'All' } } } step { logout {} }")
                  .empty());
}

TEST(PlaySessionTest, BehindBytesThatNoPduHasNothingIsJudged) {
  constexpr char kSteps[] =
      "step { login {} } step { send { pdu { nop_out {} pad: 'four' } } }"
      "step { send { task: 'n' pdu { nop_out {} } } } step { send { pdu { nop_out {} } } }"
      "step { elapse { milliseconds: 100 } }";
  const std::vector<std::string> findings = Findings(kSteps);
  EXPECT_TRUE(findings.empty()) << absl::StrJoin(findings, "\n");
}

TEST(PlaySessionTest, WhatWaitsForAWritesMemoryIsNotDueBeforeItsData) {
  constexpr char kSteps[] =
      "step { login {} } step { send { task: 'w' count: 2 pdu { scsi_command { write: true"
      " cdb { write { blocks: 200 } } } } } } step { send { task: 'r' pdu { scsi_command {"
      " read: true cdb { read { blocks: 200 } } } } } } step { serve_r2ts { task: 'w0' } }";
  EXPECT_TRUE(
      Findings(std::string("let { name: 'target_buffer_bytes' number: 4096 }") + kSteps).empty());
}

TEST(PlaySessionTest, OverIserToo) {
  const char* const scenario =
      "step { login {} } step { command { cdb { write { blocks: 8 } } } }"
      "step { send { task: 'n' pdu { nop_out {} } iser { length: 20 } } }"
      "step { connection: 'b' login {} } step { connection: 'b' disconnect { abrupt: true } }";
  EXPECT_TRUE(Findings(scenario, "", /*iser=*/true).empty());
  EXPECT_FALSE(Findings(scenario, "iser_keys_not_understood", /*iser=*/true).empty());
}

TEST(PlaySessionTest, StatesAreCounted) {
  std::vector<uint8_t> counters(256);
  StateCoverage coverage(counters);
  PlaySession({}, Parse("step { login {} } step { probe {} } step { logout {} }"), &coverage);
  EXPECT_TRUE(coverage.states().contains("login: login_request I 1 -> login_response 0.0 T"))
      << absl::StrJoin(coverage.states(), "\n");
  EXPECT_TRUE(coverage.states().contains("full feature: nop_out -> nop_in"));
  EXPECT_TRUE(coverage.states().contains("full feature: logout_request I 0 -> logout_response 0"))
      << absl::StrJoin(coverage.states(), "\n");
  EXPECT_GE(std::count_if(counters.begin(), counters.end(), [](uint8_t c) { return c > 0; }), 3);
}

}  // namespace
}  // namespace pushpull::fuzz
