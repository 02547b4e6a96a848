// What goes over the wire: computed fields, bindings, misbehaviours, byte by byte where it matters.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/pdu/pattern.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kLogin[] = "epilogue: NOTHING step { login { unit_attention: LEFT } } ";

std::string PatternBytes(uint64_t seed, uint64_t offset, size_t length) {
  std::string bytes(length, '\0');
  FillPattern(seed, offset, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return bytes;
}

// Plays `steps` after a login; gives all PDUs that came after the login's.
struct Sent {
  PlayResult result;
  std::vector<SeenPdu> pdus;
};
Sent PlaySteps(const std::string& steps, PlayerTestBed* bed) {
  Sent sent;
  sent.result = bed->Play(kLogin + steps);
  bed->world.RunUntilIdle();
  for (const SeenPdu& one : bed->target.seen) {
    if (!one.pdu.has_login_request()) sent.pdus.push_back(one);
  }
  return sent;
}

// Leaves commands unanswered, so that a scenario's steps go on by themselves.
void Mute(PlayerTestBed* bed) {
  bed->target.on_pdu = [](TestTarget::Connection&, const v1::Pdu& pdu) {
    return !pdu.has_login_request();
  };
}
// Asks for 4096 bytes from 0 on, and says nothing more.
void AskOnce(PlayerTestBed* bed) {
  bed->target.on_pdu = [](TestTarget::Connection& c, const v1::Pdu& pdu) {
    if (pdu.has_scsi_command()) {
      v1::Pdu r2t;
      r2t.mutable_r2t()->set_initiator_task_tag(pdu.scsi_command().initiator_task_tag());
      r2t.mutable_r2t()->set_target_transfer_tag(0x77);
      r2t.mutable_r2t()->set_lun_bytes(pdu.scsi_command().lun_bytes());
      r2t.mutable_r2t()->set_desired_data_transfer_length(4096);
      c.Send(std::move(r2t));
    }
    return !pdu.has_login_request();
  };
}

TEST(PlayerSendTest, LoginOffersWhatIsDocumented) {
  PlayerTestBed bed;
  bed.Play("step { login {} } epilogue: NOTHING");
  const v1::Pdu login = bed.target.Seen(v1::Pdu::kLoginRequest).at(0);
  const v1::LoginRequest& request = login.login_request();
  EXPECT_TRUE(login.immediate());
  EXPECT_TRUE(request.transit());
  EXPECT_EQ(request.current_stage(), v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_EQ(request.next_stage(), v1::FULL_FEATURE_PHASE);
  EXPECT_EQ(request.isid(), std::string("\x80\x70\x75\x6c\x00\x01", 6));
  EXPECT_EQ(request.tsih(), 0u);
  EXPECT_EQ(request.cid(), 1u);
  EXPECT_EQ(request.cmd_sn(), 1u);
  const v1::KeyList keys = ParseKeys(login.data().raw()).keys;
  EXPECT_EQ(*FindKey(keys, "InitiatorName"), "iqn.2026-11.org.pushpull:initiator");
  EXPECT_EQ(*FindKey(keys, "TargetName"), "iqn.2026-11.org.example:disk");
  EXPECT_EQ(*FindKey(keys, "SessionType"), "Normal");
  EXPECT_EQ(*FindKey(keys, "MaxBurstLength"), "262144");
  EXPECT_EQ(*FindKey(keys, "InitialR2T"), "No");
  EXPECT_EQ(FindKey(keys, "AuthMethod"), nullptr);
}

TEST(PlayerSendTest, CommandsAreNumberedAndComputed) {
  PlayerTestBed bed;
  Mute(&bed);
  bed.options.luns = {3, 300};
  bed.options.scratch_lba = 1000;
  const Sent sent = PlaySteps(R"(
    step { send { pdu { scsi_command { cdb { read { lba: 5 blocks: 2 } } } } } }
    step { send { pdu { scsi_command { cdb { write { blocks: 1 } } } } absolute_lba: true } }
    step { send { pdu { immediate: true scsi_command { cdb { test_unit_ready {} } } } } }
    step { send { pdu { scsi_command { cdb { test_unit_ready {} } } } keep_sequence: true } }
    step { send { pdu { scsi_command { cdb { test_unit_ready {} } } }
                  bind { field: "lun" from: "lun.1" } } }
  )",
                              &bed);
  EXPECT_EQ(VerdictOf(sent.result), "PASS");
  ASSERT_THAT(sent.pdus, SizeIs(5));
  std::vector<uint32_t> cmd_sns, tags, lengths;
  for (const SeenPdu& one : sent.pdus) {
    cmd_sns.push_back(one.pdu.scsi_command().cmd_sn());
    tags.push_back(one.pdu.scsi_command().initiator_task_tag());
    lengths.push_back(one.pdu.scsi_command().expected_data_transfer_length());
  }
  EXPECT_THAT(cmd_sns, ElementsAre(1, 2, 3, 3, 3));
  EXPECT_THAT(tags, ElementsAre(2, 3, 4, 5, 6)) << "1 was the login's";
  EXPECT_THAT(lengths, ElementsAre(1024, 512, 0, 0, 0));
  const v1::ScsiCommand& read = sent.pdus[0].pdu.scsi_command();
  EXPECT_TRUE(read.read() && !read.write() && read.final());
  EXPECT_EQ(read.attr(), v1::SIMPLE);
  EXPECT_EQ(read.lun_bytes(), uint64_t{3} << 48);
  EXPECT_EQ(read.exp_stat_sn(), 101u) << "the login's was 100";
  EXPECT_EQ(base::LoadBe32(&sent.pdus[0].bytes[34]), 1005u) << "from the scratch area on";
  EXPECT_EQ(base::LoadBe32(&sent.pdus[1].bytes[34]), 0u);
  EXPECT_EQ(sent.pdus[4].pdu.scsi_command().lun_bytes(), uint64_t{0x4000 | 300} << 48);
}

TEST(PlayerSendTest, DataOutFollowFromTheR2t) {
  PlayerTestBed bed;
  AskOnce(&bed);
  const Sent sent = PlaySteps(R"(
    step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 8 } } } }
                  write_data { pattern { seed: 4 } } } }
    step { expect { task: "w" one_of { pdu { r2t {} } } } }
    step { send { task: "w" pdu { data_out { final: false } data { raw: "abcd" } } } }
    step { send { task: "w" pdu { data_out {} } } }
  )",
                              &bed);
  EXPECT_EQ(VerdictOf(sent.result), "PASS");
  ASSERT_THAT(sent.pdus, SizeIs(3));
  const v1::Pdu& first = sent.pdus[1].pdu;
  EXPECT_EQ(first.data().raw(), "abcd");
  EXPECT_FALSE(first.data_out().final());
  EXPECT_EQ(first.data_out().target_transfer_tag(), 0x77u);
  EXPECT_EQ(first.data_out().data_sn(), 0u);
  const v1::Pdu& second = sent.pdus[2].pdu;
  EXPECT_EQ(second.data_out().buffer_offset(), 4u);
  EXPECT_EQ(second.data_out().data_sn(), 1u);
  EXPECT_TRUE(second.data_out().final());
  EXPECT_EQ(second.data().raw(), PatternBytes(4, 4, 4092));
}

