// Cases of monitor_test: Data-In, R2T, SCSI Response.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kBidirectional =
    Lines({"login",
           "> scsi_command { read: true write: true expected_data_transfer_length: 512 } "
           "ahs { ahs_type: 2 specific: '\\0\\0\\0\\x02\\0' }",
           R2t("desired_data_transfer_length: 512"), DataOut(0, 512)});

}  // namespace

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
       Lines({level1, kRead, DataIn("status_present: true", 1024)})},
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
  // A command that fails behind `moved`.
  const auto fails = [](const std::string& moved, const std::string& fields) {
    return Lines({moved, "< scsi_response { status: CHECK_CONDITION " + fields +
                             " } data { raw: '\\0\\1\\x70' }"});
  };
  const std::string half = Lines({"login", kRead, DataIn("", 512)});
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
      {"failure_has_no_flags",
       Lines({"login", kRead,
              "< scsi_response { response: TARGET_FAILURE bidirectional_read_overflow: true }"}),
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
       Lines({"login", kTur, kGood})},
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
      // What was meant to be moved isn't known of a command that failed, but what was moved is.
      {"residual_count_right",
       fails(half, "exp_data_sn: 1 residual_underflow: true residual_count: 513"),
       fails(half, "exp_data_sn: 1 residual_underflow: true residual_count: 512")},
      {"residual_count_right",
       fails(half, "exp_data_sn: 1 residual_underflow: true residual_count: 1024"),
       fails(half, "exp_data_sn: 1")},
      {"residual_count_right", fails(written, "residual_underflow: true residual_count: 1025"),
       fails(written, "residual_underflow: true residual_count: 1024")},
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
      {"sense_with_check_condition", check(""), check("\\0\\3\\x70bc")},
      {"sense_with_check_condition", check("\\0\\0\\x70bc"), check("\\0\\1\\x70bc")},
      {"sense_length_fits", check("\\0\\4\\x70bc"), check("\\0\\3\\x70bc")},
      {"sense_length_fits", check("a"), check("\\0\\1\\x70")},
      {"sense_response_code", check("\\0\\1\\x74"), check("\\0\\1\\xf3")},
      {"sense_response_code", check("\\0\\1\\x6f"), check("\\0\\1\\x70")},
      {"sense_response_code", check("\\0\\1\\x00"), check("\\0\\1\\x7f")},
      {"sense_additional_length", check("\\0\\x0a\\x70\\0\\5\\0\\0\\0\\0\\3ab"),
       check("\\0\\x0a\\x70\\0\\5\\0\\0\\0\\0\\2ab")},
      {"sense_additional_length", check("\\0\\x0a\\x70\\0\\5\\0\\0\\0\\0\\1ab"),
       check("\\0\\x0a\\x70\\0\\5\\0\\0\\0\\0\\1a\\0")},
      {"status_assigned", Lines({"login", kTur, "< scsi_response { status: 1 }"}),
       Lines({"login", kTur, "< scsi_response { status: 0x30 }"})},
      {"bidirectional_residual",
       Lines({"login", kTur, "< scsi_response { bidirectional_read_underflow: true }"}),
       Lines({"login", kTur, "< scsi_response { bidirectional_read_underflow: false }"})},
      {"bidirectional_residual", kBidirectional + "< scsi_response { exp_data_sn: 1 }",
       kBidirectional + DataIn("data_sn: 1", 512) + "\n< scsi_response { exp_data_sn: 1 }"},
      {"bidirectional_residual",
       kBidirectional + "< scsi_response { bidirectional_read_underflow: true "
                        "bidirectional_read_residual_count: 511 }",
       kBidirectional + "< scsi_response { bidirectional_read_underflow: true "
                        "bidirectional_read_residual_count: 512 }"},
      {"unused_fields_zero",
       Lines({"login", kRead,
              "< scsi_response { response: TARGET_FAILURE status: CHECK_CONDITION }"}),
       Lines({"login", kRead, "< scsi_response { response: TARGET_FAILURE }"})},
      {"unused_fields_zero", Lines({"login", kRead, DataIn("status_present: true lun: 3", 1024)}),
       Lines({"login", "> scsi_command { read: true expected_data_transfer_length: 1024 lun: 3 }",
              DataIn("status_present: true lun: 3", 1024)})},
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

}  // namespace pushpull::conformance
