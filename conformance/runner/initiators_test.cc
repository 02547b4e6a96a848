// The scripted targets for initiators: a right initiator passes each of them, and each finds what
// it is there for.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "conformance/requirements/catalogue.h"
#include "conformance/runner/meeting.h"
#include "conformance/runner/play.h"
#include "conformance/runner/play_case.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/lint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::HasSubstr;

std::vector<Case> Scripts() {
  const auto files = InitiatorSuites();
  EXPECT_TRUE(files.ok()) << files.status();
  auto scripts = Expand(*files);
  EXPECT_TRUE(scripts.ok()) << scripts.status();
  return *std::move(scripts);
}

v1::CaseResult Try(const Case& script, const std::string& initiator) {
  MeetingFactory factory(initiator);
  Meeting* meeting = nullptr;
  factory.made = [&meeting](Meeting* made) { meeting = made; };
  PlaySettings settings;
  TargetFacts facts;
  facts.target_name = "iqn.2026-11.org.example:scripted";
  PlayCaseOptions options;
  options.settings = &settings;
  options.facts = &facts;
  options.listening = [&](const std::vector<fabric::Address>& portals) { meeting->Start(portals); };
  return PlayCase(&factory, script, options);
}

std::string Told(const v1::CaseResult& result) { return result.ShortDebugString(); }

// Logs in, writes, reads and logs out; passes what may come at any time.
constexpr char kPlain[] = R"(
  step { login {} }
  step { command { cdb { write { blocks: 16 } } write_data { pattern { seed: 8 } } } }
  step { command { cdb { read { blocks: 16 } } expect_data { pattern { seed: 8 } } } }
)";

// What some scripts want an initiator to do besides.
const std::map<std::string, std::string>& RightInitiators() {
  static const auto* const right = new std::map<std::string, std::string>{
      {"initiators/redirected", R"(
        step { login { expect { status: 0x0101 status: 0x0102 }
                       save { field: "key.TargetAddress" as: "there" } } }
        step { expect_closed {} }
        step { connection: "c2" login { address_from: "there" } }
        step { connection: "c2" logout {} }
        epilogue: NOTHING)"},
      {"initiators/logout_asked_for", R"(
        step { login {} }
        step { expect { one_of { pdu { async_message { async_event: LOGOUT_REQUEST } } } } }
        step { logout {} })"},
      {"initiators/negotiation_asked_for", R"(
        step { login {} }
        step { expect { one_of { pdu { async_message { async_event: NEGOTIATION_REQUEST } } } } }
        step { text_until_final { offer { name: "MaxRecvDataSegmentLength" value: "8192" } } })"},
      {"initiators/targets_in_parts", R"(
        step { login {} }
        step { text_until_final { offer { name: "SendTargets" } } })"},
      {"initiators/target_addresses_lie", R"(
        step { login {} }
        step { send { task: "t" pdu { text_request { final: true }
                                      data { keys { key { name: "SendTargets" } } } } } }
        step { expect { task: "t" one_of { pdu { text_response {} } } } })"},
  };
  return *right;
}

TEST(InitiatorsTest, ARightInitiatorPassesEach) {
  const std::vector<Case> scripts = Scripts();
  ASSERT_GE(scripts.size(), 45u);
  for (const Case& script : scripts) {
    const auto special = RightInitiators().find(script.id().substr(0, script.id().find('#')));
    const v1::CaseResult result =
        Try(script, special != RightInitiators().end() ? special->second : kPlain);
    EXPECT_EQ(result.verdict(), v1::PASS) << Told(result);
  }
}

struct Wrong {
  const char* script;
  const char* initiator;
  v1::Verdict verdict;
  const char* told;  // in the failure: the row, the rule of the monitor, or the message
};

