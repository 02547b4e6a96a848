// Where the monitor must be silent: readings that the RFC allows, and targets that face an
// initiator that itself is wrong. And that it stands whatever comes.

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "conformance/monitor/rule_case.h"
#include "conformance/monitor/trace.h"
#include "conformance/tap/tap_feeder.h"
#include "initiator_sim/pdu/random_pdu.h"

namespace pushpull::conformance {
namespace {

struct QuietCase {
  const char* name;
  std::string trace;
  bool initiator_is_right = true;
};

const std::string kLevel1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
const std::string kImmediateText =
    "> text_request { } data { raw: 'MaxRecvDataSegmentLength=512\\0' } immediate: true";

// What the RFC allows.
std::vector<QuietCase> AllowedCases() {
  const std::string unsolicited_data =
      "> data_out { target_transfer_tag: 0xffffffff buffer_offset: 0 } "
      "data { pattern { length: 512 } }";
  return {
      {"a whole session",
       Lines({"login", kTur, kGood, kRead, DataIn("status_present: true", 1024), kWrite,
              R2t("desired_data_transfer_length: 1024"), DataOut(0, 1024), kGood, kPing, kPong,
              kText, "< text_response { } data { raw: 'TargetName=iqn.2026-01.a\\0' }",
              "> logout_request { cid: 1 }", "< logout_response { }", "close"})},
      {"a window that is closed",
       Lines({"login", kTur, "< scsi_response { exp_cmd_sn: 501 max_cmd_sn: 531 }", kPing,
              "< nop_in { max_cmd_sn: 531 }"})},
      {"numbers that wrap around",
       Lines({"open", Ask(kOp, kFull, "cmd_sn: 0xffffffff"),
              Tell(kOp, kFull, "tsih: 1 stat_sn: 0xffffffff exp_cmd_sn: 0xffffffff"),
              "> scsi_command { cmd_sn: 0xffffffff }",
              "< scsi_response { stat_sn: 0 exp_cmd_sn: 0 max_cmd_sn: 30 }",
              "> scsi_command { cmd_sn: 0 }",
              "< scsi_response { stat_sn: 1 exp_cmd_sn: 1 max_cmd_sn: 30 }"})},
      {"StatSN of a Data-In without status (A30)",
       Lines({"login", kRead, DataIn("final: false stat_sn: 77", 512),
              DataIn("status_present: true data_sn: 1 buffer_offset: 512", 512)})},
      {"a hole in the data of a command that fails",
       Lines({"login", kRead, DataIn("final: false", 512),
              "< scsi_response { status: CHECK_CONDITION exp_data_sn: 1 } "
              "data { sense { sense_key: MEDIUM_ERROR } }"})},
      {"FirstBurstLength in a session that moves no data",
       "login SessionType=Discovery FirstBurstLength=512 / FirstBurstLength=Irrelevant"},
      {"a tag that is used again, behind its Text Response",
       Lines({"login",
              "> text_request { initiator_task_tag: 5 } data { raw: 'InitiatorAlias=a\\0' }",
              "< text_response { initiator_task_tag: 5 }",
              "> text_request { initiator_task_tag: 5 } data { raw: 'InitiatorAlias=b\\0' }",
              "< text_response { initiator_task_tag: 5 }"})},
      {"residuals of a command that failed",
       Lines({"login", kRead,
              "< scsi_response { status: BUSY residual_underflow: true residual_count: 7 }"})},
      {"unsolicited data, then R2T",
       Lines({"login InitialR2T=No / InitialR2T=No",
              "> scsi_command { final: false write: true expected_data_transfer_length: 1024 }",
              "> data_out { final: true target_transfer_tag: 0xffffffff } "
              "data { pattern { length: 1024 } }",
              kGood})},
      {"R2T before all unsolicited data came",
       Lines({"login InitialR2T=No FirstBurstLength=512 / InitialR2T=No FirstBurstLength=512",
              "> scsi_command { final: false write: true expected_data_transfer_length: 1024 }",
              R2t("buffer_offset: 512 desired_data_transfer_length: 512"), unsolicited_data,
              DataOut(512, 512), kGood})},
      {"a recovery R2T",
       Lines({kLevel1, kWrite, R2t("desired_data_transfer_length: 1024"), DataOut(0, 1024),
              "< r2t { target_transfer_tag: 8 r2t_sn: 1 desired_data_transfer_length: 512 }"})},
      {"data again after a SNACK",
       Lines({kLevel1, kRead, DataIn("", 1024), "> snack_request { type: DATA_OR_R2T_SNACK }",
              DataIn("", 1024), "< scsi_response { exp_data_sn: 1 }"})},
      {"an end within a PDU, of a connection that the initiator misused",
       Lines({"login", ">! nop_out { initiator_task_tag: 0xffffffff } immediate: true",
              "close within a PDU, of which 4 bytes had come"})},
      {"an end within a PDU, behind an AHS of a type that there is not",
       Lines({"login", kTur + std::string(" ahs { ahs_type: 63 specific: '\\0abc' }"),
              "close within a PDU, of which 4 bytes had come"})},
      {"an end within a PDU, of a connection whose place another takes",
       Lines({"login", "join", "use 1", "close within a PDU, of which 4 bytes had come"})},
      {"an end within a PDU, by a cold reset",
       Lines({"login", "> task_management_request { function: TARGET_COLD_RESET } immediate: true",
              "close within a PDU, of which 4 bytes had come"})},
      {"a status again after a SNACK",
       Lines({kLevel1, kTur, "< scsi_response { stat_sn: 1001 }",
              "> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff "
              "beg_run: 1001 run_length: 1 }",
              "< scsi_response { stat_sn: 1001 }"})},
      {"a task that was reassigned",
       Lines(
           {"login ErrorRecoveryLevel=2 / ErrorRecoveryLevel=2", kRead, DataIn("final: false", 512),
            "close", "join",
            "> task_management_request { function: TASK_REASSIGN referenced_task_tag: 1 } "
            "immediate: true",
            "< task_management_response { }",
            "< data_in { initiator_task_tag: 1 data_sn: 1 buffer_offset: 512 status_present: true "
            "} data { pattern { length: 512 } }"})},
      {"a task that was reassigned, and its data again from the beginning",
       Lines({"login ErrorRecoveryLevel=2 / ErrorRecoveryLevel=2", kRead,
              DataIn("final: false", 512), "close", "join",
              "> task_management_request { function: TASK_REASSIGN referenced_task_tag: 1 } "
              "immediate: true",
              "< task_management_response { }",
              "< data_in { initiator_task_tag: 1 status_present: true } "
              "data { pattern { length: 1024 } }"})},
      {"all of a read again, behind its status",
       Lines({kLevel1, kRead, DataIn("", 1024), "< scsi_response { exp_data_sn: 1 }",
              "> snack_request { type: R_DATA_SNACK target_transfer_tag: 5 }", DataIn("", 1024),
              "< scsi_response { exp_data_sn: 1 snack_tag: 5 stat_sn: 1001 }"}),
       /*initiator_is_right=*/false},
      {"a status that was under way when an R-Data SNACK was sent",
       Lines({kLevel1, kRead, DataIn("", 1024),
              "> snack_request { type: R_DATA_SNACK target_transfer_tag: 5 }",
              "< scsi_response { exp_data_sn: 1 }"})},
      {"an R2T again after a SNACK",
       Lines({kLevel1, kWrite, R2t("desired_data_transfer_length: 1024"),
              "> snack_request { type: DATA_OR_R2T_SNACK }",
              R2t("desired_data_transfer_length: 1024")})},
      {"R2Ts behind one that asked again for the beginning",
       Lines({kLevel1, kWrite, R2t("desired_data_transfer_length: 512"), DataOut(0, 512),
              "< r2t { target_transfer_tag: 8 r2t_sn: 1 desired_data_transfer_length: 256 }",
              "> data_out { target_transfer_tag: 8 } data { pattern { length: 256 } }",
              "< r2t { target_transfer_tag: 9 r2t_sn: 2 buffer_offset: 512 "
              "desired_data_transfer_length: 512 }"})},
      {"one Target Transfer Tag on two connections",
       Lines({"login MaxConnections=2 / MaxConnections=2", kWrite,
              R2t("desired_data_transfer_length: 1024"), "join", kWrite,
              R2t("desired_data_transfer_length: 1024")})},
      {"sense data of seven bytes, which end before their length",
       Lines({"login", kTur,
              "< scsi_response { status: CHECK_CONDITION } "
              "data { raw: '\\0\\7\\x70\\0\\5\\0\\0\\0\\0' }"})},
      // §11.13.5: they are valid with Status-Class 0 only.
      {"the numbers of a Login reject",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""),
              Tell(kSec, "",
                   "status_class: 2 status_detail: 1 stat_sn: 9 exp_cmd_sn: 7 max_cmd_sn: 2")})},
      {"status before the TMF Response",
       Lines({"login", kTur, kTur,
              "> task_management_request { function: CLEAR_TASK_SET } immediate: true",
              "< scsi_response { initiator_task_tag: 1 status: TASK_ABORTED }",
              "< scsi_response { initiator_task_tag: 2 }",
              "< task_management_response { initiator_task_tag: 3 }"})},
      {"a tag that is used again", Lines({"login", "> scsi_command { initiator_task_tag: 5 }",
                                          kGood, "> nop_out { initiator_task_tag: 5 }", kPong,
                                          "> scsi_command { initiator_task_tag: 5 }", kGood})},
      {"a tag that is used again after a Reject",
       Lines({"login", "> text_request { initiator_task_tag: 5 }", "reject 5",
              "> nop_out { initiator_task_tag: 5 }", kPong})},
      {"an abort that came too late",
       Lines({"login", kTur, kGood,
              "> task_management_request { function: ABORT_TASK referenced_task_tag: 1 "
              "ref_cmd_sn: 500 } immediate: true",
              "< task_management_response { response: TASK_DOES_NOT_EXIST }"})},
      // §11.6.1 b: it counts the missing command as received.
      {"an abort of a command that never came",
       Lines({"login",
              "> task_management_request { function: ABORT_TASK referenced_task_tag: 9 "
              "ref_cmd_sn: 500 cmd_sn: 501 } immediate: true",
              "< task_management_response { exp_cmd_sn: 501 }"}),
       /*initiator_is_right=*/false},
      // §4.2.3.6: a reset needn't wait for what it would end at once.
      {"a cold reset that overtakes commands",
       Lines({"login",
              "> task_management_request { function: TARGET_COLD_RESET cmd_sn: 503 } "
              "immediate: true",
              "< task_management_response { exp_cmd_sn: 503 }"}),
       /*initiator_is_right=*/false},
      {"reinstatement of the session",
       Lines({"login", kTur, "open",
              Ask(kOp, kFull, "isid: '\\x80\\x01\\x02\\x03\\x04\\x05'",
                  "InitiatorName=iqn.2026-01.org.example:i\\0TargetName=iqn.2026-01.org.example:"
                  "t\\0"),
              Tell(kOp, kFull, "isid: '\\x80\\x01\\x02\\x03\\x04\\x05' tsih: 2",
                   "TargetPortalGroupTag=1\\0"),
              "use 1", "< scsi_response { initiator_task_tag: 77 stat_sn: 5 }"})},
      {"two connections that share the window",
       Lines({"login MaxConnections=2 / MaxConnections=2", kTur, "join", kTur,
              "< scsi_response { initiator_task_tag: 2 exp_cmd_sn: 502 }", "use 1",
              "< scsi_response { initiator_task_tag: 1 exp_cmd_sn: 502 }"})},
      {"MaxRecvDataSegmentLength lowered while data is under way",
       Lines({"login", kRead, kImmediateText, "< text_response { }",
              "< data_in { initiator_task_tag: 1 status_present: true } "
              "data { pattern { length: 1024 } }"})},
      {"data by RDMA",
       Lines({"login RDMAExtensions=Yes / RDMAExtensions=Yes", kRead, kGood, kWrite, kGood})},
      {"a connection whose beginning wasn't seen",
       Lines({"joined", "< scsi_response { initiator_task_tag: 5 exp_cmd_sn: 9 stat_sn: 77 }",
              kRead, DataIn("status_present: true stat_sn: 78", 512),
              "< async_message { async_event: TASKS_TERMINATED stat_sn: 79 }"})},
      {"private keys, and values in other notations",
       "login X-org.example.a=1 X#NodeArchitecture=me MaxBurstLength=0x400 / "
       "X-org.example.a=NotUnderstood MaxBurstLength=512 X-org.target.b=2"},
      // Nothing continues it then.
      {"a login that is refused amid the target's text",
       Lines({"open", Ask(kOp, kFull, "", "InitiatorName=iqn.2026-01.org.example:i\\0"),
              Tell(kOp, "", "text_continue: true", "TargetAlias=som"), kPing,
              Tell(kSec, "", "status_class: 2 status_detail: 0x0b")})},
      {"a stage that only asks for authentication",
       Lines({"open", Ask(kSec, kOp, "", "AuthMethod=CHAP,None\\0"),
              Tell(kSec, "", "", "AuthMethod=CHAP\\0"), Ask(kSec, "", "", "CHAP_A=5\\0"),
              Tell(kSec, "", "", "CHAP_A=5\\0CHAP_I=1\\0CHAP_C=0x1234\\0"),
              Ask(kSec, kOp, "", "CHAP_N=me\\0CHAP_R=0x5678\\0"), Tell(kSec, kOp), Ask(kOp, kFull),
              Tell(kOp, kFull, "tsih: 1")})},
      {"keys that are cut by the end of a PDU",
       Lines({"open",
              Ask(kOp, "", "text_continue: true", "InitiatorName=iqn.2026-01.a\\0MaxBurstLen"),
              Tell(kOp, ""), Ask(kOp, "", "", "gth=1024\\0"),
              Tell(kOp, "", "text_continue: true", "MaxBurst"), Ask(kOp, ""),
              Tell(kOp, "", "", "Length=1024\\0"), Ask(kOp, kFull), Tell(kOp, kFull, "tsih: 1")})},
      {"a target that wants one more exchange",
       Lines(
           {"open", Ask(kOp, kFull), Tell(kOp, ""), Ask(kOp, kFull), Tell(kOp, kFull, "tsih: 1")})},
  };
}

