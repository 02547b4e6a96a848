// Cases of monitor_test: each arm of a rule that has several, and what stands just beside one.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kKeyNames =
    "InitiatorName=iqn.2026-01.org.example:i\\0TargetName=iqn.2026-01.org.example:t\\0";

std::string Request(const std::string& fields, const std::string& keys) {
  return absl::StrCat("> text_request { ", fields, " } data { raw: '", keys, "' }");
}
std::string Response(const std::string& fields, const std::string& keys) {
  return absl::StrCat("< text_response { ", fields, " } data { raw: '", keys, "' }");
}
std::string Told(const std::string& keys) { return Lines({"login", kText, Response("", keys)}); }

// RFC 7143 §4.2.7, §13.8; RFC 3722.
void AddNames(std::vector<RuleCase>* cases) {
  const auto name = [cases](const std::string& broken, const std::string& right) {
    cases->push_back({"target_name", Told(absl::StrCat("TargetName=", broken, "\\0")),
                      Told(absl::StrCat("TargetName=", right, "\\0"))});
  };
  name("iqn.20a6-01.org", "iqn.2026-01.org");
  name("iqn.2026-0a.org", "iqn.2026-10.org");
  name("iqn.2026-00.org", "iqn.2026-01.org");
  name("iqn.2026.01.org", "iqn.2026-01.org");
  name("iqn.2026-01-org", "iqn.2026-01.org");
  name("iqn.2026-01.", "iqn.2026-01.o");
  name("iqn.2026-01..org", "iqn.2026-01.org");
  name("iqn.2026-01.org.:a", "iqn.2026-01.org:.a");
  name("iqn.2026-01.org..example", "iqn.2026-01.org:a..b");
  name("eui.G2004567A425678D", "eui.02004567A425678D");
  name("eui.02004567A425678G", "eui.02004567a425678d");
  name("eui.02004567A425678DD", "eui.02004567A425678D");
  name("naa.52004567BA64678", "naa.62004567BA64678D62004567BA64678D");
  name("new.", "new.\\xe3\\x80\\x80");
  const auto address = [cases](const std::string& broken, const std::string& right) {
    const std::string own = "TargetName=new.a\\0TargetAddress=";
    cases->push_back({"target_address_form", Told(absl::StrCat(own, broken, "\\0")),
                      Told(absl::StrCat(own, right, "\\0"))});
  };
  address("10.0.0.1:3260,65536", "10.0.0.1:3260,65535");
  address("10.0.0.1:0,1", "10.0.0.1:1,1");
  address("a b:3260,1", "a-b_c.example:3260,1");
  address("a%b:3260,1", "[fe80::1%eth0]:3260,1");
  address("[fe80::1 eth0]:3260,1", "[fe80::1]:3260,1");
  address("h:port,1", "h:1,1");
  address(":3260,1", "h:3260,1");
  address("[::1]3260,1", "[::1]:3260,1");
}

// RFC 7143 Appendix C.
void AddSendTargets(std::vector<RuleCase>* cases) {
  const std::string discovery = "login SessionType=Discovery";
  const std::string name = "iqn.2026-01.org.example:";
  const auto asked = [&](const std::string& login, const std::string& value,
                         const std::string& answer) {
    return Lines({login, Request("", absl::StrCat("SendTargets=", value, "\\0")),
                  Response("", absl::StrCat("TargetName=", name, answer, "\\0"))});
  };
  cases->push_back(
      {"send_targets_scope", asked(discovery, name + "u", "v"), asked(discovery, name + "u", "u")});
  cases->push_back({"send_targets_scope", asked("login", "", "u"), asked(discovery, "All", "u")});
  cases->push_back({"send_targets_keys",
                    Lines({discovery, Request("", "SendTargets=All\\0"),
                           Response("", "TargetAddress=h:3260,1\\0")}),
                    Lines({discovery, Request("", "SendTargets=All\\0"), Response("", "")})});
}

// A header that a digest calls wrong says nothing; a request without sense may end it all.
void AddDoubtful(std::vector<RuleCase>* cases) {
  cases->push_back({"header_digest_right",
                    Lines({"login", "digests", kPing,
                           "< nop_in { final: false stat_sn: 77 max_cmd_sn: 3 } header_digest: 1"}),
                    Lines({"login", "digests", kPing, kPong})});
  const std::string cut = "close within a PDU, of which 4 bytes had come";
  for (const char* type : {"1", "2"}) {
    const auto with = [&cut](const char* ahs_type) {
      return Lines({"login",
                    absl::StrCat("> scsi_command { cdb { test_unit_ready { } } } ahs { ahs_type: ",
                                 ahs_type, " specific: '\\0\\0\\0\\0\\1' }"),
                    cut});
    };
    cases->push_back({"whole_pdus", with(type), with("3")});
  }
}

