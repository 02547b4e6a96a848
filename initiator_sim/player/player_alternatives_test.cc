// Which alternative of an expectation a PDU meets, what is left to come then, and what is told.

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Connection = TestTarget::Connection;
using OnPdu = std::function<bool(Connection&, const v1::Pdu&)>;

v1::Pdu AnswerTo(uint32_t tag) {
  v1::Pdu answer;
  answer.mutable_nop_in()->set_initiator_task_tag(tag);
  return answer;
}

v1::Pdu RejectOf(const SeenPdu& seen) {
  v1::Pdu pdu;
  pdu.mutable_reject()->set_reason(v1::PROTOCOL_ERROR);
  pdu.mutable_data()->set_raw(std::string(seen.bytes.begin(), seen.bytes.begin() + 48));
  return pdu;
}

// Keeps pings till there are so many; then `act` answers them.
OnPdu Keeping(size_t count, std::function<void(Connection&, const std::vector<SeenPdu>&)> act) {
  return [count, act, pings = std::vector<SeenPdu>()](Connection& c, const v1::Pdu& pdu) mutable {
    if (!pdu.has_nop_out() || pings.size() == count) return false;
    pings.push_back(c.target->seen.back());
    if (pings.size() == count) act(c, pings);
    return true;
  };
}

// Answers in this order: a ping by its number, or rejects it: -1 is the first one.
OnPdu Answers(size_t count, const std::vector<int>& order) {
  return Keeping(count, [order](Connection& c, const std::vector<SeenPdu>& pings) {
    for (const int which : order) {
      if (which < 0) {
        c.Send(RejectOf(pings[static_cast<size_t>(-which) - 1]));
      } else {
        c.Send(AnswerTo(pings[static_cast<size_t>(which)].pdu.nop_out().initiator_task_tag()));
      }
    }
  });
}

std::string Ping(const std::string& task) {
  return absl::StrCat("step { send { task: \"", task, "\" pdu { nop_out {} } } } ");
}
std::string Expect(const std::string& rest) { return "step { expect { " + rest + " } } "; }

const std::string kNop = "pdu { nop_in {} }";
const std::string kThree = "step { send { task: \"n\" count: 3 pdu { nop_out {} } } } ";

struct Case {
  const char* name;
  OnPdu target;
  std::string steps;    // after the login
  std::string verdict;  // begins with
  std::string expected = {};
  std::string actual = {};
};

void CheckCases(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    PlayerTestBed bed;
    bed.target.on_pdu = one.target;
    const PlayResult result = bed.Play("step { login {} } " + one.steps);
    EXPECT_THAT(VerdictOf(result), StartsWith(one.verdict));
    EXPECT_THAT(result.failure.expected(), HasSubstr(one.expected));
    EXPECT_THAT(result.failure.actual(), HasSubstr(one.actual));
  }
}

TEST(PlayerAlternativesTest, EachOfManyTasksHasItsOwnChoice) {
  const std::string each =
      "task: \"n\" count: 3 one_of { " + kNop + " } one_of { pdu { reject {} } rejects: \"n1\" }";
  CheckCases({
      {"in another order", Answers(3, {2, 0, 1}),
       kThree + Expect("task: \"n\" count: 3 one_of { " + kNop + " }"), "PASS"},
      {"one twice, one never", Answers(3, {0, 0, 1}),
       kThree + Expect("task: \"n\" count: 3 one_of { " + kNop + " }"),
       "FAIL: nothing came, though the target lives: awaiting NOP-In for task n2",
       "NOP-In for task n2"},
      {"the last never", Answers(3, {0, 1}),
       kThree + Expect("task: \"n\" count: 3 one_of { " + kNop + " }"),
       "FAIL: nothing came, though the target lives: awaiting NOP-In for task n2"},
      {"one by another alternative", Answers(3, {0, -2, 2}), kThree + Expect(each), "PASS"},
      {"all of the first ones before one of the others", Answers(3, {2, 1, 0}),
       kThree + Expect("all_of { task: \"n1\" " + kNop + " } all_of { task: \"n2\" " + kNop +
                       " } one_of { task: \"n0\" " + kNop + " }"),
       "PASS"},
      {"one of the others isn't looked at before", Answers(3, {0, 1, 2}),
       kThree +
           Expect("all_of { task: \"n0\" pdu { reject {} } } one_of { task: \"n0\" " + kNop + " }"),
       "FAIL: another PDU came than was expected", "Reject", "NOP-In"},
  });
}

TEST(PlayerAlternativesTest, WhatEndsOrJumpsLeavesNothingToCome) {
  const OnPdu both = Answers(2, {0, 1});
  const std::string two = Ping("p") + Ping("q");
  const std::string rest = " all_of { task: \"q\" pdu { reject {} } }";
  CheckCases({
      {"ends", both,
       two + Expect("all_of { task: \"p\" " + kNop + " ends: true }" + rest) +
           "step { expect_closed {} } epilogue: NOTHING",
       "PASS"},
      {"go_to", both,
       two + Expect("all_of { task: \"p\" " + kNop + " go_to: \"there\" }" + rest) +
           "step { expect_closed {} } step { name: \"there\" probe {} } epilogue: NOTHING",
       "PASS"},
      {"neither", both, two + Expect("all_of { task: \"p\" " + kNop + " }" + rest),
       "FAIL: another PDU came than was expected", "Reject for task q", "NOP-In"},
      {"a step that isn't there", both,
       two + Expect("task: \"p\" one_of { " + kNop + " go_to: \"nowhere\" }"),
       "ERROR: go_to \"nowhere\""},
      {"what ends and fails fails", both,
       two + Expect("task: \"p\" one_of { " + kNop +
                    " ends: true verdict: ALTERNATIVE_FAIL why: \"never\" }"),
       "FAIL: never", "NOP-In for task p", "NOP-In"},
  });
}

