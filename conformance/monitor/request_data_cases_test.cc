// Cases of monitor_test: the data of writes, at the edges of what was agreed on and asked for.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

std::string Write(const std::string& fields, int immediate = 0, int edtl = 1024) {
  return absl::StrCat(
      "> scsi_command { write: true expected_data_transfer_length: ", edtl, " ", fields, " }",
      immediate == 0 ? "" : absl::StrCat(" data { pattern { length: ", immediate, " } }"));
}
std::string Out(const std::string& fields, int length) {
  return absl::StrCat("> data_out { initiator_task_tag: 1 ", fields,
                      " } data { pattern { length: ", length, " } }");
}
std::string Solicited(const std::string& fields, int length) {
  return Out("target_transfer_tag: 7 " + fields, length);
}
// A login in which both sides say the same.
std::string Agreed(const std::string& keys) { return absl::StrCat("login ", keys, " / ", keys); }

const std::string kAsked = R2t("desired_data_transfer_length: 1024");
const std::string kUnasked = Agreed("InitialR2T=No FirstBurstLength=512");
const std::string kReset = "> task_management_request { function: LOGICAL_UNIT_RESET }";

// RFC 7143 §11.3.
void AddCommands(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  // F=0 announces data, of which there may be none in the command, and is wrong behind all of it.
  const std::string unasked = Agreed("InitialR2T=No");
  add("command_final_bit", Lines({unasked, Write("final: false", 1024)}),
      Lines({unasked, Write("final: false", 0, 0)}));
  add("command_final_bit", Lines({unasked, Write("final: false", 4, 4)}),
      Lines({unasked, Write("final: false", 1020)}));
  add("command_final_bit", Lines({"login", kRead + " data { }", "> scsi_command { final: false }"}),
      Lines({"login", kRead, "> scsi_command { final: true }"}));
  add("command_direction", Lines({"login", "> scsi_command { expected_data_transfer_length: 1 }"}),
      Lines({"login", "> scsi_command { read: true expected_data_transfer_length: 1 }"}));
  // What wasn't agreed on isn't known, and nothing is judged by it.
  add("immediate_data_agreed", Lines({Agreed("ImmediateData=No"), Write("", 1)}),
      Lines({"login ImmediateData=Yes", Write("", 512)}));
  add("immediate_data_agreed", Lines({Agreed("ImmediateData=No"), Write("", 512)}),
      Lines({Agreed("ImmediateData=No"), Write("")}));
  add("unsolicited_data_agreed", Lines({Agreed("InitialR2T=Yes"), Write("final: false")}),
      Lines({"login InitialR2T=No", Write("final: false")}));
  add("first_burst_kept", Lines({kUnasked, Write("", 1024)}),
      Lines({"login InitialR2T=No FirstBurstLength=512 / InitialR2T=No", Write("", 1024)}));
}

// RFC 7143 §4.2.5.2, §11.7: answers to R2Ts.
void AddSolicited(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  // Of an R2T that begins behind immediate data.
  const std::string behind = Lines({Agreed("DataPDUInOrder=No"), Write("", 512),
                                    R2t("buffer_offset: 512 desired_data_transfer_length: 512")});
  add("data_out_offset", behind + Solicited("buffer_offset: 508", 512),
      behind + Solicited("buffer_offset: 512", 512));
  add("data_out_offset", behind + Solicited("buffer_offset: 516", 512),
      behind + Solicited("buffer_offset: 768 final: false", 256));
  // Nothing else is said of such a PDU.
  add("data_out_offset", Lines({"login", kWrite, kAsked, Solicited("final: false", 1028)}),
      Lines({"login", kWrite, kAsked, Solicited("final: false", 1020)}));
  add("data_out_offset",
      Lines({Agreed("DataPDUInOrder=Yes"), kWrite, kAsked,
             Solicited("final: false buffer_offset: 512", 512)}),
      Lines({"login DataPDUInOrder=No", kWrite, kAsked,
             Solicited("final: false buffer_offset: 512", 512)}));
  // Of the whole, F comes with the last and with no other.
  const std::string half = Lines({"login", kWrite, kAsked, Solicited("final: false", 512)});
  const std::string rest = "data_sn: 1 buffer_offset: 512 ";
  add("r2t_honoured", half + Solicited(rest, 508), half + Solicited(rest, 512));
  add("data_out_final_bit", half + Solicited(rest + "final: false", 512),
      half + Solicited(rest + "final: false", 508));
  add("data_out_data_sn", half + Solicited("data_sn: 0 buffer_offset: 512", 512),
      half + Solicited(rest, 512));
  add("data_out_tag_and_lun",
      Lines({"login", "> scsi_command { write: true expected_data_transfer_length: 1024 lun: 3 }",
             R2t("lun: 3 desired_data_transfer_length: 1024"), Solicited("lun: 0", 1024)}),
      Lines({"login", "> scsi_command { write: true expected_data_transfer_length: 1024 lun: 3 }",
             R2t("lun: 3 desired_data_transfer_length: 1024"), Solicited("lun: 3", 1024)}));
  // What was answered is closed.
  const std::string done = Lines({"login", kWrite, kAsked, Solicited("", 1024)});
  add("data_out_tag_and_lun", done + Solicited("", 1024),
      done + R2t("r2t_sn: 1 desired_data_transfer_length: 1024") + "\n" + Solicited("", 1024));
}

