// Steps that are neither sends, nor expectations, nor logins.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/pdu/scsi.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

using Connection = TestTarget::Connection;

TEST(PlayerStepsTest, Commands) {
  const struct {
    std::string command;
    std::string verdict;
  } kCases[] = {
      {"cdb { test_unit_ready {} } retry_unit_attention: true", "PASS"},
      // Any command may meet one that has nothing to do with it, but for these.
      {"cdb { test_unit_ready {} }", "PASS"},
      {"cdb { read { blocks: 2 } } save_data_as: \"d\"", "PASS"},
      {"cdb { inquiry { allocation_length: 36 } }",
       "FAIL: a command didn't end as it must: status is CHECK_CONDITION (2), due is GOOD"},
      {"cdb { request_sense { allocation_length: 18 } }", "FAIL: a command didn't end as it must"},
      {"cdb { report_luns { allocation_length: 16 } }", "FAIL: a command didn't end as it must"},
      {"cdb { test_unit_ready {} } status: CHECK_CONDITION", "PASS"},
      {"cdb { test_unit_ready {} } sense { sense_key: UNIT_ATTENTION additional_sense_code: 0x2a }",
       "FAIL: a command didn't end as it must: sense is "},
      {"cdb { test_unit_ready {} } sense { sense_key: UNIT_ATTENTION additional_sense_code: 0x29 }",
       "PASS"},
      {"cdb { test_unit_ready {} } retry_unit_attention: true "
       "sense { sense_key: UNIT_ATTENTION additional_sense_code: 0x29 }",
       "PASS"},
      {"cdb { test_unit_ready {} } retry_unit_attention: true "
       "sense { sense_key: UNIT_ATTENTION additional_sense_code: 0x47 }",
       "FAIL: a command didn't end as it must: status is GOOD (0), due is CHECK_CONDITION"},
      {"cdb { test_unit_ready {} } sense { sense_key: ILLEGAL_REQUEST }",
       "FAIL: a command didn't end as it must: status is GOOD (0), due is CHECK_CONDITION"},
      {"cdb { read { blocks: 1 } } retry_unit_attention: true expect_data { raw: \"x\" }",
       "FAIL: a command didn't end as it must: data: "},
      {"cdb { read { blocks: 2 } } retry_unit_attention: true residual_underflow: 4",
       "FAIL: a command didn't end as it must: residual underflow is 0, due is 4"},
      {"cdb { read { blocks: 2 } } retry_unit_attention: true "
       "where { field: \"status\" eq: 0 } save_data_as: \"d\"",
       "PASS"},
      {"cdb { read { blocks: 2 } } retry_unit_attention: true where { field: \"exp_data_sn\" eq: 9 "
       "}",
       "FAIL: a command didn't end as it must: exp_data_sn is 0, expected 9"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    bed.target.unit_attentions = 1;
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat("step { login { unit_attention: LEFT } } ",
                                                "step { command { ", one.command, " } }"))),
                StartsWith(one.verdict))
        << one.command;
  }
}

TEST(PlayerStepsTest, UnitAttentionsWithoutEndAreAFailure) {
  for (const std::string step :
       {"command { cdb { read { blocks: 2 } } }",
        "check_blocks { data { pattern { seed: 1 length_in_blocks: 1 } } }"}) {
    PlayerTestBed bed;
    bed.target.unit_attentions = 1000;
    EXPECT_THAT(VerdictOf(bed.Play(
                    absl::StrCat("step { login { unit_attention: LEFT } } step { ", step, " }"))),
                StartsWith("FAIL"))
        << step;
  }
}