TEST(PlayerAlternativesTest, EndsOfConnections) {
  const OnPdu hangs_up = Keeping(1, [](Connection& c, const auto&) { c.Close(); });
  const std::string next = "step { connection: \"c2\" login {} } ";
  CheckCases({
      {"taken by an alternative", hangs_up,
       Ping("p") + Expect("task: \"p\" one_of { closed: true }") + next, "PASS"},
      {"taken by a step", hangs_up, Ping("p") + "step { expect_closed {} } " + next, "PASS"},
      {"taken by nobody", hangs_up, Ping("p") + next, "FAIL: connection c1 ended"},
      {"that the scenario itself made", nullptr,
       "step { close {} } " + Expect("one_of { closed: true }"),
       "ERROR: waits for the end of the connection on connection c1, which the scenario has"},
      {"likewise, by a step", nullptr, "step { close {} } step { expect_closed {} }",
       "ERROR: waits for the end of connection c1 on connection c1, which the scenario has"},
      {"with a reason of its own", hangs_up,
       Ping("p") + Expect("task: \"p\" one_of { closed: true verdict: ALTERNATIVE_FAIL }"),
       "FAIL: came: the end of the connection", "the end of the connection for task p",
       "the end of the connection"},
      {"of a connection that never was", nullptr,
       "step { connection: \"c9\" expect { one_of { closed: true } } }",
       "ERROR: connection c9 was never opened"},
      {"likewise, by a step", nullptr, "step { connection: \"c9\" expect_closed {} }",
       "ERROR: connection c9 was never opened"},
  });
}

TEST(PlayerAlternativesTest, ScopesAreConnectionsAndTasks) {
  // The message is sent on the other connection than the ping came by.
  const OnPdu elsewhere = [](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_nop_out() || c.number == 0 || c.target->Seen(v1::Pdu::kAsyncMessage).size() > 0) {
      return false;
    }
    v1::Pdu async;
    async.mutable_async_message()->set_async_event(v1::NEGOTIATION_REQUEST);
    c.target->connections[0]->Send(async);
    return false;
  };
  const std::string second =
      "step { connection: \"c2\" login {} } "
      "step { connection: \"c2\" send { task: \"p\" pdu { nop_out {} } } } ";
  const std::string async = "expect { one_of { pdu { async_message {} } } } } epilogue: NOTHING ";
  CheckCases({
      {"on the connection that it came by", elsewhere, second + "step { " + async, "PASS"},
      {"on another", elsewhere, second + "step { connection: \"c2\" " + async,
       "FAIL: awaiting Async Message"},
      {"of a task that never was", Answers(1, {-1}),
       Ping("p") + Expect("task: \"p\" one_of { pdu { reject {} } rejects: \"x\" }"),
       "ERROR: rejects: no task \"x\" was begun"},
      {"saved for later steps", Answers(1, {0}),
       Ping("p") +
           Expect("task: \"p\" one_of { " + kNop + " save { field: \"max_cmd_sn\" as: \"m\" } }") +
           "step { require { value: \"m\" at_least: 1000 } }",
       "SKIP: needs m at least 1000"},
  });
}

// Keys of an answer, as the negotiation comes to by the request and the answer.
TEST(PlayerAlternativesTest, KeysOfTextResponses) {
  const OnPdu answer = [](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_text_request()) return false;
    v1::Pdu text;
    text.mutable_text_response()->set_final(true);
    text.mutable_text_response()->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
    text.mutable_data()->set_raw(std::string("X-a.b=NotUnderstood\0TargetAlias=here\0", 37));
    c.Send(std::move(text));
    return true;
  };
  const std::string send =
      "step { send { task: \"t\" pdu { text_request { final: true } "
      "data { raw: \"X-a.b=1\\000\" } } } } ";
  const auto keys = [&](const std::string& key) {
    return send + Expect("task: \"t\" one_of { pdu { text_response {} } key { " + key + " } }");
  };
  CheckCases({
      {"an answer", answer, keys("name: \"X-a.b\" value: \"NotUnderstood\""), "PASS"},
      {"a declaration", answer, keys("name: \"TargetAlias\" value: \"here\""), "PASS"},
      {"another value", answer, keys("name: \"TargetAlias\" value: \"there\""),
       "FAIL: another PDU came than was expected"},
      {"a key that didn't come", answer, keys("name: \"TargetAddress\" value: \"a\""),
       "FAIL: another PDU came than was expected"},
  });
}

}  // namespace
}  // namespace pushpull::initiator_sim