TEST(PlayerSendTest, UnsolicitedDataGoUpToTheFirstBurst) {
  PlayerTestBed bed;
  for (auto& [name, value] : bed.target.login_keys) {
    if (name == "InitialR2T") value = "No";
    if (name == "ImmediateData") value = "Yes";
    if (name == "FirstBurstLength") value = "2048";
    if (name == "MaxRecvDataSegmentLength") value = "512";
  }
  EXPECT_EQ(VerdictOf(bed.Play("step { login {} } step { command { cdb { write { blocks: 8 } } "
                               "write_data { pattern { seed: 6 } } } }")),
            "PASS");
  const v1::Pdu command = bed.target.Seen(v1::Pdu::kScsiCommand).back();
  EXPECT_FALSE(command.scsi_command().final());
  EXPECT_EQ(command.data().raw(), PatternBytes(6, 0, 512));
  std::vector<uint32_t> offsets, tags, data_sns;
  for (const v1::Pdu& pdu : bed.target.Seen(v1::Pdu::kDataOut)) {
    offsets.push_back(pdu.data_out().buffer_offset());
    tags.push_back(pdu.data_out().target_transfer_tag());
    data_sns.push_back(pdu.data_out().data_sn());
  }
  EXPECT_THAT(offsets, ElementsAre(512, 1024, 1536, 2048, 2560, 3072, 3584));
  EXPECT_THAT(tags, ElementsAre(~0u, ~0u, ~0u, 0x7000, 0x7000, 0x7000, 0x7000));
  EXPECT_THAT(data_sns, ElementsAre(0, 1, 2, 0, 1, 2, 3));
  EXPECT_EQ(bed.target.disk.substr(0, 4096), PatternBytes(6, 0, 4096));
}