// RFC 7143 §13.10, §13.14.
void AddUnsolicited(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  const std::string begun = Lines({kUnasked, Write("final: false", 256)});
  const std::string next = "buffer_offset: 256 ";
  add("unsolicited_data_total", begun + Out(next, 252), begun + kReset + "\n" + Out(next, 252));
  add("data_out_final_bit", begun + Out(next + "final: false", 256),
      begun + Out(next + "final: false", 252));
  const std::string two = begun + Out(next + "final: false", 128) + "\n";
  const std::string last = "buffer_offset: 384 ";
  add("data_out_data_sn", two + Out(last, 128), two + Out(last + "data_sn: 1", 128));
  add("first_burst_kept", two + Out(last + "data_sn: 1", 132), two + Out(last + "data_sn: 1", 128));
  add("unsolicited_data_total", two + Out(last + "data_sn: 1", 124),
      two + Out(last + "data_sn: 1", 128));
  // F=1 ended it.
  const std::string ended = two + Out(last + "data_sn: 1", 128) + "\n";
  add("unsolicited_data_agreed", ended + Out("buffer_offset: 512 data_sn: 2", 4),
      ended + R2t("buffer_offset: 512 desired_data_transfer_length: 512") + "\n" +
          Solicited("buffer_offset: 512", 512));
  // A small command's limit is its own length.
  const std::string small = Lines({kUnasked, Write("final: false", 0, 256)});
  add("unsolicited_data_total", small + Out("", 252), small + Out("", 256));
  add("data_out_final_bit", small + Out("final: false", 256), small + Out("final: false", 252));
  // Without a known limit there is none, but for the whole.
  const std::string unknown =
      Lines({"login InitialR2T=No FirstBurstLength=512 / InitialR2T=No", Write("final: false")});
  add("data_within_edtl", unknown + Out("", 1028), unknown + Out("", 1020));
  add("data_within_edtl", unknown + Out("", 1028), unknown + Out("final: false", 1024));
  const std::string any_order = Agreed("InitialR2T=No FirstBurstLength=512 DataPDUInOrder=No");
  for (const std::string& login :
       {any_order, std::string("login InitialR2T=No FirstBurstLength=512 DataPDUInOrder=No / "
                               "InitialR2T=No FirstBurstLength=512")}) {
    const std::string out = Out("buffer_offset: 256 final: false", 256);
    add("data_out_offset", Lines({kUnasked, Write("final: false"), out}),
        Lines({login, Write("final: false"), out}));
  }
}

// RFC 7143 §4.2.5.1: the task that data is for.
void AddTasks(std::vector<RuleCase>* cases) {
  const auto add = [cases](const std::string& broken, const std::string& right) {
    cases->push_back({"data_out_of_live_task", broken, right});
  };
  const std::string nobody = Out("initiator_task_tag: 77", 4);
  add(Lines({"login", nobody}), Lines({"joined", nobody}));
  add(Lines({"login", nobody}), Lines({"login", kReset, nobody}));
  // A response crosses data that is under way.
  const std::string failed = "< scsi_response { status: BUSY }";
  add(Lines({"login", kWrite, kAsked, failed, nobody}),
      Lines({"login", kWrite, kAsked, failed, Solicited("", 1024)}));
  add(Lines({"login", kRead, nobody}), Lines({"login", kWrite, "reject 4", Out("", 4)}));
  add(Lines({"login", kRead, Out("", 4)}), Lines({"login", kRead, "reject 4", Out("", 4)}));
  // Nothing is asked of what comes again, and of what began before.
  const std::string level1 = Agreed("ErrorRecoveryLevel=1");
  const std::string snack = "> snack_request { type: DATA_OR_R2T_SNACK initiator_task_tag: 1 }";
  add(Lines({level1, kRead, Out("", 4)}),
      Lines({level1, kWrite, kAsked, snack, Solicited("data_sn: 3", 1024)}));
  add(Lines({level1, kRead, Out("", 4)}), Lines({"joined", kRead, Out("", 4)}));
  // The others of a session have tasks of their own.
  add(Lines({"login", "join", kWrite, kAsked, "use 1", Solicited("", 1024)}),
      Lines({"login", "join", kWrite, kAsked, Solicited("", 1024)}));
}

}  // namespace

std::vector<RuleCase> RequestDataCases() {
  std::vector<RuleCase> cases;
  AddCommands(&cases);
  AddSolicited(&cases);
  AddUnsolicited(&cases);
  AddTasks(&cases);
  return cases;
}

}  // namespace pushpull::conformance