TEST(PlayerStepsTest, GatherDataInJudges) {
  const std::string read =
      "step { login {} } step { send { task: \"r\" pdu { scsi_command { cdb { read { blocks: 4 } } "
      "} } } }";
  const struct {
    std::string gather;
    std::string verdict;
  } kCases[] = {
      {"", "PASS"},
      {"expect_length: 2048", "PASS"},
      {"expect_length: 2047", "FAIL: 2048 bytes of data came"},
      {"at_most_pdus: 1", "FAIL: more Data-In PDUs came than were expected"},
      {"with_status: true", "FAIL: the status came in a SCSI Response of its own"},
      {"expect_data { pattern { seed: 1 } }", "FAIL: the data that came are others"},
      {"where { field: \"buffer_offset\" ref { from: \"task.r.received_length\" add: -1024 } }",
       "PASS"},
      {"where { field: \"data_sn\" eq: 0 }", "FAIL: data_sn is 1, expected 0"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat(read, "step { gather_data_in { task: \"r\" ",
                                                one.gather, " } }"))),
                StartsWith(one.verdict))
        << one.gather;
  }
  // The response is left where the case says so.
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(
                read + "step { gather_data_in { task: \"r\" leave_response: true } }"
                       "step { expect { task: \"r\" one_of { pdu { scsi_response {} } } } }")),
            "PASS");
  // Data beyond what the command asked for, and holes.
  for (const uint32_t offset : {2048u, 1024u}) {
    PlayerTestBed wrong;
    wrong.target.on_pdu = [&](Connection& c, const v1::Pdu& pdu) {
      if (!pdu.has_scsi_command() || !pdu.scsi_command().read()) return false;
      v1::Pdu in;
      in.mutable_data_in()->set_initiator_task_tag(pdu.scsi_command().initiator_task_tag());
      in.mutable_data_in()->set_buffer_offset(offset);
      in.mutable_data()->set_raw(std::string(1024, 'x'));
      c.Send(std::move(in));
      c.target->Respond(c, pdu, v1::GOOD);
      return true;
    };
    EXPECT_THAT(VerdictOf(wrong.Play(read + "step { gather_data_in { task: \"r\" } }")),
                StartsWith(offset == 2048 ? "FAIL: Data-In reaches to byte 3072"
                                          : "FAIL: the Data-In leave a hole"));
  }
}

