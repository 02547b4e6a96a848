// Cases of monitor_test: what initiators must not do, but for their data.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kNames =
    "InitiatorName=iqn.2026-01.org.example:i\\0TargetName=iqn.2026-01.org.example:t\\0";
const std::string kLogout = "> logout_request { reason: CLOSE_SESSION }";

std::string AskFirst(const std::string& to, const std::string& more = "") {
  return Ask(kOp, to, more, kNames);
}

std::string Tmf(const std::string& fields) {
  return absl::StrCat("> task_management_request { ", fields, " }");
}

std::string PingOfTarget(const std::string& fields) {
  return absl::StrCat("< nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 5 ", fields,
                      " }");
}

std::string Pong(const std::string& fields) {
  return absl::StrCat("> nop_out { initiator_task_tag: 0xffffffff ", fields, " } immediate: true");
}

}  // namespace

std::vector<RuleCase> InitiatorFormatCases() {
  return {
      {"initiator_opcode", Lines({"login", "> raw { bhs: '\\x0a' }"}),
       Lines({"login", "> raw { bhs: '\\x1c' }"})},
      {"initiator_reserved_bits_zero",
       Lines({"login", "> nop_out { } immediate: true patch { offset: 3 xor: '\\x01' }"}),
       Lines({"login", kPing})},
      {"initiator_final_bit_set", Lines({"login", "> nop_out { final: false } immediate: true"}),
       Lines({"login", kPing})},
      {"initiator_no_data_segment", Lines({"login", kLogout + " data { raw: 'abcd' }"}),
       Lines({"login", kLogout})},
      {"initiator_segment_limit",
       Lines({"login / MaxRecvDataSegmentLength=512",
              "> nop_out { } data { pattern { length: 516 } }"}),
       Lines({"login / MaxRecvDataSegmentLength=512",
              "> nop_out { } data { pattern { length: 512 } }"})},
      {"initiator_segment_limit",
       Lines({"login", "> nop_out { } data { pattern { length: 8196 } }"}),
       Lines({"login", "> nop_out { } data { pattern { length: 8192 } }"})},
      {"initiator_pad_zero", Lines({"login", "> nop_out { } data { raw: 'a' } pad: '\\0\\0\\x01'"}),
       Lines({"login", "> nop_out { } data { raw: 'a' } pad: '\\0\\0\\0'"})},
      {"initiator_header_digest_right",
       Lines({"login", "digests", "> nop_out { } header_digest: 1"}),
       Lines({"login", "digests", "> nop_out { }"})},
      {"initiator_data_digest_right",
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' } data_digest: 1"}),
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' }"})},
  };
}

std::vector<RuleCase> InitiatorNumberingCases() {
  // The login opened a window of 32.
  const auto tail = [](int count) {
    std::string lines;
    for (int i = 0; i < count; ++i) absl::StrAppend(&lines, "> nop_out { }\n");
    return lines;
  };
  return {
      {"cmd_sn_increments", Lines({"login", kTur, "> nop_out { cmd_sn: 502 }"}),
       Lines({"login", kTur, "> nop_out { cmd_sn: 501 }"})},
      {"cmd_sn_increments", Lines({"login", kTur, "> nop_out { cmd_sn: 500 }"}),
       Lines({"login", kTur, "reject 4", "> nop_out { cmd_sn: 500 }"})},
      {"cmd_sn_of_immediate", Lines({"login", kTur, "> nop_out { cmd_sn: 500 } immediate: true"}),
       Lines({"login", kTur, "> nop_out { cmd_sn: 501 } immediate: true"})},
      {"cmd_sn_within_window", "login\n" + tail(33), "login\n" + tail(32)},
      {"exp_stat_sn_seen", Lines({"login", "> nop_out { exp_stat_sn: 1002 }"}),
       Lines({"login", "> nop_out { exp_stat_sn: 1001 }"})},
      {"exp_stat_sn_never_falls",
       Lines({"login", kPing, kPong, "> nop_out { exp_stat_sn: 1002 }",
              "> nop_out { exp_stat_sn: 1001 }"}),
       Lines({"login", kPing, kPong, "> nop_out { exp_stat_sn: 1001 }",
              "> nop_out { exp_stat_sn: 1002 }"})},
  };
}

std::vector<RuleCase> InitiatorTaskCases() {
  const std::string abort = "function: ABORT_TASK referenced_task_tag: 1 ref_cmd_sn: ";
  const std::string level0 = "login ErrorRecoveryLevel=0 / ErrorRecoveryLevel=0";
  const std::string level1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
  const std::string snack =
      "> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff beg_run: 1001 }";
  return {
      {"task_tag_valid",
       Lines({"login",
              "> scsi_command { initiator_task_tag: 0xffffffff cdb { test_unit_ready { } "
              "} }"}),
       Lines({"login",
              "> scsi_command { initiator_task_tag: 0xfffffffe cdb { test_unit_ready { } "
              "} }"})},
      {"task_tag_unique", Lines({"login", kTur, "> nop_out { initiator_task_tag: 1 }"}),
       Lines({"login", kTur, kGood, "> nop_out { initiator_task_tag: 1 }"})},
      {"discovery_requests", Lines({"login SessionType=Discovery", kTur}),
       Lines({"login SessionType=Discovery", kSendTargets})},
      {"nothing_after_logout_request", Lines({"login", kLogout, kTur}),
       Lines({"login", PingOfTarget(""), kLogout, Pong("target_transfer_tag: 5")})},
      {"logout_request_fields",
       Lines({"login", "> logout_request { reason: CLOSE_CONNECTION cid: 7 }"}),
       Lines({"login", "> logout_request { reason: CLOSE_CONNECTION cid: 1 }"})},
      {"task_management_request_fields",
       Lines({"login", Tmf("function: LOGICAL_UNIT_RESET referenced_task_tag: 1")}),
       Lines({"login", Tmf("function: LOGICAL_UNIT_RESET lun: 1")})},
      {"task_management_request_fields",
       Lines({"login", Tmf("function: TARGET_WARM_RESET lun: 1")}),
       Lines({"login", Tmf("function: TARGET_WARM_RESET")})},
      {"ref_cmd_sn", Lines({"login", kTur, Tmf(abort + "501")}),
       Lines({"login", kTur, Tmf(abort + "500")})},
      {"task_reassign_immediate",
       Lines({level1, Tmf("function: TASK_REASSIGN referenced_task_tag: 1")}),
       Lines({level1, Tmf("function: TASK_REASSIGN referenced_task_tag: 1") + " immediate: true"})},
      {"no_snack_at_level_0", Lines({level0, snack}), Lines({level1, snack})},
      {"nop_out_without_answer_immediate",
       Lines({"login", "> nop_out { initiator_task_tag: 0xffffffff }"}),
       Lines({"login", "> nop_out { initiator_task_tag: 0xffffffff } immediate: true"})},
      {"nop_out_answers_nop_in", Lines({"login", Pong("target_transfer_tag: 5")}),
       Lines({"login", PingOfTarget(""), Pong("target_transfer_tag: 5")})},
      {"nop_out_answers_nop_in",
       Lines({"login", PingOfTarget("lun: 1"), Pong("target_transfer_tag: 5")}),
       Lines({"login", PingOfTarget("lun: 1"), Pong("target_transfer_tag: 5 lun: 1")})},
  };
}

std::vector<RuleCase> InitiatorLoginCases() {
  const std::string stay = Tell(kOp, "");
  return {
      {"login_first", Lines({"open", kPing}), Lines({"open", AskFirst(kFull)})},
      {"login_first", Lines({"login", AskFirst(kFull)}), "login"},
      {"one_login_request_at_a_time", Lines({"open", AskFirst(""), Ask(kOp, "")}),
       Lines({"open", AskFirst(""), stay, Ask(kOp, "")})},
      {"login_stages", Lines({"open", AskFirst(""), stay, Ask(kSec, "")}),
       Lines({"open", AskFirst(""), stay, Ask(kOp, "")})},
      {"login_stages", Lines({"open", AskFirst(kOp)}), Lines({"open", AskFirst(kFull)})},
      {"login_continue_without_transit", Lines({"open", AskFirst(kFull, "text_continue: true")}),
       Lines({"open", AskFirst("", "text_continue: true")})},
      {"login_request_versions", Lines({"open", AskFirst("", "version_max: 1")}),
       Lines({"open", AskFirst("", "version_max: 0")})},
      {"login_fields_kept", Lines({"open", AskFirst(""), stay, Ask(kOp, "", "cid: 1")}),
       Lines({"open", AskFirst("", "cid: 1"), stay, Ask(kOp, "", "cid: 1")})},
      {"login_request_cmd_sn",
       Lines({"open", AskFirst("", "cmd_sn: 7"), stay, Ask(kOp, "", "cmd_sn: 8")}),
       Lines({"open", AskFirst("", "cmd_sn: 7"), stay, Ask(kOp, "", "cmd_sn: 7")})},
      {"isid_type", Lines({"open", AskFirst("", "isid: '\\xc0\\0\\0\\0\\0\\0'")}),
       Lines({"open", AskFirst("", "isid: '\\x80\\0\\0\\0\\0\\0'")})},
      {"login_first_keys", Lines({"open", Ask(kOp, "", "", "TargetName=iqn.2026-01.a:t\\0")}),
       Lines({"open", AskFirst("")})},
      {"login_first_keys", Lines({"open", Ask(kOp, "", "", "InitiatorName=iqn.2026-01.a:i\\0")}),
       Lines(
           {"open", Ask(kOp, "", "", "InitiatorName=iqn.2026-01.a:i\\0SessionType=Discovery\\0")})},
      {"initiator_name_form",
       Lines({"open", Ask(kOp, "", "", "InitiatorName=iqn.2026-01.a:i/i\\0TargetName=a.b\\0")}),
       Lines({"open", Ask(kOp, "", "", "InitiatorName=iqn.2026-01.a:i-i\\0TargetName=a.b\\0")})},
  };
}

std::vector<RuleCase> InitiatorTextCases() {
  const auto text = [](const std::string& fields, const std::string& keys) {
    return absl::StrCat("> text_request { ", fields, " } data { raw: '", keys, "' }");
  };
  const std::string more =
      "< text_response { final: false target_transfer_tag: 5 lun: 1 } data { raw: "
      "'TargetAlias=a\\0' }";
  const std::string on = "target_transfer_tag: 5 lun: 1";
  return {
      {"initiator_text_format", Lines({"login", text("", "X-a")}),
       Lines({"login", text("", "X-a=1\\0")})},
      {"initiator_text_format", Lines({"login", text("", "x-a=1\\0")}),
       Lines({"login", text("", "X-a=1\\0")})},
      {"initiator_key_value", "login MaxBurstLength=100",
       "login MaxBurstLength=1024 / "
       "MaxBurstLength=1024"},
      {"initiator_key_once", Lines({"login", text("", "InitiatorAlias=a\\0InitiatorAlias=b\\0")}),
       Lines({"login", text("", "InitiatorAlias=a\\0")})},
      {"initiator_key_once", Lines({"open", AskFirst(""), Tell(kOp, ""), Ask(kOp, "", "", kNames)}),
       Lines({"open", AskFirst(""), Tell(kOp, ""), Ask(kOp, "")})},
      {"empty_request_to_continue",
       Lines({"open", AskFirst(""), Tell(kOp, "", "text_continue: true", "TargetAlias=a"),
              Ask(kOp, "", "", "InitiatorAlias=i\\0")}),
       Lines({"open", AskFirst(""), Tell(kOp, "", "text_continue: true", "TargetAlias=a"),
              Ask(kOp, "")})},
      {"no_private_keys_in_discovery", "login SessionType=Discovery X-a.b=1 / X-a.b=NotUnderstood",
       "login X-a.b=1 / X-a.b=NotUnderstood"},
      {"task_reporting_offer", "login TaskReporting=RFC3720 / TaskReporting=RFC3720",
       "login TaskReporting=RFC3720,ResponseFence / TaskReporting=RFC3720"},
      {"chap_algorithms_offer",
       Lines({"open", Ask(kSec, "", "", kNames + "AuthMethod=CHAP\\0"),
              Tell(kSec, "", "", "TargetPortalGroupTag=1\\0AuthMethod=CHAP\\0"),
              Ask(kSec, "", "", "CHAP_A=7\\0")}),
       Lines({"open", Ask(kSec, "", "", kNames + "AuthMethod=CHAP\\0"),
              Tell(kSec, "", "", "TargetPortalGroupTag=1\\0AuthMethod=CHAP\\0"),
              Ask(kSec, "", "", "CHAP_A=7,5\\0")})},
      {"text_continue_not_final",
       Lines({"login", text("text_continue: true final: true", "InitiatorAlias=a")}),
       Lines({"login", text("text_continue: true final: false", "InitiatorAlias=a")})},
      {"one_text_request_at_a_time", Lines({"login", kText, kSendTargets}),
       Lines({"login", kText, "< text_response { }", kSendTargets})},
      {"text_tag_copied", Lines({"login", kSendTargets, more, text("target_transfer_tag: 5", "")}),
       Lines({"login", kSendTargets, more, text(on, "")})},
      {"text_tag_copied",
       Lines({"login", text("target_transfer_tag: 5 initiator_task_tag: 1", "")}),
       Lines({"login", text("initiator_task_tag: 1", "")})},
      {"text_fields_kept",
       Lines({"login", kSendTargets, more, text(on + " initiator_task_tag: 9", "")}),
       Lines({"login", kSendTargets, more, text(on, "")})},
      {"text_fields_kept", Lines({"login", kSendTargets, more, text(on, "") + " immediate: true"}),
       Lines({"login", kSendTargets, more, text(on, "")})},
      {"send_targets_alone", Lines({"login", text("", "SendTargets=\\0InitiatorAlias=a\\0")}),
       Lines({"login", text("", "SendTargets=\\0")})},
      {"send_targets_alone", Lines({"open", Ask(kOp, "", "", kNames + "SendTargets=All\\0")}),
       Lines({"open", Ask(kOp, "", "", kNames)})},
  };
}

}  // namespace pushpull::conformance
