// What Wireshark reads in our pcapng files is what we meant: a second reading of the PDUs, of the
// packets around them and of the file.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "conformance/tap/pcapng.h"
#include "conformance/tap/tap_feeder.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/field_path.h"
#include "initiator_sim/pdu/text.h"

namespace pushpull::conformance {
namespace {

constexpr char kTshark[] = "/usr/bin/tshark";

class TsharkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(access(kTshark, X_OK), 0) << "no " << kTshark << ": run tools/install";
    setenv("HOME", testing::TempDir().c_str(), 1);
  }
};

// The lines that tshark prints of a capture.
std::vector<std::string> Tshark(const std::string& capture, const std::string& arguments) {
  const std::string file = testing::TempDir() + "/wire.pcapng";
  std::ofstream(file, std::ios::binary) << capture;
  const std::string command =
      absl::StrCat(kTshark, " -r ", file, " ", arguments, " 2>", file, ".err");
  FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command;
  std::vector<std::string> lines = absl::StrSplit(out, '\n', absl::SkipEmpty());
  return lines;
}

std::string Fields(const std::vector<std::string>& fields) {
  return "-T fields -E separator=/s -E quote=n -E occurrence=f " +
         absl::StrJoin(fields, "", [](std::string* out, const std::string& field) {
           absl::StrAppend(out, " -e ", field);
         });
}

struct Compared {
  const char* theirs;
  const char* ours;  // a field path
};
const Compared kCompared[] = {
    {"iscsi.opcode", "opcode"},
    {"iscsi.datasegmentlength", "data_segment_length"},
    {"iscsi.totalahslength", "total_ahs_length"},
    {"iscsi.initiatortasktag", "initiator_task_tag"},
    {"iscsi.targettransfertag", "target_transfer_tag"},
    {"iscsi.cmdsn", "cmd_sn"},
    {"iscsi.expstatsn", "exp_stat_sn"},
    {"iscsi.statsn", "stat_sn"},
    {"iscsi.expcmdsn", "exp_cmd_sn"},
    {"iscsi.maxcmdsn", "max_cmd_sn"},
    {"iscsi.scsicommand.F", "final"},
    {"iscsi.scsicommand.R", "read"},
    {"iscsi.scsicommand.W", "write"},
    {"iscsi.scsicommand.attr", "attr"},
    {"iscsi.scsicommand.expecteddatatransferlength", "expected_data_transfer_length"},
    {"iscsi.scsiresponse.status", "status"},
    {"iscsi.scsiresponse.response", "response"},
    {"iscsi.scsiresponse.residualcount", "residual_count"},
    {"iscsi.scsiresponse.o", "bidirectional_read_overflow"},
    {"iscsi.scsiresponse.u", "bidirectional_read_underflow"},
    {"iscsi.scsiresponse.O", "residual_overflow"},
    {"iscsi.scsiresponse.U", "residual_underflow"},
    {"iscsi.scsiresponse.bidireadresidualcount", "bidirectional_read_residual_count"},
    {"iscsi.expdatasn", "exp_data_sn"},
    {"iscsi.scsidata.F", "final"},
    {"iscsi.scsidata.A", "acknowledge"},
    {"iscsi.scsidata.S", "status_present"},
    {"iscsi.scsidata.O", "residual_overflow"},
    {"iscsi.scsidata.U", "residual_underflow"},
    {"iscsi.bufferOffset", "buffer_offset"},
    {"iscsi.datasn", "data_sn"},
    {"iscsi.r2tsn", "r2t_sn"},
    {"iscsi.desireddatalength", "desired_data_transfer_length"},
    {"iscsi.versionmax", "version_max"},
    {"iscsi.versionmin", "version_min"},
    {"iscsi.versionactive", "version_active"},
    {"iscsi.cid", "cid"},
    {"iscsi.tsih", "tsih"},
    {"iscsi.login.T", "transit"},
    {"iscsi.login.C", "text_continue"},
    {"iscsi.login.csg", "current_stage"},
    {"iscsi.text.F", "final"},
    {"iscsi.text.C", "text_continue"},
    {"iscsi.taskmanfun.function", "function"},
    {"iscsi.taskmanfun.response", "response"},
    {"iscsi.taskmanfun.referencedtasktag", "referenced_task_tag"},
    {"iscsi.refcmdsn", "ref_cmd_sn"},
    {"iscsi.logout.reason", "reason"},
    {"iscsi.logout.response", "response"},
    {"iscsi.time2wait", "time2wait"},
    {"iscsi.time2retain", "time2retain"},
    {"iscsi.asyncevent", "async_event"},
    {"iscsi.eventvendorcode", "async_vcode"},
    {"iscsi.parameter1", "parameter1"},
    {"iscsi.parameter2", "parameter2"},
    {"iscsi.parameter3", "parameter3"},
    {"iscsi.reject.reason", "reason"},
    {"iscsi.snack.type", "type"},
    {"iscsi.snack.begrun", "beg_run"},
    {"iscsi.snack.runlength", "run_length"},
};