// Where the initiator was wrong before.
std::vector<QuietCase> ProvokedCases() {
  return {
      {"a tag in use", Lines({"login", kRead, "> scsi_command { initiator_task_tag: 1 }",
                              "< scsi_response { initiator_task_tag: 1 }",
                              "< scsi_response { initiator_task_tag: 1 }"})},
      {"a command that says nothing of its direction",
       Lines({"login", "> scsi_command { expected_data_transfer_length: 512 }", kGood})},
      {"more immediate data than the command has",
       Lines({"login",
              "> scsi_command { write: true expected_data_transfer_length: 512 } "
              "data { pattern { length: 1024 } }",
              kGood})},
      {"Data-Out of another length than the R2T's",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"), DataOut(0, 512), kGood})},
      {"Data-Out with a gap in DataSN",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"),
              "> data_out { target_transfer_tag: 7 data_sn: 1 } data { pattern { length: 1024 } }",
              "< scsi_response { exp_data_sn: 3 }"})},
      {"Data-Out with a tag that no R2T had",
       Lines({"login", kWrite, "> data_out { target_transfer_tag: 99 } data { raw: 'abcd' }",
              "reject 4", kGood})},
      {"something wrong on purpose",
       Lines(
           {"login", ">! scsi_command { read: true expected_data_transfer_length: 512 }", kGood})},
      {"a digest that is wrong",
       Lines({"login", "digests",
              "> scsi_command { read: true expected_data_transfer_length: 512 } header_digest: 1",
              "< scsi_response { exp_cmd_sn: 501 }"})},
      {"two Text Requests at a time",
       Lines({"login", kText, "> text_request { initiator_task_tag: 1 target_transfer_tag: 5 }",
              "< text_response { initiator_task_tag: 1 }",
              "< text_response { initiator_task_tag: 1 }"})},
      {"a key that is offered twice",
       Lines({"open", Ask(kOp, kFull, "", "MaxBurstLength=512\\0MaxBurstLength=1024\\0"),
              Tell(kOp, kFull, "tsih: 1", "MaxBurstLength=1024\\0MaxBurstLength=1024\\0"), kRead,
              DataIn("status_present: true", 1024)})},
      {"an offer that isn't admissible",
       "login MaxBurstLength=1 InitialR2T=Maybe / MaxBurstLength=512 InitialR2T=Reject"},
      {"an operational key in the security stage",
       Lines({"open", Ask(kSec, kOp, "", "MaxBurstLength=512\\0"),
              Tell(kSec, kOp, "", "MaxBurstLength=NotUnderstood\\0")})},
      {"a login that changes its ISID",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, "", "isid: 'abcdef'"), Tell(kOp, "")})},
      {"a request that overtakes the login",
       Lines({"open", Ask(kOp, kFull, "cmd_sn: 7"),
              "> logout_request { cmd_sn: 7 initiator_task_tag: 9 }",
              Tell(kOp, kFull, "tsih: 3 stat_sn: 0 exp_cmd_sn: 7 max_cmd_sn: 37"),
              "< logout_response { initiator_task_tag: 9 stat_sn: 1 exp_cmd_sn: 8 "
              "max_cmd_sn: 37 }"})},
      {"a login that goes on and isn't at its end",
       Lines({"open", Ask(kOp, kFull, "text_continue: true"), Tell(kSec, "")})},
      {"a request that is final and isn't at its end",
       Lines({"login", "> text_request { final: true text_continue: true } data { raw: 'X-a=1' }",
              "< text_response { } data { raw: 'TargetAlias=a\\0' }"})},
      {"a key of logins alone, in the Full Feature Phase",
       Lines({"login", "> text_request { } data { raw: 'MaxBurstLength=512\\0' }",
              "< text_response { } data { raw: 'MaxBurstLength=NotUnderstood\\0' }"})},
      {"an answer to AuthMethod without sense of its own",
       Lines({"open", Ask(kSec, kOp, "", "AuthMethod=None\\0"),
              Tell(kSec, kOp, "", "AuthMethod=Irrelevant\\0")})},
      {"a login that goes back a stage",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kSec, kOp), Tell(kOp, "")})},
      {"another PDU in the Login Phase",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), kPing, "reject 4"})},
      {"a command before the login has ended, which counts behind it",
       Lines({"open", Ask(kOp, kFull), kRead, Tell(kOp, kFull, "tsih: 1 exp_cmd_sn: 501"),
              "< scsi_response { initiator_task_tag: 9 exp_cmd_sn: 501 }"})},
      {"another PDU before the Login Phase", Lines({"open", kPing, "reject 4"})},
      {"a login in the Full Feature Phase",
       Lines({"login", Ask(kOp, kFull), Tell(kOp, kFull, "tsih: 3"), kPing, kPong})},
      {"a CmdSN outside the window",
       Lines({"login", "> scsi_command { cmd_sn: 2000 }", "> scsi_command { cmd_sn: 400 }", kPing,
              "< nop_in { exp_cmd_sn: 500 }"})},
      {"MaxRecvDataSegmentLength twice (A10)",
       "login MaxRecvDataSegmentLength=512 MaxRecvDataSegmentLength=1024 / "
       "MaxRecvDataSegmentLength=512 MaxRecvDataSegmentLength=1024"},
  };
}