TEST(PlayerStepsTest, ServeR2tsCountsAndDeviates) {
  const std::string write =
      "step { login {} } step { send { task: \"w\" pdu { scsi_command { cdb { write { blocks: 24 } "
      "} } } "
      "write_data { pattern { seed: 2 } } } }";
  const struct {
    std::string serve;
    std::string verdict;
  } kCases[] = {
      {"at_least_r2ts: 3 at_most_r2ts: 3", "PASS"},
      {"at_most_r2ts: 2", "FAIL: more R2Ts came than were expected"},
      {"at_least_r2ts: 4", "FAIL: after 3 R2Ts came what is none"},
      {"where { field: \"desired_data_transfer_length\" range { max: 4096 } }", "PASS"},
      {"where { field: \"buffer_offset\" ref { from: \"task.w.sent_length\" } }", "PASS"},
      {"where { field: \"r2t_sn\" eq: 0 }", "FAIL: r2t_sn is 1, expected 0"},
      {"data_segment_length: 1000", "PASS"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    EXPECT_THAT(
        VerdictOf(bed.Play(absl::StrCat(
            write, "step { serve_r2ts { task: \"w\" ", one.serve, " } }",
            "step { expect { task: \"w\" one_of { pdu { scsi_response { status: GOOD } } } } }"))),
        StartsWith(one.verdict))
        << one.serve;
  }
  // One Data-Out is wrong; the others stay as they are.
  PlayerTestBed bed;
  bed.Play(write +
           "step { serve_r2ts { task: \"w\" data_segment_length: 1024 deviate: DATA_SN_GAP "
           "deviate_at: 2 } } epilogue: NOTHING");
  std::vector<uint32_t> data_sns;
  for (const v1::Pdu& pdu : bed.target.Seen(v1::Pdu::kDataOut)) {
    data_sns.push_back(pdu.data_out().data_sn());
  }
  EXPECT_THAT(data_sns, ElementsAre(0, 1, 3, 4, 0, 1, 2, 3, 0, 1, 2, 3));

  PlayerTestBed stopped;
  EXPECT_EQ(VerdictOf(stopped.Play(
                write + "step { serve_r2ts { task: \"w\" stop_after_r2ts: 1 } }"
                        "step { expect { task: \"w\" one_of { pdu { r2t { r2t_sn: 1 } } } } }"
                        "epilogue: NOTHING")),
            "PASS");
}

TEST(PlayerStepsTest, ElapseIsVirtual) {
  PlayerTestBed bed;
  const absl::Time begin = bed.world.now();
  EXPECT_EQ(VerdictOf(bed.Play("step { login {} } step { elapse { milliseconds: 3600000 } } "
                               "step { elapse { negotiated_key: \"DefaultTime2Wait\" } }")),
            "PASS");
  EXPECT_EQ(bed.world.now() - begin, absl::Hours(1) + absl::Seconds(2));

  PlayerTestBed hasty;
  hasty.options.allow_elapse = false;
  EXPECT_THAT(VerdictOf(hasty.Play("step { login {} } step { elapse { milliseconds: 1 } }")),
              StartsWith("SKIP: lets time pass"));
}

TEST(PlayerStepsTest, Hooks) {
  const std::string steps =
      "step { login {} } step { trigger { hook: \"drain\" argument { name: \"n\" number: 7 } } }";
  PlayerTestBed none;
  EXPECT_EQ(VerdictOf(none.Play(steps)),
            "SKIP: needs hook drain: the run has no administrative hooks");

  const struct {
    absl::Status status;
    std::string verdict;
  } kCases[] = {
      {absl::OkStatus(), "PASS"},
      {absl::NotFoundError("never heard of it"), "SKIP: needs hook drain: never heard of it"},
      {absl::InternalError("exit code 1"), "ERROR: hook drain failed: exit code 1"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    auto pending = std::make_shared<HookDone>();
    bed.options.hook = [&, pending](const v1::Trigger& trigger, HookDone done) {
      EXPECT_EQ(trigger.hook(), "drain");
      EXPECT_EQ(trigger.argument(0).number(), 7u);
      // Later.
      *pending = std::move(done);
      bed.options.loop->Post([&, pending] { (*pending)(one.status); });
    };
    EXPECT_EQ(VerdictOf(bed.Play(steps)), one.verdict);
  }
  PlayerTestBed never;
  never.options.hook = [](const v1::Trigger&, HookDone) {};
  EXPECT_THAT(VerdictOf(never.Play(steps)),
              StartsWith("TIMEOUT: nothing came in time: awaiting hook"));
}

TEST(PlayerStepsTest, RequireNegotiated) {
  const struct {
    std::string require;
    std::string verdict;
  } kCases[] = {
      {"name: \"InitialR2T\" value: \"Yes\"", "PASS"},
      {"name: \"InitialR2T\" value: \"No\"",
       "UNSUPPORTED: needs InitialR2T No, but it came to Yes"},
      {"name: \"MaxBurstLength\" at_least: 16384 at_most: 16384", "PASS"},
      {"name: \"MaxBurstLength\" at_least: 16385",
       "UNSUPPORTED: needs MaxBurstLength at least 16385, but it came to 16384"},
      {"name: \"HeaderDigest\" value: \"CRC32C\"",
       "UNSUPPORTED: needs HeaderDigest CRC32C, but it came to None"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    EXPECT_EQ(VerdictOf(bed.Play(absl::StrCat("step { login {} } step { require_negotiated { ",
                                              one.require, " } }"))),
              one.verdict);
  }
}

TEST(PlayerStepsTest, TwoConnectionsOfOneSession) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login { unit_attention: LEFT } }
    step { connection: "c2" login { session: "c1" } }
    step { send { task: "a" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
    step { expect { task: "a" one_of { pdu { scsi_response {} } } } }
    step { connection: "c2" send { task: "b" pdu { scsi_command { cdb { test_unit_ready {} } } } } }
    step { connection: "c2" expect { task: "b" one_of { pdu { scsi_response {} }
             where { field: "exp_cmd_sn" ref { from: "connection.c1.cmd_sn" } } } } }
  )")),
            "PASS");
  const std::vector<v1::Pdu> logins = bed.target.Seen(v1::Pdu::kLoginRequest);
  ASSERT_THAT(logins, SizeIs(2));
  EXPECT_EQ(logins[1].login_request().tsih(), 7u);
  EXPECT_EQ(logins[1].login_request().cid(), 2u);
  EXPECT_THAT(logins[1].data().raw(), testing::Not(HasSubstr("MaxBurstLength")))
      << "only the leading login negotiates for the session";
  const std::vector<v1::Pdu> commands = bed.target.Seen(v1::Pdu::kScsiCommand);
  ASSERT_THAT(commands, SizeIs(2));
  EXPECT_EQ(commands[1].scsi_command().cmd_sn(), commands[0].scsi_command().cmd_sn() + 1);
  EXPECT_THAT(bed.target.Seen(v1::Pdu::kLogoutRequest), SizeIs(1)) << "it ends the session";
}

TEST(PlayerStepsTest, SessionsBeginAnewAndHaveTheirOwnIsid) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login { cmd_sn: 77 } }
    step { close { how: RST } }
    step { connection: "c2" login { session: "c1" tsih: 0 cmd_sn: 5 } }
    step { connection: "c3" login { cid: 9 isid: "\x80\x00\x00\x00\x00\x42" } }
    step { connection: "c4" login {} }
  )")),
            "PASS");
  const std::vector<v1::Pdu> logins = bed.target.Seen(v1::Pdu::kLoginRequest);
  ASSERT_THAT(logins, SizeIs(4));
  EXPECT_EQ(logins[0].login_request().cmd_sn(), 77u);
  EXPECT_EQ(logins[1].login_request().isid(), logins[0].login_request().isid());
  EXPECT_EQ(logins[1].login_request().tsih(), 0u);
  EXPECT_EQ(logins[1].login_request().cmd_sn(), 5u);
  EXPECT_EQ(logins[2].login_request().cid(), 9u);
  EXPECT_EQ(logins[2].login_request().isid().back(), 0x42);
  EXPECT_NE(logins[3].login_request().isid(), logins[0].login_request().isid());
}

