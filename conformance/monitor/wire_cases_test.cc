// Cases of monitor_test: format, numbering, tasks, services.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {

std::vector<RuleCase> FormatCases() {
  return {
      {"target_opcode", Lines({"login", "< raw { bhs: '\\x2a' }"}),
       Lines({"login", "< raw { bhs: '\\x3c' }"})},
      {"no_ahs", Lines({"login", kPing, "< nop_in { } ahs { ahs_type: 1 specific: 'abcde' }"}),
       Lines({"login", kPing, kPong})},
      {"reserved_bits_zero",
       Lines({"login", kPing, "< nop_in { } patch { offset: 3 xor: '\\x01' }"}),
       Lines({"login",
              "< nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 1 "
              "lun: 1 }"})},
      {"reserved_bits_zero", Lines({"login", kPing, "< nop_in { } immediate: true"}),
       Lines({"login", kPing, kPong})},
      {"unused_fields_zero",
       Lines({"login", kTur, "< scsi_response { bidirectional_read_residual_count: 1 }"}),
       Lines({"login", kTur, kGood})},
      {"unused_fields_zero", Lines({"login", kTur, "< scsi_response { snack_tag: 1 }"}),
       Lines({"login", kTur, kGood})},
      {"unused_fields_zero",
       Lines({"login", "< async_message { async_event: LOGOUT_REQUEST async_vcode: 1 }"}),
       Lines({"login", "< async_message { async_event: VENDOR_SPECIFIC_EVENT async_vcode: 1 }"})},
      {"unused_fields_zero",
       Lines({"login", "< async_message { async_event: SESSION_DROP_NOTIFICATION parameter1: 1 }"}),
       Lines(
           {"login", "< async_message { async_event: SESSION_DROP_NOTIFICATION parameter2: 1 }"})},
      {"unused_fields_zero", Lines({"login", kPing, "< nop_in { lun: 1 }"}),
       Lines({"login", kPing, "< nop_in { lun: 0 }"})},
      {"unused_fields_zero", Lines({"login", kText, "< text_response { lun: 1 }"}),
       Lines({"login", kText,
              "< text_response { final: false target_transfer_tag: 5 lun: 1 } "
              "data { raw: 'TargetAlias=a\\0' }"})},
      {"unused_fields_zero",
       Lines({"login", "< async_message { async_event: LOGOUT_REQUEST lun: 1 }"}),
       Lines({"login", "< async_message { async_event: VENDOR_SPECIFIC_EVENT lun: 1 }"})},
      {"whole_pdus", Lines({"login", "close within a PDU, of which 4 bytes had come"}),
       Lines({"login", "close"})},
      // A format error ends the session at once (§7.7), where nothing says that it is meant.
      {"whole_pdus",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"),
              "close within a PDU, of which 4 bytes had come"}),
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"), DataOut(512, 1024),
              "close within a PDU, of which 4 bytes had come"})},
      {"whole_pdus", Lines({"login", "close within a PDU, of which 4 bytes had come"}),
       Lines({"login", "> login_request { transit: true }",
              "close within a PDU, of which 4 bytes had come"})},
      {"final_bit_set", Lines({"login", kPing, "< nop_in { final: false }"}),
       Lines({"login", kPing, kPong})},
      {"no_data_segment",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024") + " data { raw: 'x' }"}),
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024")})},
      {"segment_limit",
       Lines({"login MaxRecvDataSegmentLength=512", kRead, DataIn("final: false", 516),
              DataIn("status_present: true data_sn: 1 buffer_offset: 516", 508)}),
       Lines({"login MaxRecvDataSegmentLength=512", kRead, DataIn("final: false", 512),
              DataIn("status_present: true data_sn: 1 buffer_offset: 512", 512)})},
      {"segment_limit",
       Lines({"login", kText,
              absl::StrCat("< text_response { } data { raw: 'X-a=", std::string(8188, 'b'),
                           "\\0' }")}),
       Lines({"login", kText,
              absl::StrCat("< text_response { } data { raw: 'X-a=", std::string(8187, 'b'),
                           "\\0' }")})},
      {"pad_zero",
       Lines({"login", "> nop_out { } data { raw: 'a' }",
              "< nop_in { } data { raw: 'a' } pad: '\\0\\0\\x01'"}),
       Lines({"login", "> nop_out { } data { raw: 'a' }",
              "< nop_in { } data { raw: 'a' } pad: '\\0\\0\\0'"})},
      {"header_digest_right", Lines({"login", "digests", kPing, "< nop_in { } header_digest: 1"}),
       Lines({"login", "digests", kPing, kPong})},
      {"data_digest_right",
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' }",
              "< nop_in { } data { raw: 'a' } data_digest: 1"}),
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' }",
              "< nop_in { } data { raw: 'a' }"})},
      {"reserved_task_tag",
       Lines({"login",
              "< async_message { async_event: VENDOR_SPECIFIC_EVENT initiator_task_tag: 0 }"}),
       Lines({"login", "< async_message { async_event: VENDOR_SPECIFIC_EVENT }"})},
  };
}