TEST(Monitor, IsSilentWhereTheRfcAllowsIt) {
  for (const QuietCase& c : AllowedCases()) {
    for (const v1::Violation& v : ViolationsOf(c.trace)) {
      ADD_FAILURE() << c.name << ": " << v.frame() << " " << v.rule() << " " << v.message();
    }
  }
}

// What is right of an initiator is right with the target's rules and with its own.
// A command or its data that is wrong in one way, and one next to it that is right. Then a response
// of which no right one could be said to be right.
struct Provocation {
  std::string login = "login";
  std::string wrong;
  std::string right;
};

std::vector<Provocation> WrongWrites() {
  const auto write = [](const std::string& fields, int immediate) {
    return absl::StrCat("> scsi_command { write: true expected_data_transfer_length: 1024 ", fields,
                        " }", immediate == 0 ? "" : " data { pattern { length: ",
                        immediate == 0 ? "" : absl::StrCat(immediate, " } }"));
  };
  const auto out = [](const std::string& fields) {
    return absl::StrCat("> data_out { ", fields, " } data { pattern { length: 256 } }");
  };
  const std::string unasked =
      "login InitialR2T=No FirstBurstLength=512 / InitialR2T=No FirstBurstLength=512";
  const std::string rest = write("final: false", 256) + "\n";
  const std::string asked =
      Lines({write("", 256), R2t("buffer_offset: 256 desired_data_transfer_length: 512")});
  const std::string due = "target_transfer_tag: 7 buffer_offset: ";
  const std::string half = asked + out(due + "256 final: false") + "\n";
  const std::string final_half = half + out(due + "512 data_sn: 1");
  return {
      {"login", "> scsi_command { final: false }", "> scsi_command { final: true }"},
      {"login", "> scsi_command { } data { raw: 'abcd' }", "> scsi_command { }"},
      {"login", kRead + " data { raw: 'abcd' }", kRead},
      {"login", "> scsi_command { expected_data_transfer_length: 1 }", "> scsi_command { }"},
      {"login", write("read: true", 0), write("", 0)},
      {"login", write("", 1028), write("", 1024)},
      {unasked, write("final: false", 1024), write("final: false", 512)},
      {"login InitialR2T=No / InitialR2T=No", write("final: false", 1024), write("", 1024)},
      {"login ImmediateData=No / ImmediateData=No", write("", 4), write("", 0)},
      {unasked, write("", 516), write("", 512)},
      // Data that nobody asked for.
      {unasked, write("", 256) + "\n" + out("buffer_offset: 256"),
       rest + out("buffer_offset: 256")},
      {unasked, rest + out("buffer_offset: 252"), rest + out("buffer_offset: 256")},
      {unasked, rest + out("buffer_offset: 256 data_sn: 1"), rest + out("buffer_offset: 256")},
      {unasked, rest + out("buffer_offset: 256") + "\n" + out("buffer_offset: 512 data_sn: 1"),
       rest + out("buffer_offset: 256")},
      {unasked, rest + out("buffer_offset: 256 final: false") + "\n" + out("buffer_offset: 512"),
       rest + out("buffer_offset: 256 final: false") + "\n" + out("buffer_offset: 512 data_sn: 1")},
      // Answers to R2Ts.
      {"login", asked + out(due + "252 final: false"), asked + out(due + "256 final: false")},
      {"login", asked + out(due + "516 final: false"), asked + out(due + "512 final: false")},
      {"login", asked + out(due + "256"), final_half},
      {"login", half + out(due + "512"), final_half},
      {"login", asked + out("target_transfer_tag: 8 buffer_offset: 256"), final_half},
      {"login", final_half + "\n" + out(due + "512 data_sn: 2"), final_half},
  };
}

