// Each rule about steps, by what breaks it and by what stands just beside that.

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "conformance/scenario/lint.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::Contains;
using testing::Not;

std::multiset<std::string> RulesOf(const std::string& text) {
  const auto file = ParseScenario("id: \"a/b\"\n" + text, "a/b.textproto");
  EXPECT_TRUE(file.ok()) << file.status().ToString() << "\n" << text;
  std::multiset<std::string> rules;
  if (!file.ok()) return rules;
  for (const LintError& error : Lint(*file, {.id = "a/b"})) rules.insert(std::string(error.rule));
  return rules;
}

struct Pair {
  std::string rule;
  std::string broken;
  std::string right;
};

void CheckPairs(const std::vector<Pair>& pairs) {
  for (const Pair& one : pairs) {
    EXPECT_EQ(RulesOf(one.broken).count(one.rule), 1u) << one.rule << ": " << one.broken;
    EXPECT_THAT(RulesOf(one.right), Not(Contains(one.rule))) << one.right;
  }
}

std::string Step(const std::string& action) { return "step { " + action + " }\n"; }
std::string In(const std::string& rest) { return Step("login {}") + rest; }
std::string Expect(const std::string& fields) { return Step("expect { " + fields + " }"); }

TEST(LintStepsTest, RolesAndTransports) {
  for (const char* action :
       {"register { buffer: \"b\" }", "withhold_receives {}", "expect_rdma {}", "disconnect {}"}) {
    CheckPairs({{"needs_transport", In(Step(action)),
                 "needs { transport: ISER_ONLY } " + In(Step(action))},
                {"needs_transport", "needs { transport: TCP_ONLY } " + In(Step(action)),
                 "needs { transport: ISER_ONLY } " + In(Step(action))}});
  }
  for (const char* action : {"accept {}", "accept_login {}", "serve {}"}) {
    CheckPairs({{"wrong_role", Step(action), "role: TARGET " + Step(action)}});
  }
  for (const char* action :
       {"connect {}", "login {}", "serve_r2ts {}", "gather_data_in {}", "text_until_final {}",
        "command {}", "probe {}", "logout {}", "check_blocks {}", "connections {}"}) {
    CheckPairs({{"wrong_role", "role: TARGET " + Step(action), Step(action)}});
  }
  for (const char* action : {"expect {}", "send {}", "close {}"}) {
    EXPECT_THAT(RulesOf(Step(action)), Not(Contains("wrong_role"))) << action;
    EXPECT_THAT(RulesOf("role: TARGET " + Step(action)), Not(Contains("wrong_role"))) << action;
  }
}

TEST(LintStepsTest, WhatJudges) {
  const std::string quiet = "epilogue: NOTHING ";
  for (const char* action :
       {"connect {}", "send {}", "elapse {}", "trigger {}", "require_negotiated {}", "require {}",
        "close {}", "acknowledge {}", "register {}", "withhold_receives {}", "disconnect {}",
        "accept {}", "serve {}"}) {
    EXPECT_THAT(RulesOf(quiet + Step(action)), Contains("judges_nothing")) << action;
  }
  for (const char* action :
       {"connect { expect_refused: true }", "login {}", "expect {}", "expect_closed {}", "probe {}",
        "command {}", "logout {}", "accept_login {}", "expect_rdma {}"}) {
    EXPECT_THAT(RulesOf(quiet + Step(action)), Not(Contains("judges_nothing"))) << action;
  }
}