std::vector<std::string> TheirFields() {
  std::vector<std::string> fields = {"frame.number"};
  for (const Compared& field : kCompared) fields.push_back(field.theirs);
  return fields;
}

// Compares one line of tshark with our decoding; says how many fields both have.
int Compare(const std::string& line, const v1::Pdu& pdu) {
  const std::vector<std::string> values = absl::StrSplit(line, ' ');
  EXPECT_EQ(values.size(), std::size(kCompared) + 1) << line;
  int compared = 0;
  for (size_t i = 0; i < std::size(kCompared) && i + 1 < values.size(); ++i) {
    const std::string& theirs = values[i + 1];
    if (theirs.empty()) continue;
    const auto ours = initiator_sim::GetField(pdu, kCompared[i].ours);
    // Fields of the header that a Reject holds stand beside its own.
    if (pdu.has_reject() && !ours.ok()) continue;
    EXPECT_TRUE(ours.ok() && ours->has_value())
        << kCompared[i].theirs << " of " << initiator_sim::Summary(pdu);
    if (!ours.ok() || !ours->has_value()) continue;
    uint64_t number = 0;
    EXPECT_TRUE(theirs.starts_with("0x") ? absl::SimpleHexAtoi(theirs, &number)
                                         : absl::SimpleAtoi(theirs, &number))
        << kCompared[i].theirs << "=" << theirs;
    EXPECT_EQ(number, std::get<uint64_t>(**ours))
        << kCompared[i].theirs << " of " << initiator_sim::Summary(pdu);
    ++compared;
  }
  return compared;
}

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