TEST(Monitor, JudgesNothingByARequestThatWasWrong) {
  const std::string response =
      "< scsi_response { initiator_task_tag: 1 residual_underflow: true residual_count: 4000 }";
  for (const Provocation& p : WrongWrites()) {
    const auto found = [&](const std::string& request) {
      return ViolationsOf(Lines({p.login, request, response})).size();
    };
    EXPECT_EQ(found(p.wrong), 0u) << p.login << "\n" << p.wrong;
    EXPECT_EQ(found(p.right), 1u) << p.login << "\n" << p.right;
  }
}

TEST(Monitor, IsSilentOfInitiatorsThatAreRight) {
  for (const QuietCase& c : AllowedCases()) {
    // Traces that write out the login say only what their point needs.
    if (!c.trace.starts_with("login") || !c.initiator_is_right) continue;
    for (const v1::Violation& v : ViolationsOf(c.trace, Judged::kBoth)) {
      ADD_FAILURE() << c.name << ": " << v.frame() << " " << v.rule() << " " << v.message();
    }
  }
}

TEST(Monitor, IsSilentWhereTheInitiatorWasWrong) {
  for (const QuietCase& c : ProvokedCases()) {
    for (const v1::Violation& v : ViolationsOf(c.trace)) {
      ADD_FAILURE() << c.name << ": " << v.frame() << " " << v.rule() << " " << v.message();
    }
  }
}