// RFC 7143 §6, §13: keys that are the initiator's to send, that need no knowing, that come again.
void AddKeys(std::vector<RuleCase>* cases) {
  for (const char* key : {"InitiatorName", "InitiatorAlias", "SessionType", "SendTargets"}) {
    cases->push_back({"key_sender", absl::StrCat("login / ", key, "=a"), "login / TargetAlias=a"});
  }
  const std::string offer = "MaxBurstLength=1024 / MaxBurstLength=NotUnderstood";
  // RFC 7143 §13.13 says that it is irrelevant there; RFC 7145 §3.3.
  cases->push_back(
      {"rfc_key_understood", "login " + offer, "login SessionType=Discovery " + offer});
  cases->push_back({"rfc_key_understood", "login " + offer,
                    "login RDMAExtensions=Yes / RDMAExtensions=NotUnderstood"});
  // What an earlier exchange came to answers nothing of the next one.
  const std::string first =
      Lines({"login", Request("", "X-a.b=1\\0"), Response("", "X-a.b=NotUnderstood\\0"),
             Request("", "X-a.b=1\\0")});
  cases->push_back(
      {"key_answered", first + Response("", ""), first + Response("", "X-a.b=NotUnderstood\\0")});
}

// RFC 7143 §11.4.1, §11.4.3, §11.9.4.
void AddResponses(std::vector<RuleCase>* cases) {
  for (const char* flag : {"residual_overflow", "residual_underflow"}) {
    cases->push_back(
        {"failure_has_no_flags",
         Lines({"login", kTur,
                absl::StrCat("< scsi_response { response: TARGET_FAILURE ", flag, ": true }")}),
         Lines({"login", kTur, "< scsi_response { response: TARGET_FAILURE }"})});
  }
  const auto event = [](const std::string& data) {
    return Lines({"login", "< async_message { async_event: SCSI_ASYNC_EVENT } data { raw: '" +
                               data + "' }"});
  };
  cases->push_back({"sense_length_fits", event("\\0"), event("\\0\\0")});
  cases->push_back({"sense_length_fits", event("\\0\\2\\x70"), event("\\0\\1\\x70")});
}

// RFC 7143 §11.2.1.2, §11.5, §11.14, §11.16.
void AddRequestFormat(std::vector<RuleCase>* cases) {
  for (int opcode = 0x07; opcode <= 0x1f; ++opcode) {
    if (opcode == 0x10 || (opcode >= 0x1c && opcode <= 0x1e)) continue;
    const auto of = [](int value) {
      return Lines({"login", absl::StrCat("> raw { bhs: '\\x", absl::Hex(value), "' }")});
    };
    cases->push_back({"initiator_opcode", of(opcode), of(0x1c + opcode % 3)});
  }
  const std::string tmf = "> task_management_request { function: ABORT_TASK_SET }";
  const std::string snack =
      "> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff beg_run: 1001 }";
  for (const std::string& one : {tmf, snack, std::string("> logout_request { }")}) {
    const std::string login = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
    cases->push_back({"initiator_no_data_segment", Lines({login, one + " data { raw: 'abcd' }"}),
                      Lines({login, one})});
  }
  cases->push_back({"initiator_no_data_segment",
                    Lines({"login", tmf + " ahs { ahs_type: 1 specific: '\\0aaaa' }"}),
                    Lines({"login", tmf})});
  // §13.12: 8192 bytes in a login, whatever is declared.
  const auto padded = [](size_t size) {
    const size_t names = kKeyNames.size() - 2;  // each \0 is written with two characters
    return Lines({"open", Ask(kOp, "", "",
                              absl::StrCat(kKeyNames, "InitiatorAlias=",
                                           std::string(size - names - 16, 'a'), "\\0"))});
  };
  cases->push_back({"initiator_segment_limit", padded(8193), padded(255 + 98)});
  cases->push_back({"initiator_segment_limit",
                    Lines({"login / MaxRecvDataSegmentLength=512", kText,
                           Response("", "MaxRecvDataSegmentLength=1024\\0"),
                           "> nop_out { } data { pattern { length: 1028 } }"}),
                    Lines({"login / MaxRecvDataSegmentLength=512", kText,
                           Response("", "MaxRecvDataSegmentLength=1024\\0"),
                           "> nop_out { } data { pattern { length: 1024 } }"})});
  // What is sent wrong on purpose is no violation of the initiator's.
  cases->push_back({"initiator_final_bit_set",
                    Lines({"login", "> nop_out { final: false } immediate: true"}),
                    Lines({"login", ">! nop_out { final: false } immediate: true"})});
  cases->push_back(
      {"initiator_header_digest_right",
       Lines({"login", "digests", "> nop_out { final: true cmd_sn: 700 } header_digest: 1"}),
       Lines({"login", "digests", "> nop_out { }"})});
}