// SBC-3, SPC-4: by operation codes, and service actions of the one with 32 bytes.
TEST(LintStepsTest, CommandsThatWrite) {
  const std::set<int> writes = {0x04, 0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e, 0x41,
                                0x93, 0x42, 0x89, 0x8b, 0x9c, 0x48, 0x83, 0x53, 0x51};
  const auto needs_writes = [](const std::string& cdb) {
    const std::string raw = "cdb { raw: \"" + cdb + "\" }";
    const auto sent = RulesOf(In(Step("send { pdu { scsi_command { " + raw + " } } }")));
    EXPECT_EQ(sent, RulesOf(In(Step("command { " + raw + " }")))) << cdb;
    return sent.contains("needs_writes");
  };
  for (int opcode = 0; opcode < 0x100; ++opcode) {
    if (opcode == 0x7f) continue;
    EXPECT_EQ(needs_writes(absl::StrFormat("\\x%02x", opcode)), writes.contains(opcode)) << opcode;
  }
  for (int action = 0x08; action <= 0x10; ++action) {
    const std::string cdb = absl::StrFormat("\\x7f1234567\\000\\x%02x", action);
    EXPECT_EQ(needs_writes(cdb), action >= 0x0b && action <= 0x0d) << action;
  }
  EXPECT_FALSE(needs_writes("\\x7f12345678"));
}

TEST(LintStepsTest, Deliveries) {
  const auto send = [](const std::string& delivery) {
    return Step("send { pdu { nop_out {} } } delivery { " + delivery + " }");
  };
  const std::string join = send("join_next: true");
  const std::string plain = Step("send { pdu { nop_out {} } }");
  const std::string elsewhere = Step("connection: \"c2\" send { pdu { nop_out {} } }");
  const std::string w = Step("send { task: \"w\" pdu { scsi_command {} } }");
  CheckPairs({
      {"cuts", In(send("cut: 2 cut: 2")), In(send("cut: 2 cut: 3"))},
      {"cuts", In(send("cut: 3 cut: 2 cut: 4")), In(send("cut: 2 cut: 3 cut: 4"))},
      {"cuts", In(send("cut: 1 cut: 4 cut: 3")), In(send("cut: 1"))},
      {"cuts", In(send("cut: 0 cut: 3")), In(send("cut: 1 cut: 3"))},
      {"delivery", In(Step("expect_closed {} delivery {}")), In(send(""))},
      {"delivery", In(w + Step("gather_data_in { task: \"w\" } delivery { every: 1 }")),
       In(w + Step("serve_r2ts { task: \"w\" } delivery { every: 1 }"))},
      {"join_next", In(join), In(join + plain)},
      {"join_next", In(join + Step("probe {}")), In(join + plain + Step("probe {}"))},
      {"join_next", In(join + elsewhere), "trace {} " + join},
      {"join_next", In(plain + join), In(plain + plain)},
  });
}

TEST(LintStepsTest, Connections) {
  const std::string close = Step("close {}");
  const std::string probe = Step("probe {}");
  const auto connection = [&](const std::string& broken, const std::string& right) {
    CheckPairs({{"connection", broken, right}});
  };
  connection(close, In(close));
  connection(In(close + probe), In(probe));
  connection(In(close + probe), In(close + Step("login {}") + probe));
  connection(In(close + probe), In(close + Step("connect {}") + probe));
  connection(In(close + probe), In(close + close));
  connection(In(close + probe),
             In(close + Step("elapse { negotiated_key: \"DefaultTime2Wait\" }")));
  connection(In(close + probe), In(Step("close { how: FIN_WRITE_ONLY }") + probe));
  connection(In(Step("close { how: RST }") + probe),
             In(close + Step("connection: \"c1\" login {}")));
  connection(probe, Step("probe { on_new_connection: true }"));
  connection(probe, Step("elapse { milliseconds: 1 }"));
  connection(Step("elapse { negotiated_key: \"DefaultTime2Wait\" }"),
             In(Step("elapse { negotiated_key: \"DefaultTime2Wait\" }")));
  for (const char* action : {"trigger {}", "check_blocks {}", "connections { count: 1 }",
                             "register { buffer: \"b\" }"}) {
    connection(probe, Step(action));
  }
  connection("role: TARGET " + Step("accept_login {}"),
             "role: TARGET " + Step("accept {}") + Step("accept_login {}"));
  connection(In(Step("connections { count: 1 command { cdb { test_unit_ready {} } } }")),
             In(Step("connections { count: 1 login {} command { cdb { test_unit_ready {} } } }")));
  CheckPairs({{"no_action", Step("connections {}"), Step("connections { count: 1 }")},
              {"isid", Step("connections { count: 1 login { isid: \"1\" } }"),
               Step("connections { count: 1 login {} }")},
              {"no_cdb", Step("connections { count: 1 login {} command {} }"),
               Step("connections { count: 1 login {} }")}});
}