// From when on a limit holds that was declared in the Full Feature Phase, nobody sees on the wire.
TEST(Monitor, LetsAPingBeCutToALimitThatWasDeclaredLater) {
  const std::string before =
      Lines({"login MaxRecvDataSegmentLength=2048",
             "> text_request { } data { raw: 'MaxRecvDataSegmentLength=512\\0' }",
             "< text_response { }", "> nop_out { } data { pattern { length: 1024 } }"});
  for (const int length : {512, 1024}) {
    EXPECT_EQ(ViolationsOf(before + "< nop_in { } data { pattern { length: " +
                           std::to_string(length) + " } }")
                  .size(),
              0u)
        << length;
  }
  EXPECT_EQ(ViolationsOf(before + "< nop_in { } data { pattern { length: 768 } }").size(), 1u);
}

// How many headers it remembers is the monitor's affair, and no target's.
TEST(Monitor, IsSilentOfRejectsForWhatItForgot) {
  const std::string reject = "< reject { reason: PROTOCOL_ERROR } data { pattern { length: 48 } }";
  std::string trace = Lines({"login", kText});
  EXPECT_EQ(ViolationsOf(trace + reject).size(), 1u);
  for (int i = 0; i < 1100; ++i) absl::StrAppend(&trace, kPing, "\n", kPong, "\n");
  EXPECT_EQ(ViolationsOf(trace + reject).size(), 0u);
}

