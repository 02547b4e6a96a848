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
      {"a condition", R"(require { value: "x" })", "", ""},
      {"a condition on keys", R"(require_negotiated { name: "x" })", "", ""},
      {"a wait", "elapse { milliseconds: 1 }", "", ""},
      {"a time of its own", "timeout_ms: 9 probe {}", "probe {}", "probe {}"},
      {"a large read", "command { cdb { read { blocks: 257 } } }",
       "command { cdb { read { blocks: 256 } } }", "command { cdb { read { blocks: 256 } } }"},
      {"a write of nothing", "command { cdb { write { size: 10 } } }", "",
       "command { cdb { write { size: 10 blocks: 0 } } absolute_lba: false }"},
      {"a write to another LUN",
       "send { pdu { scsi_command { lun: 3 cdb { write { lba: 2 } } } } }", "",
       "send { absolute_lba: false pdu { scsi_command { cdb { write { lba: 2 blocks: 0 } } } } }"},
      {"likewise, by misbehaviour",
       "send { pdu { scsi_command { cdb { write {} } } } misbehaviour: LUN_OTHER_THAN_COMMANDS }",
       "", "send { absolute_lba: false pdu { scsi_command { cdb { write { blocks: 0 } } } } }"},
      {"likewise, by a bound field",
       R"(send { pdu { scsi_command { cdb { write {} } } } bind { field: "lun" from: "x" }
                 bind { field: "cmd_sn" from: "x" } adjust { field: "lun_bytes" }
                 adjust { field: "attr" } })",
       "",
       R"(send { pdu { scsi_command { cdb { write { blocks: 0 } } } } absolute_lba: false
                 bind { field: "cmd_sn" from: "x" } adjust { field: "attr" } })"},
      {"the LUN of a read", R"(send { pdu { scsi_command { cdb { read {} } } }
                                      bind { field: "lun" from: "x" } })",
       R"(send { pdu { scsi_command { cdb { read {} } } } bind { field: "lun" from: "x" } })",
       R"(send { pdu { scsi_command { cdb { read {} } } } bind { field: "lun" from: "x" } })"},
      {"many connections that write",
       "connections { count: 2 command { cdb { write { blocks: 9 } } lun: 1 } }", "",
       "connections { count: 2 command { cdb { write { blocks: 8 } } absolute_lba: false } }"},
      {"many connections", "connections { count: 2 }", "connections { count: 2 }",
       "connections { count: 2 }"},
      {"Data-Out that is patched", R"(serve_r2ts { data_out { patch { offset: 0 xor: "\x04" } } })",
       "", ""},
      {"Data-Out of another kind", "serve_r2ts { data_out { opcode: 1 } }", "", ""},
      {"Data-Out", "serve_r2ts { data_out { header_digest: 1 } }",
       "serve_r2ts { data_out { header_digest: 1 } }",
       "serve_r2ts { data_out { header_digest: 1 } }"},
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

// Bytes of a header that a patch may not change: the opcode, the CDB, of a write the LUN.
TEST(Confine, KnowsWhatAPatchReaches) {
  for (const bool write : {false, true}) {
    for (uint32_t offset = 0; offset < 60; ++offset) {
      for (const size_t size : {size_t{1}, size_t{3}}) {
        v1::Scenario scenario;
        v1::Pdu* const pdu = scenario.add_step()->mutable_send()->mutable_pdu();
        v1::Cdb* const cdb = pdu->mutable_scsi_command()->mutable_cdb();
        write ? cdb->mutable_write() : cdb->mutable_read();
        v1::Patch* const patch = pdu->add_patch();
        patch->set_offset(offset);
        size == 1 ? patch->set_xor_(std::string(size, 'x'))
                  : patch->set_replace(std::string(size, 'x'));
        const auto reaches = [&](size_t from, size_t to) {
          return offset < to && offset + size > from;
        };
        const bool risky = reaches(0, 1) || reaches(32, 48) || (write && reaches(8, 16));
        Confine(/*allow_writes=*/true, &scenario);
        ASSERT_EQ(scenario.step_size(), 1);
        EXPECT_EQ(scenario.step(0).send().pdu().patch_size(), risky ? 0 : 1)
            << offset << " " << size << (write ? " of a write" : "");
      }
    }
  }
}

