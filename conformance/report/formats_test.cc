#include "conformance/report/formats.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "conformance/report/diff.h"
#include "conformance/report/merge.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::RunResult Parse(const std::string& text) {
  v1::RunResult run;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &run)) << text;
  return run;
}

v1::RunResult SampleRun() {
  return Parse(R"(
    target: "tcp://h/iqn" tool_version: "9"
    result { id: "login/a" verdict: PASS }
    result {
      id: "login/b#x:1,2" title: "Due" verdict: FAIL replay: "pushpull run"
      failure { message: "50% # wrong\nhere" cite: "R-2" cite: "R-3" file: "b.textproto" line: 7 }
      violation { rule: "stat_sn" section: "RFC 7143 §4.2.2.2" message: "a \"gap\"" frame: 4 }
    }
    result { id: "nop/c" verdict: SKIP failure { message: "no hook" } }
    result { id: "nop/e" verdict: FAIL overlay: XFAIL overlay_reason: "known #12" }
    result { id: "nop/f" title: "Should" verdict: WARN failure { message: "slow" } }
    profile: "p.textproto" profile_complaint { id: "x/y" message: "stale" line: 3 })");
}

TEST(TapTest, TellsWhatIsAsExpectedAndWhatNot) {
  EXPECT_EQ(ToTap(SampleRun(), false),
            "TAP version 14\n"
            "1..5\n"
            "ok 1 - login/a\n"
            "not ok 2 - login/b\\#x:1,2\n"
            "  ---\n"
            "  verdict: \"FAIL\"\n"
            "  message: \"50% # wrong\\nhere\"\n"
            "  monitor: \"PDU 4: a \\\"gap\\\" (stat_sn, RFC 7143 §4.2.2.2)\"\n"
            "  replay: \"pushpull run\"\n"
            "  ...\n"
            "ok 3 - nop/c # SKIP no hook\n"
            "ok 4 - nop/e # TODO known \\#12\n"
            "ok 5 - nop/f\n"
            "# p.textproto:3: entry x/y stale\n");
  EXPECT_THAT(ToTap(Parse(R"(result {
                      id: "a" verdict: FAIL
                      failure { message: "m" expected: "x" actual: "y" }
                    })"),
                    false),
              HasSubstr("  message: \"m\"\n  expected: \"x\"\n  actual: \"y\"\n"));
  EXPECT_THAT(ToTap(SampleRun(), true), HasSubstr("not ok 5 - nop/f\n"));
  EXPECT_EQ(ToTap(Parse("run_error: 'no\\ntarget'"), false),
            "TAP version 14\n1..0\nBail out! no target\n");
}

TEST(TapTest, ABackslashStaysOne) {
  EXPECT_THAT(ToTap(Parse("result { id: 'a\\\\b' verdict: PASS }"), false),
              HasSubstr("ok 1 - a\\\\b\n"));
}

TEST(GithubTest, SaysWhyAPassIsUnexpectedOnOneLine) {
  EXPECT_EQ(ToGithub(Parse(R"(result { id: "a" verdict: PASS overlay: XPASS
                                       overlay_reason: "one\r\ntwo" })"),
                     false),
            "::error title=XPASS a::one%0D%0Atwo\n");
}

TEST(GithubTest, AnnotatesWhatIsWrong) {
  EXPECT_EQ(ToGithub(SampleRun(), false),
            "::error file=b.textproto,line=7,title=FAIL login/b#x%3A1%2C2::50%25 # wrong%0Ahere"
            "%0Areplay: pushpull run\n"
            "::warning title=WARN nop/f::slow\n"
            "::error title=profile::p.textproto:3: entry x/y stale\n");
  EXPECT_THAT(ToGithub(SampleRun(), true), HasSubstr("::error title=WARN nop/f::slow\n"));
  EXPECT_EQ(ToGithub(Parse("run_error: 'gone'"), false), "::error title=run::gone\n");
}

google::protobuf::Struct Json(const std::string& text) {
  google::protobuf::Struct json;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &json).ok()) << text;
  return json;
}