std::vector<RuleCase> NumberingCases() {
  return {
      {"stat_sn_increments", Lines({"login", kPing, "< nop_in { stat_sn: 1002 }"}),
       Lines({"login", kPing, "< nop_in { stat_sn: 1001 }"})},
      {"stat_sn_increments", Lines({"login", kPing, "< nop_in { stat_sn: 1000 }"}),
       Lines({"login", kPing, kPong})},
      {"stat_sn_increments",
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "stat_sn: 5"), Ask(kOp, ""),
              Tell(kOp, "", "stat_sn: 5")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "stat_sn: 0xffffffff"), Ask(kOp, ""),
              Tell(kOp, "", "stat_sn: 0")})},
      {"stat_sn_next",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024 stat_sn: 1000")}),
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024 stat_sn: 1001"),
              DataOut(0, 1024), "< scsi_response { stat_sn: 1001 }"})},
      {"stat_sn_next",
       Lines({"login", "< nop_in { initiator_task_tag: 0xffffffff stat_sn: 1000 }"}),
       Lines({"login", "< nop_in { initiator_task_tag: 0xffffffff stat_sn: 1001 }", kPing,
              "< nop_in { stat_sn: 1001 }"})},
      {"exp_cmd_sn_without_holes", Lines({"login", kTur, "< scsi_response { exp_cmd_sn: 502 }"}),
       Lines({"login", kTur, "< scsi_response { exp_cmd_sn: 501 }"})},
      {"exp_cmd_sn_without_holes", Lines({"login", kPing, "< nop_in { exp_cmd_sn: 501 }"}),
       Lines({"login", kPing, "< nop_in { exp_cmd_sn: 500 }"})},
      // A command with CmdSN 501 was sent, one with 500 wasn't.
      {"exp_cmd_sn_without_holes",
       Lines({"login", "> scsi_command { cmd_sn: 501 }",
              "< nop_in { initiator_task_tag: 0xffffffff exp_cmd_sn: 502 }"}),
       Lines({"login", "> scsi_command { cmd_sn: 501 }",
              "< nop_in { initiator_task_tag: 0xffffffff exp_cmd_sn: 500 }"})},
      // A target reset ends what it didn't wait for; another one waits.
      {"exp_cmd_sn_without_holes",
       Lines({"login",
              "> task_management_request { function: LOGICAL_UNIT_RESET cmd_sn: 503 } "
              "immediate: true",
              "< task_management_response { exp_cmd_sn: 503 max_cmd_sn: 540 }"}),
       Lines({"login",
              "> task_management_request { function: TARGET_WARM_RESET cmd_sn: 503 } "
              "immediate: true",
              "< task_management_response { exp_cmd_sn: 503 max_cmd_sn: 540 }"})},
      {"exp_cmd_sn_never_falls",
       Lines({"login", kTur, kTur,
              "< scsi_response { initiator_task_tag: 1 exp_cmd_sn: 502 max_cmd_sn: 540 }",
              "< scsi_response { initiator_task_tag: 2 exp_cmd_sn: 501 max_cmd_sn: 540 }"}),
       Lines({"login", kTur, kTur,
              "< scsi_response { initiator_task_tag: 1 exp_cmd_sn: 502 max_cmd_sn: 540 }",
              "< scsi_response { initiator_task_tag: 2 exp_cmd_sn: 502 max_cmd_sn: 540 }"})},
      {"max_cmd_sn_never_falls",
       Lines(
           {"login", kPing, "< nop_in { max_cmd_sn: 540 }", kPing, "< nop_in { max_cmd_sn: 539 }"}),
       Lines({"login", kPing, "< nop_in { max_cmd_sn: 540 }", kPing,
              "< nop_in { max_cmd_sn: 540 }"})},
      {"window_not_negative", Lines({"login / ", kPing, "< nop_in { max_cmd_sn: 498 }"}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "exp_cmd_sn: 500 max_cmd_sn: 499")})},
      {"acknowledged_before_status", Lines({"login", kTur, "< scsi_response { exp_cmd_sn: 500 }"}),
       Lines({"login", kTur, "< scsi_response { exp_cmd_sn: 501 }"})},
      {"acknowledged_before_status",
       Lines({"login", kRead, DataIn("status_present: true exp_cmd_sn: 500", 1024)}),
       Lines({"login", kRead + " immediate: true",
              DataIn("status_present: true exp_cmd_sn: 500", 1024)})},
      {"login_cmd_sn_kept", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "exp_cmd_sn: 499")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "exp_cmd_sn: 500")})},
  };
}

