// Expectations: how they hold, how they fail, and what the reader is told.

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Connection = TestTarget::Connection;
using OnPdu = std::function<bool(Connection&, const v1::Pdu&)>;

// A ping that the scenario sends by hand, as task "p".
constexpr char kPing[] = "step { login {} } step { send { task: \"p\" pdu { nop_out {} } } } ";

// Answers pings with what `change` makes of the answer.
OnPdu AnswerPings(std::function<void(v1::Pdu*)> change) {
  return [change](Connection& connection, const v1::Pdu& pdu) {
    if (!pdu.has_nop_out()) return false;
    v1::Pdu answer;
    answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
    change(&answer);
    connection.Send(std::move(answer));
    return true;
  };
}
OnPdu OnPing(std::function<void(Connection&, const v1::Pdu&)> act) {
  return [act](Connection& connection, const v1::Pdu& pdu) {
    if (!pdu.has_nop_out()) return false;
    act(connection, pdu);
    return true;
  };
}

v1::Pdu Async(v1::AsyncEvent event) {
  v1::Pdu pdu;
  pdu.mutable_async_message()->set_async_event(event);
  return pdu;
}
v1::Pdu TargetPing(uint32_t tag) {
  v1::Pdu pdu;
  pdu.mutable_nop_in()->set_initiator_task_tag(0xffffffff);
  pdu.mutable_nop_in()->set_target_transfer_tag(tag);
  return pdu;
}
v1::Pdu RejectOf(const std::vector<uint8_t>& bytes) {
  v1::Pdu pdu;
  pdu.mutable_reject()->set_reason(v1::PROTOCOL_ERROR);
  pdu.mutable_data()->set_raw(std::string(bytes.begin(), bytes.begin() + 48));
  return pdu;
}

struct Case {
  const char* name;
  std::string steps;  // after kPing
  OnPdu target;
  std::string verdict;        // begins with
  std::string expected = {};  // holds
  std::string actual = {};
};

void CheckCases(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    PlayerTestBed bed;
    bed.target.on_pdu = one.target;
    const PlayResult result = bed.Play(kPing + one.steps);
    EXPECT_THAT(VerdictOf(result), StartsWith(one.verdict));
    EXPECT_THAT(result.failure.expected(), HasSubstr(one.expected));
    EXPECT_THAT(result.failure.actual(), HasSubstr(one.actual));
  }
}

std::string ExpectP(const std::string& rest) {
  return "step { expect { task: \"p\" one_of { " + rest + " } } } ";
}

const OnPdu kAsDue = AnswerPings([](v1::Pdu*) {});
const OnPdu kClosesOnPing = OnPing([](Connection& c, const v1::Pdu&) { c.Close(); });
const OnPdu kSilent = OnPing([](Connection&, const v1::Pdu&) {});
// From the first ping on it answers nothing, no login either.
const OnPdu kDead = [dead = false](Connection&, const v1::Pdu& pdu) mutable {
  dead = dead || pdu.has_nop_out();
  return dead;
};

