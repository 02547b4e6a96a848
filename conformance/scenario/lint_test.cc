#include "conformance/scenario/lint.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_join.h"
#include "conformance/requirements/catalogue.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Lines 1 to 4 of each text below; steps stand from line 5 on.
constexpr std::string_view kHead =
    "id: \"a/b\"\n"
    "title: \"t\" why: \"w\" level: MUST since: 1 kills: \"read_short\"\n"
    "cite: \"R1\"\n"
    "cite: \"R2\"\n";

const std::set<std::string>& Requirements() {
  static const std::set<std::string>* const ids = new std::set<std::string>{"R1", "R2"};
  return *ids;
}
const std::set<std::string>& Mutants() {
  static const std::set<std::string>* const names = new std::set<std::string>{"read_short"};
  return *names;
}

std::vector<LintError> LintText(const std::string& text) {
  const auto file = ParseScenario(text, "a/b.textproto");
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  if (!file.ok()) return {};
  return Lint(*file, {.id = "a/b", .requirements = &Requirements(), .mutants = &Mutants()});
}

std::string Lines(const std::vector<LintError>& errors) {
  return absl::StrJoin(errors, "\n", [](std::string* out, const LintError& error) {
    out->append(error.ToString());
  });
}

TEST(LintTest, AGoodCaseHasNoErrors) {
  EXPECT_THAT(Lines(LintText(std::string(kHead) + "step { login {} }\n")), IsEmpty());
}

TEST(LintTest, ATraceNeedsNoPeerAndJudgesNothing) {
  EXPECT_THAT(Lines(LintText("id: \"a/b\" title: \"t\" why: \"w\" trace {}"
                             "step { send { pdu { scsi_command { cdb { write { blocks: 1 } } } } } "
                             "delivery { join_next: true } }")),
              IsEmpty());
}

struct Case {
  const char* rule;
  uint32_t line;
  std::string text;  // after kHead
};

std::string Login(const std::string& rest) { return "step { login {} }\n" + rest; }
// A WRITE's task "w", on line 6.
std::string Write(const std::string& rest) {
  return "step { login {} }\nstep { send { task: \"w\" pdu { scsi_command { write: true } } } }\n" +
         rest;
}
std::string ExpectOne(const std::string& alternative) {
  return Login("step { expect { one_of { " + alternative + " } } }\n");
}

