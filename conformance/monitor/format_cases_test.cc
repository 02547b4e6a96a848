// Cases of monitor_test: what each kind of PDU of the target may look like by itself.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

std::string Event(const std::string& fields) {
  return Lines({"login TaskReporting=FastAbort / TaskReporting=FastAbort",
                "< async_message { async_event: " + fields + " }"});
}

// RFC 7143 §11.2.1.2.
void AddOpcodes(std::vector<RuleCase>* cases) {
  for (int opcode = 0x27; opcode <= 0x3b; ++opcode) {
    if (opcode == 0x31 || opcode == 0x32) continue;
    const auto of = [](int value) {
      return Lines({"login", absl::StrCat("< raw { bhs: '\\x", absl::Hex(value), "' }")});
    };
    cases->push_back({"target_opcode", of(opcode), of(0x3c + opcode % 3)});
  }
}

// Bit 0 of byte 1 is printed as 1 in the figures of these.
void AddFinalBits(std::vector<RuleCase>* cases) {
  const std::string tmf = "> task_management_request { function: ABORT_TASK_SET } immediate: true";
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {kPing, "nop_in {"},
      {kTur, "scsi_response {"},
      {tmf, "task_management_response {"},
      {"> logout_request { }", "logout_response {"},
      {kWrite, "r2t { target_transfer_tag: 7 desired_data_transfer_length: 1024"},
      {kPing, "async_message { async_event: VENDOR_SPECIFIC_EVENT"},
  };
  for (const auto& [request, response] : kinds) {
    const auto with = [&, &request = request, &response = response](const char* fields) {
      return Lines({"login", request, absl::StrCat("< ", response, fields, " }")});
    };
    cases->push_back({"final_bit_set", with(" final: false"), with(" final: true")});
  }
  cases->push_back({"final_bit_set", Lines({"login", kPing, "reject 4 48 final: false"}),
                    Lines({"login", kPing, "reject 4 48 final: true"})});
  // F ends a sequence of Data-In, and T a stage: 0 is right in these.
  cases->push_back({"final_bit_set",
                    Lines({"login", kRead, DataIn("final: false", 512),
                           DataIn("status_present: true data_sn: 1 buffer_offset: 512", 512),
                           "< nop_in { initiator_task_tag: 0xffffffff final: false }"}),
                    Lines({"login", kRead, DataIn("final: false", 512),
                           DataIn("status_present: true data_sn: 1 buffer_offset: 512", 512)})});
}

// RFC 7143 §11.6.2, §11.15.2 (R2T stands in wire_cases_test.cc).
void AddDataSegments(std::vector<RuleCase>* cases) {
  const std::string tmf = "> task_management_request { function: ABORT_TASK_SET } immediate: true";
  const std::string data = " data { raw: 'x' }";
  const std::string done = "< task_management_response { }";
  cases->push_back(
      {"no_data_segment", Lines({"login", tmf, done + data}), Lines({"login", tmf, done})});
  const std::string bye = "< logout_response { }";
  cases->push_back({"no_data_segment", Lines({"login", "> logout_request { }", bye + data}),
                    Lines({"login", "> logout_request { }", bye})});
}

void AddUnusedFields(std::vector<RuleCase>* cases) {
  const auto unused = [cases](const std::string& broken, const std::string& right) {
    cases->push_back({"unused_fields_zero", broken, right});
  };
  // §11.4.2: the status of a command that was not completed at the target.
  unused(Lines({"login", kTur, "< scsi_response { response: TARGET_FAILURE status: BUSY }"}),
         Lines({"login", kTur, "< scsi_response { response: TARGET_FAILURE }"}));
  // §11.17.1 note 1, §11.17.3: a DataSN or R2TSN goes with a protocol error alone.
  unused(Lines({"login", kPing, "reject 9 48 data_sn_or_r2t_sn: 1"}),
         Lines({"login", kWrite, "reject 4 48 data_sn_or_r2t_sn: 1"}));
  // §11.9.1, §11.9.3: what a parameter, the LUN and AsyncVCode are for depends on the event.
  const std::string vendor = Event(
      "VENDOR_SPECIFIC_EVENT parameter1: 1 parameter2: 1 "
      "parameter3: 1 lun: 1 async_vcode: 1");
  unused(Event("LOGOUT_REQUEST parameter1: 1"), Event("LOGOUT_REQUEST parameter3: 1"));
  unused(Event("LOGOUT_REQUEST parameter2: 1"), Event("LOGOUT_REQUEST parameter3: 1"));
  unused(Event("SESSION_DROP_NOTIFICATION parameter1: 1"),
         Event("SESSION_DROP_NOTIFICATION parameter2: 1 parameter3: 1"));
  for (const char* event : {"LOGOUT_REQUEST", "CONNECTION_DROP_NOTIFICATION parameter1: 1",
                            "SESSION_DROP_NOTIFICATION", "NEGOTIATION_REQUEST"}) {
    unused(Event(absl::StrCat(event, " lun: 1")), Event("TASKS_TERMINATED lun: 1"));
    unused(Event(absl::StrCat(event, " async_vcode: 1")), Event("248 async_vcode: 1"));
  }
  for (const char* field : {"parameter1", "parameter2", "parameter3"}) {
    unused(Event(absl::StrCat("TASKS_TERMINATED ", field, ": 1")), vendor);
  }
}

}  // namespace

std::vector<RuleCase> FormatOfEachKindCases() {
  std::vector<RuleCase> cases;
  AddOpcodes(&cases);
  AddFinalBits(&cases);
  AddDataSegments(&cases);
  AddUnusedFields(&cases);
  // §11.9, §11.17.4.
  cases.push_back({"reserved_task_tag",
                   Lines({"login", kPing, "reject 4 48 initiator_task_tag: 1"}),
                   Lines({"login", kPing, "reject 4 48 initiator_task_tag: 0xffffffff"})});
  return cases;
}

}  // namespace pushpull::conformance