TEST(PlayerExpectTest, FieldsAndPredicates) {
  const OnPdu numbered =
      AnswerPings([](v1::Pdu* pdu) { pdu->mutable_nop_in()->set_max_cmd_sn(40); });
  CheckCases({
      {"a field is right", ExpectP("pdu { nop_in { max_cmd_sn: 40 } }"), numbered, "PASS"},
      {"a field is wrong", ExpectP("pdu { nop_in { max_cmd_sn: 41 } }"), numbered,
       "FAIL: another PDU came than was expected: max_cmd_sn is 40", "MaxCmdSN 41", "40"},
      {"eq", ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" eq: 40 }"), numbered, "PASS"},
      {"not", ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" not: 40 }"), numbered,
       "FAIL: another PDU came than was expected: max_cmd_sn is 40 (0x28), expected not 40"},
      {"in", ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" in { value: 3 value: 5 } }"),
       numbered,
       "FAIL: another PDU came than was expected: max_cmd_sn is 40 (0x28), expected one "
       "of 3, 5"},
      {"range holds",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" range { min: 40 max: 40 } }"),
       numbered, "PASS"},
      {"range fails",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" range { min: 41 max: 50 } }"),
       numbered, "FAIL"},
      {"bits",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" bits { mask: 0xf value: 8 } }"),
       numbered, "PASS"},
      {"bits fail",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" bits { mask: 0xf value: 7 } }"),
       numbered, "FAIL"},
      {"ref",
       ExpectP("pdu { nop_in {} } where { field: \"initiator_task_tag\" ref { from: "
               "\"task.p.initiator_task_tag\" } }"),
       numbered, "PASS"},
      {"ref with add",
       ExpectP("pdu { nop_in {} } where { field: \"initiator_task_tag\" ref { from: "
               "\"task.p.initiator_task_tag\" add: 1 compare: LESS } why: \"so\" }"),
       numbered, "PASS"},
      {"ref fails, and says to what it came",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" ref { from: \"block_size\" } why: "
               "\"sizes agree\" }"),
       numbered,
       "FAIL: another PDU came than was expected: max_cmd_sn is 40 (0x28), expected = "
       "block_size (512 (0x200)): sizes agree"},
      {"serial arithmetic wraps",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" serial { from: \"block_size\" add: "
               "-600 compare: GREATER } }"),
       numbered, "PASS"},
      {"serial fails",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" serial { from: \"block_size\" add: "
               "-600 compare: LESS } }"),
       numbered, "FAIL"},
      {"@arrival", ExpectP("pdu { nop_in {} } where { field: \"@arrival\" eq: 2 }"), numbered,
       "PASS"},
      {"present", ExpectP("pdu { nop_in {} } where { field: \"key.X\" present: false }"), numbered,
       "PASS"},
      {"absent", ExpectP("pdu { nop_in {} } where { field: \"key.X\" eq: 1 }"), numbered,
       "FAIL: another PDU came than was expected: there is no key.X, expected 1"},
      {"a value that isn't there is the script's fault",
       ExpectP("pdu { nop_in {} } where { field: \"max_cmd_sn\" ref { from: \"nobody\" } }"),
       numbered, "ERROR: value \"nobody\""},
      {"a field that isn't there is the script's fault",
       ExpectP("pdu { nop_in {} } where { field: \"r2t_sn\" eq: 1 }"), numbered, "ERROR: "},
      {"save of what didn't come",
       ExpectP("pdu { nop_in {} } save { field: \"@login_status\" as: \"s\" }"), numbered,
       "ERROR: save { field: \"@login_status\" }"},
  });
}

TEST(PlayerExpectTest, Alternatives) {
  CheckCases({
      {"the second alternative",
       "step { expect { task: \"p\" one_of { pdu { reject {} } } one_of { pdu { nop_in {} } } } }",
       kAsDue, "PASS"},
      {"none of two",
       "step { expect { task: \"p\" one_of { pdu { reject {} } } one_of { closed: true } } }",
       kAsDue, "FAIL: another PDU came than was expected: NOP-In", "the end of the connection",
       "NOP-In"},
      {"closed", ExpectP("closed: true ends: true"), kClosesOnPing, "PASS"},
      {"closed by a reset", ExpectP("closed: true ends: true"),
       OnPing([](Connection& c, const v1::Pdu&) { c.Abort(); }), "PASS"},
      {"not closed", ExpectP("closed: true ends: true"), kAsDue,
       "FAIL: another PDU came than was expected: the connection didn't end"},
      {"closed while something else is awaited", ExpectP("pdu { nop_in {} }"), kClosesOnPing,
       "FAIL: connection c1 ended while awaiting NOP-In", "NOP-In",
       "the end of the connection (in order)"},
      {"a warning goes on",
       ExpectP("pdu { nop_in {} } verdict: ALTERNATIVE_WARN why: \"odd\"") + "step { probe {} }",
       kAsDue, "WARN: odd"},
      {"ambiguous",
       ExpectP(
           "pdu { nop_in {} } verdict: ALTERNATIVE_AMBIGUOUS ambiguity: \"A18\" why: \"either\""),
       kAsDue, "AMBIGUOUS: either [A18]"},
      {"named to fail", ExpectP("pdu { nop_in {} } verdict: ALTERNATIVE_FAIL why: \"never that\""),
       kAsDue, "FAIL: never that"},
      {"skip", ExpectP("pdu { nop_in {} } verdict: ALTERNATIVE_SKIP why: \"no way\""), kAsDue,
       "SKIP: no way"},
      {"unsupported", ExpectP("pdu { nop_in {} } verdict: ALTERNATIVE_UNSUPPORTED why: \"n/a\""),
       kAsDue, "UNSUPPORTED: n/a"},
      {"go_to jumps over steps",
       ExpectP("pdu { nop_in {} } go_to: \"end\"") +
           "step { expect_closed {} } step { name: \"end\" probe {} }",
       kAsDue, "PASS"},
      {"all_of in any order",
       "step { send { task: \"q\" pdu { nop_out {} } } }"
       "step { expect { all_of { task: \"q\" pdu { nop_in {} } } all_of { task: \"p\" pdu { nop_in "
       "{} } } } }",
       kAsDue, "PASS"},
      {"all_of lacks one",
       "step { expect { task: \"p\" all_of { pdu { nop_in {} } } all_of { pdu { reject {} } } } }",
       kAsDue, "FAIL: nothing came, though the target lives: awaiting Reject"},
      {"count",
       "step { send { task: \"n\" count: 3 pdu { nop_out {} } } }"
       "step { expect { task: \"n\" count: 3 one_of { pdu { nop_in {} } } } }" +
           ExpectP("pdu { nop_in {} }"),
       kAsDue, "PASS"},
  });
}

