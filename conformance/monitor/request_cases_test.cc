// Cases of monitor_test: what an initiator may do just beside what it must not.

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kNames =
    "InitiatorName=iqn.2026-01.org.example:i\\0TargetName=iqn.2026-01.org.example:t\\0";
const std::string kLevel1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
const std::string kBye = "> logout_request { reason: CLOSE_SESSION }";

std::string First(const std::string& to, const std::string& more = "") {
  return Ask(kOp, to, more, kNames);
}
std::string Tmf(const std::string& fields) {
  return absl::StrCat("> task_management_request { ", fields, " }");
}
std::string Request(const std::string& fields, const std::string& keys) {
  return absl::StrCat("> text_request { ", fields, " } data { raw: '", keys, "' }");
}
std::string Response(const std::string& fields, const std::string& keys) {
  return absl::StrCat("< text_response { ", fields, " } data { raw: '", keys, "' }");
}
std::string Nop(const std::string& fields, int length = 0) {
  return absl::StrCat(
      "> nop_out { ", fields, " }",
      length == 0 ? "" : absl::StrCat(" data { pattern { length: ", length, " } }"));
}

// RFC 7143 §4.2.2: numbers, where they wrap, and what is held against them after a wrong one.
void AddNumbers(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  const std::string login = "login";
  add("exp_stat_sn_seen", Lines({login, Nop("exp_stat_sn: 1002"), Nop("exp_stat_sn: 1001")}),
      Lines({login, Nop("exp_stat_sn: 1001"), Nop("exp_stat_sn: 1001")}));
  const std::string wrapping =
      Lines({"open", First(kFull, "cmd_sn: 0xffffffff"),
             Tell(kOp, kFull,
                  "tsih: 1 stat_sn: 0xffffffff exp_cmd_sn: 0xffffffff max_cmd_sn: "
                  "30"),
             Nop("cmd_sn: 0xffffffff exp_stat_sn: 0")});
  add("exp_stat_sn_seen", wrapping + Nop("cmd_sn: 0 exp_stat_sn: 1"),
      wrapping + Nop("cmd_sn: 0 exp_stat_sn: 0"));
  add("exp_stat_sn_never_falls", wrapping + Nop("cmd_sn: 0 exp_stat_sn: 0xffffffff"),
      wrapping + Nop("cmd_sn: 0 exp_stat_sn: 0"));
  add("cmd_sn_increments", wrapping + Nop("cmd_sn: 1 exp_stat_sn: 0"),
      wrapping + Nop("cmd_sn: 0 exp_stat_sn: 0"));
  // It goes on behind a gap.
  add("cmd_sn_increments", Lines({login, Nop("cmd_sn: 502"), Nop("cmd_sn: 503")}),
      Lines({login, Nop("cmd_sn: 500"), Nop("cmd_sn: 501")}));
  // A number comes again where something was lost, or may have been (§7.3).
  const std::string again = Lines({kTur, Nop("cmd_sn: 500")});
  const std::string level0 = "login ErrorRecoveryLevel=0 / ErrorRecoveryLevel=0";
  add("cmd_sn_increments", Lines({level0, again}), Lines({kLevel1, again}));
  add("cmd_sn_increments", Lines({level0, again}), Lines({"login ErrorRecoveryLevel=1", again}));
  // Commands of two connections overtake one another.
  const std::string joined = Lines({"login", "join"});
  for (const std::string& one : {Nop("cmd_sn: 502"), Nop("cmd_sn: 499")}) {
    add("cmd_sn_increments", Lines({login, one}), joined + one);
  }
  add("cmd_sn_within_window", Lines({login, Nop("cmd_sn: 600")}), joined + Nop("cmd_sn: 600"));
  add("cmd_sn_of_immediate", Lines({login, Nop("cmd_sn: 499") + " immediate: true"}),
      joined + Nop("cmd_sn: 499") + " immediate: true");
  // The window bounds what isn't immediate; the largest MaxCmdSN holds.
  std::string full = "login\n";
  for (int i = 0; i < 32; ++i) absl::StrAppend(&full, Nop(""), "\n");
  add("cmd_sn_within_window", full + Nop(""), full + Nop("") + " immediate: true");
  const std::string fallen =
      Lines({"login", kPing, "< nop_in { max_cmd_sn: 510 }", kPing, "< nop_in { max_cmd_sn: 505 }",
             kPing, "< nop_in { max_cmd_sn: 508 }", Nop(""), Nop(""), Nop(""), Nop(""), Nop(""),
             Nop(""), Nop(""), Nop(""), Nop(""), Nop("")});
  add("cmd_sn_within_window",
      Lines({"open", First(kFull), Tell(kOp, kFull, "tsih: 1 max_cmd_sn: 500"), Nop(""), Nop("")}),
      fallen);
}

