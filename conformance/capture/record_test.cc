#include "conformance/capture/record.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "conformance/capture/capture_maker.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "conformance/scenario/scenario_format.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::conformance {
namespace {

constexpr char kLogin[] = R"(
  login_request {
    transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION next_stage: FULL_FEATURE_PHASE
    isid: "\x80\x01\x02\x03\x04\x05" initiator_task_tag: 77 cmd_sn: 500 cid: 3
  }
  data { keys { key { name: "InitiatorName" value: "iqn.2026-01.org.example:them" }
                key { name: "FirstBurstLength" value: "1024" }
                key { name: "TargetName" value: "iqn.2026-01.org.example:disk" } } })";
constexpr char kLoginResponse[] = R"(
  login_response {
    transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION next_stage: FULL_FEATURE_PHASE
    isid: "\x80\x01\x02\x03\x04\x05" tsih: 9 initiator_task_tag: 77 stat_sn: 10 exp_cmd_sn: 500
    max_cmd_sn: 531
  }
  data { keys { key { name: "InitialR2T" value: "No" } } })";

// A session: login, then these PDUs, one a frame.
struct Talk {
  explicit Talk(const std::vector<std::string>& pdus, const char* login = kLogin) {
    maker.Handshake({}, 0);
    Say(login);
    Say(kLoginResponse);
    for (const std::string& pdu : pdus) Say(pdu);
  }

  void Say(const std::string& text) {
    v1::Pdu pdu;
    CHECK(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
    const auto encoded = initiator_sim::Encode(pdu, {});
    CHECK(encoded.ok()) << encoded.status().ToString();
    const int side = initiator_sim::IsRequest(pdu.kind_case()) ? 0 : 1;
    Segment(side, std::string(base::AsText(encoded->bytes)), kAck);
  }

  void Segment(int side, const std::string& payload, uint8_t flags) {
    MadeSegment segment;
    if (side == 1) segment = segment.Back();
    segment.seq = seq[side];
    segment.flags = flags;
    segment.payload = payload;
    seq[side] += static_cast<uint32_t>(payload.size());
    maker.Segment(segment);
  }

  absl::StatusOr<v1::Scenario> Record(bool with_data = false) const {
    const Capture capture = *ReadCapture(maker.bytes());
    const SessionTrace trace = TraceSession(capture.connections.at(0));
    return ScenarioFromSession(trace, {.id = "x", .source = "x.pcap", .with_data = with_data});
  }

  CaptureMaker maker;
  uint32_t seq[2] = {1, 1};
};

// The steps after the login are these, and the linter has nothing to say.
void ExpectSteps(const Talk& talk, const std::string& due, bool with_data = false) {
  const absl::StatusOr<v1::Scenario> recorded = talk.Record(with_data);
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  v1::Scenario steps;
  ASSERT_GE(recorded->step_size(), 3);
  for (int i = 3; i < recorded->step_size(); ++i) *steps.add_step() = recorded->step(i);
  v1::Scenario expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(due, &expected)) << due;
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, steps)) << difference << steps.DebugString();

  const auto text = WriteScenarioAs(ScenarioFormat::kText, *recorded);
  const auto file = ParseScenario(*text, "x.textproto");
  ASSERT_TRUE(file.ok()) << file.status();
  // As a case, not only as a recording: `pushpull run --suites` plays it.
  for (const LintError& error : Lint(*file, {.id = "x"})) {
    ADD_FAILURE() << error.ToString();
  }
}

TEST(RecordTest, TheLoginIsTheRunsOwn) {
  const absl::StatusOr<v1::Scenario> recorded = Talk({}).Record();
  ASSERT_TRUE(recorded.ok());
  ASSERT_EQ(recorded->step_size(), 3);
  v1::Step due;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    send {
      task: "login"
      pdu { login_request {
        transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION next_stage: FULL_FEATURE_PHASE
        isid: "\x80\x01\x02\x03\x04\x05" cid: 3 } }
      key { name: "InitiatorName" value_from: "initiator_name" }
      key { name: "FirstBurstLength" value: "1024" }
      key { name: "TargetName" value_from: "target_name" }
    })",
                                                            &due));
  EXPECT_EQ(recorded->step(1).DebugString(), due.DebugString());
  EXPECT_TRUE(recorded->step(0).has_connect());
  EXPECT_EQ(recorded->step(2).expect().one_of(0).pdu().login_response().status_class(), 0u);
  EXPECT_EQ(recorded->epilogue(), v1::NOTHING);
  EXPECT_FALSE(recorded->needs().writes());
}