TEST(PlayerStepsTest, HeldAcknowledgement) {
  PlayerTestBed bed;
  EXPECT_EQ(
      VerdictOf(bed.Play("step { login {} } step { acknowledge { hold: true } } step { probe {} } "
                         "step { probe {} } step { acknowledge {} } step { probe {} }")),
      "PASS");
  std::vector<uint32_t> exp_stat_sns;
  for (const v1::Pdu& pdu : bed.target.Seen(v1::Pdu::kNopOut)) {
    exp_stat_sns.push_back(pdu.nop_out().exp_stat_sn());
  }
  EXPECT_THAT(exp_stat_sns, ElementsAre(101, 101, 103, 104));
}

TEST(PlayerStepsTest, Probes) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play(
                "step { login {} } step { probe { data: \"hello\" immediate: true } } "
                "step { probe { on_new_connection: true } } "
                "step { probe { where { field: \"exp_cmd_sn\" ref { from: \"cmd_sn\" } } } }")),
            "PASS");
  EXPECT_EQ(bed.target.Seen(v1::Pdu::kNopOut)[0].data().raw(), "hello");

  PlayerTestBed forgetful;
  forgetful.target.on_pdu = [](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_nop_out()) return false;
    v1::Pdu answer;
    answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
    c.Send(std::move(answer));
    return true;
  };
  EXPECT_THAT(VerdictOf(forgetful.Play("step { login {} } step { probe { data: \"hello\" } }")),
              StartsWith("FAIL: the answer to a ping doesn't bring the ping's data"));
}

TEST(PlayerStepsTest, CheckBlocksSeesTheFirstWrongByte) {
  PlayerTestBed bed;
  bed.options.scratch_lba = 4;
  bed.target.disk.replace(512 * 6, 1024, std::string(1024, 'a'));
  bed.target.disk[512 * 7 + 3] = 'b';
  const std::string data(1024, 'a');
  const PlayResult result =
      bed.Play("step { check_blocks { lba: 2 data { raw: \"" + data + "\" } } }");
  EXPECT_EQ(VerdictOf(result),
            "FAIL: the LUN holds other data than it should from block 3, byte 3 on");
  bed.target.disk[512 * 7 + 3] = 'a';
  EXPECT_EQ(VerdictOf(bed.Play("step { check_blocks { lba: 2 data { raw: \"" + data + "\" } } }")),
            "PASS");
}

