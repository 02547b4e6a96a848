#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "conformance/report/junit.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::RunResult SampleRun() {
  v1::RunResult run;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
    target: "tcp://h/iqn" seconds: 1.5
    result { id: "login/a" area: "login" verdict: PASS seconds: 0.5 cite: "R-1" }
    result {
      id: "login/b" area: "login" verdict: FAIL replay: "pushpull run --only login/b"
      failure {
        message: "wrong <ISID> & \"more\"\x01" expected: "isid 1\nisid 2" actual: "isid 3"
        cite: "R-2" file: "login/b.textproto" line: 7
      }
      violation { rule: "stat_sn" section: "RFC 7143 §4.2.2.2" message: "gap" frame: 4 }
    }
    result { id: "nop/c" area: "nop" verdict: SKIP failure { message: "no hook" } }
    result { id: "nop/d" area: "nop" verdict: ERROR failure { message: "ours" } }
    result { id: "nop/e" area: "nop" verdict: FAIL overlay: XFAIL overlay_reason: "known" }
    result { id: "nop/f" area: "nop" verdict: WARN failure { message: "should" } }
    )",
                                                            &run));
  return run;
}

TEST(JunitTest, TellsFailureErrorAndSkippedApart) {
  const std::string xml = ToJunit(SampleRun(), false);
  EXPECT_THAT(xml, HasSubstr("tests=\"6\" failures=\"1\" errors=\"1\" skipped=\"2\""));
  EXPECT_THAT(xml, HasSubstr("<testcase name=\"login/b\" classname=\"login\" time=\"0.000\">"));
  EXPECT_THAT(xml, HasSubstr("<failure type=\"FAIL\" message=\"wrong &lt;ISID&gt; &amp; "
                             "&quot;more&quot;\\x01\">"));
  EXPECT_THAT(xml, HasSubstr("<error type=\"ERROR\" message=\"ours\">"));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"XFAIL:  [known]\"/>"));
  EXPECT_THAT(xml, HasSubstr("<property name=\"requirements\" value=\"R-1\"/>"));
  EXPECT_THAT(xml, Not(HasSubstr("message=\"should\"")));
  EXPECT_THAT(ToJunit(SampleRun(), true), HasSubstr("<failure type=\"WARN\" message=\"should\">"));
}

TEST(JunitTest, KeepsTextAndShowsBytes) {
  EXPECT_THAT(ToJunit(SampleRun(), false), HasSubstr("PDU 4: gap (stat_sn, RFC 7143 §4.2.2.2)"));
  const std::pair<std::string, std::string> cases[] = {
      {"ä€𝄞", "ä€𝄞"},
      {"\xc2\xa7\xa7", "§\\xa7"},
      {"\xc2\x85", "\\xc2\\x85"},                    // a control character
      {"\xc0\xaf", "\\xc0\\xaf"},                    // longer than it needs to be
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // likewise
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // half of a pair of UTF-16
      {"\xef\xbf\xbf", "\\xef\\xbf\\xbf"},           // no character
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond Unicode
      {"\xe2\x82", "\\xe2\\x82"},                    // cut off
      {"\xc3(", "\\xc3("},                           // likewise, with more behind it
      {"\xed\xbf\xbf", "\\xed\\xbf\\xbf"},           // the other half of a pair
      {"\xef\xbf\xbe", "\\xef\\xbf\\xbe"},           // no character
      {"\x1f \x7f", "\\x1f \\x7f"},
  };
  for (const auto& [message, shown] : cases) {
    v1::RunResult run = SampleRun();
    run.mutable_result(1)->mutable_failure()->set_message(message);
    EXPECT_THAT(ToJunit(run, false), HasSubstr("message=\"" + shown + "\">")) << shown;
  }
}

TEST(JunitTest, AFindingIsAboutWhatItsFailureCites) {
  EXPECT_THAT(ToJunit(SampleRun(), false),
              HasSubstr("<property name=\"requirements\" value=\"R-2\"/>"));
}

TEST(TextTest, ExplainsAFailure) {
  const std::string text = CaseText(SampleRun().result(1), {});
  EXPECT_THAT(text, HasSubstr("FAIL        login/b"));
  EXPECT_THAT(text, HasSubstr("expected:    isid 1\n                 isid 2\n"));
  EXPECT_THAT(text, HasSubstr("came:        isid 3"));
  EXPECT_THAT(text, HasSubstr("requirement: R-2"));
  EXPECT_THAT(text, HasSubstr("monitor:     PDU 4: gap (stat_sn, RFC 7143 §4.2.2.2)"));
  EXPECT_THAT(text, HasSubstr("script:      login/b.textproto:7"));
  EXPECT_THAT(text, HasSubstr("replay:      pushpull run --only login/b"));
}

