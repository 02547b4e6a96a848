// Cases of monitor_test: commands of initiators, and the data that they send.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

std::string Write(const std::string& fields, int immediate = 0, int edtl = 1024) {
  return absl::StrCat(
      "> scsi_command { write: true expected_data_transfer_length: ", edtl, " ", fields,
      " cdb { write { blocks: 2 } } }",
      immediate == 0 ? "" : absl::StrCat(" data { pattern { length: ", immediate, " } }"));
}

std::string Out(const std::string& fields, int length) {
  return absl::StrCat("> data_out { ", fields, " } data { pattern { length: ", length, " } }");
}

// Of an R2T for all 1024 bytes.
std::string Solicited(const std::string& fields, int length) {
  return Out("target_transfer_tag: 7 " + fields, length);
}

const std::string kAsked = R2t("desired_data_transfer_length: 1024");
const std::string kUnasked =
    "login InitialR2T=No FirstBurstLength=512 / InitialR2T=No "
    "FirstBurstLength=512";

}  // namespace

std::vector<RuleCase> InitiatorCommandCases() {
  return {
      {"command_final_bit",
       Lines({"login", "> scsi_command { final: false cdb { test_unit_ready { } } }"}),
       Lines({"login", kTur})},
      {"command_final_bit",
       Lines({"login InitialR2T=No / InitialR2T=No", Write("final: false", 1024)}),
       Lines({"login InitialR2T=No / InitialR2T=No", Write("", 1024)})},
      {"command_direction",
       Lines({"login",
              "> scsi_command { expected_data_transfer_length: 8 cdb { test_unit_ready { } } }"}),
       Lines({"login", kTur})},
      {"command_direction",
       Lines({"login", "> scsi_command { attr: 5 cdb { test_unit_ready { } } }"}),
       Lines({"login", "> scsi_command { attr: ACA cdb { test_unit_ready { } } }"})},
      {"bidirectional_read_length", Lines({"login", Write("read: true")}),
       Lines({"login", Write("read: true") + " ahs { ahs_type: 2 specific: '\\0\\0\\0\\4\\0' }"})},
      {"immediate_data_agreed",
       Lines({"login ImmediateData=No / ImmediateData=No", Write("", 512)}),
       Lines({"login", Write("", 512)})},
      {"immediate_data_agreed", Lines({"login", kTur + " data { pattern { length: 4 } }"}),
       Lines({"login", kTur})},
      {"unsolicited_data_agreed", Lines({"login", Write("final: false")}),
       Lines({kUnasked, Write("final: false")})},
      {"data_within_edtl", Lines({"login", Write("", 1028)}), Lines({"login", Write("", 1024)})},
      {"first_burst_kept", Lines({kUnasked, Write("", 516)}), Lines({kUnasked, Write("", 512)})},
  };
}

std::vector<RuleCase> InitiatorDataCases() {
  const std::string half = Solicited("final: false", 512);
  return {
      {"unsolicited_data_agreed", Lines({kUnasked, Write("", 256), Out("buffer_offset: 256", 256)}),
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 256)})},
      {"first_burst_kept",
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 260)}),
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 256)})},
      {"unsolicited_data_total",
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 252)}),
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 256)})},
      {"data_within_edtl", Lines({kUnasked, Write("final: false", 0, 256), Out("", 260)}),
       Lines({kUnasked, Write("final: false", 0, 256), Out("", 256)})},
      {"data_out_of_live_task", Lines({"login", Out("initiator_task_tag: 77", 4)}),
       Lines({"login", kWrite, kAsked, Solicited("", 1024)})},
      {"data_out_of_live_task", Lines({"login", kRead, Out("", 4)}),
       Lines({kUnasked, Write("final: false"), Out("", 512)})},
      {"data_out_of_live_task", Lines({"login", kWrite, kAsked, "join", Solicited("", 1024)}),
       Lines({"login", kWrite, kAsked, "join", "use 1", Solicited("", 1024)})},
      {"data_out_tag_and_lun",
       Lines({"login", kWrite, kAsked, Out("target_transfer_tag: 8", 1024)}),
       Lines({"login", kWrite, kAsked, Solicited("", 1024)})},
      {"data_out_tag_and_lun", Lines({"login", kWrite, kAsked, Solicited("lun: 1", 1024)}),
       Lines({"login", kWrite, kAsked, Solicited("lun: 0", 1024)})},
      {"data_out_data_sn", Lines({"login", kWrite, kAsked, Solicited("data_sn: 1", 1024)}),
       Lines({"login", kWrite, kAsked, half, Solicited("data_sn: 1 buffer_offset: 512", 512)})},
      {"data_out_data_sn", Lines({kUnasked, Write("final: false"), Out("data_sn: 1", 512)}),
       Lines({kUnasked, Write("final: false"), Out("data_sn: 0", 512)})},
      {"data_out_offset", Lines({"login", kWrite, kAsked, Solicited("", 1028)}),
       Lines({"login", kWrite, kAsked, Solicited("", 1024)})},
      {"data_out_offset",
       Lines({"login", kWrite, kAsked, Solicited("final: false buffer_offset: 512", 512)}),
       Lines({"login DataPDUInOrder=No / DataPDUInOrder=No", kWrite, kAsked,
              Solicited("final: false buffer_offset: 512", 512)})},
      {"data_out_offset",
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 252", 256)}),
       Lines({kUnasked, Write("final: false", 256), Out("buffer_offset: 256", 256)})},
      {"data_out_final_bit", Lines({"login", kWrite, kAsked, Solicited("final: false", 1024)}),
       Lines({"login", kWrite, kAsked, Solicited("", 1024)})},
      {"data_out_final_bit", Lines({kUnasked, Write("final: false"), Out("final: false", 512)}),
       Lines({kUnasked, Write("final: false"), Out("", 512)})},
      {"r2t_honoured", Lines({"login", kWrite, kAsked, Solicited("", 512)}),
       Lines({"login", kWrite, kAsked, "> task_management_request { function: LOGICAL_UNIT_RESET }",
              Solicited("initiator_task_tag: 1", 512)})},
      {"r2ts_in_order",
       Lines({"login MaxOutstandingR2T=2 / MaxOutstandingR2T=2", kWrite,
              R2t("desired_data_transfer_length: 512"),
              "< r2t { target_transfer_tag: 8 r2t_sn: 1 buffer_offset: 512 "
              "desired_data_transfer_length: 512 }",
              Out("target_transfer_tag: 8 buffer_offset: 512", 512)}),
       Lines({"login MaxOutstandingR2T=2 / MaxOutstandingR2T=2", kWrite,
              R2t("desired_data_transfer_length: 512"),
              "< r2t { target_transfer_tag: 8 r2t_sn: 1 buffer_offset: 512 "
              "desired_data_transfer_length: 512 }",
              Solicited("", 512)})},
  };
}

}  // namespace pushpull::conformance