const std::vector<Case>& Cases() {
  static const auto* const cases = new std::vector<Case>{
      // Values, tasks, fields.
      {"unknown_value", 6,
       Login(R"(step { send { pdu { nop_out {} } bind { field: "cmd_sn" from: "x" } } })")},
      {"unknown_value", 6,
       ExpectOne(R"(pdu { nop_in {} } where { field: "stat_sn" ref { from: "x" } })")},
      {"unknown_value", 6,
       ExpectOne(R"(pdu { nop_in {} } where { field: "stat_sn" serial { from: "task.w" } })")},
      {"unknown_value", 5, R"(step { login { key { name: "A" value_from: "x" } } })"},
      {"unknown_value", 5, R"(step { connect { address_from: "x" } })"},
      {"unknown_value", 6, Login(R"(step { check_blocks { lun_from: "lun.x" } })")},
      {"needs_luns", 6, Login(R"(step { check_blocks { lun_from: "lun.1" } })")},
      {"unknown_task", 6, Login(R"(step { serve_r2ts { task: "w" } })")},
      {"unknown_task", 6, Login(R"(step { gather_data_in {} })")},
      {"unknown_task", 6, Login(R"(step { expect { task: "w" one_of { closed: true } } })")},
      {"unknown_task", 6, Login(R"(step { send { task: "w" pdu { data_out {} } } })")},
      {"unknown_task", 6,
       Login(R"(step { send { refers_to: "w" pdu { task_management_request {} } } })")},
      {"unknown_task", 6, ExpectOne(R"(pdu { reject {} } rejects: "w")")},
      {"unknown_task", 6,
       ExpectOne(R"(pdu { nop_in {} } where { field: "stat_sn" ref { from: "task.w.cmd_sn" } })")},
      {"unknown_field", 6, ExpectOne(R"(pdu { nop_in {} } where { field: "r2t_sn" eq: 1 })")},
      {"unknown_field", 6,
       ExpectOne(R"(pdu { nop_in {} } where { field: "@login_status" eq: 1 })")},
      {"unknown_field", 6, ExpectOne(R"(pdu { nop_in {} } save { field: "no_such" as: "x" })")},
      {"unknown_field", 6,
       Login(R"(step { send { pdu { nop_out {} } bind { field: "attr" from: "cid" } } })")},
      {"unknown_field", 7,
       Write(R"(step { serve_r2ts { task: "w" where { field: "status" eq: 0 } } })")},
      {"bad_name", 6, ExpectOne(R"(pdu { nop_in {} } save { field: "stat_sn" as: "a.b" })")},
      {"empty_range", 6,
       ExpectOne(R"(pdu { nop_in {} } where { field: "stat_sn" range { min: 2 max: 1 } })")},

      // Connections, roles, transports.
      {"connection", 5, "step { probe {} }"},
      {"connection", 6, Login(R"(step { connection: "c2" probe {} })")},
      {"connection", 7, Login("step { close {} }\nstep { probe {} }")},
      {"connection", 6,
       ExpectOne(R"(pdu { nop_in {} })"
                 R"(where { field: "stat_sn" ref { from: "connection.c9.exp_stat_sn" } })")},
      {"wrong_role", 5, "step { accept {} }"},
      {"wrong_role", 5, "role: TARGET step { login {} }"},
      {"needs_transport", 5, R"(step { register { buffer: "b" } } step { login {} })"},
      {"needs_transport", 6,
       Login("step { send { pdu { nop_out {} } misbehaviour: ISER_KEY_BAD } }")},
      {"needs_portals", 5, "step { connect { portal: 1 } } step { expect_closed {} }"},
      {"needs_hook", 6, Login(R"(step { trigger { hook: "h" } })")},
      {"needs_chap", 5, "step { login { chap {} } }"},
      {"needs_chap", 5, "needs { chap: true } step { login { chap { mutual: true } } }"},
      {"needs_writes", 1, Login("step { command { cdb { write { blocks: 1 } } } }")},
      {"needs_writes", 1,
       Login(R"(step { send { pdu { scsi_command { cdb { raw: "\x42" } } } } })")},
      {"needs_whole_lun", 6,
       "needs { writes: true }\nstep { login {} } step { command { absolute_lba: true "
       "cdb { write { blocks: 1 } } } }"},
      {"needs_whole_lun", 6,
       "needs { writes: true }\n"
       R"(step { login {} } step { send { pdu { scsi_command { cdb { raw: "\x48\x02" } } } } })"},
      {"isid", 5, R"(step { login { isid: "12345" } })"},

      // The target's limits.
      {"window", 6,
       Login("step { send { pdu { nop_out {} } "
             R"(bind { field: "cmd_sn" from: "cmd_sn" add: 1 } } })")},
      {"window", 7,
       Login("step { require { value: \"window\" at_least: 2 } }\nstep { send { pdu { nop_out {} } "
             R"(bind { field: "cmd_sn" from: "cmd_sn" add: 2 } } })")},
      {"window", 6, Login("step { send { pdu { nop_out {} } misbehaviour: CMD_SN_GAP } }")},
      {"segment", 6,
       Login("step { send { pdu { nop_out {} data { pattern { length: 513 } } } } }")},
      {"segment", 7,
       Login(R"(step { require_negotiated { name: "MaxRecvDataSegmentLength" at_least: 600 } })"
             "\nstep { send { pdu { nop_out {} data { pattern { length: 601 } } } } }")},
      {"needs_blocks", 6, Login("step { command { cdb { read { blocks: 2 } } } }")},
      {"needs_blocks", 6,
       "needs { blocks: 8 }\nstep { login {} } step { send { pdu { scsi_command { cdb { read { "
       "lba: 8 "
       "blocks: 1 } } } } } }"},
      {"needs_blocks", 6,
       "needs { blocks: 99 transfer_blocks: 98 }\nstep { login {} } step { command { cdb { read { "
       "blocks: 99 } } } }"},
      {"unknown_value", 6, Login(R"(step { require { value: "no_such" at_least: 1 } })")},

      // Steps.
      {"no_action", 6, Login("step { note: \"nothing\" }")},
      {"no_action", 6, Login("step { expect {} }")},
      {"no_action", 6, "tag: \"slow\" " + Login("step { elapse {} }")},
      {"no_kind", 6, Login("step { send { pdu { immediate: true } } }")},
      {"no_cdb", 6, Login("step { command {} }")},
      {"duplicate_step", 6, "step { name: \"s\" login {} }\nstep { name: \"s\" probe {} }"},
      {"slow", 6, Login("step { elapse { milliseconds: 1 } }")},
      {"cuts", 6, Login("step { send { pdu { nop_out {} } } delivery { cut: 9 cut: 9 } }")},
      {"cuts", 6, Login("step { send { pdu { nop_out {} } } delivery { cut: 0 } }")},
      {"delivery", 6, Login("step { probe {} delivery { every: 1 } }")},
      {"join_next", 6,
       Login(
           "step { send { pdu { nop_out {} } } delivery { join_next: true } }\nstep { probe {} }")},
      {"misbehaviour", 6, Login("step { send { pdu { nop_out {} } misbehaviour: DATA_SN_GAP } }")},
      {"misbehaviour", 7,
       Write(R"(step { send { task: "w" pdu { data_out {} } misbehaviour: CMD_SN_GAP } })")},

      // Expectations.
      {"cannot_fail", 6, ExpectOne("pdu {}")},
      {"cannot_fail", 6, ExpectOne("closed: true pdu { nop_in {} }")},
      {"cannot_fail", 6, ExpectOne(R"(pdu { nop_in {} } where { field: "stat_sn" })")},
      {"cannot_fail", 5, R"(step { login { result { name: "MaxConnections" } } })"},
      {"rejects", 7, Write(R"(step { expect { one_of { pdu { nop_in {} } rejects: "w" } } })")},
      {"expect_count", 6, Login("step { expect { count: 2 one_of { closed: true } } }")},
      {"ambiguity", 6, ExpectOne(R"(closed: true verdict: ALTERNATIVE_AMBIGUOUS why: "y")")},
      {"verdict_why", 6, ExpectOne("closed: true verdict: ALTERNATIVE_WARN")},
      {"go_to", 6, ExpectOne(R"(closed: true go_to: "nowhere")")},
      {"go_to", 6,
       "step { name: \"first\" login {} }\nstep { expect { one_of { closed: true go_to: \"first\" "
       "} } }"},
      {"unreachable", 7, ExpectOne("closed: true ends: true") + "step { probe {} }"},

      // The head and the sweep.
      {"step_cite", 5, "step { cite: \"R3\" login {} }"},
      {"unknown_cite", 5, "step { cite: \"R3\" login {} }"},
      {"unknown_cite", 3, "cite: \"R9\" step { login {} }"},
      {"unknown_kill", 2, "kills: \"no_such\" step { login {} }"},
      {"bad_name", 5, "let { name: \"a.b\" number: 1 } step { login {} }"},
      {"duplicate_value", 5,
       "let { name: \"a\" number: 1 } let { name: \"a\" number: 2 } step { login {} }"},
      {"duplicate_value", 5, "let { name: \"a\" } step { login {} }"},
      {"no_rows", 5, "sweep {} step { login {} }"},
      {"bad_name", 5, "sweep { row {} } step { login {} }"},
      {"duplicate_row", 6, "sweep { row { name: \"r\" }\nrow { name: \"r\" } } step { login {} }"},
      {"row_step", 5, "sweep { row { name: \"r\" step { name: \"x\" } } } step { login {} }"},
      {"row_step", 5,
       "sweep { row { name: \"r\" step { name: \"x\" probe {} } } } step { name: \"x\" login {} }"},
      {"unknown_cite", 5, "sweep { row { name: \"r\" cite: \"R9\" } } step { login {} }"},
      {"unknown_kill", 5, "sweep { row { name: \"r\" kills: \"no\" } } step { login {} }"},
      // A variable that one row alone has.
      {"unknown_value", 6,
       "sweep { row { name: \"r\" let { name: \"x\" number: 1 } } row { name: \"s\" } }\n"
       "step { login { key { name: \"A\" value_from: \"x\" } } }"},
      {"trace", 6, "trace {}\nstep { send { pdu { nop_out {} } } } step { expect_closed {} }\n"},
      {"trace", 6,
       "trace {} step { send { pdu { nop_out {} } } }\n"
       "step { connection: \"c2\" send { pdu { nop_out {} } } }\n"},
      {"no_steps", 1, ""},
      {"judges_nothing", 1, "epilogue: NOTHING step { connect {} }"},
  };
  return *cases;
}