// RFC 7143 §11.5, §11.14, §11.16: bit 0 of byte 1 is printed as 1.
void AddFinalBits(std::vector<RuleCase>* cases) {
  for (const std::string& one :
       {std::string("> task_management_request { function: ABORT_TASK_SET "),
        std::string("> logout_request { "),
        std::string("> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff ")}) {
    cases->push_back({"initiator_final_bit_set", Lines({kLevel1, one + "final: false }"}),
                      Lines({kLevel1, one + "final: true }"})});
  }
}

// RFC 7143 §11.2.1.8, §11.5.
void AddTasks(std::vector<RuleCase>* cases) {
  const std::string reused = Nop("initiator_task_tag: 1");
  const auto tag = [&](const std::string& right) {
    cases->push_back({"task_tag_unique", Lines({kLevel1, kTur, reused}), right});
  };
  const std::string retried = "> scsi_command { initiator_task_tag: 1 cdb { test_unit_ready { } } ";
  cases->push_back({"task_tag_unique", Lines({kLevel1, kTur, retried + "}"}),
                    Lines({kLevel1, kTur, retried + "cmd_sn: 500 }"})});
  tag(Lines({"login", kTur, Tmf("function: LOGICAL_UNIT_RESET"), reused}));
  tag(Lines({"login", "join", kTur, reused}));
  tag(Lines({"login", kTur, "reject 4", reused}));
  // A Reject of something else doesn't free it.
  cases->push_back({"task_tag_unique", Lines({"login", kTur, kPing, "reject 4", reused}),
                    Lines({"login", kTur, kGood, kPing, "reject 4", reused})});
  for (const char* function : {"ABORT_TASK_SET", "CLEAR_ACA", "CLEAR_TASK_SET",
                               "LOGICAL_UNIT_RESET", "TARGET_WARM_RESET", "TARGET_COLD_RESET"}) {
    const std::string of = absl::StrCat("function: ", function);
    cases->push_back({"task_management_request_fields",
                      Lines({"login", Tmf(of + " referenced_task_tag: 1")}),
                      Lines({"login", Tmf(of)})});
  }
  for (const char* function : {"ABORT_TASK", "QUERY_TASK", "TASK_REASSIGN"}) {
    cases->push_back({"task_management_request_fields",
                      Lines({"login", Tmf("function: CLEAR_TASK_SET referenced_task_tag: 77")}),
                      Lines({"login", Tmf(absl::StrCat("function: ", function,
                                                       " referenced_task_tag: 77 lun: 1")) +
                                          " immediate: true"})});
  }
  cases->push_back({"task_management_request_fields",
                    Lines({"login", Tmf("function: TARGET_COLD_RESET lun: 1")}),
                    Lines({"login", Tmf("function: ABORT_TASK_SET lun: 1")})});
  // §11.5.5: of an immediate command RefCmdSN is the CmdSN of the abort.
  const std::string abort = "function: ABORT_TASK referenced_task_tag: 1 ref_cmd_sn: ";
  const std::string immediate = Lines({"login", kTur + " immediate: true", Nop("")});
  cases->push_back({"ref_cmd_sn", immediate + Tmf(abort + "500"), immediate + Tmf(abort + "501")});
  cases->push_back({"ref_cmd_sn", Lines({"login", kTur, Tmf(abort + "499")}),
                    Lines({"login", kTur, "reject 4", Tmf(abort + "499")})});
  for (const std::string& one :
       {kTur, Tmf("function: CLEAR_ACA"),
        std::string("> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff }")}) {
    const std::string level = " ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
    cases->push_back({"discovery_requests", Lines({"login SessionType=Discovery" + level, one}),
                      Lines({"login SessionType=Normal" + level, one})});
  }
}

