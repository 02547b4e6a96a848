// Each rule by a trace that breaks it and one that only just doesn't.

#include "conformance/monitor/monitor.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "conformance/monitor/trace.h"
#include "conformance/requirements/catalogue.h"

namespace pushpull::conformance {
namespace {

struct RuleCase {
  const char* rule;
  std::string broken;
  std::string right;
};

std::string Lines(std::initializer_list<std::string> lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

const std::string kTur = "> scsi_command { cdb { test_unit_ready { } } }";
const std::string kRead =
    "> scsi_command { read: true expected_data_transfer_length: 1024 cdb { read { blocks: 2 } } }";
const std::string kWrite =
    "> scsi_command { write: true expected_data_transfer_length: 1024 "
    "cdb { write { blocks: 2 } } }";
const std::string kGood = "< scsi_response { }";
const std::string kPing = "> nop_out { } immediate: true";
const std::string kPong = "< nop_in { }";
const std::string kText = "> text_request { } data { raw: 'SendTargets=All\\0' }";

// Data-In, R2T and what answers it. `fields` may be any of the message.
std::string DataIn(const std::string& fields, int length) {
  return absl::StrCat("< data_in { ", fields, " } data { pattern { length: ", length, " } }");
}
std::string R2t(const std::string& fields) {
  return absl::StrCat("< r2t { target_transfer_tag: 7 ", fields, " }");
}
std::string DataOut(int offset, int length) {
  return absl::StrCat("> data_out { target_transfer_tag: 7 buffer_offset: ", offset,
                      " } data { pattern { length: ", length, " } }");
}

// PDUs of a Login Phase. `to`: "" stays in the stage, else the next one. `keys`: with \0.
std::string LoginFields(const std::string& csg, const std::string& to) {
  return absl::StrCat("current_stage: ", csg, to.empty() ? "" : " transit: true next_stage: ", to,
                      " isid: '123456' initiator_task_tag: 9 ");
}
const std::string kSec = "SECURITY_NEGOTIATION";
const std::string kOp = "LOGIN_OPERATIONAL_NEGOTIATION";
const std::string kFull = "FULL_FEATURE_PHASE";
std::string Ask(const std::string& csg, const std::string& to, const std::string& more = "",
                const std::string& keys = "") {
  return absl::StrCat("> login_request { ", LoginFields(csg, to), more, " } data { raw: '", keys,
                      "' }");
}
std::string Tell(const std::string& csg, const std::string& to, const std::string& more = "",
                 const std::string& keys = "") {
  return absl::StrCat("< login_response { ", LoginFields(csg, to), more, " } data { raw: '", keys,
                      "' }");
}

std::string Text(const std::string& keys) {
  return Lines({"login", kText, absl::StrCat("< text_response { } data { raw: '", keys, "' }")});
}

const std::string kPrefix2 = "scsi_command { write: true expected_data_transfer_length: 1024 ";
const std::string kBidirectional =
    Lines({"login",
           "> scsi_command { read: true write: true expected_data_transfer_length: 512 } "
           "ahs { ahs_type: 2 specific: '\\0\\0\\0\\x02\\0' }",
           R2t("desired_data_transfer_length: 512"), DataOut(0, 512)});

std::vector<RuleCase> FormatCases() {
  return {
      {"target_opcode", Lines({"login", "< raw { bhs: '\\x2a' }"}),
       Lines({"login", "< raw { bhs: '\\x3c' }"})},
      {"no_ahs", Lines({"login", kPing, "< nop_in { } ahs { ahs_type: 1 specific: 'abcde' }"}),
       Lines({"login", kPing, kPong})},
      {"reserved_bits_zero",
       Lines({"login", kPing, "< nop_in { } patch { offset: 3 xor: '\\x01' }"}),
       Lines({"login", kPing, "< nop_in { lun: 1 }"})},
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

std::vector<RuleCase> DataInCases() {
  const std::string level1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
  const std::string burst = "login MaxBurstLength=512 / MaxBurstLength=512";
  const std::string first = DataIn("final: false", 512);
  const std::string last = "status_present: true data_sn: 1 buffer_offset: 512";
  return {
      {"data_sn_contiguous",
       Lines({"login", kRead, first,
              DataIn("status_present: true data_sn: 2 buffer_offset: 512", 512)}),
       Lines({"login", kRead, first, DataIn(last, 512)})},
      {"data_sn_contiguous",
       Lines({"login", kRead, DataIn("status_present: true data_sn: 1", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true data_sn: 0", 1024)})},
      {"data_in_within_edtl", Lines({"login", kRead, DataIn("status_present: true", 1028)}),
       Lines({"login", kRead, DataIn("status_present: true", 1024)})},
      {"data_in_order",
       Lines({"login", kRead, first,
              DataIn("status_present: true data_sn: 1 buffer_offset: 508", 512)}),
       Lines({"login", kRead, first, DataIn(last, 512)})},
      // Sequences out of order.
      {"data_in_order",
       Lines({"login", kRead, DataIn("buffer_offset: 512", 512),
              DataIn("status_present: true data_sn: 1", 512)}),
       Lines({"login DataSequenceInOrder=No / DataSequenceInOrder=No", kRead,
              DataIn("buffer_offset: 512", 512), DataIn("status_present: true data_sn: 1", 512)})},
      {"data_in_burst_limit", Lines({burst, kRead, first, DataIn(last, 512)}),
       Lines({burst, kRead, DataIn("", 512), DataIn(last, 512)})},
      {"data_in_sequence_ended",
       Lines({"login", kRead, DataIn("final: false", 1024), "< scsi_response { exp_data_sn: 1 }"}),
       Lines({"login", kRead, DataIn("", 1024), "< scsi_response { exp_data_sn: 1 }"})},
      {"status_only_with_final",
       Lines({"login", kRead, DataIn("status_present: true final: false", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true", 1024)})},
      {"data_in_status_good",
       Lines({"login", kRead, DataIn("status_present: true status: CHECK_CONDITION", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true status: CONDITION_MET", 1024)})},
      {"bidirectional_status",
       kBidirectional + Lines({DataIn("status_present: true data_sn: 1", 512)}),
       kBidirectional + Lines({DataIn("data_sn: 1", 512), "< scsi_response { exp_data_sn: 1 }"})},
      {"no_acknowledge_at_level_0",
       Lines({"login", kRead,
              DataIn("status_present: true acknowledge: true target_transfer_tag: 5", 1024)}),
       Lines({level1, kRead,
              DataIn("status_present: true acknowledge: true target_transfer_tag: 5", 1024)})},
      {"acknowledge_names_tag",
       Lines({level1, kRead, DataIn("status_present: true acknowledge: true", 1024)}),
       Lines({level1, kRead,
              DataIn("status_present: true acknowledge: true target_transfer_tag: 0", 1024)})},
      {"acknowledge_names_tag",
       Lines(
           {level1, kRead,
            DataIn("status_present: true acknowledge: true target_transfer_tag: 0 lun: 1", 1024)}),
       Lines({level1, kRead, DataIn("status_present: true lun: 1", 1024)})},
      {"tag_only_with_acknowledge",
       Lines({"login", kRead, DataIn("status_present: true target_transfer_tag: 5", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true target_transfer_tag: 0", 1024)})},
      {"data_in_whole_words",
       Lines({"login", kRead, DataIn("final: false", 510),
              DataIn("status_present: true data_sn: 1 buffer_offset: 510", 514)}),
       Lines({"login", kRead, DataIn("final: false", 508),
              DataIn("status_present: true data_sn: 1 buffer_offset: 508", 516)})},
  };
}

std::vector<RuleCase> R2tCases() {
  const std::string two = "login MaxOutstandingR2T=2 / MaxOutstandingR2T=2";
  const std::string half = R2t("desired_data_transfer_length: 512");
  const std::string other =
      "< r2t { target_transfer_tag: 8 r2t_sn: 1 buffer_offset: 512 "
      "desired_data_transfer_length: 512 }";
  const std::string with_data = kWrite + " data { pattern { length: 512 } }";
  return {
      {"r2t_sn_contiguous",
       Lines({"login", kWrite, R2t("r2t_sn: 1 desired_data_transfer_length: 1024")}),
       Lines({"login", kWrite, R2t("r2t_sn: 0 desired_data_transfer_length: 1024")})},
      {"r2t_length", Lines({"login", kWrite, R2t("desired_data_transfer_length: 0")}),
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1")})},
      {"r2t_length",
       Lines({"login MaxBurstLength=512 / MaxBurstLength=512", kWrite,
              R2t("desired_data_transfer_length: 513")}),
       Lines({"login MaxBurstLength=512 / MaxBurstLength=512", kWrite, half})},
      {"r2t_within_edtl", Lines({"login", kWrite, R2t("desired_data_transfer_length: 1025")}),
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024")})},
      {"r2t_in_order",
       Lines({"login", kWrite, R2t("buffer_offset: 512 desired_data_transfer_length: 512")}),
       Lines({"login DataSequenceInOrder=No / DataSequenceInOrder=No", kWrite,
              R2t("buffer_offset: 512 desired_data_transfer_length: 512")})},
      {"r2t_in_order",
       Lines({"login", kWrite, half, DataOut(0, 512),
              R2t("r2t_sn: 1 "
                  "buffer_offset: 256 desired_data_transfer_length: 512")}),
       Lines({"login", kWrite, half, DataOut(0, 512),
              R2t("r2t_sn: 1 buffer_offset: 512 desired_data_transfer_length: 512")})},
      {"r2t_not_for_data_sent",
       Lines({"login", with_data, R2t("desired_data_transfer_length: 1024")}),
       Lines({"login", with_data, R2t("buffer_offset: 512 desired_data_transfer_length: 512")})},
      {"r2t_outstanding", Lines({"login", kWrite, half, other}), Lines({two, kWrite, half, other})},
      {"r2t_outstanding", Lines({"login", kWrite, half, other}),
       Lines({"login", kWrite, half, DataOut(0, 512), other})},
      {"r2t_tag_valid",
       Lines({"login", kWrite,
              "< r2t { target_transfer_tag: 0xffffffff desired_data_transfer_length: 1024 }"}),
       Lines({"login", kWrite,
              "< r2t { target_transfer_tag: 0 desired_data_transfer_length: 1024 }"})},
      {"r2t_tag_own",
       Lines({two, kWrite, half,
              R2t("r2t_sn: 1 buffer_offset: 512 desired_data_transfer_length: 512")}),
       Lines({two, kWrite, half, DataOut(0, 512),
              R2t("r2t_sn: 1 buffer_offset: 512 desired_data_transfer_length: 512")})},
      {"r2t_lun", Lines({"login", kWrite, R2t("lun: 1 desired_data_transfer_length: 1024")}),
       Lines({"login", kWrite, R2t("lun: 0 desired_data_transfer_length: 1024")})},
  };
}

std::vector<RuleCase> ResponseCases() {
  const std::string written =
      Lines({"login", kWrite, R2t("desired_data_transfer_length: 512"), DataOut(0, 512)});
  const auto check = [](const std::string& data) {
    return Lines({"login", kTur,
                  "< scsi_response { status: CHECK_CONDITION } data { raw: '" + data + "' }"});
  };
  const std::string resent =
      Lines({"login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1", kRead, DataIn("", 1024),
             "> snack_request { type: R_DATA_SNACK target_transfer_tag: 5 }", DataIn("", 1024)});
  return {
      {"response_assigned", Lines({"login", kTur, "< scsi_response { response: 127 }"}),
       Lines({"login", kTur, "< scsi_response { response: 128 }"})},
      {"failure_has_no_flags",
       Lines({"login", kRead,
              "< scsi_response { response: TARGET_FAILURE residual_underflow: true "
              "residual_count: 1024 }"}),
       Lines({"login", kRead, "< scsi_response { response: TARGET_FAILURE }"})},
      {"overflow_or_underflow",
       Lines(
           {"login", kRead, DataIn("", 1024),
            "< scsi_response { residual_underflow: true residual_overflow: true residual_count: 4 "
            "exp_data_sn: 1 }"}),
       Lines({"login", kRead, DataIn("", 1024),
              "< scsi_response { residual_overflow: true residual_count: 4 exp_data_sn: 1 }"})},
      {"overflow_or_underflow",
       Lines({"login", kTur,
              "< scsi_response { bidirectional_read_underflow: true "
              "bidirectional_read_overflow: true }"}),
       Lines({"login", kTur, "< scsi_response { bidirectional_read_underflow: true }"})},
      {"residual_zero_without_flag",
       Lines({"login", kTur, "< scsi_response { residual_count: 1 }"}),
       Lines({"login", kTur, "< scsi_response { residual_count: 0 }"})},
      // A read that moved half, with and without saying so.
      {"residual_count_right", Lines({"login", kRead, DataIn("status_present: true", 512)}),
       Lines({"login", kRead,
              DataIn("status_present: true residual_underflow: true residual_count: 512", 512)})},
      {"residual_count_right",
       Lines({"login", kRead,
              DataIn("status_present: true residual_underflow: true residual_count: 511", 512)}),
       Lines({"login", kRead, DataIn("", 512),
              "< scsi_response { residual_underflow: true residual_count: 512 exp_data_sn: 1 }"})},
      {"residual_count_right",
       Lines({"login", kRead,
              DataIn("status_present: true residual_overflow: true residual_count: 512", 512)}),
       Lines({"login", kRead,
              DataIn("status_present: true residual_overflow: true residual_count: 512", 1024)})},
      {"residual_count_right",
       Lines({"login", kTur, "< scsi_response { residual_overflow: true }"}),
       Lines({"login", kTur, "< scsi_response { residual_overflow: true residual_count: 1 }"})},
      {"residual_count_right", written + kGood,
       written + "< scsi_response { residual_underflow: true residual_count: 512 }"},
      {"residual_count_right",
       written + "< scsi_response { residual_underflow: true residual_count: 511 }",
       written + "< scsi_response { residual_underflow: true residual_count: 1024 }"},
      {"exp_data_sn_counts",
       Lines({"login", kRead, DataIn("", 1024), "< scsi_response { exp_data_sn: 0 }"}),
       Lines({"login", kRead, DataIn("", 1024), "< scsi_response { exp_data_sn: 1 }"})},
      {"exp_data_sn_counts",
       Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"), DataOut(0, 1024),
              "< scsi_response { exp_data_sn: 1 }"}),
       Lines(
           {"login", kWrite, R2t("desired_data_transfer_length: 1024"), DataOut(0, 1024), kGood})},
      {"exp_data_sn_counts",
       Lines({"login", kRead, DataIn("", 1024),
              "< scsi_response { response: TARGET_FAILURE exp_data_sn: 1 }"}),
       Lines({"login", kRead, DataIn("", 1024), "< scsi_response { response: TARGET_FAILURE }"})},
      {"sense_with_check_condition", check(""), check("\\0\\3abc")},
      {"sense_with_check_condition", check("\\0\\0abc"), check("\\0\\1abc")},
      {"sense_length_fits", check("\\0\\4abc"), check("\\0\\3abc")},
      {"sense_length_fits", check("a"), check("\\0\\1a")},
      {"level_2_fields", Lines({"login", kTur, "< scsi_response { status_qualifier: 1 }"}),
       Lines({"login iSCSIProtocolLevel=2 / iSCSIProtocolLevel=2", kTur,
              "< scsi_response { status_qualifier: 1 }"})},
      {"level_2_fields",
       Lines({"login", "> task_management_request { function: QUERY_TASK } immediate: true",
              "< task_management_response { response: FUNCTION_SUCCEEDED }"}),
       Lines({"login iSCSIProtocolLevel=2 / iSCSIProtocolLevel=2",
              "> task_management_request { function: QUERY_TASK } immediate: true",
              "< task_management_response { response: FUNCTION_SUCCEEDED }"})},
      {"snack_tag", resent + "< scsi_response { snack_tag: 6 exp_data_sn: 1 }",
       resent + "< scsi_response { snack_tag: 5 exp_data_sn: 1 }"},
  };
}

std::vector<RuleCase> LoginCases() {
  const std::string named = "InitiatorName=iqn.2026-01.a\\0TargetName=iqn.2026-01.b\\0";
  const std::string address = "TargetAddress=10.0.0.1:3260\\0";
  const std::string final = Tell(kOp, kFull, "tsih: 1");
  const auto long_text = [](size_t size) {
    return absl::StrCat("X-a=", std::string(size - 5, 'b'), "\\0");
  };
  const std::string ping = "< nop_in { initiator_task_tag: 0xffffffff }";
  return {
      {"only_login_pdus", Lines({"open", Ask(kOp, ""), ping}), Lines({"login", ping})},
      {"only_login_pdus", Lines({"open", ping}), Lines({"open"})},
      {"only_login_pdus", Lines({"login", Tell(kOp, kFull, "tsih: 1")}),
       Lines({"login", Ask(kOp, kFull), Tell("STAGE_RESERVED", "", "status_class: 2")})},
      {"login_alternates", Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Tell(kOp, "")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""), Tell(kOp, "")})},
      {"login_same_stage", Lines({"open", Ask(kOp, ""), Tell(kSec, "")}),
       Lines({"open", Ask(kSec, ""), Tell(kSec, "")})},
      {"login_transit_asked", Lines({"open", Ask(kOp, ""), final}),
       Lines({"open", Ask(kOp, kFull), final})},
      {"continue_without_transit",
       Lines({"open", Ask(kOp, kFull), Tell(kOp, kFull, "tsih: 1 text_continue: true")}),
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "", "text_continue: true")})},
      {"login_next_stage", Lines({"open", Ask(kSec, kOp), Tell(kSec, kFull, "tsih: 1")}),
       Lines({"open", Ask(kSec, kFull), Tell(kSec, kOp)})},
      {"login_next_stage", Lines({"open", Ask(kOp, kFull), Tell(kOp, kOp)}),
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "")})},
      {"login_next_stage_unused",
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "next_stage: FULL_FEATURE_PHASE")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "next_stage: SECURITY_NEGOTIATION")})},
      {"login_echoes", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "isid: '123457'")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_echoes", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "initiator_task_tag: 8")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_tsih", Lines({"open", Ask(kOp, kFull), Tell(kOp, kFull)}),
       Lines({"open", Ask(kOp, kFull), final})},
      {"login_tsih", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "tsih: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "")})},
      {"login_tsih_copied", Lines({"open", Ask(kOp, "", "tsih: 4"), Tell(kOp, "", "tsih: 5")}),
       Lines({"open", Ask(kOp, "", "tsih: 4"), Tell(kOp, "", "tsih: 4")})},
      {"login_versions",
       Lines({"open", Ask(kOp, ""), Tell(kOp, ""), Ask(kOp, ""), Tell(kOp, "", "version_max: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "version_max: 1"), Ask(kOp, ""),
              Tell(kOp, "", "version_max: 1")})},
      {"login_status_assigned",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 2 status_detail: 12")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 2 status_detail: 11")})},
      {"failed_login_fields", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "status_class: 3")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3")})},
      {"redirect_address",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 1 status_detail: 1")}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 1 status_detail: 1", address)})},
      {"nothing_after_failed_login",
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3"), ping}),
       Lines({"open", Ask(kOp, ""), Tell(kSec, "", "status_class: 3"), "close", "login", ping})},
      {"login_segment_limit", Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", long_text(8193))}),
       Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", long_text(8192))})},
      {"portal_group_tag", Lines({"open", Ask(kOp, "", "", named), Tell(kOp, "")}),
       Lines({"open", Ask(kOp, "", "", named), Tell(kOp, "", "", "TargetPortalGroupTag=0\\0")})},
      // The first request wasn't whole yet.
      {"portal_group_tag",
       Lines({"open", Ask(kOp, "", "text_continue: true", named), Tell(kOp, ""), Ask(kOp, ""),
              Tell(kOp, "")}),
       Lines({"open", Ask(kOp, "", "text_continue: true", named), Tell(kOp, ""), Ask(kOp, ""),
              Tell(kOp, "", "", "TargetPortalGroupTag=1\\0")})},
      {"login_transit_without_offers", "login / MaxBurstLength=1024",
       Lines({"open", Ask(kOp, kFull), Tell(kOp, "", "", "MaxBurstLength=1024\\0"),
              Ask(kOp, kFull, "", "MaxBurstLength=1024\\0"), final})},
      {"login_transit_without_offers", "login / InitialR2T=No", "login / InitialR2T=Yes"},
  };
}

std::vector<RuleCase> KeyCases() {
  const std::string portal = "TargetPortalGroupTag=1";
  const auto offered = [](const std::string& answer) {
    return Lines({"open", Ask(kOp, ""), Tell(kOp, "", "", answer)});
  };
  return {
      {"text_format", offered(portal), offered(portal + "\\0")},
      {"text_format", offered("TargetAlias\\0"), offered("TargetAlias=\\0")},
      {"text_format", offered(portal + "\\0\\0"), offered(portal + "\\0X-b=\\0")},
      {"key_name", "login / X-" + std::string(62, 'a') + "=1",
       "login / X-" + std::string(61, 'a') + "=1"},
      {"key_value", "login MaxBurstLength=1024 / MaxBurstLength=1025",
       "login MaxBurstLength=1024 / MaxBurstLength=512"},
      {"key_value", "login ImmediateData=No / ImmediateData=Yes",
       "login ImmediateData=Yes / ImmediateData=No"},
      {"key_value", "login HeaderDigest=CRC32C / HeaderDigest=None",
       "login HeaderDigest=CRC32C,None / HeaderDigest=None"},
      {"key_value", "login / MaxRecvDataSegmentLength=511", "login / MaxRecvDataSegmentLength=512"},
      {"key_value", "login DefaultTime2Wait=5 / DefaultTime2Wait=4",
       "login DefaultTime2Wait=5 / DefaultTime2Wait=6"},
      {"key_value", "login MaxConnections=2 / MaxConnections=0x",
       "login MaxConnections=2 / MaxConnections=0x1"},
      {"key_answered", "login MaxBurstLength=1024",
       "login MaxBurstLength=1024 / "
       "MaxBurstLength=Reject"},
      {"key_answered", "login InitialR2T=No", "login InitialR2T=Yes"},
      {"key_answered", "login X-a.b=1", "login X-a.b=1 / X-a.b=NotUnderstood"},
      {"key_once", "login MaxBurstLength=1024 / MaxBurstLength=1024 MaxBurstLength=1024",
       "login MaxBurstLength=1024 / MaxBurstLength=1024"},
      {"key_once", "login / TargetAlias=a TargetAlias=b",
       "login / TargetAddress=a:1,1 TargetAddress=b:1,1"},
      {"key_sender", "login / SessionType=Normal", "login / TargetAlias=Normal"},
      {"rfc_key_understood", "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=NotUnderstood",
       "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=Irrelevant"},
      {"rfc_key_understood", "login OFMarkInt=2048 / OFMarkInt=NotUnderstood",
       "login OFMarkInt=2048 / OFMarkInt=Reject"},
      {"obsolete_keys", "login IFMarker=Yes / IFMarker=Yes", "login IFMarker=Yes / IFMarker=No"},
      {"obsolete_keys", "login IFMarkInt=1 / IFMarkInt=No", "login IFMarkInt=1 / IFMarkInt=Reject"},
      {"security_stage_keys",
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "MaxBurstLength=1024\\0")}),
       Lines({"open", Ask(kSec, ""), Tell(kSec, "", "", "AuthMethod=CHAP\\0TargetAlias=a\\0")})},
      {"target_name", Text("TargetName=iqn.2026-13.org.example\\0"),
       Text("TargetName=iqn.2026-12.org.example:x:y\\0")},
      {"target_name", Text("TargetName=iqn.2026-1.org.example\\0"),
       Text("TargetName=iqn.2026-01.org\\0")},
      {"target_name", Text("TargetName=eui.02004567A425678\\0"),
       Text("TargetName=eui.02004567A425678D\\0")},
      {"target_name", Text("TargetName=naa.52004567BA64678G\\0"),
       Text("TargetName=naa.52004567BA64678D\\0")},
      {"target_name", Text("TargetName=disk1\\0"), Text("TargetName=new.disk1\\0")},
      {"target_address_tag", Text("TargetName=iqn.2026-01.a\\0TargetAddress=10.0.0.1:3260\\0"),
       Text("TargetName=iqn.2026-01.a\\0TargetAddress=10.0.0.1:3260,1\\0")},
      {"target_address_tag",
       Lines({"open", Ask(kOp, ""),
              Tell(kSec, "", "status_class: 1 status_detail: 1", "TargetAddress=[::1]:1,1\\0")}),
       Lines({"open", Ask(kOp, ""),
              Tell(kSec, "", "status_class: 1 status_detail: 1", "TargetAddress=[::1]:1\\0")})},
      {"node_architecture", "login / X#NodeArchitecture=" + std::string(256, 'a'),
       "login / X#NodeArchitecture=" + std::string(255, 'a')},
      {"node_architecture", "login / X#NodeArchitecture=a X#NodeArchitecture=b",
       "login / X#NodeArchitecture=a"},
      {"burst_lengths",
       "login FirstBurstLength=65536 MaxBurstLength=65535 / FirstBurstLength=65536 "
       "MaxBurstLength=65535",
       "login FirstBurstLength=65536 MaxBurstLength=65535 / FirstBurstLength=65535 "
       "MaxBurstLength=65535"},
      {"outstanding_r2t_level",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=2",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=1"},
      {"outstanding_r2t_level",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 / ErrorRecoveryLevel=1 MaxOutstandingR2T=2",
       "login ErrorRecoveryLevel=1 MaxOutstandingR2T=4 DataSequenceInOrder=No / "
       "ErrorRecoveryLevel=1 MaxOutstandingR2T=2 DataSequenceInOrder=No"},
  };
}

std::vector<RuleCase> TextCases() {
  const std::string open_end = "> text_request { final: false } data { raw: 'X-a=1\\0' }";
  const std::string more = "> text_request { text_continue: true } data { raw: 'SendTar' }";
  const std::string tag = "target_transfer_tag: 5";
  return {
      {"text_final_tag", Lines({"login", kText, "< text_response { " + tag + " }"}),
       Lines({"login", kText, "< text_response { }"})},
      {"text_final_tag", Lines({"login", open_end, "< text_response { final: false }"}),
       Lines({"login", open_end, "< text_response { final: false " + tag + " }"})},
      {"text_continue",
       Lines({"login", kText,
              "< text_response { final: true text_continue: true } data { raw: 'A=' }"}),
       Lines({"login", kText,
              "< text_response { text_continue: true " + tag + " } data { raw: 'A=' }"})},
      {"text_final_answers_final",
       Lines({"login", open_end, "< text_response { } data { raw: 'X-a=NotUnderstood\\0' }"}),
       Lines({"login", open_end,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=NotUnderstood\\0' }",
              "> text_request { " + tag + " }", "< text_response { }"})},
      {"text_final_without_offers", Text("MaxOutstandingR2T=1\\0"),
       Text("MaxRecvDataSegmentLength=512\\0")},
      {"text_not_empty", Lines({"login", kText, "< text_response { final: false " + tag + " }"}),
       Lines({"login", kText,
              "< text_response { final: false " + tag +
                  " } data { raw: 'TargetName=iqn.2026-01.a\\0' }"})},
      {"empty_answer_to_continue",
       Lines({"login", more,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }"}),
       Lines({"login", more, "< text_response { final: false " + tag + " }"})},
      {"empty_answer_to_continue",
       Lines({"open", Ask(kOp, "", "text_continue: true", "Initiator"),
              Tell(kOp, "", "", "TargetAlias=a\\0")}),
       Lines({"open", Ask(kOp, "", "text_continue: true", "Initiator"), Tell(kOp, "")})},
      {"one_response",
       Lines({"login", kText,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }",
              "< text_response { }"}),
       Lines({"login", kText,
              "< text_response { final: false " + tag + " } data { raw: 'X-a=1\\0' }",
              "> text_request { " + tag + " }", "< text_response { }"})},
      {"key_answered",
       Lines({"login", "> text_request { } data { raw: 'X-a=1\\0' }", "< text_response { }"}),
       Lines({"login", "> text_request { } data { raw: 'X-a=1\\0' }",
              "< text_response { } data { raw: 'X-a=NotUnderstood\\0' }"})},
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
       Lines({"login", kPing, "reject 12"})},
      {"reject_reason_assigned", Lines({"login", kPing, "reject 1"}),
       Lines({"login", kPing, "reject 2"})},
      {"reject_reason_deprecated", Lines({"login", kPing, "reject 11"}),
       Lines({"login", kPing, "reject 10"})},
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
      {"async_connection", async("async_event: CONNECTION_DROP_NOTIFICATION parameter1: 2"),
       async("async_event: CONNECTION_DROP_NOTIFICATION parameter1: 1")},
      {"sense_length_fits", async("async_event: 1 } data { raw: '\\0\\1a'"),
       async("async_event: 1 } data { raw: '\\0\\0a'")},
      {"sense_length_fits", async("async_event: 0 } data { raw: '\\0\\2a'"),
       async("async_event: 0 } data { raw: '\\0\\1a'")},
  };
}