// Each field with a value of its own, each kind of PDU.
std::vector<v1::Pdu> Session() {
  std::vector<v1::Pdu> pdus;
  for (const char* text : {
           "login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION "
           "next_stage: FULL_FEATURE_PHASE isid: '\\x80\\x01\\x02\\x03\\x04\\x05' "
           "initiator_task_tag: 1 cid: 7 cmd_sn: 100 exp_stat_sn: 3 } data { keys { "
           "key { name: 'InitiatorName' value: 'iqn.2026-01.a:b' } "
           "key { name: 'SessionType' value: 'Normal' } } }",
           "login_response { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION "
           "next_stage: FULL_FEATURE_PHASE isid: '\\x80\\x01\\x02\\x03\\x04\\x05' tsih: 9 "
           "initiator_task_tag: 1 stat_sn: 50 exp_cmd_sn: 100 max_cmd_sn: 131 } data { keys { "
           "key { name: 'TargetPortalGroupTag' value: '1' } } }",
           "scsi_command { read: true attr: SIMPLE lun: 1 initiator_task_tag: 2 "
           "expected_data_transfer_length: 4096 cmd_sn: 100 exp_stat_sn: 51 "
           "cdb { read { lba: 32 blocks: 8 } } }",
           "data_in { final: false initiator_task_tag: 2 exp_cmd_sn: 101 max_cmd_sn: 132 } "
           "data { pattern { seed: 1 length: 2048 } }",
           "data_in { residual_underflow: true status_present: true initiator_task_tag: 2 "
           "stat_sn: 51 exp_cmd_sn: 101 max_cmd_sn: 132 data_sn: 1 buffer_offset: 2048 "
           "residual_count: 1024 } data { pattern { seed: 1 offset: 2048 length: 1024 } }",
           "scsi_command { final: true write: true attr: ORDERED initiator_task_tag: 3 "
           "expected_data_transfer_length: 1024 cmd_sn: 101 exp_stat_sn: 52 "
           "cdb { write { lba: 32 blocks: 2 } } } data { pattern { seed: 1 length: 512 } }",
           "r2t { initiator_task_tag: 3 target_transfer_tag: 0x1234 stat_sn: 52 exp_cmd_sn: 102 "
           "max_cmd_sn: 133 buffer_offset: 512 desired_data_transfer_length: 512 }",
           "data_out { initiator_task_tag: 3 target_transfer_tag: 0x1234 exp_stat_sn: 52 "
           "buffer_offset: 512 } data { pattern { seed: 1 offset: 512 length: 512 } }",
           "scsi_response { status: CHECK_CONDITION residual_overflow: true initiator_task_tag: 3 "
           "stat_sn: 52 exp_cmd_sn: 102 max_cmd_sn: 133 residual_count: 77 } "
           "data { sense { sense_key: MEDIUM_ERROR additional_sense_code: 0x11 } }",
           "task_management_request { function: ABORT_TASK initiator_task_tag: 4 "
           "referenced_task_tag: 3 cmd_sn: 102 exp_stat_sn: 53 ref_cmd_sn: 101 } immediate: true",
           "task_management_response { response: TASK_DOES_NOT_EXIST initiator_task_tag: 4 "
           "stat_sn: 53 exp_cmd_sn: 102 max_cmd_sn: 133 }",
           "text_request { initiator_task_tag: 5 cmd_sn: 102 exp_stat_sn: 54 } "
           "data { keys { key { name: 'SendTargets' value: 'All' } } }",
           "text_response { initiator_task_tag: 5 stat_sn: 54 exp_cmd_sn: 103 max_cmd_sn: 134 } "
           "data { keys { key { name: 'TargetName' value: 'iqn.2026-01.a:t' } } }",
           "nop_out { initiator_task_tag: 6 cmd_sn: 103 exp_stat_sn: 55 } data { raw: 'ping!' }",
           "nop_in { initiator_task_tag: 6 stat_sn: 55 exp_cmd_sn: 104 max_cmd_sn: 135 } "
           "data { raw: 'ping!' }",
           "nop_in { lun: 1 initiator_task_tag: 0xffffffff target_transfer_tag: 0x77 stat_sn: 56 "
           "exp_cmd_sn: 104 max_cmd_sn: 135 }",
           "snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff exp_stat_sn: 55 "
           "beg_run: 55 run_length: 1 }",
           "reject { reason: PROTOCOL_ERROR stat_sn: 56 exp_cmd_sn: 104 max_cmd_sn: 135 } "
           "data { raw: '\\x10\\x81\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\xff\\xff\\xff\\xff"
           "\\xff\\xff\\xff\\xff\\0\\0\\0\\0\\0\\0\\0\\x37\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x37"
           "\\0\\0\\0\\x01' }",
           "async_message { stat_sn: 57 exp_cmd_sn: 104 max_cmd_sn: 135 "
           "async_event: CONNECTION_DROP_NOTIFICATION parameter1: 7 parameter2: 2 parameter3: 20 }",
           "logout_request { reason: CLOSE_CONNECTION initiator_task_tag: 8 cid: 7 cmd_sn: 104 "
           "exp_stat_sn: 58 }",
           "logout_response { initiator_task_tag: 8 stat_sn: 58 exp_cmd_sn: 105 max_cmd_sn: 136 "
           "time2wait: 2 time2retain: 20 }",
       }) {
    pdus.push_back(Parse(text));
  }
  return pdus;
}