// SPC-4, SBC-3: operation codes that change nothing, in a CDB, in a header, in an iSER message.
TEST(Confine, KnowsOperationCodesWhereverTheyStand) {
  const std::set<int> kept = {0x00, 0x03, 0x08, 0x12, 0x1a, 0x25, 0x28, 0x2f, 0x34, 0x35, 0x4d,
                              0x5a, 0x5e, 0x88, 0x8f, 0x91, 0x9e, 0xa0, 0xa3, 0xa8, 0xaf};
  for (int code = 0; code < 0x100; ++code) {
    const std::string cdb(16, static_cast<char>(code));
    for (const int opcode : {0x01, 0x41, 0x00, 0x02}) {
      const std::string header = std::string(1, static_cast<char>(opcode)) + std::string(31, 'h');
      v1::Scenario scenario;
      scenario.add_step()->mutable_command()->mutable_cdb()->set_raw(cdb);
      scenario.add_step()->mutable_send()->mutable_pdu()->mutable_raw()->set_bhs(header + cdb);
      scenario.add_step()->mutable_send()->mutable_iser()->set_message(std::string(28, 'i') +
                                                                       header + cdb);
      Confine(/*allow_writes=*/true, &scenario);
      const bool command = (opcode & 0x3f) == 1;
      EXPECT_EQ(scenario.step_size(), kept.contains(code) ? 3
                                      : command           ? 0
                                                          : 2)
          << code << " in " << opcode;
    }
  }
}

TEST(Confine, ResetsNeedLeave) {
  for (int function = 0; function <= 12; ++function) {
    const bool harms = function >= 4 && function <= 7;  // others lose their commands by it
    for (const bool allow_writes : {false, true}) {
      v1::Scenario scenario;
      scenario.add_step()
          ->mutable_send()
          ->mutable_pdu()
          ->mutable_task_management_request()
          ->set_function(static_cast<v1::TaskManagementFunction>(function));
      Confine(allow_writes, &scenario);
      EXPECT_EQ(scenario.step_size(), allow_writes || !harms ? 1 : 0) << function;
    }
  }
}

TEST(Confine, ExpectsAnything) {
  const std::string any = "one_of { where { field: \"opcode\" range { min: 0x20 max: 0x3f } } }";
  const std::pair<std::string, std::string> kRows[] = {
      {"one_of { pdu { nop_in {} } } one_of { closed: true }", any},
      {"task: \"p\" one_of { pdu { nop_in {} } } all_of { closed: true }",
       "task: \"p\" all_of { closed: true } " + any},
      {"all_of { pdu { nop_in {} } }", "all_of { pdu { nop_in {} } }"},
      {"one_of { pdu { nop_in {} } save { field: \"stat_sn\" as: \"s\" } }",
       "one_of { pdu { nop_in {} } save { field: \"stat_sn\" as: \"s\" } }"},
  };
  for (const auto& [text, due] : kRows) {
    v1::Scenario scenario = Parse("step { expect { " + text + " } }");
    Confine(false, &scenario);
    EXPECT_EQ(scenario.DebugString(), Parse("step { expect { " + due + " } }").DebugString());
  }
}

TEST(Confine, KnowsWhatWrites) {
  for (const char* step :
       {"send { pdu { scsi_command { cdb { write {} } } } }", "command { cdb { write {} } }",
        "connections { command { cdb { write {} } } }"}) {
    EXPECT_TRUE(Writes(Parse(std::string("step { probe {} } step { ") + step + " }"))) << step;
  }
  EXPECT_FALSE(Writes(Parse("step { command { cdb { read {} } } }")));
  EXPECT_FALSE(Writes(Parse("")));
}

// Which scenarios sequences grow from: those that a run like this could play.
TEST(Grower, SeedsFitTheRun) {
  const struct {
    const char* scenario;
    bool plain, iser, chap;
  } kRows[] = {
      {"", true, true, true},
      {"role: TARGET", false, false, false},
      {"trace {}", false, false, false},
      {"fabric {}", false, false, false},
      {"needs { transport: ISER_ONLY }", false, true, false},
      {"needs { transport: TCP_ONLY }", true, false, true},
      {"needs { hook: \"h\" }", false, false, false},
      {"needs { portals: 1 }", true, true, true},
      {"needs { portals: 2 }", false, false, false},
      {"needs { chap: true }", false, false, true},
      {"needs { mutual_chap: true }", false, false, true},
  };
  for (const auto& row : kRows) {
    const std::vector<v1::Scenario> one = {
        Parse(std::string(row.scenario) + " step { login {} } step { probe {} }")};
    const auto grows = [&](const GrowOptions& options) {
      return Grower(one, options).Make(1).step_size() > 0;
    };
    EXPECT_EQ(grows({.seed = 1}), row.plain) << row.scenario;
    EXPECT_EQ(grows({.seed = 1, .iser = true}), row.iser) << row.scenario;
    EXPECT_EQ(grows({.seed = 1, .chap = true}), row.chap) << row.scenario;
  }
}

}  // namespace
}  // namespace pushpull::fuzz