TEST(LintTest, EachRuleIsSeenToFail) {
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.text);
    const std::vector<LintError> errors = LintText(std::string(kHead) + one.text);
    bool found = false;
    for (const LintError& error : errors) {
      found = found || (error.rule == one.rule && error.line == one.line);
    }
    EXPECT_TRUE(found) << "due: " << one.rule << " at line " << one.line << ", said:\n"
                       << Lines(errors);
  }
}

TEST(LintTest, TheGuideHasEachRuleAndMisbehaviour) {
  std::ifstream file("docs/SCENARIOS.md");
  const std::string guide((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Case& one : Cases()) {
    EXPECT_THAT(guide, HasSubstr("`" + std::string(one.rule) + "`"));
  }
  const auto* misbehaviours = v1::Misbehaviour_descriptor();
  for (int i = 1; i < misbehaviours->value_count(); ++i) {
    EXPECT_THAT(guide, HasSubstr("`" + misbehaviours->value(i)->name() + "`"));
  }
}

TEST(LintTest, AFaultIsSaidOnce) {
  EXPECT_THAT(LintText(std::string(kHead) + "step { probe {} }\nstep { probe {} }"), SizeIs(1));
  EXPECT_THAT(LintText(std::string(kHead) + "sweep { row { name: \"r\" } row { name: \"s\" } }\n"
                                            "step { probe {} }"),
              SizeIs(1));
}

TEST(LintTest, EachMissingFieldIsNamed) {
  const auto file = ParseScenario("id: \"c/d\" step { login {} }", "a/b.textproto");
  ASSERT_TRUE(file.ok());
  const std::string errors = Lines(Lint(*file, {.id = "a/b"}));
  for (const char* field : {"no title", "no why", "no cite", "no level", "no since"}) {
    EXPECT_THAT(errors, HasSubstr(field));
  }
  EXPECT_THAT(errors, HasSubstr("a/b.textproto:1: id is \"c/d\", but the file stands at \"a/b\""));
  // A recorded session needs none of them.
  EXPECT_THAT(Lines(Lint(*file, {.recording = true})), IsEmpty());
}

TEST(LintTest, NamesOfThePlayersOwnAreKnown) {
  for (const char* name :
       {"cmd_sn", "exp_stat_sn", "tsih", "isid", "negotiated.MaxBurstLength", "lun.0", "block_size",
        "scratch_lba", "target_name", "task.w.initiator_task_tag", "task.w.sent_length",
        "connection.c1.exp_stat_sn", "connection.c1.negotiated.MaxConnections"}) {
    EXPECT_THAT(Lines(LintText(std::string(kHead) + "needs { writes: true }" +
                               Write(std::string("step { send { pdu { nop_out {} } bind { field: "
                                                 "\"cmd_sn\" from: \"") +
                                     name + "\" } } }"))),
                IsEmpty())
        << name;
  }
}

TEST(LintTest, ScenariosOfThisFolderAreGood) {
  std::set<std::string> ids;
  for (const auto& [id, row] : Catalogue::BuiltIn().rows()) ids.insert(id);
  const std::string root = "conformance/scenario/testdata";
  const auto files = LoadScenarios(root);
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  EXPECT_THAT(*files, SizeIs(10));
  for (const ScenarioFile& file : *files) {
    const auto errors =
        Lint(file, {.id = IdOfPath(root, file.path), .requirements = &ids, .mutants = nullptr});
    EXPECT_THAT(Lines(errors), IsEmpty()) << file.path;
  }
}

}  // namespace
}  // namespace pushpull::conformance