TEST_F(TsharkTest, ReadsEveryKindOfPduAsWeDo) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t v4 = feeder.Open("c1");
  for (const v1::Pdu& pdu : Session()) feeder.Send(v4, pdu);
  feeder.Close(v4, /*by_peer=*/true);
  const uint32_t v6 = feeder.Open("c2", {"::1", 40001}, {"::1", 3262});
  for (const v1::Pdu& pdu : Session()) feeder.Send(v6, pdu);
  feeder.Close(v6, /*by_peer=*/false);
  const std::string capture = ToPcapng(log);

  const std::vector<std::string> lines = Tshark(capture, "-Y iscsi " + Fields(TheirFields()));
  ASSERT_EQ(lines.size(), log.frames());
  int compared = 0;
  for (uint32_t frame = 1; frame <= log.frames(); ++frame) {
    compared += Compare(lines[frame - 1], log.Frame(frame)->decoded.pdu);
  }
  EXPECT_GT(compared, 400);
  // Every field of the table was seen at least once, so none is compared with nothing.
  for (size_t i = 0; i < std::size(kCompared); ++i) {
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(), [i](const std::string& line) {
      const std::vector<std::string> v = absl::StrSplit(line, ' ');
      return !v[i + 1].empty();
    })) << kCompared[i].theirs;
  }
}

TEST_F(TsharkTest, FindsNothingWrong) {
  WireLog log;
  TapFeeder feeder({&log});
  base::Random random(1);
  for (int connection = 0; connection < 6; ++connection) {
    // Hosts that are no addresses, a port twice, IPv6: all become proper flows.
    const bool v6 = connection % 2 == 1;
    const fabric::Address local = v6 ? fabric::Address{"2001:db8::1", 40000}
                                     : fabric::Address{connection == 0 ? "sim" : "10.0.0.1", 40000};
    const fabric::Address peer =
        v6 ? fabric::Address{"2001:db8::2", 3260} : fabric::Address{"10.0.0.2", 9999};
    const uint32_t id = feeder.Open(absl::StrCat("c", connection), local, peer);
    for (const v1::Pdu& pdu : Session()) {
      const std::vector<uint8_t> bytes = initiator_sim::Encode(pdu, {})->bytes;
      std::vector<size_t> cuts;
      for (uint64_t i = random.Below(3); i > 0; --i)
        cuts.push_back(random.Between(1, bytes.size() - 1));
      std::sort(cuts.begin(), cuts.end());
      cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
      const bool to_target = (bytes[0] & 0x20) == 0;
      feeder.Send(id, to_target ? Direction::kToTarget : Direction::kToInitiator, bytes, {}, cuts);
    }
    feeder.Close(id, connection % 2 == 0, connection == 5 ? "reset" : "");
  }
  const std::string capture = ToPcapng(log);
  const std::string strict = "-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE ";
  const std::vector<std::string> wrong =
      Tshark(capture,
             "-Y '_ws.malformed || tcp.analysis.flags || iscsi.opcode.invalid || "
             "iscsi.keyvalue.invalid' -T text");
  EXPECT_TRUE(wrong.empty()) << absl::StrJoin(wrong, "\n");
  const std::vector<std::string> right =
      Tshark(capture, strict +
                          "-Y 'tcp.checksum.status == 1 && (ipv6 || ip.checksum.status == 1)' "
                          "-T fields -e frame.number");
  EXPECT_EQ(right.size(), Tshark(capture, "-T fields -e frame.number").size());

  // Every PDU is found, however it was cut; the header within a Reject is one more.
  const std::vector<std::string> opcodes =
      Tshark(capture, "-Y iscsi -T fields -e iscsi.opcode -E occurrence=a -E aggregator=,");
  std::vector<std::string> all = absl::StrSplit(absl::StrJoin(opcodes, ","), ',');
  EXPECT_EQ(all.size(), log.frames() + 6);
  const std::vector<std::string> streams =
      Tshark(capture, "-Y tcp.flags.syn==1 -T fields -e tcp.stream");
  EXPECT_EQ(streams.size(), 12u);
}