TEST(SarifTest, HasAResultForEachFinding) {
  const absl::StatusOr<std::string> sarif = ToSarif(SampleRun(), false);
  ASSERT_TRUE(sarif.ok()) << sarif.status();
  const google::protobuf::Struct log = Json(*sarif);
  EXPECT_EQ(log.fields().at("version").string_value(), "2.1.0");
  EXPECT_THAT(log.fields().at("$schema").string_value(), HasSubstr("sarif-2.1.0"));
  const auto& run = log.fields().at("runs").list_value().values(0).struct_value().fields();
  const auto& results = run.at("results").list_value();
  ASSERT_EQ(results.values_size(), 2);
  const auto& first = results.values(0).struct_value().fields();
  EXPECT_EQ(first.at("ruleId").string_value(), "R-2");
  EXPECT_EQ(first.at("level").string_value(), "error");
  EXPECT_THAT(first.at("message").struct_value().fields().at("text").string_value(),
              HasSubstr("login/b#x:1,2: FAIL: 50% # wrong\nhere\nPDU 4: "));
  const auto& place = first.at("locations").list_value().values(0).struct_value().fields();
  const auto& region = place.at("physicalLocation").struct_value().fields().at("region");
  EXPECT_EQ(region.struct_value().fields().at("startLine").number_value(), 7);
  EXPECT_EQ(results.values(1).struct_value().fields().at("level").string_value(), "warning");
  const auto& driver = run.at("tool").struct_value().fields().at("driver").struct_value().fields();
  EXPECT_EQ(driver.at("rules").list_value().values_size(), 2);
}

// SARIF 2.1.0 §3.27, §3.49: viewers join results to rules by id, and runs by fingerprint.
TEST(SarifTest, SaysAllOfAResultAndEachRuleOnce) {
  const absl::StatusOr<std::string> sarif = ToSarif(Parse(R"(
    tool_version: "9"
    result {
      id: "login/b" title: "Due" verdict: FAIL replay: "pushpull run"
      failure { message: "m" cite: "R-2" file: "b.textproto" line: 7 }
    }
    result { id: "login/c" title: "Other" verdict: FAIL failure { message: "n" cite: "R-2" } }
    result { id: "nop/d" title: "Passed" verdict: PASS overlay: XPASS overlay_reason: "bug" }
    )"),
                                                    false);
  ASSERT_TRUE(sarif.ok()) << sarif.status();
  const google::protobuf::Struct due = Json(R"({
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "version": "2.1.0",
    "runs": [{
      "tool": {"driver": {
        "name": "Pushpull",
        "version": "9",
        "rules": [
          {"id": "R-2", "shortDescription": {"text": "Due"}},
          {"id": "nop/d", "shortDescription": {"text": "Passed"}}
        ]
      }},
      "results": [
        {
          "ruleId": "R-2",
          "level": "error",
          "message": {"text": "login/b: FAIL: m\nreplay: pushpull run"},
          "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": "b.textproto"},
            "region": {"startLine": 7}
          }}],
          "partialFingerprints": {"caseId/v1": "login/b"}
        },
        {
          "ruleId": "R-2",
          "level": "error",
          "message": {"text": "login/c: FAIL: n"},
          "partialFingerprints": {"caseId/v1": "login/c"}
        },
        {
          "ruleId": "nop/d",
          "level": "error",
          "message": {"text": "nop/d: XPASS: bug"},
          "partialFingerprints": {"caseId/v1": "nop/d"}
        }
      ]
    }]
  })");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(Json(*sarif), due)) << *sarif;
}

TEST(SarifTest, ARunWithoutAFindingHasAnEmptyList) {
  const absl::StatusOr<std::string> sarif = ToSarif(Parse("result { verdict: PASS }"), false);
  ASSERT_TRUE(sarif.ok());
  const google::protobuf::Struct log = Json(*sarif);
  const auto& run = log.fields().at("runs").list_value().values(0).struct_value().fields();
  ASSERT_TRUE(run.contains("results"));
  EXPECT_EQ(run.at("results").list_value().values_size(), 0);
}