TEST(PlayerExpectTest, AProfileChoosesReadings) {
  const std::string steps =
      std::string(kPing) + ExpectP(
                               "pdu { nop_in {} } verdict: ALTERNATIVE_AMBIGUOUS ambiguity: "
                               "\"A18\" reading: \"answer\" why: \"either\"");
  PlayerTestBed right;
  right.options.readings["A18"] = "answer";
  EXPECT_EQ(VerdictOf(right.Play(steps)), "PASS");
  PlayerTestBed wrong;
  wrong.options.readings["A18"] = "close";
  EXPECT_EQ(VerdictOf(wrong.Play(steps)), "FAIL: either");
}

TEST(PlayerExpectTest, Rejects) {
  const auto rejects = [](size_t which) {
    return OnPing([which](Connection& c, const v1::Pdu&) {
      // The PDU that came last, or one before it.
      c.Send(RejectOf(c.target->seen[c.target->seen.size() - 1 - which].bytes));
    });
  };
  CheckCases({
      {"goes to the task whose header it carries",
       ExpectP("pdu { reject { reason: PROTOCOL_ERROR } } rejects: \"p\" ends: true"), rejects(0),
       "PASS"},
      {"another header", "step { expect { one_of { pdu { reject {} } rejects: \"p\" } } }",
       OnPing([](Connection& c, const v1::Pdu&) { c.Send(RejectOf(std::vector<uint8_t>(48))); }),
       "FAIL: another PDU came than was expected: its data is not the header of a PDU of task p"},
      {"the header of another task", ExpectP("pdu { reject {} } rejects: \"p\""), rejects(1),
       "FAIL: awaiting Reject", "", "Reject"},
      {"unexpected", "step { expect { one_of { pdu { async_message {} } } } }", rejects(0),
       "FAIL: awaiting Async Message", "Async Message", "Reject"},
  });
}

