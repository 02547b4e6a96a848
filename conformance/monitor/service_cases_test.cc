// Cases of monitor_test: each code that a response may carry, and which task each response ends.

#include <functional>

#include "conformance/monitor/rule_case.h"

namespace pushpull::conformance {
namespace {

const std::string kLevel2 = "login iSCSIProtocolLevel=2 / iSCSIProtocolLevel=2";
const std::string kLogout = "> logout_request { }";
const std::string kOwnPing = "< nop_in { initiator_task_tag: 0xffffffff }";

std::string Tmf(const std::string& fields) {
  return absl::StrCat("> task_management_request { ", fields, " }");
}
std::string TmfDone(const std::string& fields) {
  return absl::StrCat("< task_management_response { ", fields, " }");
}
std::string Event(const std::string& fields) {
  return absl::StrCat("< async_message { async_event: ", fields, " }");
}

using Add = std::function<void(const char*, const std::string&, const std::string&)>;

Add To(std::vector<RuleCase>* cases) {
  return [cases](const char* rule, const std::string& broken, const std::string& right) {
    cases->push_back({rule, broken, right});
  };
}

// RFC 7143 §11.6.1; RFC 7144 §6.4.
void AddTmfResponses(const Add& add) {
  const std::string reset = Tmf("function: CLEAR_ACA") + " immediate: true";
  for (const int right : {0, 1, 2, 3, 4, 5, 6, 7, 255}) {
    add("tmf_response_assigned", Lines({kLevel2, reset, TmfDone("response: 254")}),
        Lines({kLevel2, reset, TmfDone(absl::StrCat("response: ", right))}));
  }
  const std::string more = TmfDone("additional_response_information: 1");
  add("level_2_fields", Lines({"login", reset, more}), Lines({kLevel2, reset, more}));
  add("level_2_fields", Lines({"login", reset, more}), Lines({"joined", reset, more}));
}

// RFC 7143 §11.9.
void AddEvents(const Add& add) {
  for (const char* right : {"0", "1", "3", "4", "248", "249", "255"}) {
    add("async_event_assigned", Lines({"login", Event("7")}), Lines({"login", Event(right)}));
  }
  // Sense data goes with a SCSI event, and with what a vendor says.
  const auto with = [](const std::string& event) {
    return Lines({"login TaskReporting=FastAbort / TaskReporting=FastAbort",
                  "< async_message { async_event: " + event + " } data { raw: '\\0\\1\\x70' }"});
  };
  for (const char* event : {"1", "2 parameter1: 1", "3", "4", "5"}) {
    add("sense_length_fits", with(event), with("0"));
    add("sense_length_fits", with(event), with("248"));
  }
  // Who says that it drops the connection, or asks for a logout, may end it.
  for (const char* event : {"LOGOUT_REQUEST", "CONNECTION_DROP_NOTIFICATION parameter1: 1",
                            "SESSION_DROP_NOTIFICATION"}) {
    add("logout_answered", Lines({"login", Event("NEGOTIATION_REQUEST"), kLogout, "close"}),
        Lines({"login", Event(event), kLogout, "close"}));
  }
  const std::string drop = Event("CONNECTION_DROP_NOTIFICATION parameter1: 2");
  add("async_connection", Lines({"login", drop}), Lines({"joined", drop}));
  add("async_connection", Lines({"login", drop}), Lines({"login", "join", "use 1", drop}));
  add("async_fast_abort", Lines({"login", Event("TASKS_TERMINATED")}),
      Lines({"joined", Event("TASKS_TERMINATED")}));
}

// RFC 7143 §11.15, §11.17.
void AddLogoutsAndRejects(const Add& add) {
  const std::string done = "< logout_response { }";
  for (const char* reason : {"CLOSE_SESSION cid: 9", "CLOSE_CONNECTION cid: 1"}) {
    const std::string logout = absl::StrCat("> logout_request { reason: ", reason, " }");
    add("nothing_after_logout", Lines({"login", logout, done, kOwnPing}),
        Lines({"joined", logout, done, kOwnPing}));
  }
  add("nothing_after_logout", Lines({"login", kLogout, done, done}),
      Lines({"login", kLogout, done, "close"}));
  // What a Reject answered needs nothing more; what it was about is told by the whole header.
  add("logout_answered", Lines({"login", kLogout, "close"}),
      Lines({"login", kLogout, "reject 4", "close"}));
  add("logout_answered", Lines({"login", kLogout, kPing, "reject 4", "close"}),
      Lines({"login", kPing, "reject 4", "close"}));
  add("reject_reason_fits", Lines({"login", kPing, "reject 10"}),
      Lines({"login", kTur, "reject 10"}));
  add("reject_reason_fits", Lines({"login", kTur, "reject 7"}),
      Lines({"login", Tmf("function: CLEAR_ACA"), "reject 7"}));
  add("reject_reason_fits", Lines({"login", kTur, kPing, kPong, "reject 7"}),
      Lines({"login", kTur, "> nop_out { initiator_task_tag: 1 }", "reject 7"}));
  const std::string snack = "> snack_request { type: STATUS_SNACK initiator_task_tag: 0xffffffff }";
  add("reject_reason_fits", Lines({"login", kTur, "reject 3"}),
      Lines({"login", snack, "reject 3"}));
  add("reject_reason_fits", Lines({"login", kTur, "reject 8"}),
      Lines({"login", snack, "reject 8"}));
  const std::string nobodys = "< reject { reason: PROTOCOL_ERROR } data { pattern { length: 48 } }";
  add("reject_header", Lines({"login", kPing, nobodys}), Lines({"joined", kPing, nobodys}));
  const std::string ahs = "> scsi_command { } ahs { ahs_type: 9 specific: 'abcde' }";
  add("reject_header", Lines({"login", ahs, "reject 9 55"}), Lines({"login", ahs, "reject 9 56"}));
  // The tag of a rejected task is free: rules bind what has it next.
  const std::string next = Lines({"> nop_out { initiator_task_tag: 1 }", kPong});
  const std::string asked = Lines({"login", kWrite, R2t("desired_data_transfer_length: 1024")});
  const std::string snack_of_task = "> snack_request { type: DATA_OR_R2T_SNACK }";
  for (const std::string& rejected :
       {Lines({"login", kTur, "reject 4"}), asked + Lines({DataOut(0, 1024), "reject 4"}),
        asked + Lines({snack_of_task, "reject 4"})}) {
    add("one_response", rejected + next + kPong, rejected + next);
  }
}

// RFC 7143 §4.2.2.1: status comes with ExpCmdSN behind the command. Each response ends its task.
void AddEnds(const Add& add) {
  const std::string level1 = "login ErrorRecoveryLevel=1 / ErrorRecoveryLevel=1";
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"> nop_out { }", "nop_in"},
      {Tmf("function: CLEAR_ACA"), "task_management_response"},
      {kText, "text_response"},
      {"> logout_request { reason: REMOVE_CONNECTION_FOR_RECOVERY cid: 7 }", "logout_response"},
      {kTur, "scsi_response"}};
  for (const auto& [request, response] : pairs) {
    const std::string early = absl::StrCat("< ", response, " { exp_cmd_sn: 500 }");
    const std::string right = absl::StrCat("< ", response, " { }");
    add("acknowledged_before_status", Lines({level1, request, early}),
        Lines({level1, request, right}));
    add("one_response", Lines({level1, request, right, right}), Lines({level1, request, right}));
    for (const auto& [other, other_response] : pairs) {
      if (other == request) continue;
      add("response_fits_request",
          Lines({level1, request, absl::StrCat("< ", other_response, " { }")}),
          Lines({level1, request, right}));
    }
  }
  const std::string r2t = R2t("desired_data_transfer_length: 512");
  add("response_fits_request", Lines({"login", kRead, r2t}), Lines({"login", kWrite, r2t}));
  add("response_fits_request", Lines({"login", kPing, DataIn("", 4)}),
      Lines({"login", kRead, DataIn("", 4)}));
  add("response_fits_request", Lines({"login", kPing, r2t}), Lines({"login", kWrite, r2t}));
}