std::vector<RuleCase> AllCases() {
  std::vector<RuleCase> all;
  for (const auto& cases :
       {FormatCases(), NumberingCases(), TaskCases(), DataInCases(), R2tCases(), ResponseCases(),
        LoginCases(), KeyCases(), TextCases(), ServiceCases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

std::string ToString(const std::vector<v1::Violation>& violations) {
  std::string text;
  for (const v1::Violation& v : violations) {
    absl::StrAppend(&text, v.frame(), " ", v.rule(), ": ", v.message(), "\n");
  }
  return text;
}

TEST(MonitorRules, AreBrokenByWhatBreaksThem) {
  for (const RuleCase& c : AllCases()) {
    const std::vector<v1::Violation> violations = ViolationsOf(c.broken);
    EXPECT_EQ(violations.size(), 1u) << c.rule << "\n" << c.broken << ToString(violations);
    if (!violations.empty()) {
      EXPECT_EQ(violations[0].rule(), c.rule) << c.broken << ToString(violations);
    }
  }
}

TEST(MonitorRules, AreSilentWhereNothingBreaksThem) {
  for (const RuleCase& c : AllCases()) {
    const std::vector<v1::Violation> violations = ViolationsOf(c.right);
    EXPECT_TRUE(violations.empty()) << c.rule << "\n" << c.right << ToString(violations);
  }
}

TEST(MonitorRules, AllHaveACase) {
  std::set<std::string_view> tested;
  for (const RuleCase& c : AllCases()) tested.insert(c.rule);
  std::set<std::string_view> names;
  for (const Rule& rule : MonitorRules()) {
    EXPECT_TRUE(tested.contains(rule.name)) << rule.name;
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
  }
}

TEST(MonitorRules, CiteRowsThatAreThere) {
  for (const Rule& rule : MonitorRules()) {
    std::string_view rest = rule.cite;
    while (!rest.empty()) {
      const std::string_view id = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), id.size() + 1));
      EXPECT_NE(Catalogue::BuiltIn().Find(id), nullptr) << rule.name << ": " << id;
    }
    EXPECT_TRUE(rule.level == "MUST" || rule.level == "SHOULD") << rule.name;
    EXPECT_TRUE(rule.section.starts_with("RFC 714")) << rule.name;
  }
}

TEST(Monitor, SaysWhatAReaderNeeds) {
  const std::vector<v1::Violation> violations =
      ViolationsOf(Lines({"login", kPing, "< nop_in { stat_sn: 1002 }"}));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].frame(), 4u);
  EXPECT_EQ(violations[0].section(), "RFC 7143 §4.2.2.2");
  EXPECT_EQ(violations[0].level(), "MUST");
  EXPECT_EQ(violations[0].cite(0), "RFC7143-4.2.2.2-a");
  EXPECT_EQ(violations[0].message(), "StatSN is 1002, not 1001");
}

TEST(Monitor, KeepsAFewViolationsOfEachRule) {
  std::string trace = "login\n";
  for (int i = 0; i < 30; ++i) absl::StrAppend(&trace, "< raw { bhs: '\\x2a' }\n");
  EXPECT_EQ(ViolationsOf(trace).size(), 10u);
}

}  // namespace
}  // namespace pushpull::conformance