TEST_F(TsharkTest, SeesDigestsAndComments) {
  const initiator_sim::Digests both{.header_digest = true, .data_digest = true};
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  std::vector<v1::Pdu> session = Session();
  for (const char* key : {"HeaderDigest", "DataDigest"}) {
    for (int i = 0; i < 2; ++i) {
      v1::KeyValue* digest =
          session[static_cast<size_t>(i)].mutable_data()->mutable_keys()->add_key();
      digest->set_name(key);
      digest->set_value("CRC32C");
    }
  }
  for (size_t i = 0; i < session.size(); ++i) {
    feeder.Send(c1, session[i], i < 2 ? initiator_sim::Digests{} : both);
  }
  v1::Violation violation;
  violation.set_frame(3);
  violation.set_rule("some_rule");
  const std::string capture = ToPcapng(log, {.violations = {violation}, .comment = "a case"});
  const std::vector<std::string> digests =
      Tshark(capture, "-Y iscsi.headerdigest32 -T fields -e iscsi.opcode -e iscsi.headerdigest32");
  EXPECT_EQ(digests.size(), session.size() - 2);
  EXPECT_TRUE(Tshark(capture, "-Y _ws.malformed").empty());
  const std::vector<std::string> comments =
      Tshark(capture, "-Y 'frame.comment contains \"some_rule\"' -T fields -e frame.comment");
  ASSERT_FALSE(comments.empty());
  EXPECT_TRUE(comments[0].starts_with("PDU 3")) << comments[0];
  // Told with the PDU, as Wireshark numbers its packets.
  PacketNumbers packets;
  const std::string numbered = ToPcapng(log, {.packets = &packets});
  EXPECT_EQ(Tshark(numbered, "-Y 'frame.comment contains \"PDU 3\"' -T fields -e frame.number"),
            std::vector<std::string>{absl::StrCat(packets.at(3))});
  EXPECT_NE(packets.at(3), 3u);
  EXPECT_NE(ToText(log, {.packets = &packets}).find(absl::StrCat("[packet ", packets.at(3), "]\n")),
            std::string::npos);
}

TEST_F(TsharkTest, ShowsAStreamThatEndsWithinItsFirstHeader) {
  WireLog log;
  TapFeeder feeder({&log});
  for (const bool closed : {true, false}) {
    const uint32_t id = feeder.Open(closed ? "c1" : "c2");
    feeder.Send(id, Direction::kToTarget, std::vector<uint8_t>(20, 0x43), {}, {7});
    if (closed) feeder.Close(id, /*by_peer=*/true);
  }
  const std::vector<std::string> lengths =
      Tshark(ToPcapng(log), "-Y 'tcp.len > 0' -T fields -e tcp.len");
  EXPECT_EQ(lengths, (std::vector<std::string>{"20", "20"}));
}

TEST_F(TsharkTest, TakesAFullLog) {
  WireLog log(/*max_bytes=*/4000);
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  for (const v1::Pdu& pdu : Session()) feeder.Send(c1, pdu);
  ASSERT_TRUE(log.truncated());
  EXPECT_GT(Tshark(ToPcapng(log), "-T fields -e frame.number").size(), log.frames());
}

}  // namespace
}  // namespace pushpull::conformance
