#include "fuzz/blackbox/grow.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "conformance/runner/suite.h"
#include "fuzz/blackbox/confine.h"
#include "pushpull/v1/scenario.pb.h"
#include "pushpull/v1/scsi.pb.h"

namespace pushpull::fuzz {
namespace {

std::vector<v1::Scenario> Suites() {
  const auto files = conformance::BuiltInSuites();
  EXPECT_TRUE(files.ok());
  const auto cases = conformance::Expand(*files);
  EXPECT_TRUE(cases.ok());
  std::vector<v1::Scenario> scenarios;
  for (const conformance::Case& c : *cases) scenarios.push_back(c.scenario());
  return scenarios;
}

v1::Scenario Parse(const std::string& text) {
  v1::Scenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario)) << text;
  return scenario;
}

TEST(Grower, SequencesAreTheirSeedAndNumber) {
  const std::vector<v1::Scenario> suites = Suites();
  const Grower first(suites, {.seed = 7, .allow_writes = true});
  const Grower again(suites, {.seed = 7, .allow_writes = true});
  const Grower other(suites, {.seed = 8, .allow_writes = true});
  size_t alike = 0;
  for (uint64_t number = 0; number < 50; ++number) {
    const std::string text = first.Make(number).SerializeAsString();
    EXPECT_EQ(text, again.Make(number).SerializeAsString());
    alike += text == other.Make(number).SerializeAsString();
  }
  EXPECT_LT(alike, 5u);
  // In any order.
  EXPECT_EQ(first.Make(3).SerializeAsString(), again.Make(3).SerializeAsString());
}

// Whatever mutations make of the suites: nothing is written where the user doesn't let it be.
TEST(Grower, KeepsToWhatIsAllowed) {
  const std::vector<v1::Scenario> suites = Suites();
  for (const bool allow_writes : {false, true}) {
    const Grower grower(suites, {.seed = 3, .allow_writes = allow_writes});
    for (uint64_t number = 0; number < 2000; ++number) {
      const v1::Scenario sequence = grower.Make(number);
      v1::Scenario confined = sequence;
      Confine(allow_writes, &confined);
      EXPECT_EQ(confined.SerializeAsString(), sequence.SerializeAsString()) << number;
      for (const v1::Step& step : sequence.step()) {
        const v1::Cdb& sent = step.send().pdu().scsi_command().cdb();
        const v1::Cdb& cdb = sent.ByteSizeLong() > 0 ? sent : step.command().cdb();
        if (!cdb.has_write()) continue;
        EXPECT_TRUE(allow_writes) << number;
        EXPECT_LE(cdb.write().lba() + cdb.write().blocks(), kWrittenBlocks) << number;
        EXPECT_FALSE(step.send().absolute_lba() || step.command().absolute_lba()) << number;
      }
    }
  }
}

// Of those that have a name, WRITE is the only one that changes blocks and may be sent.
TEST(Confine, KnowsEveryNamedCommandThatWrites) {
  const std::set<std::string> kept = {"raw",
                                      "read",
                                      "write",
                                      "verify",
                                      "synchronize_cache",
                                      "inquiry",
                                      "read_capacity",
                                      "report_luns",
                                      "request_sense",
                                      "mode_sense",
                                      "test_unit_ready",
                                      "pre_fetch"};
  const auto* const commands = v1::Cdb::descriptor()->FindOneofByName("command");
  for (int i = 0; i < commands->field_count(); ++i) {
    const auto* const field = commands->field(i);
    SCOPED_TRACE(field->name());
    v1::Scenario scenario;
    v1::Cdb* const driven = scenario.add_step()->mutable_command()->mutable_cdb();
    v1::Cdb* const sent =
        scenario.add_step()->mutable_send()->mutable_pdu()->mutable_scsi_command()->mutable_cdb();
    for (v1::Cdb* const cdb : {driven, sent}) {
      if (field->name() == "raw") {
        cdb->set_raw(std::string(1, '\x12'));
      } else {
        cdb->GetReflection()->MutableMessage(cdb, field);
      }
    }
    Confine(/*allow_writes=*/true, &scenario);
    EXPECT_EQ(scenario.step_size(), kept.contains(field->name()) ? 2 : 0);
  }
}

struct ConfineRow {
  const char* what;
  const char* step;
  const char* without_writes;  // what is left; empty: nothing
  const char* with_writes;
};

TEST(Confine, LeavesWhatOnlyReads) {
  const ConfineRow rows[] = {
      {"a read", "command { cdb { read { lba: 5000 blocks: 8 } } }",
       "command { cdb { read { lba: 5000 blocks: 8 } } }",
       "command { cdb { read { lba: 5000 blocks: 8 } } }"},
      {"a write elsewhere",
       "command { cdb { write { lba: 5000 blocks: 80 } } absolute_lba: true lun: 7 }", "",
       "command { cdb { write { lba: 8 blocks: 8 } } absolute_lba: false }"},
      {"a write of six bytes, where 0 is 256", "command { cdb { write { size: 6 } } }", "",
       "command { cdb { write { size: 6 blocks: 1 } } absolute_lba: false }"},
      {"FORMAT UNIT", R"(send { pdu { scsi_command { cdb { raw: "\x04" } } } })", "", ""},
      {"a raw WRITE", R"(send { pdu { scsi_command { cdb { raw: "\x2a" } } } })", "", ""},
      {"a raw INQUIRY", R"(send { pdu { scsi_command { cdb { raw: "\x12" } } } })",
       R"(send { pdu { scsi_command { cdb { raw: "\x12" } } } })",
       R"(send { pdu { scsi_command { cdb { raw: "\x12" } } } })"},
      {"a raw header of a command that reads", R"(send { pdu { raw { bhs: "\x41" } } })",
       R"(send { pdu { raw { bhs: "\x41" } } })", R"(send { pdu { raw { bhs: "\x41" } } })"},
      {"a raw header of one that writes",
       R"(send { pdu { raw { bhs: "\x41aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x2a" } } })", "", ""},
      {"another PDU made a command", "send { pdu { nop_out {} opcode: 65 } }", "", ""},
      {"a patch of the operation code",
       R"(send { pdu { scsi_command {} patch { offset: 32 xor: "\x04" }
                       patch { offset: 4 xor: "\x04" } } })",
       R"(send { pdu { scsi_command { cdb {} } patch { offset: 4 xor: "\x04" } } })",
       R"(send { pdu { scsi_command { cdb {} } patch { offset: 4 xor: "\x04" } } })"},
      {"a bound operation code",
       R"(send { pdu { scsi_command {} } bind { field: "cdb.raw" from: "x" } })",
       "send { pdu { scsi_command { cdb {} } } }", "send { pdu { scsi_command { cdb {} } } }"},
      {"a reset", "send { pdu { task_management_request { function: TARGET_COLD_RESET } } }", "",
       "send { pdu { task_management_request { function: TARGET_COLD_RESET } } }"},
      {"a hook", R"(trigger { hook: "x" })", "", ""},
  };
  for (const ConfineRow& row : rows) {
    for (const bool writes : {false, true}) {
      SCOPED_TRACE(std::string(row.what) + (writes ? ", with writes" : ""));
      v1::Scenario scenario = Parse(std::string("step { ") + row.step + " }");
      Confine(writes, &scenario);
      const std::string left = writes ? row.with_writes : row.without_writes;
      const v1::Scenario due = left.empty() ? v1::Scenario() : Parse("step { " + left + " }");
      EXPECT_EQ(scenario.DebugString(), due.DebugString());
    }
  }
}

}  // namespace
}  // namespace pushpull::fuzz