// Any PDUs in any order: to be run with sanitizers too.
TEST(Monitor, StandsWhateverComes) {
  base::Random random(5);
  for (int session = 0; session < 60; ++session) {
    Monitor monitor;
    Trace trace(&monitor);
    trace.Play(random.Chance(50) ? "login" : "open");
    // Goes on with the trace's connection.
    TapFeeder feeder({&monitor});
    const uint32_t id = feeder.Open("c1", {"h", 1}, {"h", 2}, /*tell=*/false);
    for (int i = 0; i < 150; ++i) {
      v1::Pdu pdu = initiator_sim::RandomPdu(&random);
      std::vector<uint8_t> bytes = initiator_sim::Encode(pdu, {})->bytes;
      // Few tags and numbers, so that PDUs concern each other.
      bytes[16] = bytes[17] = bytes[18] = 0;
      bytes[19] = static_cast<uint8_t>(random.Below(4));
      if (random.Chance(20)) bytes[random.Below(48)] = static_cast<uint8_t>(random.Next());
      if (random.Chance(5)) bytes.resize(random.Below(bytes.size()));
      const auto direction = random.Chance(50) ? initiator_sim::Direction::kToTarget
                                               : initiator_sim::Direction::kToInitiator;
      feeder.Send(id, direction, bytes, {random.Chance(10), random.Chance(10)}, {},
                  random.Chance(10));
    }
    feeder.Close(id, true);
    EXPECT_LE(monitor.violations().size(), 10 * TargetRules().size());
  }
}

}  // namespace
}  // namespace pushpull::conformance