TEST(PlayerStepsTest, ConnectionsThatAreNotAccepted) {
  PlayerTestBed bed;
  bed.options.portals.push_back({.host = "192.0.2.9", .port = 1});
  EXPECT_EQ(
      VerdictOf(bed.Play("step { connect { portal: 1 expect_refused: true } } epilogue: NOTHING")),
      "PASS");
  EXPECT_THAT(VerdictOf(bed.Play("step { connect { portal: 1 } }")),
              StartsWith("FAIL: connection c1 was not accepted: "));
  EXPECT_THAT(VerdictOf(bed.Play("step { login { portal: 1 } }")),
              StartsWith("FAIL: connection c1 was not accepted: "));
  EXPECT_EQ(VerdictOf(bed.Play("step { connect { expect_refused: true } }")),
            "FAIL: a connection was accepted that should be refused");
}

TEST(PlayerStepsTest, ManyConnections) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play("step { connections { count: 7 at_a_time: 3 } }")), "PASS");
  EXPECT_EQ(bed.target.connections.size(), 7u);

  PlayerTestBed sessions;
  EXPECT_EQ(VerdictOf(sessions.Play("step { connections { count: 3 login {} "
                                    "command { cdb { test_unit_ready {} } } } }")),
            "PASS");
  EXPECT_EQ(sessions.target.Seen(v1::Pdu::kScsiCommand).size(), 3u);
  EXPECT_EQ(sessions.target.Seen(v1::Pdu::kLogoutRequest).size(), 3u);

  PlayerTestBed refused;
  refused.options.portals = {{.host = "192.0.2.9", .port = 1}};
  EXPECT_THAT(VerdictOf(refused.Play("step { connections { count: 2 } }")),
              StartsWith("FAIL: connection c1.0 was not accepted: "));
}

TEST(PlayerStepsTest, AnotherPortThanThePortals) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play("step { connect { port: 9 expect_refused: true } }")), "PASS");
}

TEST(PlayerStepsTest, Logout) {
  PlayerTestBed bed;
  EXPECT_EQ(VerdictOf(bed.Play("step { login {} } step { logout {} } step { close {} }")), "PASS");
  PlayerTestBed wrong;
  EXPECT_EQ(
      VerdictOf(wrong.Play("step { login {} } step { logout { reason: CLOSE_CONNECTION response: "
                           "CID_NOT_FOUND } }")),
      "FAIL: the logout was not answered as it must be");
}

// In the epilogue, and in what the player logs in for by itself, it is no step's matter.
TEST(PlayerStepsTest, LogoutThatEndsTheConnection) {
  const auto hang_up = [](TestTarget::Connection& connection, const v1::Pdu& pdu) {
    if (pdu.has_logout_request()) connection.Close();
    return pdu.has_logout_request();
  };
  PlayerTestBed epilogue;
  epilogue.target.on_pdu = hang_up;
  EXPECT_EQ(
      VerdictOf(epilogue.Play("step { login {} } step { probe { on_new_connection: true } }")),
      "PASS");
  PlayerTestBed step;
  step.target.on_pdu = hang_up;
  EXPECT_EQ(VerdictOf(step.Play("step { login {} } step { logout {} }")),
            "FAIL: connection c1 ended while awaiting the Logout Response");
}

TEST(PlayerStepsTest, ADestroyedPlayerSaysNothing) {
  PlayerTestBed bed;
  bool called = false;
  {
    Script script;
    script.scenario.add_step()->mutable_login();
    Player player(bed.options, script);
    player.Start([&](PlayResult) { called = true; });
    bed.world.RunFor(absl::ZeroDuration(), 5);
  }
  bed.world.RunUntilIdle();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace pushpull::initiator_sim
