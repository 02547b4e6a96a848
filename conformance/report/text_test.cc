#include "conformance/report/text.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::CaseResult Result(const std::string& text) {
  v1::CaseResult result;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &result)) << text;
  return result;
}

TEST(CaseTextTest, AKnownFailureSaysWhyAndNoMore) {
  EXPECT_EQ(CaseText(Result("id: 'a/b' verdict: FAIL overlay: XFAIL overlay_reason: 'bug 7' "
                            "title: 't' failure { message: 'm' expected: 'x' cite: 'R' }"),
                     {}),
            "XFAIL       a/b (0.000 s)\n"
            "    what:        m\n"
            "    known:       bug 7\n");
}

TEST(CaseTextTest, AnUnexpectedPassNamesTheEntryOfTheProfile) {
  EXPECT_EQ(CaseText(Result("id: 'a/b' verdict: PASS overlay: XPASS overlay_reason: 'bug 7' "
                            "title: 'what is due'"),
                     {}),
            "XPASS       a/b (0.000 s)\n"
            "    profile:     bug 7\n"
            "    due:         what is due\n");
}

TEST(CaseTextTest, ColorsSayWhatIsExpected) {
  constexpr char kGreen[] = "\033[32m", kYellow[] = "\033[33m", kRed[] = "\033[1;31m";
  const struct {
    const char* result;
    bool strict;
    const char* color;
  } kCases[] = {
      {"verdict: PASS", false, kGreen},
      {"verdict: PASS", true, kGreen},
      {"verdict: WARN", false, kYellow},
      {"verdict: WARN", true, kRed},
      {"verdict: SKIP", true, kYellow},
      {"verdict: FAIL", false, kRed},
      {"verdict: FAIL overlay: XFAIL", true, kYellow},
      {"verdict: PASS overlay: XPASS", false, kRed},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(CaseText(Result(c.result), {.color = true, .strict = c.strict}),
                StartsWith(c.color))
        << c.result;
  }
}

v1::RunResult Timed(int quick, int slow) {
  v1::RunResult run;
  for (int i = 0; i < quick + slow; ++i) {
    v1::CaseResult* result = run.add_result();
    result->set_id(absl::StrCat("a/", i));
    result->set_verdict(v1::PASS);
    result->set_seconds(i < quick ? 0.9 : 1.0 + i - quick);
  }
  return run;
}

TEST(CaseTextTest, APassTellsWhatTheMonitorSaw) {
  EXPECT_THAT(
      CaseText(Result("id: 'a/b' verdict: PASS violation { rule: 'x' message: 'saw' frame: 4 "
                      "expected: true }"),
               {}),
      HasSubstr("    monitor:     PDU 4: saw "));
}

TEST(CaseTextTest, WhatWasNotPlayedIsNotReplayed) {
  EXPECT_THAT(CaseText(Result("id: 'a/b' verdict: SKIP replay: 'pushpull run'"), {}),
              Not(HasSubstr("replay:")));
  EXPECT_THAT(CaseText(Result("id: 'a/b' verdict: AMBIGUOUS replay: 'pushpull run'"), {}),
              HasSubstr("replay:"));
}

TEST(SummaryTextTest, TellsOfTheOneThatWasNotPlayed) {
  v1::RunResult run;
  *run.add_result() = Result("id: 'a' verdict: SKIP failure { message: 'why' }");
  *run.add_result() = Result("id: 'b' verdict: ERROR failure { message: 'ours' }");
  EXPECT_THAT(SummaryText(run, {}),
              HasSubstr("\nnot played: 1 of 2 cases\n     1 SKIP: why\n\n2 cases in"));
}

TEST(SummaryTextTest, NamesTheSlowestOfManyCases) {
  EXPECT_THAT(SummaryText(Timed(13, 7), {}), HasSubstr("\nslowest:\n"
                                                       "     7.0 s a/19\n"
                                                       "     6.0 s a/18\n"
                                                       "     5.0 s a/17\n"
                                                       "     4.0 s a/16\n"
                                                       "     3.0 s a/15\n"
                                                       "\n"));
  EXPECT_THAT(SummaryText(Timed(19, 1), {}), HasSubstr("\nslowest:\n     1.0 s a/19\n"));
  EXPECT_THAT(SummaryText(Timed(20, 0), {}), Not(HasSubstr("slowest")));
  EXPECT_THAT(SummaryText(Timed(12, 7), {}), Not(HasSubstr("slowest"))) << "few cases";
}

// Forty failures of one cause are read as one.
TEST(SummaryTextTest, TellsWhatFailuresHaveInCommon) {
  v1::RunResult run;
  const auto add = [&run](const std::string& id, const std::string& rest) {
    *run.add_result() = Result(absl::StrCat("id: '", id, "' ", rest));
  };
  const std::string broken =
      "violation { rule: 'stat_sn' section: 'RFC 7143 §4.2.2.2' message: 'gap' }";
  const std::string monitor = " failure { message: 'monitor: stat_sn: gap' }";
  for (int i = 0; i < 4; ++i) {
    add(absl::StrCat("a/", i), absl::StrCat("verdict: FAIL ", broken, broken, monitor));
  }
  // Another failure, in which the rule was broken, too.
  add("b/1", absl::StrCat("verdict: FAIL failure { message: 'nothing came' } ", broken));
  add("b/2", "verdict: TIMEOUT failure { message: 'nothing came' }");
  add("b/3", "verdict: TIMEOUT failure { message: 'nothing came' }");
  add("b/4", "verdict: ERROR failure { message: 'not played: the target is gone' }");
  // Two are read as two; and what is expected needs no reading.
  add("c/1", "verdict: FAIL failure { message: 'twice' }");
  add("c/2", "verdict: FAIL failure { message: 'twice' }");
  for (int i = 0; i < 5; ++i) {
    add("d", "verdict: FAIL overlay: XFAIL failure { message: 'known' }");
    add("e", "verdict: SKIP failure { message: 'no hook' }");
    add("f", "verdict: WARN failure { message: 'should' }");
  }
  EXPECT_THAT(SummaryText(run, {}),
              HasSubstr("\nby cause:\n"
                        "  5 cases: rule stat_sn (RFC 7143 §4.2.2.2); first a/0: gap\n"
                        "  3 cases: nothing came; first b/1\n"
                        "  2 others: c/1, c/2\n"
                        "\n"));
  EXPECT_THAT(SummaryText(run, {.strict = true}), HasSubstr("  5 cases: should; first f\n"));
  EXPECT_THAT(SummaryText(Timed(5, 0), {}), Not(HasSubstr("by cause")));
  for (int i = 3; i < 12; ++i) {
    add(absl::StrCat("c/", i), absl::StrCat("verdict: FAIL failure { message: 'once ", i, "' }"));
  }
  EXPECT_THAT(SummaryText(run, {}), HasSubstr("\n  11 others: c/1, c/2, c/3, c/4, c/5, c/6, c/7, "
                                              "c/8, c/9, c/10 ...\n\n"));
}

}  // namespace
}  // namespace pushpull::conformance