struct Misbehaving {
  const char* misbehaviour;
  std::string steps;  // the last send carries MISBEHAVIOUR in place of %
  std::function<void(const std::vector<SeenPdu>&)> check;
};

std::string Replace(std::string text, const std::string& misbehaviour) {
  const size_t at = text.find('%');
  return text.replace(at, 1, absl::StrCat("misbehaviour: ", misbehaviour));
}

constexpr char kTur[] =
    "step { send { task: \"t\" pdu { scsi_command { cdb { test_unit_ready {} } } } % } }";
constexpr char kDataOut[] =
    "step { send { task: \"w\" pdu { scsi_command { cdb { write { blocks: 16 } } } } "
    "write_data { pattern { seed: 4 } } } } step { expect { task: \"w\" one_of { pdu { r2t {} } } "
    "} }"
    "step { send { task: \"w\" pdu { data_out { final: false } data { pattern { seed: 4 length: "
    "512 } } } } }"
    "step { send { task: \"w\" pdu { data_out {} } % } }";

TEST(PlayerSendTest, MisbehavioursDoWhatTheirNamesSay) {
  const std::vector<Misbehaving> cases = {
      {"CMD_SN_ABOVE_WINDOW", kTur,
       [](const auto& sent) { EXPECT_EQ(sent[0].pdu.scsi_command().cmd_sn(), 17u); }},
      {"CMD_SN_BELOW_WINDOW", kTur,
       [](const auto& sent) { EXPECT_EQ(sent[0].pdu.scsi_command().cmd_sn(), 0u); }},
      {"CMD_SN_GAP", std::string(kTur) + "step { send { pdu { nop_out {} } } }",
       [](const auto& sent) {
         EXPECT_EQ(sent[0].pdu.scsi_command().cmd_sn(), 2u);
         EXPECT_EQ(sent[1].pdu.nop_out().cmd_sn(), 3u) << "the hole is left";
       }},
      {"EXP_STAT_SN_AHEAD", kTur,
       [](const auto& sent) { EXPECT_EQ(sent[0].pdu.scsi_command().exp_stat_sn(), 1101u); }},
      {"EXP_STAT_SN_BEHIND", kTur,
       [](const auto& sent) { EXPECT_EQ(sent[0].pdu.scsi_command().exp_stat_sn(), 100u); }},
      {"LUN_OTHER_THAN_COMMANDS", kDataOut,
       [](const auto& sent) { EXPECT_EQ(sent[2].pdu.data_out().lun_bytes(), uint64_t{1} << 48); }},
      {"FINAL_MISSING", kDataOut,
       [](const auto& sent) { EXPECT_FALSE(sent[2].pdu.data_out().final()); }},
      {"DATA_SN_GAP", kDataOut,
       [](const auto& sent) { EXPECT_EQ(sent[2].pdu.data_out().data_sn(), 2u); }},
      {"DATA_SN_REPEATED", kDataOut,
       [](const auto& sent) { EXPECT_EQ(sent[2].pdu.data_out().data_sn(), 0u); }},
      {"BUFFER_OFFSET_BEYOND_R2T", kDataOut,
       [](const auto& sent) { EXPECT_EQ(sent[2].pdu.data_out().buffer_offset(), 4096u); }},
      {"TARGET_TRANSFER_TAG_UNKNOWN", kDataOut,
       [](const auto& sent) {
         EXPECT_EQ(sent[2].pdu.data_out().target_transfer_tag(), 0x77u ^ 0x5a5a5a5a);
       }},
      {"MORE_DATA_THAN_R2T", kDataOut,
       [](const auto& sent) {
         EXPECT_EQ(sent[2].pdu.data().raw(), PatternBytes(4, 512, 4096));
         EXPECT_TRUE(sent[2].pdu.data_out().final());
       }},
      {"LESS_DATA_THAN_R2T", kDataOut,
       [](const auto& sent) {
         EXPECT_EQ(sent[2].pdu.data().raw(), PatternBytes(4, 512, 3072));
         EXPECT_TRUE(sent[2].pdu.data_out().final());
       }},
      {"INITIATOR_TASK_TAG_IN_USE",
       std::string(
           "step { send { task: \"old\" pdu { scsi_command { cdb { test_unit_ready {} } } } } }") +
           kTur,
       [](const auto& sent) {
         EXPECT_EQ(sent[1].pdu.scsi_command().initiator_task_tag(),
                   sent[0].pdu.scsi_command().initiator_task_tag());
       }},
      {"PAD_NOT_ZERO", "step { send { pdu { nop_out {} data { raw: \"abcde\" } } % } }",
       [](const auto& sent) {
         EXPECT_THAT(sent[0].bytes, SizeIs(56));
         EXPECT_EQ(std::string(sent[0].bytes.begin() + 48, sent[0].bytes.end()),
                   "abcde\xff\xff\xff");
       }},
      {"RESERVED_BITS_SET", kTur,
       [](const auto& sent) {
         EXPECT_EQ(sent[0].bytes[2], 0x0f) << "Priority stands in the other four bits (RFC 7144)";
         EXPECT_EQ(sent[0].bytes[3], 0xff);
         EXPECT_EQ(sent[0].pdu.scsi_command().cmd_sn(), 1u);
       }},
      {"OPCODE_RESERVED", kTur, [](const auto& sent) { EXPECT_EQ(sent[0].bytes[0], 0x0b); }},
      {"AHS_LENGTH_LIES",
       "step { send { pdu { nop_out {} ahs { ahs_type: 1 specific: \"1234\" } } % } delivery {} }"
       "step { send { pdu { nop_out {} } } }",
       [](const auto& sent) {
         EXPECT_EQ(sent[0].bytes[4], 3) << "words of AHS, of which there are two";
       }},
  };
  for (const Misbehaving& one : cases) {
    SCOPED_TRACE(one.misbehaviour);
    PlayerTestBed bed;
    if (one.steps == kDataOut) {
      AskOnce(&bed);
    } else {
      Mute(&bed);
    }
    const Sent sent = PlaySteps(Replace(one.steps, one.misbehaviour), &bed);
    EXPECT_EQ(VerdictOf(sent.result), "PASS");
    if (!sent.pdus.empty()) one.check(sent.pdus);
    EXPECT_FALSE(sent.pdus.empty());
  }
}