std::vector<RuleCase> TaskCases() {
  const std::string abort =
      "> task_management_request { function: ABORT_TASK referenced_task_tag: 1 ref_cmd_sn: 500 } "
      "immediate: true";
  const std::string abort_set =
      "> task_management_request { function: ABORT_TASK_SET } immediate: true";
  const std::string done = "< task_management_response { }";
  const std::string late = "< scsi_response { initiator_task_tag: 1 status: TASK_ABORTED }";
  return {
      {"response_to_live_task",
       Lines({"login", kTur, "< scsi_response { initiator_task_tag: 99 }"}),
       Lines({"login", kTur, "< scsi_response { initiator_task_tag: 1 }"})},
      {"response_to_live_task",
       Lines({"login", kTur, "< scsi_response { initiator_task_tag: 0xffffffff }"}),
       Lines({"login", "> scsi_command { initiator_task_tag: 0xffffffff }",
              "< scsi_response { initiator_task_tag: 0xffffffff }"})},
      {"one_response", Lines({"login", kTur, kGood, kGood}),
       Lines({"login", kTur, kGood, "> scsi_command { initiator_task_tag: 1 }", kGood})},
      {"one_response",
       Lines({"login", kRead, DataIn("status_present: true", 1024),
              "< scsi_response { exp_data_sn: 1 }"}),
       Lines({"login", kRead, DataIn("", 1024), "< scsi_response { exp_data_sn: 1 }"})},
      {"response_fits_request", Lines({"login", kPing, "< text_response { }"}),
       Lines({"login", kPing, kPong})},
      {"response_fits_request", Lines({"login", kWrite, DataIn("", 4)}),
       Lines({"login", kRead, DataIn("", 4)})},
      {"own_connection", Lines({"login", kTur, "join", kGood}),
       Lines({"login", kTur, "join", "use 1", kGood})},
      {"nothing_after_abort", Lines({"login", kTur, abort, done, late}),
       Lines({"login", kTur, abort, late, "< task_management_response { initiator_task_tag: 2 }"})},
      {"nothing_after_task_set_abort", Lines({"login", kTur, abort_set, done, late}),
       // Sent after the TMF: not covered.
       Lines({"login", abort_set, "> scsi_command { initiator_task_tag: 9 cmd_sn: 500 }",
              "< task_management_response { initiator_task_tag: 1 exp_cmd_sn: 501 }",
              "< scsi_response { initiator_task_tag: 9 exp_cmd_sn: 501 }"})},
  };
}