TEST(PlayerExpectTest, Timeouts) {
  CheckCases({
      {"nothing comes", ExpectP("pdu { nop_in {} }"), kDead,
       "TIMEOUT: nothing came in time: awaiting NOP-In for task p", "NOP-In", "nothing"},
      {"an answer that waits for the next PDU", ExpectP("pdu { nop_in {} }"),
       [held = std::optional<uint32_t>()](Connection& c, const v1::Pdu& pdu) mutable {
         if (!pdu.has_nop_out()) return false;
         if (held.has_value()) {
           v1::Pdu answer;
           answer.mutable_nop_in()->set_initiator_task_tag(*held);
           c.Send(std::move(answer));
         }
         held = pdu.nop_out().initiator_task_tag();
         return true;
       },
       "TIMEOUT: came only after its time, when a sign of life had been asked for: awaiting NOP-In",
       "NOP-In", "too late"},
      {"nothing comes where logins are answered", ExpectP("pdu { nop_in {} }"), kSilent,
       "FAIL: nothing came, though the target takes logins: awaiting NOP-In for task p", "NOP-In",
       "no answer to a ping"},
      {"something else came for nobody", ExpectP("pdu { nop_in {} }"),
       OnPing([](Connection& c, const v1::Pdu&) { c.Send(Async(v1::LOGOUT_REQUEST)); }),
       "FAIL: awaiting NOP-In", "NOP-In", "Async Message"},
      {"pings of the target don't keep a step alive", ExpectP("pdu { nop_in {} }"),
       [](Connection& c, const v1::Pdu& pdu) {
         if (!pdu.has_nop_out()) return false;
         if (c.target->seen.size() < 100) c.Send(TargetPing(7));
         return true;
       },
       "FAIL: nothing came, though the target takes logins"},
  });
}

TEST(PlayerExpectTest, DeadlinesCountFromTheLastProgress) {
  PlayerTestBed bed;
  bed.options.step_timeout = absl::Seconds(4);
  bed.target.on_pdu = kDead;
  const absl::Time begin = bed.world.now();
  EXPECT_THAT(VerdictOf(bed.Play(std::string(kPing) + ExpectP("pdu { nop_in {} }"))),
              StartsWith("TIMEOUT"));
  // Once for the step, once for a ping, once for a login.
  EXPECT_EQ(bed.world.now() - begin, absl::Seconds(12));

  PlayerTestBed patient;
  patient.target.on_pdu = kDead;
  const absl::Time start = patient.world.now();
  EXPECT_THAT(VerdictOf(patient.Play(
                  std::string(kPing) +
                  "step { timeout_ms: 60000 expect { task: \"p\" one_of { closed: true } } }")),
              StartsWith("TIMEOUT"));
  EXPECT_EQ(patient.world.now() - start, absl::Seconds(60) + 2 * patient.options.step_timeout);
}

TEST(PlayerExpectTest, WhatNoStepTookFailsTheEpilogue) {
  const OnPdu extra = OnPing([](Connection& c, const v1::Pdu& pdu) {
    c.Send(Async(v1::NEGOTIATION_REQUEST));
    v1::Pdu answer;
    answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
    c.Send(std::move(answer));
  });
  CheckCases({
      {"an async message", ExpectP("pdu { nop_in {} }"), extra,
       "FAIL: PDUs came that no step expects", "nothing more", "Async Message"},
      {"the scenario ignores it", "ignore { async_message {} }" + ExpectP("pdu { nop_in {} }"),
       extra, "PASS"},
      {"the step ignores it",
       "step { expect { one_of { pdu { nop_in {} } } ignore { async_message {} } task: \"p\" } } "
       "step { expect { one_of { pdu { async_message {} } } } } epilogue: NOTHING",
       extra, "PASS"},
      {"a second answer", ExpectP("pdu { nop_in {} }"),
       OnPing([](Connection& c, const v1::Pdu& pdu) {
         v1::Pdu answer;
         answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
         c.Send(answer);
         c.Send(answer);
       }),
       "FAIL: PDUs came that no step expects", "", "(task p)"},
      {"nothing_else_came",
       "step { expect { task: \"p\" one_of { pdu { nop_in {} } } } } step { probe { "
       "nothing_else_came: true } }",
       extra, "FAIL: something came where there should be nothing but the answer to a ping", "",
       "Async Message"},
      {"the connection ended unasked",
       ExpectP("pdu { nop_in {} }") + "step { connection: \"c2\" login {} }",
       [](Connection& c, const v1::Pdu& pdu) {
         if (pdu.has_login_request() && c.number == 1) c.target->connections[0]->Close();
         return false;
       },
       "FAIL: connection c1 ended while awaiting"},
      {"nobody answers the last ping", ExpectP("pdu { nop_in {} }"),
       [](Connection& c, const v1::Pdu& pdu) {
         return pdu.has_nop_out() && c.target->Seen(v1::Pdu::kNopOut).size() > 1;
       },
       "FAIL: nothing came, though the target takes logins: awaiting the answer to a ping "
       "(NOP-In)"},
      {"the epilogue may be left out", "epilogue: NOTHING", extra, "PASS"},
  });
}