TEST(MergeTest, ShardsBecomeOne) {
  const absl::StatusOr<v1::RunResult> all = Merge({
      Parse(R"(target: "t" seconds: 1 result { id: "a" verdict: PASS }
               totals { by_verdict { key: "PASS" value: 1 } } left_out { cases: 2 reason: "r" })"),
      Parse(R"(target: "t" seconds: 2 exit_code: 1 result { id: "b" verdict: FAIL }
               totals { by_verdict { key: "FAIL" value: 1 } unexpected: 1 }
               left_out { cases: 3 reason: "r" } left_out { cases: 1 reason: "s" })"),
      Parse(R"(target: "t" exit_code: 3 run_error: "refused")"),
  });
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->result_size(), 2);
  EXPECT_EQ(all->seconds(), 3);
  EXPECT_EQ(all->exit_code(), 3);
  EXPECT_EQ(all->run_error(), "refused");
  EXPECT_EQ(all->totals().unexpected(), 1u);
  EXPECT_EQ(all->totals().by_verdict().at("FAIL"), 1u);
  ASSERT_EQ(all->left_out_size(), 2);
  EXPECT_EQ(all->left_out(0).cases(), 5u);
}

// The gravest of the shards is the run's.
TEST(MergeTest, TheGravestExitCodeIsTheRuns) {
  const std::vector<int> by_gravity = {0, 1, 4, 3, 5};
  for (size_t one = 0; one < by_gravity.size(); ++one) {
    for (size_t other = 0; other < by_gravity.size(); ++other) {
      v1::RunResult first, second;
      first.set_exit_code(by_gravity[one]);
      second.set_exit_code(by_gravity[other]);
      EXPECT_EQ(Merge({first, second})->exit_code(), by_gravity[std::max(one, other)])
          << by_gravity[one] << " and " << by_gravity[other];
    }
  }
}

TEST(MergeTest, WhatTheRunWasIsSaidOnceAndFindingsAreAllKept) {
  const std::string head = R"(
      schema_version: 1 tool_version: "9" started: "then" target: "t" target_identity: "disk"
      seed: 7 profile: "p" argument: "run" argument: "--x")";
  const absl::StatusOr<v1::RunResult> all = Merge({
      Parse(head + R"(
          run_error: "first" warning: "w" profile_complaint { id: "a" }
          totals { by_verdict { key: "PASS" value: 2 } unexpected: 1 })"),
      Parse(R"(target: "t" started: "later" seed: 8 run_error: "second" warning: "v"
          profile_complaint { id: "b" }
          totals { by_verdict { key: "PASS" value: 3 } unexpected: 4 })"),
  });
  ASSERT_TRUE(all.ok()) << all.status();
  const v1::RunResult due = Parse(head + R"(
      run_error: "first" warning: "w" warning: "v" profile_complaint { id: "a" }
      profile_complaint { id: "b" } totals { by_verdict { key: "PASS" value: 5 } unexpected: 5 })");
  EXPECT_EQ(all->DebugString(), due.DebugString());
}

TEST(MergeTest, MissesShardsThatAreNotThere) {
  const v1::RunResult first = Parse(R"(target: "t" argument: "run" argument: "--shard"
                                       argument: "1/3" result { id: "a" verdict: PASS })");
  const v1::RunResult third = Parse(R"(target: "t" argument: "--shard=3/3"
                                       result { id: "c" verdict: PASS })");
  const v1::RunResult second = Parse(R"(target: "t" argument: "--shard=2/3")");
  const absl::StatusOr<v1::RunResult> some = Merge({third, first});
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(some->run_error(), "only 2 of 3 shards are there: missing is 2/3");
  EXPECT_EQ(some->exit_code(), 1);
  EXPECT_EQ(Merge({third})->run_error(), "only 1 of 3 shards are there: missing is 1/3 and others");
  const absl::StatusOr<v1::RunResult> all = Merge({third, second, first});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->run_error(), "");
  EXPECT_EQ(all->exit_code(), 0);
  v1::RunResult failed = first;
  failed.set_run_error("refused");
  failed.set_exit_code(3);
  EXPECT_EQ(Merge({failed, third})->run_error(),
            "refused; only 2 of 3 shards are there: missing is 2/3");
  EXPECT_EQ(Merge({failed, third})->exit_code(), 3);
  EXPECT_THAT(Merge({first, Parse("target: 't' argument: '--shard=2/2'")}).status().ToString(),
              HasSubstr("a shard of 3, another of 2"));
}

