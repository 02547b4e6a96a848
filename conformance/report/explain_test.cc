#include "conformance/report/explain.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "conformance/report/verdict.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

v1::CaseResult Result(const std::string& text) { return Parse<v1::CaseResult>(text); }

TEST(ViolationLinesTest, ARuleOfAnotherLevelIsAnother) {
  EXPECT_THAT(ViolationLines(Result(R"(
                violation { rule: "x" level: "MUST" message: "one" frame: 1 }
                violation { rule: "x" level: "SHOULD" message: "two" frame: 2 })")),
              ElementsAre(HasSubstr("PDU 1: one"), HasSubstr("PDU 2: two")));
}

TEST(VerdictNameTest, EachVerdictHasItsOwn) {
  for (const char* name : {"PASS", "WARN", "FAIL", "TIMEOUT", "AMBIGUOUS", "SKIP", "UNSUPPORTED",
                           "ERROR", "NOT_PLAYED"}) {
    EXPECT_EQ(VerdictName(Result(std::string("verdict: ") + name)), name);
  }
  EXPECT_EQ(VerdictName(v1::CaseResult()), "ERROR") << "one that was never judged";
}

TEST(WorthReplayingTest, WhatIsKnownOrWasNotPlayedIsNot) {
  const std::pair<const char*, bool> kinds[] = {
      {"verdict: PASS", false},
      {"verdict: FAIL", true},
      {"verdict: WARN", true},
      {"verdict: AMBIGUOUS", true},
      {"verdict: ERROR", true},
      {"verdict: SKIP", false},
      {"verdict: UNSUPPORTED", false},
      {"verdict: FAIL overlay: XFAIL", false},
      {"verdict: PASS overlay: XPASS", true},
  };
  for (const auto& [text, worth] : kinds) EXPECT_EQ(WorthReplaying(Result(text)), worth) << text;
}

TEST(ComplaintLineTest, SaysTheLineWhereOneIsKnown) {
  EXPECT_EQ(ComplaintLine("p", Parse<v1::ProfileComplaint>("id: 'x' message: 'gone' line: 3")),
            "p:3: entry x gone");
  EXPECT_EQ(ComplaintLine("p", Parse<v1::ProfileComplaint>("id: 'x' message: 'gone'")),
            "p: entry x gone");
}

// ---- what failures have in common ------------------------------------------------------------

v1::RunResult Three(const std::string& of_each) {
  v1::RunResult run;
  for (const char* id : {"id: 'a' ", "id: 'b' ", "id: 'c' "}) {
    *run.add_result() = Result(id + of_each);
  }
  return run;
}

TEST(CauseLinesTest, WhatWasNotPlayedHasNoCause) {
  EXPECT_THAT(CauseLines(Three("verdict: FAIL failure { message: 'm' }"), false), SizeIs(1));
  EXPECT_THAT(CauseLines(Three("verdict: SKIP failure { message: 'm' }"), false), IsEmpty());
}

TEST(CauseLinesTest, WhatTheProfileKnowsOfIsNone) {
  EXPECT_THAT(CauseLines(Three("verdict: FAIL violation { rule: 'x' expected: true }"), false),
              IsEmpty());
  EXPECT_THAT(CauseLines(Three("verdict: FAIL violation { rule: 'x' }"), false), SizeIs(1));
}

TEST(CauseLinesTest, TheFirstOfARuleIsTold) {
  v1::RunResult run = Three("verdict: FAIL violation { rule: 'x' message: 'later' }");
  run.mutable_result(0)->mutable_violation(0)->set_message("first");
  EXPECT_THAT(CauseLines(run, false), ElementsAre(HasSubstr("first a: first")));
}

TEST(CauseLinesTest, CausesOfAsManyAreInOrder) {
  EXPECT_THAT(
      CauseLines(Three("verdict: FAIL violation { rule: 'y' } violation { rule: 'x' }"), false),
      ElementsAre(HasSubstr("rule x"), HasSubstr("rule y")));
}

TEST(CauseLinesTest, AMessageOfTheMonitorCountsWhereItsViolationIsUnknown) {
  EXPECT_THAT(CauseLines(Three("verdict: FAIL failure { message: 'monitor: x: m' }"), false),
              ElementsAre(HasSubstr("monitor: x: m")));
  EXPECT_THAT(CauseLines(Three("verdict: FAIL failure { message: 'monitor: x: m' }"
                               "violation { rule: 'x' }"),
                         false),
              ElementsAre(Not(HasSubstr("monitor:"))));
}

}  // namespace
}  // namespace pushpull::conformance