TEST(PlayerExpectTest, PingsOfTheTargetAreAnswered) {
  PlayerTestBed bed;
  bed.target.on_pdu = OnPing([](Connection& c, const v1::Pdu& pdu) {
    if (pdu.nop_out().initiator_task_tag() == 0xffffffff) return;
    c.Send(TargetPing(0x1234));
    c.Send(TargetPing(0xffffffff));
    v1::Pdu answer;
    answer.mutable_nop_in()->set_initiator_task_tag(pdu.nop_out().initiator_task_tag());
    c.Send(std::move(answer));
  });
  EXPECT_EQ(VerdictOf(bed.Play(std::string(kPing) + ExpectP("pdu { nop_in {} }"))), "PASS");
  size_t answers = 0;
  for (const v1::Pdu& pdu : bed.target.Seen(v1::Pdu::kNopOut)) {
    if (pdu.nop_out().target_transfer_tag() != 0x1234) continue;
    ++answers;
    EXPECT_TRUE(pdu.immediate());
    EXPECT_EQ(pdu.nop_out().initiator_task_tag(), 0xffffffffu);
  }
  EXPECT_EQ(answers, 2u) << "one for each ping that wants an answer";

  // A scenario that expects them answers by itself.
  PlayerTestBed by_hand;
  by_hand.target.on_pdu = bed.target.on_pdu;
  EXPECT_EQ(VerdictOf(by_hand.Play(
                std::string(kPing) +
                "step { expect { one_of { pdu { nop_in { target_transfer_tag: 0x1234 } } } } }" +
                ExpectP("pdu { nop_in {} }") + "epilogue: NOTHING")),
            "PASS");
  EXPECT_EQ(by_hand.target.Seen(v1::Pdu::kNopOut).size(), 1u);
}

TEST(PlayerExpectTest, PdusThatAreWrongInThemselvesFailAtOnce) {
  CheckCases({
      {"an AHS that runs over", ExpectP("pdu { nop_in {} }"),
       OnPing([](Connection& c, const v1::Pdu&) {
         std::vector<uint8_t> bytes(52);
         bytes[0] = 0x20;
         bytes[1] = 0x80;
         bytes[4] = 1;
         bytes[48] = 0x7f;  // AHSLength
         c.SendBytes(bytes);
       }),
       "FAIL: a PDU came on connection c1 that is wrong in itself"},
      {"half a PDU, then the end", ExpectP("pdu { nop_in {} }"),
       OnPing([](Connection& c, const v1::Pdu&) {
         c.SendBytes(std::vector<uint8_t>(20));
         c.Close();
       }),
       "FAIL: connection c1 ended while awaiting NOP-In", "NOP-In",
       "the end of the connection (within a PDU, of which 20 bytes had come)"},
      {"a reset", ExpectP("pdu { nop_in {} }"),
       OnPing([](Connection& c, const v1::Pdu&) { c.Abort(); }),
       "FAIL: connection c1 ended while awaiting NOP-In", "NOP-In",
       "the end of the connection (Connection reset by peer)"},
  });
}

TEST(PlayerExpectTest, DigestsAreChecked) {
  PlayerTestBed bed;
  for (auto& [name, value] : bed.target.login_keys) {
    if (name == "HeaderDigest") value = "CRC32C";
  }
  bed.target.on_pdu = OnPing([](Connection& c, const v1::Pdu&) {
    std::vector<uint8_t> bytes(52, 0x20);
    bytes[4] = bytes[5] = bytes[6] = bytes[7] = 0;
    c.SendBytes(bytes);
  });
  EXPECT_EQ(
      VerdictOf(bed.Play("step { login { key { name: \"HeaderDigest\" value: \"CRC32C\" } } } "
                         "step { probe {} }")),
      "FAIL: a PDU came on connection c1 that is wrong in itself: its header digest is wrong");
}

