// Cases of monitor_test: sequences of Data-In and R2Ts, what is told of them once, and counts that
// are off by one.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kBothWays =
    Lines({"login",
           "> scsi_command { read: true write: true expected_data_transfer_length: 512 } "
           "ahs { ahs_type: 2 specific: '\\0\\0\\0\\x02\\0' }",
           R2t("desired_data_transfer_length: 512"), DataOut(0, 512), DataIn("data_sn: 1", 512)});

}  // namespace

std::vector<RuleCase> SequenceCases() {
  const std::string level1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
  const std::string burst = "login MaxBurstLength=512 / MaxBurstLength=512";
  const std::string two = "login MaxOutstandingR2T=2 / MaxOutstandingR2T=2";
  const auto quarter = [](const std::string& fields) { return DataIn(fields, 256); };
  const auto r2t = [](int sn, int offset) {
    return absl::StrCat("< r2t { target_transfer_tag: ", 10 + sn, " r2t_sn: ", sn,
                        " buffer_offset: ", offset, " desired_data_transfer_length: 512 }");
  };
  const std::string status_snack =
      Lines({level1, kTur, kGood,
             "> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff beg_run: 1001 "
             "run_length: 1 }",
             kPing});
  return {
      // One gap is one fault: it goes on from where it is.
      {"data_sn_contiguous",
       Lines({"login", kRead, quarter("final: false"),
              quarter("final: false data_sn: 2 buffer_offset: 256"),
              DataIn("status_present: true data_sn: 3 buffer_offset: 512", 512)}),
       Lines({"login", kRead, quarter("final: false"),
              quarter("final: false data_sn: 1 buffer_offset: 256"),
              DataIn("status_present: true data_sn: 2 buffer_offset: 512", 512)})},
      {"r2t_sn_contiguous", Lines({two, kWrite, r2t(1, 0), r2t(2, 512)}),
       Lines({two, kWrite, r2t(0, 0), r2t(1, 512)})},
      // So is one sequence that is too long.
      {"data_in_burst_limit",
       Lines({burst, kRead, DataIn("final: false", 512),
              quarter("final: false data_sn: 1 buffer_offset: 512"),
              quarter("status_present: true data_sn: 2 buffer_offset: 768")}),
       Lines({burst, kRead, DataIn("", 512), quarter("final: false data_sn: 1 buffer_offset: 512"),
              quarter("status_present: true data_sn: 2 buffer_offset: 768")})},
      // Which of both orders holds within a sequence, and which between them.
      {"data_in_order",
       Lines({"login DataSequenceInOrder=No / DataSequenceInOrder=No", kRead,
              DataIn("final: false buffer_offset: 512", 512),
              DataIn("status_present: true data_sn: 1", 512)}),
       Lines({"login DataPDUInOrder=No / DataPDUInOrder=No", kRead,
              DataIn("final: false buffer_offset: 512", 512),
              DataIn("status_present: true data_sn: 1", 512)})},
      {"data_in_order",
       Lines({"login DataSequenceInOrder=No / DataSequenceInOrder=No", kRead,
              DataIn("buffer_offset: 512", 512), quarter("final: false data_sn: 1"),
              quarter("status_present: true data_sn: 2 buffer_offset: 252")}),
       Lines({"login DataSequenceInOrder=No / DataSequenceInOrder=No", kRead,
              DataIn("buffer_offset: 512", 512), quarter("final: false data_sn: 1"),
              quarter("status_present: true data_sn: 2 buffer_offset: 256")})},
      // The statuses between GOOD and BUSY that are no failures (SAM-2 §5.3).
      {"data_in_status_good",
       Lines({"login", kRead, DataIn("status_present: true status: 8", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true status: 0x10", 1024)})},
      {"data_in_status_good",
       Lines({"login", kRead, DataIn("status_present: true status: 0x18", 1024)}),
       Lines({"login", kRead, DataIn("status_present: true status: 0x14", 1024)})},
      {"residual_count_right", Lines({"login", kRead, DataIn("status_present: true", 1023)}),
       Lines({"login", kRead, DataIn("status_present: true", 1024)})},
      {"exp_data_sn_counts", kBothWays + "< scsi_response { exp_data_sn: 3 }",
       kBothWays + "< scsi_response { exp_data_sn: 2 }"},
      {"bidirectional_residual",
       kBothWays + "< scsi_response { exp_data_sn: 1 bidirectional_read_underflow: true }",
       kBothWays + "< scsi_response { exp_data_sn: 1 }"},
      {"bidirectional_residual",
       kBothWays + "< scsi_response { exp_data_sn: 1 bidirectional_read_overflow: true }",
       kBothWays + "< scsi_response { exp_data_sn: 1 bidirectional_read_overflow: true "
                   "bidirectional_read_residual_count: 1 }"},
      // What comes again keeps its number; nothing has one that is ahead.
      {"stat_sn_increments", status_snack + "< nop_in { stat_sn: 1005 }",
       status_snack + "< nop_in { stat_sn: 1002 }"},
  };
}

}  // namespace pushpull::conformance