TEST(PlayerSendTest, DigestsAreWrongOnPurpose) {
  for (const bool header : {true, false}) {
    PlayerTestBed bed;
    Mute(&bed);
    const Sent sent = PlaySteps(
        absl::StrCat("step { send { pdu { nop_out {} data { raw: \"abcd\" } } misbehaviour: ",
                     header ? "HEADER" : "DATA", "_DIGEST_WRONG } }",
                     "step { send { pdu { nop_out {} data { raw: \"abcd\" } } } }"),
        &bed);
    ASSERT_THAT(sent.pdus, SizeIs(0)) << "no digest was offered, so none is on: a script's error";
    EXPECT_THAT(VerdictOf(sent.result), StartsWith("ERROR: misbehaviour: no "));
  }
  PlayerTestBed bed;
  Mute(&bed);
  for (auto& [name, value] : bed.target.login_keys) {
    if (name == "HeaderDigest" || name == "DataDigest") value = "CRC32C";
  }
  bed.Play(R"(epilogue: NOTHING
    step { login { key { name: "HeaderDigest" value: "CRC32C" }
                   key { name: "DataDigest" value: "CRC32C" } } }
    step { send { pdu { nop_out {} data { raw: "abcd" } } misbehaviour: DATA_DIGEST_WRONG } }
    step { send { pdu { nop_out {} data { raw: "abcd" } } misbehaviour: HEADER_DIGEST_WRONG } })");
  bed.world.RunUntilIdle();
  ASSERT_GE(bed.target.seen.size(), 3u);
  const std::vector<uint8_t>& data_wrong = bed.target.seen[1].bytes;
  ASSERT_THAT(data_wrong, SizeIs(48 + 4 + 4 + 4));
  EXPECT_EQ(base::LoadBe32(&data_wrong[48]), DigestOf(base::Bytes(data_wrong).first(48)));
  EXPECT_EQ(base::LoadBe32(&data_wrong[56]) ^ DigestOf(base::Bytes(data_wrong).subspan(52, 4)),
            0x01000000u);
  const std::vector<uint8_t>& header_wrong = bed.target.seen[2].bytes;
  EXPECT_NE(base::LoadBe32(&header_wrong[48]), DigestOf(base::Bytes(header_wrong).first(48)));
}