TEST(PlayerExpectTest, FailuresSayWhereAndWhatItMeans) {
  PlayerTestBed bed;
  bed.target.on_pdu = kAsDue;
  const PlayResult result = bed.Play(std::string("cite: \"R1\" cite: \"R2\" ") + kPing +
                                     "step { name: \"look\" cite: \"R2\" note: \"says why\" "
                                     "expect { task: \"p\" one_of { pdu { reject {} } } } }");
  EXPECT_EQ(result.failure.step(), "step 3 \"look\" expect");
  EXPECT_EQ(result.failure.file(), "test.textproto");
  EXPECT_EQ(result.failure.line(), 12u);
  ASSERT_EQ(result.failure.cite_size(), 1);
  EXPECT_EQ(result.failure.cite(0), "R2");
  EXPECT_THAT(result.failure.message(), testing::EndsWith("(says why)"));
  EXPECT_EQ(result.steps_played, 2u);

  PlayerTestBed whole;
  whole.target.on_pdu = kAsDue;
  const PlayResult epilogue = whole.Play(std::string("cite: \"R1\" cite: \"R2\" ") + kPing);
  EXPECT_EQ(epilogue.failure.step(), "epilogue");
  EXPECT_EQ(epilogue.failure.cite_size(), 2) << "the scenario's, where the step has none";
}

TEST(PlayerExpectTest, AMissedShouldIsAWarning) {
  const std::string wrong = ExpectP("pdu { reject {} }");
  PlayerTestBed scenario;
  EXPECT_THAT(VerdictOf(scenario.Play(std::string("level: SHOULD ") + kPing + wrong)),
              StartsWith("WARN: another PDU came"));
  PlayerTestBed step;
  EXPECT_THAT(VerdictOf(step.Play(
                  std::string("level: MUST ") + kPing +
                  "step { level: MAY expect { task: \"p\" one_of { pdu { reject {} } } } }")),
              StartsWith("WARN: "));
  // But not an end that nobody asked for, nor silence.
  PlayerTestBed ended;
  ended.target.on_pdu = kClosesOnPing;
  EXPECT_THAT(VerdictOf(ended.Play(std::string("level: SHOULD ") + kPing + wrong)),
              StartsWith("FAIL: connection c1 ended"));
  PlayerTestBed silent;
  silent.target.on_pdu = kDead;
  EXPECT_THAT(VerdictOf(silent.Play(std::string("level: SHOULD ") + kPing + wrong)),
              StartsWith("TIMEOUT"));
}

TEST(PlayerExpectTest, NotesOfWarningsAreKept) {
  PlayerTestBed bed;
  const PlayResult result = bed.Play(
      std::string(kPing) + ExpectP("pdu { nop_in {} } verdict: ALTERNATIVE_WARN why: \"first\"") +
      "step { send { task: \"q\" pdu { nop_out {} } } }"
      "step { expect { task: \"q\" one_of { pdu { nop_in {} } verdict: ALTERNATIVE_AMBIGUOUS "
      "ambiguity: \"A1\" why: \"second\" } } }");
  EXPECT_EQ(VerdictOf(result), "WARN: first");
  ASSERT_EQ(result.notes.size(), 2u);
  EXPECT_EQ(result.notes[1].message(), "second [A1]");
}

TEST(PlayerExpectTest, ExpectClosed) {
  CheckCases({
      {"in order", "step { expect_closed {} }", kClosesOnPing, "PASS"},
      {"something came first", "step { expect_closed {} }",
       OnPing([](Connection& c, const v1::Pdu&) {
         c.Send(Async(v1::CONNECTION_DROP_NOTIFICATION));
         c.Close();
       }),
       "FAIL: a PDU came where the connection's end was expected", "the end of connection c1",
       "Async Message"},
      {"that may be ignored", "step { expect_closed { ignore { async_message {} } } }",
       OnPing([](Connection& c, const v1::Pdu&) {
         c.Send(Async(v1::CONNECTION_DROP_NOTIFICATION));
         c.Close();
       }),
       "PASS"},
      {"never", "step { expect_closed {} }", kSilent, "FAIL: nothing came, though"},
      {"never, and dead", "step { expect_closed {} }", kDead, "TIMEOUT"},
  });
}

}  // namespace
}  // namespace pushpull::initiator_sim