// RFC 7143 Appendix C.
void AddSendTargets(const Add& add) {
  const std::string own = "TargetName=iqn.2026-01.org.example:t\\0";
  const std::string other = "TargetName=iqn.2026-01.org.example:u\\0";
  const std::string discovery = "login SessionType=Discovery";
  const auto told = [](const std::string& login, const std::string& keys,
                       const std::string& answer) {
    return Lines({login, "> text_request { } data { raw: '" + keys + "' }",
                  "< text_response { } data { raw: '" + answer + "' }"});
  };
  const auto scope = [&](const std::string& right) {
    add("send_targets_scope", told("login", "SendTargets=\\0", other), right);
  };
  scope(told("login", "SendTargets=\\0", "TargetName=iqn.2026-01.ORG.example:T\\0"));
  scope(told(discovery, "SendTargets=\\0", other));
  scope(told("joined", "SendTargets=\\0", other));
  // It may refuse, and with other keys beside it nothing is known of the answer.
  scope(told("login", "SendTargets=\\0", "SendTargets=Reject\\0"));
  scope(told("login", "SendTargets=\\0X-a=1\\0", other + "X-a=NotUnderstood\\0"));
  scope(told("login", "SendTargets=\\0InitiatorAlias=a\\0", other));
  scope(told("login", "SendTargets=\\0SendTargets=All\\0", other));
  scope(told("login", "InitiatorAlias=a\\0", other));
  // The login's tag is that of the portal it was made at, of the session's own target.
  const auto address = [&](const std::string& name, const std::string& value) {
    return told(discovery, "SendTargets=All\\0", name + "TargetAddress=" + value + "\\0");
  };
  for (const std::string& right :
       {address(own, "h:3260,1"), address(own, "h2:3260,2"), address(own, "h:3261,2"),
        address(other, "h:3260,2"),
        address(other, "h:3260,2\\0" + own + "TargetAddress=h:3260,1")}) {
    add("portal_group_tag_own", address(own, "h:3260,2"), right);
    add("portal_group_tag_own", address(own, "h,2"), right);
  }
  add("portal_group_tag_own", address(other + own, "h:3260,2"), address(own + other, "h:3260,2"));
}