TEST(TextTest, ARunThatFailedWasNotAsExpected) {
  v1::RunResult run;
  run.set_run_error("refused");
  EXPECT_THAT(SummaryText(run, {}), HasSubstr("the run failed: refused"));
  EXPECT_THAT(SummaryText(run, {}), HasSubstr("0 cases in 0.0 s: nothing was tested\n"));
}

TEST(TextTest, PlainPassIsOneLine) {
  EXPECT_EQ(CaseText(SampleRun().result(0), {}), "PASS        login/a (0.500 s)\n");
}

TEST(TextTest, ColorsOnlyWhenAsked) {
  EXPECT_THAT(CaseText(SampleRun().result(1), {}), Not(HasSubstr("\033")));
  EXPECT_THAT(CaseText(SampleRun().result(1), {.color = true}), HasSubstr("\033[1;31m"));
}

TEST(TextTest, SummaryCounts) {
  const std::string text = SummaryText(SampleRun(), {});
  EXPECT_THAT(text, HasSubstr("6 cases in 1.5 s"));
  EXPECT_THAT(text, HasSubstr("2 not as expected"));
  EXPECT_THAT(text, HasSubstr("1 XFAIL"));
}

v1::RunResult Parse(const char* text) {
  v1::RunResult run;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &run));
  return run;
}

TEST(TextTest, SummaryGroupsWhatWasNotPlayed) {
  const v1::RunResult run = Parse(R"(
    result { area: "a" verdict: PASS }
    result { area: "a" verdict: SKIP failure { message: "one LUN" } }
    result { area: "a" verdict: SKIP failure { message: "it writes; --allow-writes" } }
    result { area: "b" verdict: SKIP failure { message: "it writes; --allow-writes" } }
    result { area: "b" verdict: UNSUPPORTED failure { message: "no digests" } }
    left_out { cases: 113 reason: "of iSER alone" }
    warning: "beware")");
  const std::string text = SummaryText(run, {});
  EXPECT_THAT(text, HasSubstr("\nnot played: 4 of 5 cases\n"
                              "     2 SKIP: it writes; --allow-writes\n"
                              "     1 SKIP: one LUN\n"
                              "     1 UNSUPPORTED: no digests\n"
                              "\nleft out: 113 cases of iSER alone\n"
                              "\n5 cases in 0.0 s: 1 PASS, 3 SKIP, 1 UNSUPPORTED; all as "
                              "expected\nWARNING: beware\n"));
}

TEST(TextTest, SummaryOfNothing) {
  EXPECT_THAT(SummaryText({}, {}), HasSubstr("0 cases in 0.0 s: nothing was tested\n"));
  EXPECT_THAT(SummaryText(Parse("result { area: 'a' verdict: NOT_PLAYED }"), {}),
              HasSubstr("0 of 1 case in 0.0 s: none of them unexpected"));
}

TEST(TextTest, SummaryOfOneCase) {
  EXPECT_EQ(SummaryText(Parse("result { area: 'a' verdict: PASS }"), {}),
            "\n  a                1 PASS\n\n1 case in 0.0 s: 1 PASS; all as expected\n");
}

TEST(TextTest, ARunThatWasCutShortIsNotAsExpected) {
  const char* const run = R"(
    run_error: "interrupted when 2 of 4 cases had been judged"
    result { area: "a" verdict: PASS }
    result { area: "a" verdict: %s }
    result { area: "a" verdict: NOT_PLAYED failure { message: "not played: why" } }
    result { area: "b" verdict: NOT_PLAYED failure { message: "not played: why" } })";
  std::string text = SummaryText(Parse(absl::StrReplaceAll(run, {{"%s", "SKIP"}}).c_str()), {});
  EXPECT_THAT(text, HasSubstr("\n2 of 4 cases in 0.0 s: 1 PASS, 1 SKIP; none of them unexpected; "
                              "the run was CUT SHORT: 2 cases were not played\n"));
  EXPECT_THAT(text, Not(HasSubstr("all as expected")));
  EXPECT_THAT(text, Not(HasSubstr("the run failed")));
  EXPECT_THAT(text, HasSubstr("     2 NOT_PLAYED: not played: why\n"));
  text = SummaryText(Parse(absl::StrReplaceAll(run, {{"%s", "FAIL"}}).c_str()), {});
  EXPECT_THAT(text, HasSubstr("1 not as expected; the run was CUT SHORT"));
  EXPECT_THAT(ToJunit(Parse(absl::StrReplaceAll(run, {{"%s", "PASS"}}).c_str()), false),
              HasSubstr("tests=\"5\" failures=\"0\" errors=\"1\" skipped=\"2\""));
}

