#include "conformance/scenario/scenario_file.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string Write(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string MessageOf(const absl::StatusOr<ScenarioFile>& file) {
  return file.ok() ? "it loaded" : std::string(file.status().message());
}

TEST(ScenarioFileTest, KnowsTheLinesOfStepsRowsAndFields) {
  const auto file = ParseScenario(
      "# a comment\n"
      "id: \"a/b\"\n"
      "cite: \"X\"\n"
      "cite: \"Y\"\n"
      "sweep {\n"
      "  row { name: \"one\" }\n"
      "  row {\n"
      "    name: \"two\"\n"
      "  }\n"
      "}\n"
      "step { login {} }\n"
      "\n"
      "step {\n"
      "  probe {}\n"
      "}\n",
      "f.textproto");
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_THAT(file->step_lines, ElementsAre(11, 13));
  EXPECT_THAT(file->row_lines, ElementsAre(6, 7));
  EXPECT_EQ(file->StepLine(1), 13u);
  EXPECT_EQ(file->StepLine(2), 1u) << "there is no such step";
  EXPECT_EQ(file->FieldLine("id"), 2u);
  EXPECT_EQ(file->FieldLine("cite"), 3u);
  EXPECT_EQ(file->FieldLine("title"), 1u) << "there is no such field";
}

TEST(ScenarioFileTest, ErrorsSayFileLineColumnAndField) {
  EXPECT_EQ(MessageOf(ParseScenario("id: \"a\"\nstep { logn {} }\n", "dir/f.textproto")),
            "dir/f.textproto:2:13: Message type \"pushpull.v1.Step\" has no field named \"logn\".");
  EXPECT_THAT(MessageOf(ParseScenario("since: \"one\"", "f")), StartsWith("f:1:8: "));
  EXPECT_THAT(MessageOf(ParseScenario("level: SURELY", "f")), HasSubstr("SURELY"));
  // Both actions of one step: the oneof is named.
  EXPECT_THAT(MessageOf(ParseScenario("step { login {} probe {} }", "f")), HasSubstr("probe"));
}

TEST(ScenarioFileTest, WhatIsNoTextFileIsSaid) {
  EXPECT_TRUE(absl::IsNotFound(LoadScenario(testing::TempDir() + "/no_such_file").status()));
  EXPECT_THAT(MessageOf(LoadScenario(testing::TempDir())), HasSubstr("is a folder"));
  EXPECT_THAT(MessageOf(LoadScenario("/dev/null")), HasSubstr("no regular file"));
  EXPECT_THAT(MessageOf(LoadScenario(Write("binary", std::string("id\0\x08", 4)))),
              HasSubstr("is binary (a zero byte at offset 2)"));
  EXPECT_TRUE(absl::IsResourceExhausted(
      LoadScenario(Write("large", std::string((16 << 20) + 1, ' '))).status()));
}

TEST(ScenarioFileTest, NestingHasALimit) {
  std::string text = "step { expect { one_of { pdu { data { raw: \"x\" } } } } }";
  EXPECT_TRUE(ParseScenario(text, "f").ok());
  // A list of patches can't nest; unknown nesting is an error, not a deep recursion.
  text = "step { ";
  for (int i = 0; i < 100000; ++i) text += "x { ";
  const auto scenario = ParseScenario(text, "f");
  ASSERT_FALSE(scenario.ok());
  EXPECT_LT(scenario.status().message().size(), 500u);
}

TEST(ScenarioFileTest, FoldersGiveAllScenariosInOrderOrAllErrors) {
  const std::string root = testing::TempDir() + "/suite";
  ASSERT_EQ(0, system(("mkdir -p " + root + "/z " + root + "/a").c_str()));
  std::ofstream(root + "/z/first.textproto") << "id: \"a/first\"";
  std::ofstream(root + "/a/second.textproto") << "id: \"b/second\"";
  std::ofstream(root + "/a/notes.txt") << "no scenario";
  const auto files = LoadScenarios(root);
  ASSERT_TRUE(files.ok()) << files.status().ToString();
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].scenario.id(), "a/first");
  EXPECT_EQ((*files)[1].path, root + "/a/second.textproto");

  std::ofstream(root + "/a/bad.textproto") << "nonsense";
  std::ofstream(root + "/z/worse.textproto") << "step { }}";
  const auto errors = LoadScenarios(root);
  ASSERT_FALSE(errors.ok());
  EXPECT_THAT(std::string(errors.status().message()), HasSubstr("/a/bad.textproto:1:"));
  EXPECT_THAT(std::string(errors.status().message()), HasSubstr("/z/worse.textproto:1:"));
  EXPECT_TRUE(absl::IsNotFound(LoadScenarios(root + "/nowhere").status()));
}

TEST(ScenarioFileTest, IdsArePathsBelowTheRoot) {
  EXPECT_EQ(IdOfPath("suites", "suites/login/isid_kept.textproto"), "login/isid_kept");
  EXPECT_EQ(IdOfPath("suites/", "suites/login/isid_kept.textproto"), "login/isid_kept");
  EXPECT_EQ(IdOfPath("", "login/isid_kept.textproto"), "login/isid_kept");
}

}  // namespace
}  // namespace pushpull::conformance