// RFC 7143 §11.14.
void AddLogouts(std::vector<RuleCase>* cases) {
  const auto logout = [](const std::string& fields) {
    return absl::StrCat("> logout_request { ", fields, " }");
  };
  cases->push_back({"logout_request_fields", Lines({"login", logout("reason: 3")}),
                    Lines({"login", logout("reason: REMOVE_CONNECTION_FOR_RECOVERY cid: 7")})});
  const std::string other = logout("reason: CLOSE_CONNECTION cid: 7");
  cases->push_back({"logout_request_fields", Lines({"login", other}), Lines({"joined", other})});
  cases->push_back({"logout_request_fields", Lines({"login", other}),
                    Lines({"login", logout("reason: CLOSE_SESSION cid: 7")})});
  const auto after = [&](const std::string& broken, const std::string& right) {
    cases->push_back({"nothing_after_logout_request", broken, right});
  };
  after(Lines({"login", kBye, "< logout_response { }", kTur}),
        Lines({"login", kBye, "< logout_response { response: CLEANUP_FAILED }", kTur}));
  after(Lines({"login", kBye, kTur}), Lines({"login", kBye, "reject 4", kTur}));
  after(Lines({"login", "join", logout("reason: CLOSE_CONNECTION cid: 2"), kTur}),
        Lines({"login", "join", logout("reason: CLOSE_CONNECTION cid: 1"), kTur}));
  // Data that the target asked for still comes.
  const std::string asked =
      Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024"), kBye});
  after(asked + kTur, asked +
                          "> data_out { initiator_task_tag: 1 target_transfer_tag: 7 } "
                          "data { pattern { length: 1024 } }");
}

// RFC 7143 §11.18.
void AddPings(std::vector<RuleCase>* cases) {
  const std::string ping = "< nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 5 }";
  const std::string pong =
      Nop("initiator_task_tag: 0xffffffff target_transfer_tag: 5") + " immediate: true";
  cases->push_back({"nop_out_answers_nop_in", Lines({"login", ping, pong, pong}),
                    Lines({"login", ping, pong, ping, pong})});
  cases->push_back({"nop_out_answers_nop_in", Lines({"login", ping, Nop("target_transfer_tag: 5")}),
                    Lines({"login", ping, pong})});
  cases->push_back({"nop_out_answers_nop_in", Lines({"login", pong}), Lines({"joined", pong})});
  // An answer has nothing to be answered by.
  cases->push_back({"nop_out_answers_nop_in", Lines({"login", kPing, kPong, pong}),
                    Lines({"login", ping, pong})});
}

