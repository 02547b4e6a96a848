#include <google/protobuf/text_format.h>
#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <fstream>
#include <iterator>

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

TEST(ResultFolderTest, SaysWhatToDoWhenTheNameIsTaken) {
  const std::string path = ::testing::TempDir() + "/taken";
  std::ofstream(path) << "x";
  const absl::StatusOr<ResultFolder> folder = ResultFolder::Create(path);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(std::string(folder.status().message()), HasSubstr("--out"));
}

}  // namespace
}  // namespace pushpull::conformance