TEST(RunErrorTest, StandsInJunitAndText) {
  const v1::RunResult run = Parse(R"(target: "tcp://h" run_error: "no <answer>")");
  const std::string xml = ToJunit(run, false);
  EXPECT_THAT(xml, HasSubstr("tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\""));
  EXPECT_THAT(xml, HasSubstr("<testcase name=\"run/target\" classname=\"run\""));
  EXPECT_THAT(xml, HasSubstr("<error type=\"RUN\" message=\"no &lt;answer&gt;\">"));
  EXPECT_THAT(SummaryText(run, {}), HasSubstr("the run failed: no <answer>"));
}

TEST(ProfileComplaintTest, StandsInJunitAndText) {
  const v1::RunResult run = Parse(R"(
    profile: "p.textproto" profile_complaint { id: "a/*" message: "is stale" line: 3 }
    result { id: "a/b" area: "a" verdict: PASS })");
  const std::string xml = ToJunit(run, false);
  EXPECT_THAT(xml, HasSubstr("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\""));
  EXPECT_THAT(xml, HasSubstr("<testcase name=\"profile/a/*\" classname=\"profile\""));
  EXPECT_THAT(xml, HasSubstr("message=\"p.textproto:3: entry a/* is stale\""));
  const std::string text = SummaryText(run, {});
  EXPECT_THAT(text, HasSubstr("profile: 1 entry no longer holds"));
  EXPECT_THAT(text, HasSubstr("  p.textproto:3: entry a/* is stale\n"));
  v1::RunResult two = run;
  *two.add_profile_complaint() = run.profile_complaint(0);
  EXPECT_THAT(SummaryText(two, {}), HasSubstr("profile: 2 entries no longer hold"));
}

TEST(WarnTest, IsAsReadableAsFail) {
  v1::RunResult run = Parse(R"(
    result {
      id: "a/b" area: "a" verdict: WARN replay: "pushpull run --only a/b"
      failure { message: "monitor: x: y" file: "a/b.textproto" line: 4 }
    })");
  for (int i = 0; i < 10; ++i) {
    v1::Violation* violation = run.mutable_result(0)->add_violation();
    violation->set_rule(i % 5 == 4 ? "other" : "x");
    violation->set_message(absl::StrCat("y ", i));
    violation->set_frame(static_cast<uint32_t>(i));
  }
  const std::string text = CaseText(run.result(0), {});
  EXPECT_THAT(text, HasSubstr("script:      a/b.textproto:4\n"));
  EXPECT_THAT(text, HasSubstr("replay:      pushpull run --only a/b\n"));
  EXPECT_THAT(text, HasSubstr("PDU 0: y 0 (x, ); 8 times, also at PDU 1, 2, 3, 5, 6 ...\n"));
  EXPECT_THAT(text, HasSubstr("PDU 4: y 4 (other, ); 2 times, also at PDU 9\n"));
  EXPECT_THAT(text, Not(HasSubstr("y 1")));
  const std::string xml = ToJunit(run, false);
  EXPECT_THAT(xml, HasSubstr("<system-out>WARN: monitor: x: y"));
  EXPECT_THAT(xml, HasSubstr("replay: pushpull run --only a/b"));
}

TEST(ResultFolderTest, WritesWhatCanBeReadBack) {
  const std::string path = ::testing::TempDir() + "/results/nested";
  absl::StatusOr<ResultFolder> folder = ResultFolder::Create(path);
  ASSERT_TRUE(folder.ok()) << folder.status();
  ASSERT_TRUE(folder->WriteRun(SampleRun(), false).ok());
  std::ifstream file(path + "/result.json");
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  v1::RunResult back;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &back).ok());
  EXPECT_EQ(back.result_size(), 6);
  EXPECT_TRUE(std::filesystem::exists(path + "/junit.xml"));
  EXPECT_FALSE(std::filesystem::exists(path + "/junit.xml.part"));
  EXPECT_EQ(folder->CasePath("login/a#row 1", "wire.pcapng"), "cases/login/a.row.1/wire.pcapng");
}