struct StepsCase {
  const char* name;
  std::vector<std::string> pdus;
  const char* due;
  bool with_data = false;
};

const char kRead[] = R"(scsi_command {
  read: true attr: SIMPLE initiator_task_tag: 5 expected_data_transfer_length: 1024 cmd_sn: 500
  exp_stat_sn: 11 lun_bytes: 0x0001000000000000 cdb { raw: "\x28\0\0\0\0\x10\0\0\x02\0" } })";
const char kWrite[] = R"(scsi_command {
  write: true attr: ORDERED initiator_task_tag: 6 expected_data_transfer_length: 2048 cmd_sn: 500
  exp_stat_sn: 11 cdb { raw: "\x2a\0\0\0\0\x10\0\0\x04\0" } })";
const char kWriteSent[] = R"(step {
  note: "WRITE(10) LBA 0x10 blocks 4"
  send { task: "command1" pdu { scsi_command {
    read: false write: true attr: ORDERED expected_data_transfer_length: 2048
    cdb { raw: "\x2a\0\0\0\0\x10\0\0\x04\0\0\0\0\0\0\0" } } } } })";

TEST(RecordTest, Steps) {
  const StepsCase cases[] = {
      {"a ping of ours, with right numbers",
       {"nop_out { initiator_task_tag: 9 cmd_sn: 500 exp_stat_sn: 11 } data { raw: 'abc' }",
        "nop_in { initiator_task_tag: 9 stat_sn: 11 exp_cmd_sn: 501 max_cmd_sn: 532 } "
        "data { raw: 'abc' }"},
       R"(step { send { task: "ping1" pdu { nop_out {} data { raw: "abc" } } } }
          step { expect { task: "ping1" one_of { pdu { nop_in {} } } } })"},
      {"a ping of theirs, answered",
       {"nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 4 stat_sn: 11 "
        "exp_cmd_sn: 500 max_cmd_sn: 531 }",
        "immediate: true nop_out { initiator_task_tag: 0xffffffff target_transfer_tag: 4 "
        "cmd_sn: 500 exp_stat_sn: 11 }"},
       ""},
      {"wrong numbers stand relative to the right ones",
       {"nop_out { initiator_task_tag: 9 cmd_sn: 501 exp_stat_sn: 10 }",
        "nop_out { initiator_task_tag: 10 cmd_sn: 502 exp_stat_sn: 1011 }",
        "nop_out { initiator_task_tag: 11 cmd_sn: 400 exp_stat_sn: 11 }",
        "nop_out { initiator_task_tag: 11 cmd_sn: 503 exp_stat_sn: 11 }"},
       R"(step { send { task: "ping1" pdu { nop_out {} } misbehaviour: CMD_SN_GAP
                        bind { field: "exp_stat_sn" from: "exp_stat_sn" add: -1 } } }
          step { send { task: "ping2" pdu { nop_out {} }
                        bind { field: "exp_stat_sn" from: "exp_stat_sn" add: 1000 } } }
          step { send { task: "ping3" pdu { nop_out {} }
                        bind { field: "cmd_sn" from: "cmd_sn" add: -103 } } }
          step { send { pdu { nop_out {} }
                        bind { field: "initiator_task_tag"
                               from: "task.ping3.initiator_task_tag" } } })"},
      {"what the encoder wouldn't do by itself",
       {"immediate: true nop_out { initiator_task_tag: 9 cmd_sn: 500 exp_stat_sn: 11 final: false }"
        " data { raw: 'a' } pad: '\\x01\\x02\\x03' patch { offset: 3 replace: '\\x07' }"},
       R"(step { send { task: "ping1" pdu { immediate: true nop_out { final: false }
            data { raw: "a" } pad: "\x01\x02\x03"
            patch { offset: 3 replace: "\x07" after_digests: true } } } })"},
      {"a read of a LUN, its data in two",
       {kRead,
        "data_in { initiator_task_tag: 5 exp_cmd_sn: 501 max_cmd_sn: 532 final: false } "
        "data { raw: 'ab' }",
        "data_in { initiator_task_tag: 5 status_present: true stat_sn: 11 exp_cmd_sn: 501 "
        "max_cmd_sn: 532 data_sn: 1 buffer_offset: 2 } data { raw: 'cd' }"},
       R"(step { note: "READ(10) LBA 0x10 blocks 2"
                 send { task: "command1" pdu { scsi_command {
                   read: true write: false expected_data_transfer_length: 1024
                   cdb { raw: "\x28\0\0\0\0\x10\0\0\x02\0\0\0\0\0\0\0" } } } } }
          step { gather_data_in { task: "command1" expect_length: 4
                                  expect_data { raw: "abcd" } } })",
       true},
      {"a read that ends in sense",
       {kRead,
        "data_in { initiator_task_tag: 5 exp_cmd_sn: 501 max_cmd_sn: 532 } data { raw: 'ab' }",
        "scsi_response { initiator_task_tag: 5 status: CHECK_CONDITION stat_sn: 11 exp_cmd_sn: 501 "
        "max_cmd_sn: 532 residual_underflow: true residual_count: 1022 } "
        "data { sense { sense_key: MEDIUM_ERROR additional_sense_code: 0x11 } }"},
       R"(step { note: "READ(10) LBA 0x10 blocks 2"
                 send { task: "command1" pdu { scsi_command {
                   read: true write: false expected_data_transfer_length: 1024
                   cdb { raw: "\x28\0\0\0\0\x10\0\0\x02\0\0\0\0\0\0\0" } } } } }
          step { gather_data_in { task: "command1" leave_response: true expect_length: 2 } }
          step { expect { task: "command1" one_of { pdu { scsi_response {
            response: COMMAND_COMPLETED_AT_TARGET status: CHECK_CONDITION residual_overflow: false
            residual_underflow: true residual_count: 1022 }
            data { sense { sense_key: MEDIUM_ERROR additional_sense_code: 0x11
                           additional_sense_code_qualifier: 0 } } } } } })"},
      {"a Reject",
       {"text_request { initiator_task_tag: 8 target_transfer_tag: 99 cmd_sn: 500 exp_stat_sn: 11 "
        "}",
        "reject { reason: PROTOCOL_ERROR stat_sn: 11 exp_cmd_sn: 501 max_cmd_sn: 532 } data { raw: "
        "'\\x04\\x80\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x08\\0\\0\\0\\0\\0\\0\\0\\"
        "0"
        "\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' }"},
       R"(step { send { task: "text1" pdu { text_request { target_transfer_tag: 99 } } } }
          step { expect { task: "text1" one_of { pdu { reject { reason: PROTOCOL_ERROR } }
                                                 rejects: "text1" } } })"},
  };
  for (const StepsCase& c : cases) {
    SCOPED_TRACE(c.name);
    ExpectSteps(Talk(c.pdus), c.due, c.with_data);
  }
}