// RFC 7143 §6.3, §11.12.
void AddLogins(std::vector<RuleCase>* cases) {
  const std::string stay = Tell(kOp, "");
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  const std::string begun = Lines({"open", First(""), stay});
  for (const char* changed :
       {"isid: '123457'", "isid: '\\xc0\\0\\0\\0\\0\\0'", "tsih: 4", "initiator_task_tag: 8"}) {
    add("login_fields_kept", begun + Ask(kOp, "", changed), begun + Ask(kOp, ""));
  }
  add("login_request_versions", Lines({"open", First("", "version_min: 1 version_max: 1")}),
      Lines({"open", First("", "version_min: 0")}));
  // Both could also be one that it doesn't have.
  add("login_request_versions", Lines({"open", First("", "version_min: 1")}),
      Lines({"open", First("")}));
  for (const char* type : {"\\0", "\\x40", "\\x80"}) {
    add("isid_type", Lines({"open", First("", "isid: '\\xc0\\0\\0\\0\\0\\0'")}),
        Lines({"open", First("", absl::StrCat("isid: '", type, "\\0\\0\\0\\0\\0'"))}));
  }
  for (const char* stage : {"STAGE_RESERVED", "FULL_FEATURE_PHASE"}) {
    add("login_stages", Lines({"open", Ask(stage, "", "", kNames)}),
        Lines({"open", Ask(kSec, "", "", kNames)}));
  }
  add("login_stages", Lines({"open", First(kSec)}), Lines({"open", First("")}));
  // The stage is the one that the target went to.
  const std::string moved = Lines({"open", Ask(kSec, kOp, "", kNames), Tell(kSec, kOp)});
  add("login_stages", moved + Ask(kSec, ""), moved + Ask(kOp, kFull));
  const std::string kept = Lines({"open", Ask(kSec, kOp, "", kNames), Tell(kSec, "")});
  add("login_stages", kept + Ask(kOp, ""), kept + Ask(kSec, kOp));
  // Keys of several PDUs are one text.
  const std::string name = "InitiatorName=iqn.2026-01.a:i";
  const std::string part = Lines({"open", Ask(kOp, "", "text_continue: true", name), stay});
  add("login_first_keys", part + Ask(kOp, "", "", "\\0"),
      part + Ask(kOp, "", "", "\\0TargetName=iqn.2026-01.a:t\\0"));
  add("login_first_keys", Lines({"open", Ask(kOp, "", "", name + "\\0SessionType=Normal\\0")}),
      Lines({"open", First("")}));
  // After a reject, or where the beginning wasn't seen, nothing is asked of it.
  const std::string rejected =
      Lines({"open", First(kFull), Tell(kSec, "", "status_class: 2 status_detail: 0")});
  for (const std::string& one : {Ask(kOp, ""), Nop("cmd_sn: 700 initiator_task_tag: 0xffffffff")}) {
    add("login_first", Lines({"login", Ask(kOp, "")}), rejected + one);
  }
  add("login_first", Lines({"login", Ask(kOp, "")}), Lines({"joined", Ask(kOp, "")}));
  // Of what comes too early nothing else is said; vendors' own opcodes aren't judged.
  add("login_first", begun + Nop("exp_stat_sn: 5000 cmd_sn: 7"), begun + "> raw { bhs: '\\x1c' }");
  add("exp_stat_sn_seen", begun + Ask(kOp, "", "exp_stat_sn: 1002"),
      begun + Ask(kOp, "", "exp_stat_sn: 1001"));
  // §11.12.8: a connection that joins carries the session's CmdSN.
  const std::string isid = "isid: '\\x80\\x01\\x02\\x03\\x04\\x05' cid: 2 ";
  const auto joins = [&](const std::string& tsih) {
    return Lines({"login", "open", Ask(kOp, "", isid + tsih, kNames),
                  Tell(kOp, "", isid.substr(0, isid.find(" cid")) + " " + tsih),
                  Ask(kOp, "", isid + tsih + " cmd_sn: 501")});
  };
  add("login_request_cmd_sn", joins("tsih: 0"), joins("tsih: 1"));
}

// RFC 7143 §13.12: what the target declared holds from the login on, and grows only.
void AddSegmentLimits(std::vector<RuleCase>* cases) {
  const auto limit = [cases](const std::string& broken, const std::string& right) {
    cases->push_back({"initiator_segment_limit", broken, right});
  };
  const std::string rdma = "login RDMAExtensions=Yes / RDMAExtensions=Yes ";
  const std::string small = "MaxRecvDataSegmentLength=512";
  limit(Lines({"login / " + small, Nop("", 1024)}), Lines({rdma + small, Nop("", 1024)}));
  limit(Lines({"login / MaxRecvDataSegmentLength=16384", Nop("", 16388)}),
        Lines({"login / MaxRecvDataSegmentLength=16384", Nop("", 16384)}));
  limit(Lines({"login", Nop("", 8196)}),
        Lines({"login / MaxRecvDataSegmentLength=none", Nop("", 8196)}));
  const auto again = [](const std::string& login, const std::string& value, int length) {
    return Lines(
        {login, kText, Response("", "MaxRecvDataSegmentLength=" + value + "\\0"), Nop("", length)});
  };
  limit(again("login / MaxRecvDataSegmentLength=1024", "512", 1028),
        again("login / MaxRecvDataSegmentLength=1024", "512", 1024));
  limit(again("login", "512", 8196), again("login", "none", 8196));
  limit(again("login", "512", 8196), again(rdma, "512", 8196));
}