TEST(PlayerSendTest, AKeyIsSplitAcrossTwoPdus) {
  PlayerTestBed bed;
  size_t requests = 0;
  bed.target.on_pdu = [&](TestTarget::Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_text_request()) return false;
    v1::Pdu answer;
    v1::TextResponse* response = answer.mutable_text_response();
    response->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
    response->set_final(++requests == 2);
    if (requests == 1) response->set_target_transfer_tag(0x55);
    c.Send(std::move(answer));
    return true;
  };
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login {} }
    step { send { pdu { text_request {} data { keys { key { name: "X-a" value: "bcdef" } } } }
                  misbehaviour: KEY_SPLIT_ACROSS_PDUS } }
    step { expect { one_of { pdu { text_response { final: true } } } } }
  )")),
            "PASS");
  const std::vector<v1::Pdu> sent = bed.target.Seen(v1::Pdu::kTextRequest);
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_TRUE(sent[0].text_request().text_continue());
  EXPECT_FALSE(sent[0].text_request().final());
  EXPECT_EQ(sent[0].data().raw(), "X-a=bcd");
  EXPECT_FALSE(sent[1].text_request().text_continue());
  EXPECT_EQ(sent[1].text_request().target_transfer_tag(), 0x55u);
  EXPECT_EQ(sent[1].data().raw(), std::string("ef\0", 3));
}

TEST(PlayerSendTest, AdjustmentsAndPatchesComeLast) {
  PlayerTestBed bed;
  Mute(&bed);
  const Sent sent = PlaySteps(R"(
    step { send { pdu { nop_out {} data { raw: "abcd" } }
                  adjust { field: "cmd_sn" add: 5 }
                  adjust { field: "initiator_task_tag" add: -1 } } }
    step { send { pdu { nop_out { cmd_sn: 9 } patch { offset: 20 replace: "zz" } } } }
  )",
                              &bed);
  ASSERT_THAT(sent.pdus, SizeIs(2));
  EXPECT_EQ(sent.pdus[0].pdu.nop_out().cmd_sn(), 6u);
  EXPECT_EQ(sent.pdus[0].pdu.nop_out().initiator_task_tag(), 1u);
  EXPECT_EQ(sent.pdus[1].bytes[20], 'z');
  EXPECT_EQ(sent.pdus[1].pdu.nop_out().cmd_sn(), 9u);
}