const Wrong kWrong[] = {
    {"initiators/serves", "step { login {} } step { close {} } epilogue: NOTHING", v1::WARN,
     "without having logged out"},
    {"initiators/serves",
     R"(step { login {} } step { logout {} }
        step { elapse { milliseconds: 60000 } } epilogue: NOTHING)",
     v1::TIMEOUT, "RFC7143-I-11.14-b"},
    // The rules of the monitor.
    {"initiators/serves",
     R"(step { login {} }
        step { send { pdu { nop_out {} } misbehaviour: CMD_SN_GAP } } epilogue: NOTHING)",
     v1::FAIL, "cmd_sn_increments"},
    {"initiators/ping_answered#tag_0",
     R"(step { login {} }
        step { expect { one_of { pdu { nop_in {} } } } }
        step { send { pdu { nop_out { initiator_task_tag: 0xffffffff target_transfer_tag: 1 }
                            immediate: true } } } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-11.18-a"},
    {"initiators/ping_answered#tag_1",
     R"(step { login {} } step { expect { one_of { pdu { nop_in {} } } } } step { logout {} }
        epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-11.18-a"},
    {"initiators/ping_answered_at_work#highest_tag",
     R"(step { login { unit_attention: LEFT } }
        step { send { task: "c" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
        step { expect { one_of { pdu { nop_in {} } } } }
        step { send { pdu { nop_out { initiator_task_tag: 0xffffffff target_transfer_tag: 1 }
                            immediate: true } } } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-11.18-a"},
    {"initiators/ping_answered_at_work#tag_0",
     R"(step { login { unit_attention: LEFT } }
        step { send { task: "c" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
        step { expect { one_of { pdu { nop_in {} } } } }
        step { elapse { milliseconds: 60000 } } epilogue: NOTHING)",
     v1::TIMEOUT, "RFC7143-I-11.18-a"},
    {"initiators/news_not_answered",
     R"(step { login {} }
        step { expect { one_of { pdu { nop_in {} } } } }
        step { send { pdu { nop_out { initiator_task_tag: 0xffffffff
                                      target_transfer_tag: 0xffffffff } immediate: true } } }
        epilogue: NOTHING)",
     v1::WARN, "RFC7143-I-11.18-b"},
    {"initiators/stale_window_ignored#lower_maximum",
     "step { login {} } step { elapse { milliseconds: 60000 } } epilogue: NOTHING", v1::TIMEOUT,
     "RFC7143-I-4.2.2.1-e"},
    {"initiators/private_key_answered",
     R"(step { connect {} }
        step { send { task: "l" identity_keys: true
               pdu { login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION
                                     next_stage: FULL_FEATURE_PHASE } } } }
        step { expect { task: "l" one_of { pdu { login_response {} } } } }
        step { send { task: "l"
               pdu { login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION
                                     next_stage: FULL_FEATURE_PHASE } } } }
        step { expect { task: "l" one_of { pdu { login_response {} } } } } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-6.2-c"},
    // (What it must not answer with, the monitor's rule empty_request_to_continue has.)
    {"initiators/text_in_parts",
     R"(step { connect {} }
        step { send { task: "l" identity_keys: true
               pdu { login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION
                                     next_stage: FULL_FEATURE_PHASE } } } }
        step { close {} } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-6.2-a"},
    {"initiators/login_refused#authentication",
     R"(step { login { expect { status: 0x0201 } } } step { elapse { milliseconds: 60000 } }
        epilogue: NOTHING)",
     v1::TIMEOUT, "RFC7143-I-11.13.5-c"},
    {"initiators/redirected#temporarily",
     "step { login { expect { status: 0x0101 } } } epilogue: NOTHING", v1::TIMEOUT,
     "RFC7143-I-11.13.5-b"},
    {"initiators/login_answered_wrongly#text_response",
     R"(step { connect {} }
        step { send { task: "l" identity_keys: true
               pdu { login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION
                                     next_stage: FULL_FEATURE_PHASE } } } }
        step { elapse { milliseconds: 60000 } } epilogue: NOTHING)",
     v1::TIMEOUT, "RFC7143-I-4.2.4-a"},
    {"initiators/logout_asked_for",
     "step { login {} } step { elapse { milliseconds: 60000 } } epilogue: NOTHING", v1::TIMEOUT,
     "RFC7143-I-11.9.1-a"},
    {"initiators/negotiation_asked_for",
     "step { login {} } step { elapse { milliseconds: 60000 } } epilogue: NOTHING", v1::TIMEOUT,
     "RFC7143-I-11.9.1-c"},
    {"initiators/small_segments#hexadecimal",
     R"(step { login {} }
        step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 4 } } final: true }
                                      data { pattern { length: 2048 } } } } }
        epilogue: NOTHING)",
     v1::FAIL, "initiator_segment_limit"},
    {"initiators/small_segments#decimal", "step { login {} }", v1::SKIP, "wrote nothing"},
    {"initiators/r2ts_in_pieces",
     R"(step { login {} }
        step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 4 } } } } } }
        step { serve_r2ts { task: "w" deviate: DATA_SN_GAP } } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-4.2.5.2-a"},
    {"initiators/r2t_beyond_buffer#behind",
     R"(step { login {} }
        step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 4 } } } } } }
        step { expect { task: "w" one_of { pdu { r2t {} } } } }
        step { send { task: "w" pdu { data_out { target_transfer_tag: 5 buffer_offset: 2048
                                                 final: true } data { raw: "leak" } } } }
        epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-11.8.4-a"},
    {"initiators/targets_in_parts",
     R"(step { login {} }
        step { send { task: "t" pdu { text_request { final: true }
                                      data { keys { key { name: "SendTargets" } } } } } }
        step { close {} } epilogue: NOTHING)",
     v1::FAIL, "RFC7143-I-11.10.3-a"},
};

TEST(InitiatorsTest, EachFindsWhatItIsThereFor) {
  std::map<std::string, Case> scripts;
  for (const Case& script : Scripts()) scripts.emplace(script.id(), script);
  for (const Wrong& wrong : kWrong) {
    ASSERT_TRUE(scripts.contains(wrong.script)) << wrong.script;
    const v1::CaseResult result = Try(scripts.at(wrong.script), wrong.initiator);
    EXPECT_EQ(result.verdict(), wrong.verdict) << Told(result);
    EXPECT_THAT(Told(result), HasSubstr(wrong.told)) << wrong.script;
  }
}

TEST(InitiatorsTest, NothingIsWrongWithThem) {
  std::set<std::string> requirements;
  for (const auto& [id, row] : Catalogue::BuiltIn().rows()) requirements.insert(id);
  LintOptions options;
  options.requirements = &requirements;
  const auto files = InitiatorSuites();
  ASSERT_TRUE(files.ok()) << files.status();
  for (const ScenarioFile& file : *files) {
    EXPECT_EQ(file.scenario.role(), v1::TARGET) << file.path;
    options.id = IdOfPath("conformance/", file.path);
    for (const LintError& error : Lint(file, options)) ADD_FAILURE() << error.ToString();
  }
}

}  // namespace
}  // namespace pushpull::conformance