// Shards of another run would fill the places of those that are missing.
TEST(MergeTest, ShardsWerePlayedAlike) {
  const auto shard = [](int number, const std::string& more) {
    v1::RunResult run = Parse(absl::StrCat("target: 't' argument: '--shard=", number, "/2'"));
    for (absl::string_view word : absl::StrSplit(more, ' ', absl::SkipEmpty())) {
      run.add_argument(std::string(word));
    }
    return run;
  };
  const std::string same = "--only nop/* --only=read/* --seed 7 --out ";
  EXPECT_TRUE(Merge({shard(1, same + "a"), shard(2, same + "b --jobs 4")}).ok());
  for (const char* option : {"--only", "--exclude", "--suites", "--max-suite-version", "--seed",
                             "--bug", "--legal-variation", "--splits", "--profile"}) {
    const absl::Status status =
        Merge({shard(1, same), shard(2, absl::StrCat(same, "a ", option, " x"))}).status();
    EXPECT_THAT(status.ToString(), HasSubstr(absl::StrCat("another ", option, ":")));
  }
}

TEST(MergeTest, ReadsOptionsAsTheyWereGiven) {
  const v1::RunResult first = Parse("target: 't' argument: '--shard=1/2'");
  // The last word counts; one without a value, or that only begins like an option, is none.
  const v1::RunResult second = Parse(R"(target: 't' argument: "--shard=1/2" argument: "--shard=2/2"
                                        argument: "--seed-of-wisdom" argument: "--only")");
  const absl::StatusOr<v1::RunResult> all = Merge({first, second});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->run_error(), "");
}

TEST(MergeTest, WhatIsNoPartOfOneRunIsRefused) {
  EXPECT_FALSE(Merge({}).ok());
  EXPECT_THAT(Merge({Parse("target: 'a'"), Parse("target: 'b'")}).status().ToString(),
              HasSubstr("runs of a and of b"));
  const v1::RunResult one = Parse("target: 'a' result { id: 'x/y' }");
  EXPECT_THAT(Merge({one, one}).status().ToString(), HasSubstr("x/y was played in two"));
}

TEST(DiffTest, SaysWhatGotWorse) {
  const v1::RunResult before = Parse(R"(
    result { id: "a" verdict: PASS } result { id: "b" verdict: PASS }
    result { id: "c" verdict: FAIL failure { message: "old" } } result { id: "d" verdict: PASS }
    result { id: "e" verdict: PASS } result { id: "g" verdict: FAIL overlay: XFAIL })");
  const v1::RunResult after = Parse(R"(
    result { id: "a" verdict: PASS } result { id: "b" verdict: FAIL failure { message: "new" } }
    result { id: "c" verdict: PASS } result { id: "d" verdict: WARN }
    result { id: "f" verdict: PASS } result { id: "g" verdict: PASS overlay: XPASS }
    result { id: "h" verdict: TIMEOUT })");
  EXPECT_EQ(DiffText(Diff(before, after, false)),
            "worse: 3\n  b: PASS -> FAIL: new\n  g: XFAIL -> XPASS\n  h: - -> TIMEOUT\n"
            "better: 1\n  c: FAIL -> PASS\n"
            "changed, and neither better nor worse: 1\n  d: PASS -> WARN\n"
            "new: 1\n  f: - -> PASS\n"
            "not played any more: 1\n  e: PASS -> -\n");
  EXPECT_THAT(DiffText(Diff(before, after, true)), HasSubstr("worse: 4\n"));
  EXPECT_EQ(DiffText(Diff(before, before, true)), "");
}

TEST(DiffTest, AnotherFailureIsNeitherBetterNorWorse) {
  const v1::RunResult before = Parse("result { id: 'a' verdict: FAIL }");
  EXPECT_THAT(DiffText(Diff(before, Parse("result { id: 'a' verdict: TIMEOUT }"), false)),
              HasSubstr("neither better nor worse: 1\n"));
}

TEST(DiffTest, AWarningThatWentIsBetterWhereItFails) {
  const v1::RunResult before = Parse("result { id: 'a' verdict: WARN }");
  const v1::RunResult after = Parse("result { id: 'a' verdict: PASS }");
  EXPECT_THAT(DiffText(Diff(before, after, true)), HasSubstr("better: 1\n"));
  EXPECT_THAT(DiffText(Diff(before, after, false)), HasSubstr("neither better nor worse: 1\n"));
}

}  // namespace
}  // namespace pushpull::conformance