std::vector<RuleCase> ServiceCases() {
  const std::string ping = "> nop_out { } data { raw: 'abc' }";
  const std::string logout = "> logout_request { }";
  const std::string abort = "> task_management_request { function: CLEAR_ACA } immediate: true";
  const std::string pong = "< nop_in { initiator_task_tag: 0xffffffff }";
  const auto async = [](const std::string& fields) {
    return Lines({"login", "< async_message { " + fields + " }"});
  };
  const std::string big_ping = "> nop_out { } data { pattern { length: 600 } }";
  return {
      {"nop_in_echo", Lines({"login", ping, "< nop_in { } data { raw: 'abd' }"}),
       Lines({"login", ping, "< nop_in { } data { raw: 'abc' }"})},
      {"nop_in_echo", Lines({"login", ping, "< nop_in { } data { raw: 'ab' }"}),
       Lines({"login MaxRecvDataSegmentLength=512", big_ping,
              "< nop_in { } data { pattern { length: 512 } }"})},
      {"nop_in_empty", Lines({"login", pong + " data { raw: 'x' }"}), Lines({"login", pong})},
      {"nop_in_answer_tag", Lines({"login", kPing, "< nop_in { target_transfer_tag: 5 }"}),
       Lines({"login", "< nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 5 }"})},
      {"tmf_response_assigned",
       Lines({"login", abort, "< task_management_response { response: 8 }"}),
       Lines({"login", abort, "< task_management_response { response: FUNCTION_REJECTED }"})},
      {"logout_answered", Lines({"login", logout, "close"}),
       Lines({"login", logout, "< logout_response { }", "close"})},
      // What went before it may be why.
      {"logout_answered", Lines({"login", ">! nop_out { }", kPing, kPong, logout, "close"}),
       Lines({"login", ">! nop_out { }", logout, "close"})},
      // What the request asks for doesn't exist.
      {"logout_answered", Lines({"login", logout, "close"}),
       Lines({"login", "> logout_request { reason: 3 }", "close"})},
      // It said that it would.
      {"logout_answered", Lines({"login", kPing, kPong, logout, "close"}),
       Lines({"login", "< async_message { async_event: SESSION_DROP_NOTIFICATION }", logout,
              "close"})},
      {"logout_response_assigned", Lines({"login", logout, "< logout_response { response: 4 }"}),
       Lines({"login", logout, "< logout_response { response: 3 }"})},
      {"logout_recovery", Lines({"login", logout, "< logout_response { response: 2 }"}),
       Lines({"login", "> logout_request { reason: REMOVE_CONNECTION_FOR_RECOVERY }",
              "< logout_response { response: 2 }"})},
      {"nothing_after_logout", Lines({"login", logout, "< logout_response { }", pong}),
       Lines({"login", logout, "< logout_response { response: CLEANUP_FAILED }", pong})},
      // Of another connection.
      {"nothing_after_logout",
       Lines({"login", "join", "> logout_request { reason: CLOSE_CONNECTION cid: 2 }",
              "< logout_response { }", pong}),
       Lines({"login", "join", "> logout_request { reason: CLOSE_CONNECTION cid: 1 }",
              "< logout_response { }", pong})},
      {"reject_reason_assigned", Lines({"login", kPing, "reject 13"}),
       Lines({"login", "< async_message { async_event: LOGOUT_REQUEST }", kPing, "reject 12"})},
      {"reject_reason_assigned", Lines({"login", kPing, "reject 1"}),
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' } data_digest: 1", "reject 2"})},
      {"reject_reason_deprecated", Lines({"login", kText, "reject 11"}),
       Lines({"login", kText, "reject 10"})},
      {"reject_reason_fits", Lines({"login", kPing, "reject 2"}),
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' } data_digest: 1", "reject 2"})},
      {"reject_reason_fits",
       Lines({"login", "digests", "> nop_out { } data { raw: 'a' }", "reject 2"}),
       Lines({"login", "digests", ">! nop_out { } data { raw: 'a' }", "reject 2"})},
      {"reject_reason_fits", Lines({"login", kTur, "reject 3"}),
       Lines({"login", "> snack_request { }", "reject 3"})},
      {"reject_reason_fits", Lines({"login", kTur, "reject 8"}),
       Lines({"login", "> snack_request { type: DATA_ACK }", "reject 8"})},
      {"reject_reason_fits", Lines({"login", kTur, "reject 6"}),
       Lines({"login", kPing, "reject 6"})},
      {"reject_reason_fits", Lines({"login", kTur, "reject 7"}),
       Lines({"login", kTur, "> scsi_command { initiator_task_tag: 1 }", "reject 7"})},
      {"reject_reason_fits", Lines({"login", kPing, "reject 10"}),
       Lines({"login", kText, "reject 10"})},
      {"reject_reason_fits", Lines({"login", kPing, "reject 12"}),
       Lines({"login", "< async_message { async_event: LOGOUT_REQUEST }", kPing, "reject 12"})},
      {"reject_header", Lines({"login", kPing, "reject 4 47"}),
       Lines({"login", kPing, "reject 4"})},
      {"reject_header",
       Lines({"login", "> scsi_command { } ahs { ahs_type: 9 specific: 'abcde' }", "reject 9 48"}),
       Lines({"login", "> scsi_command { } ahs { ahs_type: 9 specific: 'abcde' }", "reject 9"})},
      {"reject_header",
       Lines(
           {"login", kPing, "< reject { reason: PROTOCOL_ERROR } data { pattern { length: 48 } }"}),
       Lines({"login", kPing, "reject 4"})},
      {"async_event_assigned", async("async_event: 6"), async("async_event: 248")},
      {"async_event_assigned", async("async_event: 247"),
       async("async_event: NEGOTIATION_REQUEST")},
      {"async_fast_abort", async("async_event: TASKS_TERMINATED"),
       Lines({"login TaskReporting=FastAbort / TaskReporting=FastAbort",
              "< async_message { async_event: TASKS_TERMINATED }"})},
      {"discovery_quiet",
       Lines({"login SessionType=Discovery",
              "< nop_in { initiator_task_tag: 0xffffffff "
              "target_transfer_tag: 7 }"}),
       Lines({"login", "< nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 7 }"})},
      {"discovery_quiet",
       Lines({"login SessionType=Discovery", "< async_message { async_event: LOGOUT_REQUEST }"}),
       Lines({"login", "< async_message { async_event: LOGOUT_REQUEST }"})},
      // A Logout Request that no target need understand.
      {"logout_answered", Lines({"login", logout, "close"}),
       Lines({"login", "> logout_request { } data { raw: 'a' }", "close"})},
      {"async_connection", async("async_event: CONNECTION_DROP_NOTIFICATION parameter1: 2"),
       async("async_event: CONNECTION_DROP_NOTIFICATION parameter1: 1")},
      {"sense_length_fits", async("async_event: 1 } data { raw: '\\0\\1a'"),
       async("async_event: 1 } data { raw: '\\0\\0a'")},
      {"sense_length_fits", async("async_event: 0 } data { raw: '\\0\\2a'"),
       async("async_event: 0 } data { raw: '\\0\\1a'")},
  };
}

}  // namespace pushpull::conformance