TEST(RecordTest, DataOutFollowsItsR2t) {
  const auto r2t = [](const char* tag, int offset) {
    return absl::StrCat("r2t { initiator_task_tag: 6 target_transfer_tag: ", tag,
                        " r2t_sn: 0 buffer_offset: ", offset,
                        " desired_data_transfer_length: 512 stat_sn: 11 exp_cmd_sn: 501 "
                        "max_cmd_sn: 532 }");
  };
  const auto data = [](const char* tag, int offset, int sn, const char* more) {
    return absl::StrCat("data_out { initiator_task_tag: 6 target_transfer_tag: ", tag,
                        " exp_stat_sn: 11 data_sn: ", sn, " buffer_offset: ", offset, more,
                        " } data { raw: '", std::string(256, 'x'), "' }");
  };
  const std::string raw = absl::StrCat("data { raw: '", std::string(256, 'x'), "' }");
  ExpectSteps(
      Talk({kWrite, data("0xffffffff", 0, 0, " final: false"), r2t("40", 1024), r2t("41", 1536),
            // Of the last R2T, then of the first; the last one says F too early.
            data("41", 1536, 0, " final: false"), data("40", 1024, 0, " final: false"),
            data("40", 1280, 1, ""), data("41", 1792, 7, " final: true"),
            "scsi_response { initiator_task_tag: 6 stat_sn: 11 exp_cmd_sn: 501 max_cmd_sn: 532 }"}),
      absl::StrCat(
          kWriteSent, "step { send { task: 'command1' pdu { data_out {} ", raw, " } } }",
          R"(step { expect { task: "command1" one_of {
               pdu { r2t { buffer_offset: 1024 desired_data_transfer_length: 512 } }
               save { field: "target_transfer_tag" as: "tag_of_step5" } } } }
             step { expect { task: "command1" one_of {
               pdu { r2t { buffer_offset: 1536 desired_data_transfer_length: 512 } } } } })",
          "step { send { task: 'command1' pdu { data_out {} ", raw, " } } }",
          "step { send { task: 'command1' pdu { data_out { data_sn: 0 buffer_offset: 1024 } ", raw,
          " } bind { field: 'target_transfer_tag' from: 'tag_of_step5' } } }",
          "step { send { task: 'command1' pdu { data_out { buffer_offset: 1280 final: true } ", raw,
          " } bind { field: 'target_transfer_tag' from: 'tag_of_step5' } } }",
          "step { send { task: 'command1' pdu { data_out { data_sn: 7 buffer_offset: 1792 } ", raw,
          " } } }",
          R"(step { expect { task: "command1" one_of { pdu { scsi_response {
               response: COMMAND_COMPLETED_AT_TARGET status: GOOD residual_overflow: false
               residual_underflow: false residual_count: 0 } } } } })"));
}