TEST(ResultFolderTest, LeavesNothingOfAnEarlierRunAndAllThatIsTheUsers) {
  namespace fs = std::filesystem;
  const fs::path path = ::testing::TempDir() + "/again";
  const auto write = [&](const char* file, const char* text = "x") {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file) << text;
  };
  const std::vector<const char*> ours = {"report.txt",
                                         "report.html",
                                         "cases/a/one/wire.json",
                                         "cases/a/one/wire.txt",
                                         "cases/a/one/wire.pcapng",
                                         "cases/a/one/before.txt",
                                         "cases/a/one/after.txt",
                                         "cases/a/one/restart.txt",
                                         "cases/a/one/link.txt",
                                         "cases/a/one/link_reset.txt",
                                         "cases/a/one/put_back.txt",
                                         "cases/a/one/disturbed_1.txt",
                                         "cases/a/one/initiator.txt",
                                         "cases/a/one.row/scenario.textproto",
                                         "cases/a/two/hook_x.txt",
                                         "cases/a/two/wire.txt.part"};
  const std::vector<const char*> users = {"notes.txt", "cases/a/two/notes.txt", "cases/mine",
                                          "cases/a/two/hook_x.json", "other/wire.txt"};
  for (const char* file : ours) write(file);
  for (const char* file : users) write(file);
  fs::create_directory_symlink(path / "other", path / "cases/link");
  // No result.json: nobody knows whose these are.
  ASSERT_TRUE(ResultFolder::Create(path.string()).ok());
  for (const char* file : ours) EXPECT_TRUE(fs::exists(path / file)) << file;
  for (const char* foreign : {"x", "", "{}", "[1]", R"({"passed": 3})"}) {
    write("result.json", foreign);
    const absl::Status status = ResultFolder::Create(path.string()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << foreign;
    EXPECT_THAT(std::string(status.message()), HasSubstr("no run of this program wrote it"));
  }
  for (const char* file : ours) EXPECT_TRUE(fs::exists(path / file)) << file;
  write("result.json", R"({"schema_version": 1, "of_a_later_version": 2})");
  ASSERT_TRUE(ResultFolder::Create(path.string()).ok());
  for (const char* file : ours) EXPECT_FALSE(fs::exists(path / file)) << file;
  for (const char* file : users) EXPECT_TRUE(fs::exists(path / file)) << file;
  EXPECT_FALSE(fs::exists(path / "cases/a/one"));
}

TEST(ResultFolderTest, SaysWhyItCannotBeWritten) {
  const std::string path = ::testing::TempDir() + "/in_the_way";
  absl::StatusOr<ResultFolder> folder = ResultFolder::Create(path);
  ASSERT_TRUE(folder.ok());
  std::filesystem::create_directories(path + "/result.json.part");
  const absl::Status status = folder->WriteRun(SampleRun(), false);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("result.json: Is a directory"));
}

TEST(ResultFolderTest, WhatCouldNotBeWrittenLeavesNoPart) {
  absl::StatusOr<ResultFolder> folder = ResultFolder::Create(::testing::TempDir() + "/part");
  ASSERT_TRUE(folder.ok());
  std::filesystem::create_directories(folder->path() + "/x.part");
  EXPECT_FALSE(folder->Write("x", "1").ok());
  EXPECT_FALSE(std::filesystem::exists(folder->path() + "/x.part"));
}

TEST(ResultFolderTest, IsForOneRunAtATime) {
  const std::string path = ::testing::TempDir() + "/one_run";
  {
    const absl::StatusOr<ResultFolder> first = ResultFolder::Create(path);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_THAT(std::string(ResultFolder::Create(path).status().message()),
                HasSubstr("another run writes into " + path));
  }
  EXPECT_TRUE(ResultFolder::Create(path).ok());
}

TEST(ResultFolderTest, KeepsTheNamesOfFieldsAndWhatAFolderMayBeCalled) {
  v1::RunResult run;
  run.set_tool_version("9");
  EXPECT_THAT(*ToJson(run), HasSubstr("\"tool_version\": \"9\""));
  const absl::StatusOr<ResultFolder> folder = ResultFolder::Create(::testing::TempDir() + "/names");
  ASSERT_TRUE(folder.ok());
  EXPECT_EQ(folder->CasePath("aZ-9_./x:y", "f"), "cases/aZ-9_./x.y/f");
}

TEST(ResultFolderTest, SaysWhatToDoWhenTheNameIsTaken) {
  const std::string path = ::testing::TempDir() + "/taken";
  std::ofstream(path) << "x";
  const absl::StatusOr<ResultFolder> folder = ResultFolder::Create(path);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(std::string(folder.status().message()),
              HasSubstr("there is a file of that name; choose another with --out"));
}

}  // namespace
}  // namespace pushpull::conformance