// RFC 7143 §6, §13: keys in logins and text requests.
void AddKeys(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  const auto architecture = [](size_t size) {
    return "login X#NodeArchitecture=" + std::string(size, 'a');
  };
  add("initiator_key_value", architecture(256), architecture(255));
  for (const char* list : {"ResponseFence", "RFC3720", "FastAbort"}) {
    add("task_reporting_offer", absl::StrCat("login TaskReporting=", list),
        "login TaskReporting=ResponseFence,RFC3720,FastAbort");
  }
  // Reserved words, and what answers an offer of the target's, are no proposals.
  const std::string five = "target_transfer_tag: 5";
  add("initiator_key_value", "login MaxBurstLength=1", "login MaxBurstLength=Irrelevant");
  add("initiator_key_value", "login TaskReporting=RFC3720,ResponseFence MaxConnections=0",
      "login TaskReporting=RFC3720,ResponseFence MaxConnections=1");
  const std::string counter = Lines({"open", First(""), Tell(kOp, "", "", "MaxConnections=9\\0")});
  add("initiator_key_value",
      Lines({"open", First(""), Tell(kOp, "")}) + Ask(kOp, "", "", "MaxConnections=0\\0"),
      counter + Ask(kOp, "", "", "MaxConnections=0\\0"));
  // A key is said once in a negotiation, but for A10 and answers.
  const std::string burst = "MaxBurstLength=1024\\0";
  const std::string begun = Lines({"open", Ask(kOp, "", "", kNames + burst), Tell(kOp, "")});
  add("initiator_key_once", begun + Ask(kOp, "", "", burst),
      begun + Ask(kOp, "", "", "MaxRecvDataSegmentLength=512\\0MaxRecvDataSegmentLength=1024\\0"));
  add("initiator_key_once", Lines({"open", Ask(kOp, "", "", kNames + burst + burst)}),
      Lines({"open", Ask(kOp, "", "", kNames + burst)}));
  add("initiator_key_once", begun + Ask(kOp, "", "", burst),
      counter + Ask(kOp, "", "", "MaxConnections=1\\0MaxConnections=1\\0"));
  const std::string first = Lines({"login", Request("final: false", "X-a=1\\0"),
                                   Response("final: false " + five, "X-a=NotUnderstood\\0")});
  add("initiator_key_once", first + Request(five, "X-a=1\\0"), first + Request("", "X-a=1\\0"));
  // RFC 7145 §6 gives one key a name that isn't by the rule.
  add("initiator_text_format", "login iSERHello=No", "login iSERHelloRequired=No");
  // §13.21: discovery, which an earlier request asked for.
  const std::string discovery = Lines({"open",
                                       Ask(kOp, "", "",
                                           "InitiatorName=iqn.2026-01.a:i\\0SessionType="
                                           "Discovery\\0"),
                                       Tell(kOp, "", "", "X-t.a=1\\0")});
  add("no_private_keys_in_discovery", discovery + Ask(kOp, "", "", "X-a.b=1\\0"),
      discovery + Ask(kOp, "", "", "X-t.a=NotUnderstood\\0"));
  add("no_private_keys_in_discovery",
      Lines({"login SessionType=Discovery", Request("", "X-a.b=1\\0")}),
      Lines({"login SessionType=Normal", Request("", "X-a.b=1\\0")}));
}

// RFC 7143 §6.2, §11.10.
void AddTexts(std::vector<RuleCase>* cases) {
  const auto add = [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
  const std::string on = "target_transfer_tag: 5 lun: 1";
  const std::string more = Response("final: false " + on, "TargetAlias=a\\0");
  const std::string part = Response("final: false text_continue: true " + on, "TargetName=");
  add("empty_request_to_continue", Lines({"login", kSendTargets, part, Request(on, "X-a=1\\0")}),
      Lines({"login", kSendTargets, part, Request("", "X-a=1\\0")}));
  // What went on is over: its tag is none.
  const std::string over = Lines({"login", kSendTargets, more, Request(on, ""), Response("", "")});
  add("text_tag_copied", over + Request(on + " initiator_task_tag: 1", ""),
      over + Request("initiator_task_tag: 1", ""));
  add("text_tag_copied",
      Lines({"login", kSendTargets, more, Request("target_transfer_tag: 6 lun: 1", "")}),
      Lines({"joined", Request(on + " initiator_task_tag: 1", "")}));
  add("one_text_request_at_a_time", Lines({"login", kText, kText}),
      Lines({"login", kText, "reject 4", kText}));
  add("one_text_request_at_a_time", Lines({"login", kText, kText}),
      Lines({"login", kText, Response("", ""), kText}));
}

}  // namespace

std::vector<RuleCase> RequestCases() {
  std::vector<RuleCase> cases;
  AddNumbers(&cases);
  AddFinalBits(&cases);
  AddTasks(&cases);
  AddLogouts(&cases);
  AddPings(&cases);
  AddLogins(&cases);
  AddSegmentLimits(&cases);
  AddKeys(&cases);
  AddTexts(&cases);
  return cases;
}

}  // namespace pushpull::conformance