// What ABORT TASK, the task set functions and the resets end (§11.5.1): commands that came before
// on the same connection, but for immediate ones.
void AddAborts(const Add& add) {
  const std::string on_3 = "> scsi_command { lun: 3 cdb { test_unit_ready { } } }";
  const std::string done = TmfDone("initiator_task_tag: 2");
  const std::string late = "< scsi_response { initiator_task_tag: 1 }";
  const auto then = [&](const std::string& first, const std::string& function,
                        const std::string& end) {
    return Lines({"login", first, Tmf(function), end, late});
  };
  for (const char* function :
       {"ABORT_TASK_SET lun: 3", "CLEAR_TASK_SET lun: 3", "LOGICAL_UNIT_RESET lun: 3",
        "TARGET_WARM_RESET", "TARGET_COLD_RESET"}) {
    const std::string of = absl::StrCat("function: ", function);
    const std::string broken = then(on_3, of, done);
    add("nothing_after_task_set_abort", broken, then(on_3 + " immediate: true", of, done));
    add("nothing_after_task_set_abort", broken,
        then(on_3, of, TmfDone("initiator_task_tag: 2 response: FUNCTION_REJECTED")));
    add("nothing_after_task_set_abort", broken,
        Lines({"login", "join", on_3, "use 1", Tmf(of), done, "use 2",
               "< scsi_response { initiator_task_tag: 1 exp_cmd_sn: 502 }"}));
    add("nothing_after_task_set_abort", broken,
        Lines({"login", "> nop_out { }", Tmf(of), done, "< nop_in { initiator_task_tag: 1 }"}));
  }
  for (const char* function : {"ABORT_TASK_SET", "CLEAR_TASK_SET", "LOGICAL_UNIT_RESET"}) {
    const std::string of = absl::StrCat("function: ", function);
    add("nothing_after_task_set_abort", then(kTur, of, done), then(on_3, of, done));
  }
  for (const char* function : {"CLEAR_ACA lun: 3", "9 referenced_task_tag: 1", "10 lun: 3"}) {
    add("nothing_after_task_set_abort",
        Lines({kLevel2, on_3, Tmf("function: CLEAR_TASK_SET lun: 3"), done, late}),
        Lines({kLevel2, on_3, Tmf(absl::StrCat("function: ", function)), done, late}));
  }
  const std::string abort = "function: ABORT_TASK lun: 3 referenced_task_tag: ";
  add("nothing_after_abort", then(on_3, abort + "1 ref_cmd_sn: 500", done),
      then(on_3, abort + "7 ref_cmd_sn: 500", done));
  add("nothing_after_abort",
      Lines({"login", on_3, Tmf(abort + "1 ref_cmd_sn: 500"), done,
             "< data_in { initiator_task_tag: 1 }"}),
      Lines({"login", on_3, late, Tmf(abort + "1 ref_cmd_sn: 500"), done}));
  // The task is now this connection's.
  const std::string reassign =
      Lines({"login ErrorRecoveryLevel=2 / ErrorRecoveryLevel=2", kTur, "join",
             Tmf("function: TASK_REASSIGN referenced_task_tag: 1") + " immediate: true"});
  add("own_connection",
      Lines({"login ErrorRecoveryLevel=2 / ErrorRecoveryLevel=2", kTur, "join", late}),
      reassign + Lines({done, late}));
}