TEST(LintStepsTest, Logins) {
  const auto login = [](const std::string& fields) { return Step("login { " + fields + " }"); };
  const std::string both = "chap { user: \"u\" secret: \"s\" }";
  CheckPairs({
      {"isid", login("isid: \"12345\""), login("isid: \"123456\"")},
      {"isid", login("isid: \"1234567\""), login("")},
      {"isid", login("isid: \"\""), login("")},
      {"needs_chap", login("chap {}"), "needs { chap: true } " + login("chap {}")},
      {"needs_chap", login("chap {}"), "needs { mutual_chap: true } " + login("chap {}")},
      {"needs_chap", login("chap { user: \"u\" }"), login(both)},
      {"needs_chap", login("chap { secret: \"s\" }"), login(both)},
      {"needs_chap", "needs { chap: true } " + login("chap { mutual: true }"),
       "needs { mutual_chap: true } " + login("chap { mutual: true }")},
      {"unknown_value", login("address_from: \"x\""),
       "let { name: \"x\" text: \"h:1\" } " + login("address_from: \"x\"")},
      {"needs_portals", login("portal: 1"), "needs { portals: 2 } " + login("portal: 1")},
      {"unknown_value", Step("require { value: \"s\" }"),
       login("save { field: \"@login_status\" as: \"s\" }") + Step("require { value: \"s\" }")},
  });
}

// Tasks and values that a step leaves behind, for those that follow.
TEST(LintStepsTest, NamesThatStepsLeave) {
  const std::string use_w = Step("expect { task: \"w\" one_of { closed: true } }");
  const std::string use_v = Step("require { value: \"v\" }");
  const auto task = [&](const std::string& right) {
    CheckPairs({{"unknown_task", In(use_w), In(right + use_w)}});
  };
  task(Step("send { task: \"w\" pdu { nop_out {} } }"));
  task(Step("command { task: \"w\" cdb { test_unit_ready {} } }"));
  task(Step("text_until_final { task: \"w\" }"));
  const auto value = [&](const std::string& right) {
    CheckPairs({{"unknown_value", In(use_v), In(right + use_v)}});
  };
  value(Step("command { cdb { test_unit_ready {} } save_data_as: \"v\" }"));
  value(Step("text_until_final { save_as: \"v\" }"));
  value(Step("text_until_final { save { field: \"key.A\" as: \"v\" } }"));
  value(Step("expect { one_of { pdu { nop_in {} } save { field: \"stat_sn\" as: \"v\" } } }"));
  const std::string many = Step("send { task: \"w\" count: 3 pdu { nop_out {} } }");
  CheckPairs({
      {"unknown_task", In(many + Expect("task: \"w\" count: 4 one_of { closed: true }")),
       In(many + Expect("task: \"w\" count: 3 one_of { closed: true }"))},
      {"unknown_task", In(many + Step("send { task: \"w3\" pdu { snack_request {} } }")),
       In(many + Step("send { task: \"w2\" pdu { snack_request {} } }"))},
      {"unknown_task", In(Step("send { task: \"w\" pdu { data_out {} } }")),
       In(Step("send { task: \"w\" pdu { scsi_command {} } }") +
          Step("send { task: \"w\" pdu { data_out {} } }"))},
      {"unknown_task", In(Expect("all_of { task: \"w\" closed: true }")),
       In(Step("send { task: \"w\" pdu { nop_out {} } }") +
          Expect("all_of { task: \"w\" closed: true }"))},
      // A target names the task when it takes the request.
      {"unknown_task",
       "role: TARGET " + Step("accept {}") + Step("send { task: \"w\" pdu { nop_in {} } }"),
       "role: TARGET " + Step("accept {}") + Expect("task: \"w\" one_of { pdu { nop_out {} } }") +
           Step("send { task: \"w\" pdu { nop_in {} } }")},
      {"unknown_task", In(Expect("one_of { task: \"w\" pdu { nop_in {} } }")),
       "role: TARGET " + Step("accept {}") + Expect("one_of { task: \"w\" pdu { nop_out {} } }")},
      {"no_kind", In(Step("send {}")),
       In(many + Step("send { refers_to: \"w1\" pdu { task_management_request {} } }"))},
      {"no_kind", In(Step("send { pdu { immediate: true } }")),
       In(many + Step("send { refers_to: \"w1\" }"))},
  });
}