TEST(RecordTest, TaskManagementRefersToItsTask) {
  ExpectSteps(Talk({kWrite,
                    "immediate: true task_management_request { function: ABORT_TASK "
                    "initiator_task_tag: 7 referenced_task_tag: 6 ref_cmd_sn: 500 cmd_sn: 501 "
                    "exp_stat_sn: 11 }",
                    "task_management_response { initiator_task_tag: 7 stat_sn: 11 exp_cmd_sn: 501 "
                    "max_cmd_sn: 532 }"}),
              absl::StrCat(kWriteSent,
                           R"(step { send { task: "management2" refers_to: "command1"
                 pdu { immediate: true task_management_request { function: ABORT_TASK } } } }
               step { expect { task: "management2" one_of { pdu { task_management_response {
                 response: FUNCTION_COMPLETE } } } } })"));
  EXPECT_TRUE(Talk({kWrite}).Record()->needs().writes());
}

TEST(RecordTest, TheEndIsAsItWas) {
  struct EndCase {
    int first;  // the side that sends it: 0 the initiator
    uint8_t flags;
    const char* due;
  };
  const EndCase cases[] = {
      {0, kFin | kAck, "step { close {} }"},
      {1, kFin | kAck, "step { expect_closed {} }"},
      {0, kRst, "step { close { how: RST } }"},
      {1, kRst, "step { expect_closed {} }"},
  };
  for (const EndCase& c : cases) {
    Talk talk({});
    talk.Segment(c.first, "", c.flags);
    if ((c.flags & kFin) != 0) talk.Segment(1 - c.first, "", c.flags);
    ExpectSteps(talk, c.due);
  }
}

TEST(RecordTest, WhatCannotBePlayedIsRefused) {
  Talk joined({}, R"(login_request { tsih: 9 transit: true next_stage: FULL_FEATURE_PHASE })");
  EXPECT_EQ(joined.Record().status().message(),
            "10.0.0.1:40000 -> 10.0.0.2:3260: it joins session 9 of another connection, which a "
            "scenario of this one alone can't");
  Talk gap({});
  gap.seq[0] += 10;
  gap.Say("nop_out { initiator_task_tag: 9 cmd_sn: 500 exp_stat_sn: 11 }");
  EXPECT_NE(gap.Record().status().message().find("not all of it is in the capture ("),
            std::string::npos);
  CaptureMaker late;
  MadeSegment segment;
  segment.payload = "abc";
  late.Segment(segment);
  const Capture capture = *ReadCapture(late.bytes());
  const SessionTrace trace = TraceSession(capture.connections.at(0));
  EXPECT_NE(ScenarioFromSession(trace, {}).status().message().find("its beginning isn't in the"),
            std::string::npos);
}

}  // namespace
}  // namespace pushpull::conformance