TEST(PlayerSendTest, RefersToATask) {
  PlayerTestBed bed;
  Mute(&bed);
  const Sent sent = PlaySteps(R"(
    step { send { task: "r" pdu { scsi_command { lun: 4 cdb { read { lba: 7 blocks: 1 } } } } } }
    step { send { refers_to: "r"
                  pdu { immediate: true task_management_request { function: ABORT_TASK } } } }
    step { send { task: "r" refers_to: "r" pdu { scsi_command {} } } }
  )",
                              &bed);
  EXPECT_EQ(VerdictOf(sent.result), "PASS");
  ASSERT_THAT(sent.pdus, SizeIs(3));
  const v1::ScsiCommand& read = sent.pdus[0].pdu.scsi_command();
  const v1::TaskManagementRequest& abort = sent.pdus[1].pdu.task_management_request();
  EXPECT_EQ(abort.referenced_task_tag(), read.initiator_task_tag());
  EXPECT_EQ(abort.ref_cmd_sn(), read.cmd_sn());
  EXPECT_EQ(abort.lun_bytes(), read.lun_bytes());
  EXPECT_EQ(sent.pdus[2].bytes, sent.pdus[0].bytes) << "sent again as it was";
}

TEST(PlayerSendTest, WaitsForTheWindow) {
  PlayerTestBed bed;
  bed.target.window = 2;
  EXPECT_EQ(VerdictOf(bed.Play(
                "step { login {} } step { send { task: \"n\" count: 9 pdu { nop_out {} } } }"
                "step { expect { task: \"n\" count: 9 one_of { pdu { nop_in {} } } } }")),
            "PASS");
  PlayerTestBed closed;
  Mute(&closed);
  closed.target.window = 2;
  EXPECT_EQ(
      VerdictOf(closed.Play("step { login {} } step { send { count: 3 pdu { nop_out {} } } }")),
      "FAIL: nothing came, though the target takes logins: awaiting MaxCmdSN to let the next "
      "command "
      "through");
}

TEST(PlayerSendTest, ScriptErrorsSayWhatToDo) {
  const struct {
    const char* steps;
    const char* message;
  } kCases[] = {
      {"step { probe {} }",
       "ERROR: probe needs connection c1, which was never opened; log in first"},
      {"step { connect {} } step { probe {} }",
       "ERROR: probe needs connection c1 in the full feature phase; log in first"},
      {"step { login {} } step { login {} }", "ERROR: connection c1 is logged in already"},
      {"step { login {} } step { connect {} }", "ERROR: connection c1 is open already"},
      {"step { connect { portal: 1 } }", "ERROR: portal 1 is asked for, the run has 1"},
      {"step { login {} } step { close {} } step { send { pdu { nop_out {} } } }",
       "ERROR: connection c1 was closed by the scenario"},
      {"step { login {} } step { send { pdu {} } }", "ERROR: a PDU to be sent has no kind"},
      {"step { login {} } step { send { task: \"w\" pdu { data_out {} } } }",
       "ERROR: a Data-Out for task \"w\", which was not begun"},
      {"step { login {} } step { serve_r2ts { task: \"w\" } }",
       "ERROR: serve_r2ts: no task \"w\" was begun"},
      {"step { login {} } step { send { pdu { nop_out {} } misbehaviour: ISER_KEY_BAD } }",
       "ERROR: this needs an iSER connection"},
      {"step { login {} } step { send { pdu { nop_out {} } misbehaviour: PAD_NOT_ZERO } }",
       "ERROR: misbehaviour: PAD_NOT_ZERO needs data"},
      {"step {}", "ERROR: the step says nothing of what to do"},
      {"step { register {} }", "ERROR: connection c1 is no iSER connection"},
      {"sweep { row { name: \"r\" } } step { login {} }", "ERROR: a scenario with a sweep"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    EXPECT_THAT(VerdictOf(bed.Play(one.steps)), StartsWith(one.message)) << one.steps;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