TEST(LintStepsTest, FieldsOfEachDriversPdus) {
  const std::string w = Step("send { task: \"w\" pdu { scsi_command {} } }");
  const auto where = [](const std::string& field) {
    return "where { field: \"" + field + "\" eq: 1 }";
  };
  const auto field = [&](const std::string& broken, const std::string& right) {
    CheckPairs({{"unknown_field", In(w + Step(broken)), In(w + Step(right))}});
  };
  field("serve_r2ts { task: \"w\" " + where("data_sn") + " }",
        "serve_r2ts { task: \"w\" " + where("r2t_sn") + " }");
  field("gather_data_in { task: \"w\" " + where("r2t_sn") + " }",
        "gather_data_in { task: \"w\" " + where("data_sn") + " }");
  field("probe { " + where("status") + " }", "probe { " + where("max_cmd_sn") + " }");
  field("command { cdb { test_unit_ready {} } " + where("r2t_sn") + " }",
        "command { cdb { test_unit_ready {} } " + where("status") + " }");
  field("send { pdu { nop_out {} } adjust { field: \"r2t_sn\" } }",
        "send { pdu { nop_out {} } adjust { field: \"cmd_sn\" } }");
  field("text_until_final { save { field: \"r2t_sn\" as: \"v\" } }",
        "text_until_final { save { field: \"final\" as: \"v\" } }");
}

TEST(LintStepsTest, Waits) {
  const std::string wait = In(Step("elapse { milliseconds: 1 }"));
  CheckPairs({
      {"slow", wait, "tag: \"slow\" " + wait},
      {"slow", "tag: \"other\" " + wait, "tag: \"other\" tag: \"slow\" " + wait},
      {"slow", wait, "needs { virtual_time: true } " + wait},
      {"no_action", In(Step("elapse {}")), wait},
      {"no_action", In(Step("elapse {}")),
       In(Step("elapse { negotiated_key: \"DefaultTime2Wait\" }"))},
      {"needs_hook", "needs { hook: \"g\" } " + In(Step("trigger { hook: \"h\" }")),
       "needs { hook: \"g\" hook: \"h\" } " + In(Step("trigger { hook: \"h\" }"))},
  });
}