// RFC 7143 §11.2.1.8: one tag, one task, of whatever kind. §11.14: a logout is the last request.
void AddRequestTasks(std::vector<RuleCase>* cases) {
  const std::string abort_set = "> task_management_request { function: ABORT_TASK_SET ";
  for (const std::string& one :
       {std::string("> nop_out { "), abort_set, std::string("> text_request { "),
        std::string("> logout_request { "),
        std::string("> scsi_command { cdb { test_unit_ready { } } ")}) {
    cases->push_back({"task_tag_unique", Lines({"login", kTur, one + "initiator_task_tag: 1 }"}),
                      Lines({"login", kTur, kGood, one + "initiator_task_tag: 1 }"})});
    cases->push_back({"task_tag_valid",
                      Lines({"login", abort_set + "initiator_task_tag: 0xffffffff }"}),
                      Lines({"login", one + "initiator_task_tag: 0 }"})});
    const std::string bye = "> logout_request { reason: CLOSE_SESSION }";
    cases->push_back({"nothing_after_logout_request", Lines({"login", bye, one + "}"}),
                      Lines({"login", bye, "< logout_response { }", "close", "login", one + "}"})});
  }
  const auto tmf = [](const std::string& fields) {
    return Lines({"login", kTur, absl::StrCat("> task_management_request { ", fields, " }")});
  };
  // RefCmdSN is ABORT TASK's alone (§11.5.5).
  cases->push_back({"ref_cmd_sn", tmf("function: ABORT_TASK referenced_task_tag: 1 ref_cmd_sn: 9"),
                    tmf("function: QUERY_TASK referenced_task_tag: 1 ref_cmd_sn: 9")});
  cases->push_back({"discovery_requests", Lines({"login SessionType=Discovery", abort_set + "}"}),
                    Lines({"login SessionType=Discovery", kPing, kPong, "> logout_request { }"})});
}

// RFC 7143 §6.2, §11.10.4, §13.
void AddRequestText(std::vector<RuleCase>* cases) {
  const std::string on = "target_transfer_tag: 5 lun: 1";
  const std::string parts = Response("final: false text_continue: true " + on, "TargetName=");
  const auto then = [&](const std::string& next) {
    return Lines({"login", kSendTargets, parts, next});
  };
  cases->push_back(
      {"empty_request_to_continue", then(Request(on, "X-a=1\\0")),
       then("> nop_out { } data { raw: 'abcd' }") + Request(on + " initiator_task_tag: 1", "")});
  cases->push_back({"text_tag_copied", then(Request("target_transfer_tag: 6 lun: 1", "")),
                    then(Request(on, ""))});
  cases->push_back({"no_private_keys_in_discovery",
                    Lines({"login SessionType=Discovery", Request("", "X-a.b=1\\0")}),
                    "login SessionType=Normal X-a.b=1 / X-a.b=NotUnderstood"});
  // A10: this one may be declared anew.
  const std::string declared = "login MaxRecvDataSegmentLength=512 InitiatorAlias=a";
  cases->push_back({"initiator_key_value",
                    Lines({declared, Request("", "MaxRecvDataSegmentLength=511\\0")}),
                    Lines({declared, Request("", "MaxRecvDataSegmentLength=512\\0")})});
  cases->push_back({"one_text_request_at_a_time", Lines({"login", "join", kText, kText}),
                    Lines({"login", "join", kText, "use 1", kText})});
  cases->push_back({"login_stages", Lines({"open", Ask(kOp, "STAGE_RESERVED", "", kKeyNames)}),
                    Lines({"open", Ask(kOp, kFull, "", kKeyNames)})});
}

}  // namespace

std::vector<RuleCase> EdgeCases() {
  std::vector<RuleCase> cases;
  AddNames(&cases);
  AddSendTargets(&cases);
  AddDoubtful(&cases);
  AddKeys(&cases);
  AddResponses(&cases);
  return cases;
}

std::vector<RuleCase> InitiatorEdgeCases() {
  std::vector<RuleCase> cases;
  AddRequestFormat(&cases);
  AddRequestTasks(&cases);
  AddRequestText(&cases);
  return cases;
}

}  // namespace pushpull::conformance
