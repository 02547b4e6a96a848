// The cases of monitor_test: a trace that breaks a rule, and one that only just doesn't.

#ifndef CONFORMANCE_MONITOR_RULE_CASE_H_
#define CONFORMANCE_MONITOR_RULE_CASE_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace pushpull::conformance {

struct RuleCase {
  const char* rule;
  std::string broken;
  std::string right;
};

// wire_cases_test.cc
std::vector<RuleCase> FormatCases();
std::vector<RuleCase> NumberingCases();
std::vector<RuleCase> TaskCases();
std::vector<RuleCase> ServiceCases();
// edge_cases_test.cc
std::vector<RuleCase> EdgeCases();
std::vector<RuleCase> InitiatorEdgeCases();
// service_cases_test.cc
std::vector<RuleCase> ServiceEdgeCases();
std::vector<RuleCase> TaskEdgeCases();
// format_cases_test.cc
std::vector<RuleCase> FormatOfEachKindCases();
// data_cases_test.cc
std::vector<RuleCase> DataInCases();
std::vector<RuleCase> R2tCases();
std::vector<RuleCase> ResponseCases();
// sequence_cases_test.cc
std::vector<RuleCase> SequenceCases();
// scsi_names_cases_test.cc
std::vector<RuleCase> ScsiNameCases();
// scsi_lists_cases_test.cc
std::vector<RuleCase> ScsiListCases();
// text_cases_test.cc
std::vector<RuleCase> LoginCases();
std::vector<RuleCase> KeyCases();
std::vector<RuleCase> TextCases();
// initiator_cases_test.cc
std::vector<RuleCase> InitiatorFormatCases();
std::vector<RuleCase> InitiatorNumberingCases();
std::vector<RuleCase> InitiatorTaskCases();
std::vector<RuleCase> InitiatorLoginCases();
std::vector<RuleCase> InitiatorTextCases();
// request_cases_test.cc
std::vector<RuleCase> RequestCases();
// request_data_cases_test.cc
std::vector<RuleCase> RequestDataCases();
// initiator_data_cases_test.cc
std::vector<RuleCase> InitiatorCommandCases();
std::vector<RuleCase> InitiatorDataCases();

// ---- lines that many traces have ----

inline std::string Lines(std::initializer_list<std::string> lines) {
  std::string text;
  for (const std::string& line : lines) absl::StrAppend(&text, line, "\n");
  return text;
}

inline const std::string kTur = "> scsi_command { cdb { test_unit_ready { } } }";
inline const std::string kRead =
    "> scsi_command { read: true expected_data_transfer_length: 1024 cdb { read { blocks: 2 } } }";
inline const std::string kWrite =
    "> scsi_command { write: true expected_data_transfer_length: 1024 "
    "cdb { write { blocks: 2 } } }";
inline const std::string kGood = "< scsi_response { }";
inline const std::string kPing = "> nop_out { } immediate: true";
inline const std::string kPong = "< nop_in { }";
inline const std::string kText = "> text_request { } data { raw: 'InitiatorAlias=a\\0' }";
inline const std::string kSendTargets = "> text_request { } data { raw: 'SendTargets=\\0' }";

// Data-In, R2T and what answers it. `fields` may be any of the message.
inline std::string DataIn(const std::string& fields, int length) {
  return absl::StrCat("< data_in { ", fields, " } data { pattern { length: ", length, " } }");
}
inline std::string R2t(const std::string& fields) {
  return absl::StrCat("< r2t { target_transfer_tag: 7 ", fields, " }");
}
inline std::string DataOut(int offset, int length) {
  return absl::StrCat("> data_out { target_transfer_tag: 7 buffer_offset: ", offset,
                      " } data { pattern { length: ", length, " } }");
}

// PDUs of a Login Phase. `to`: "" stays in the stage, else the next one. `keys`: with \0.
inline std::string LoginFields(const std::string& csg, const std::string& to) {
  return absl::StrCat("current_stage: ", csg, to.empty() ? "" : " transit: true next_stage: ", to,
                      " isid: '123456' initiator_task_tag: 9 ");
}
inline const std::string kSec = "SECURITY_NEGOTIATION";
inline const std::string kOp = "LOGIN_OPERATIONAL_NEGOTIATION";
inline const std::string kFull = "FULL_FEATURE_PHASE";
inline std::string Ask(const std::string& csg, const std::string& to, const std::string& more = "",
                       const std::string& keys = "") {
  return absl::StrCat("> login_request { ", LoginFields(csg, to), more, " } data { raw: '", keys,
                      "' }");
}
inline std::string Tell(const std::string& csg, const std::string& to, const std::string& more = "",
                        const std::string& keys = "") {
  return absl::StrCat("< login_response { ", LoginFields(csg, to), more, " } data { raw: '", keys,
                      "' }");
}

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MONITOR_RULE_CASE_H_