// Connections and sessions that take the place of others (§6.3.4, §6.3.5): of what was there before
// nothing is judged any more, of the others all.
void AddReinstatements(const Add& add) {
  const std::string wrong = kOwnPing + " data { raw: 'x' }";
  const auto login = [](const std::string& fields, const std::string& tsih,
                        const std::string& names) {
    const std::string isid = "isid: '\\x80\\x01\\x02\\x03\\x04\\x05' ";
    const bool own_isid = fields.find("isid") != std::string::npos;
    const std::string both = own_isid ? fields.substr(fields.find("isid")) : isid;
    return Lines({"open", Ask(kOp, kFull, own_isid ? fields : isid + fields, names),
                  Tell(kOp, kFull, both.substr(0, both.rfind('\'') + 1) + " tsih: " + tsih,
                       "TargetPortalGroupTag=1\\0")});
  };
  const std::string i = "InitiatorName=iqn.2026-01.org.example:i\\0";
  const std::string t = "TargetName=iqn.2026-01.org.example:t\\0";
  const std::string two = Lines({"login", "join"});
  const std::string again = login("tsih: 1 cid: 1", "1", i + t);
  add("nop_in_empty", two + again + Lines({"use 2", wrong}), two + again + Lines({"use 1", wrong}));
  const std::string other = login("tsih: 1 cid: 3", "1", i + t);
  add("nop_in_empty", two + other + Lines({"use 1", wrong}), two + again + Lines({"use 1", wrong}));
  const auto replaced = [&](const std::string& next) {
    return Lines({"login", next, "use 1", wrong});
  };
  const std::string same = replaced(login("", "2", i + t));
  add("nop_in_empty", replaced(login("", "2", "InitiatorName=iqn.2026-01.org.example:j\\0" + t)),
      same);
  add("nop_in_empty", replaced(login("", "2", i + "TargetName=iqn.2026-01.org.example:u\\0")),
      same);
  add("nop_in_empty", replaced(login("isid: '\\x80\\x01\\x02\\x03\\x04\\x06'", "2", i + t)), same);
  // Where the beginning wasn't seen, a Login Response may be right.
  add("only_login_pdus", Lines({"login", Tell(kOp, kFull, "tsih: 1")}),
      Lines({"joined", Tell(kOp, kFull, "tsih: 1")}));
}

// RFC 7145 §6.2, §6.5: the length of segments on iSER is another key's.
void AddIserLimits(const Add& add) {
  const auto answered = [](const std::string& keys, size_t size, const std::string& join) {
    return Lines({"login " + keys + " / " + keys.substr(0, keys.find(" Max")), join, kText,
                  absl::StrCat("< text_response { } data { raw: 'X-a=", std::string(size - 5, 'b'),
                               "\\0' }")});
  };
  const std::string rdma = "RDMAExtensions=Yes";
  const std::string limit = rdma + " InitiatorRecvDataSegmentLength=512";
  for (const std::string& join : {std::string(), std::string("join")}) {
    add("segment_limit", answered(rdma, 8193, join), answered(rdma, 8192, join));
    add("segment_limit", answered(rdma + " MaxRecvDataSegmentLength=512", 8193, join),
        answered(rdma + " MaxRecvDataSegmentLength=512", 513, join));
  }
  add("segment_limit", answered(limit, 513, ""), answered(limit, 512, ""));
}

// The tags of tasks (§11.2.1.8).
void AddTags(const Add& add) {
  const std::string reserved = "< scsi_response { initiator_task_tag: 0xffffffff }";
  add("response_to_live_task", Lines({"login", reserved}), Lines({"joined", reserved}));
  add("response_to_live_task", Lines({"login", "< text_response { initiator_task_tag: 5 }"}),
      Lines({"joined", "< text_response { initiator_task_tag: 5 }"}));
  // A tag is used again: the first task's end doesn't count.
  add("one_response", Lines({"login", kTur, kGood, kTur, kGood, kGood}),
      Lines({"login", kTur, kGood, kTur, kGood}));
  // The AHS of another type, and one too short, say nothing of what is read.
  const auto both = [](const std::string& ahs) {
    return Lines(
        {"login",
         "> scsi_command { read: true write: true expected_data_transfer_length: 0 } " + ahs,
         DataIn("", 8), "< scsi_response { exp_data_sn: 1 }"});
  };
  add("data_in_within_edtl", both("ahs { ahs_type: 2 specific: '\\0\\0\\0\\0\\4' }"),
      both("ahs { ahs_type: 2 specific: '\\0\\0\\0\\0\\x08' }"));
  add("data_in_within_edtl",
      both("ahs { ahs_type: 1 specific: '\\0\\0\\0\\0\\x08' } "
           "ahs { ahs_type: 2 specific: '\\0\\0\\0\\0\\4' }"),
      both("ahs { ahs_type: 2 specific: '\\0\\0\\0\\4' }"));
}

}  // namespace

std::vector<RuleCase> ServiceEdgeCases() {
  std::vector<RuleCase> cases;
  const Add add = To(&cases);
  AddTmfResponses(add);
  AddEvents(add);
  AddLogoutsAndRejects(add);
  AddSendTargets(add);
  return cases;
}

std::vector<RuleCase> TaskEdgeCases() {
  std::vector<RuleCase> cases;
  const Add add = To(&cases);
  AddEnds(add);
  AddAborts(add);
  AddTags(add);
  AddReinstatements(add);
  AddIserLimits(add);
  return cases;
}

}  // namespace pushpull::conformance