TEST(LintStepsTest, Alternatives) {
  const auto one = [](const std::string& fields) {
    return In(Expect("one_of { " + fields + " }"));
  };
  const std::string p = Step("send { task: \"p\" pdu { nop_out {} } }");
  CheckPairs({
      {"cannot_fail", one(""), one("closed: true")},
      {"cannot_fail", one(""), one("pdu { nop_in {} }")},
      {"cannot_fail", one("pdu {}"), one("where { field: \"stat_sn\" eq: 1 }")},
      {"cannot_fail", one(""), one("key { name: \"A\" value: \"b\" }")},
      {"cannot_fail", one(""), one("verdict: ALTERNATIVE_FAIL why: \"w\"")},
      {"cannot_fail", one("verdict: ALTERNATIVE_WARN why: \"w\""),
       one("closed: true verdict: ALTERNATIVE_WARN why: \"w\"")},
      {"cannot_fail", one("closed: true pdu { nop_in {} }"), one("pdu { nop_in {} }")},
      {"cannot_fail", one(""), In(p + Expect("one_of { rejects: \"p\" }"))},
      {"rejects", In(p + Expect("one_of { rejects: \"p\" pdu { nop_in {} } }")),
       In(p + Expect("one_of { rejects: \"p\" pdu { reject {} } }"))},
      {"ambiguity", one("closed: true verdict: ALTERNATIVE_AMBIGUOUS why: \"w\""),
       one("closed: true verdict: ALTERNATIVE_AMBIGUOUS why: \"w\" ambiguity: \"A1\"")},
      {"verdict_why", one("closed: true verdict: ALTERNATIVE_SKIP"),
       one("closed: true verdict: ALTERNATIVE_SKIP why: \"w\"")},
      {"verdict_why", one("closed: true verdict: ALTERNATIVE_FAIL"), one("closed: true")},
      {"no_action", In(Expect("")), In(Expect("all_of { closed: true }"))},
      {"no_action", In(Expect("task: \"p\"")), one("closed: true")},
      {"expect_count", In(Expect("count: 1 one_of { closed: true }")), one("closed: true")},
      {"cannot_fail", In(Expect("all_of {}")), In(Expect("all_of { closed: true }"))},
  });
}

TEST(LintStepsTest, Jumps) {
  const std::string there = Step("name: \"there\" probe {}");
  const std::string jump = Expect("one_of { closed: true go_to: \"there\" }");
  CheckPairs(
      {{"go_to", In(there + jump), In(jump + there)},
       {"go_to", In(Step("name: \"there\" expect { one_of { closed: true go_to: \"there\" } }")),
        In(jump + there)},
       {"duplicate_step", In(there + there), In(there + Step("probe {}") + Step("probe {}"))}});
  // Behind alternatives that all end the case, or jump, nothing is played.
  const std::string probe = Step("probe {}");
  for (const char* leaves : {"ends: true", "go_to: \"there\"", "verdict: ALTERNATIVE_FAIL",
                             "verdict: ALTERNATIVE_SKIP", "verdict: ALTERNATIVE_UNSUPPORTED"}) {
    const std::string all = absl::StrCat("one_of { closed: true ", leaves, " }");
    CheckPairs({
        {"unreachable", In(Expect(all) + probe + there), In(Expect(all))},
        {"unreachable", In(Expect(all) + probe + probe + there),
         In(Expect(all + " one_of { pdu { nop_in {} } }") + probe + there)},
        {"unreachable", In(Expect(all + all) + probe + there),
         In(Expect("all_of { closed: true ends: true }") + probe + there)},
    });
  }
  CheckPairs({{"unreachable", In(jump + probe + there), In(jump + there + probe)}});
  for (const char* stays : {"ALTERNATIVE_WARN", "ALTERNATIVE_AMBIGUOUS", "ALTERNATIVE_PASS"}) {
    EXPECT_THAT(
        RulesOf(In(Expect(absl::StrCat("one_of { closed: true verdict: ", stays, " }")) + probe)),
        Not(Contains("unreachable")))
        << stays;
  }
}

TEST(LintStepsTest, Traces) {
  const std::string send = Step("send { pdu { nop_out {} } }");
  CheckPairs({
      {"trace", "trace {} " + send + Step("connection: \"c2\" send { pdu { nop_out {} } }"),
       "trace {} " + send + Step("connection: \"c1\" send { pdu { nop_out {} } }")},
      {"trace", "trace {} " + send + Step("close {}"), "trace {} " + send + send},
      {"connection", send, "trace {} " + send},
      {"unknown_task",
       "role: TARGET " + Step("accept {}") + Step("send { task: \"w\" pdu { nop_in {} } }"),
       "role: TARGET trace {} " + Step("send { task: \"w\" pdu { nop_in {} } }")},
  });
}

}  // namespace
}  // namespace pushpull::conformance
