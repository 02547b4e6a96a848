#include "conformance/runner/suite.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Made {
  std::string id;
  std::string text;  // level, tags, since, sweep
};

std::vector<Case> Cases(const std::vector<Made>& all) {
  std::vector<ScenarioFile> files;
  for (const Made& one : all) {
    auto file = ParseScenario(absl::StrCat("id: \"", one.id, "\" ", one.text), one.id);
    EXPECT_TRUE(file.ok()) << file.status();
    files.push_back(*std::move(file));
  }
  auto cases = Expand(files);
  EXPECT_TRUE(cases.ok()) << cases.status();
  return *std::move(cases);
}

constexpr char kSweep[] = " sweep { row { name: 'one' } row { name: 'two' } }";

std::vector<Case> Some() {
  return Cases({{"login/must", "level: MUST since: 1"},
                {"login/should", "level: SHOULD since: 1 tag: \"slow\""},
                {"nop/may", "level: MAY since: 2"},
                {"nop/robust", "level: ROBUSTNESS since: 3"},
                {"text/sweep", absl::StrCat("level: MUST since: 1", kSweep)}});
}

std::vector<std::string> Ids(const std::vector<Case>& cases) {
  std::vector<std::string> ids;
  for (const Case& c : cases) ids.push_back(c.id());
  return ids;
}

std::vector<std::string> Chosen(const Selection& selection) {
  return Ids(Select(Some(), selection));
}

Selection Only(std::vector<std::string> only, std::vector<std::string> exclude = {}) {
  Selection selection;
  selection.only = std::move(only);
  selection.exclude = std::move(exclude);
  return selection;
}

Selection OfLevel(v1::Level level) {
  Selection selection;
  selection.level = level;
  return selection;
}

TEST(SuiteTest, RowsOfASweepAreCasesOfTheirArea) {
  const std::vector<Case> cases = Cases({{"text/sweep", kSweep}});
  EXPECT_THAT(Ids(cases), ElementsAre("text/sweep#one", "text/sweep#two"));
  for (const Case& c : cases) EXPECT_EQ(c.area, "text");
}

TEST(SuiteTest, NothingChosenIsEverything) {
  EXPECT_THAT(Chosen({}), ElementsAre("login/must", "login/should", "nop/may", "nop/robust",
                                      "text/sweep#one", "text/sweep#two"));
}

TEST(SuiteTest, ChoosesByGlobAndByTag) {
  EXPECT_THAT(Chosen(Only({"nop/*"})), ElementsAre("nop/may", "nop/robust"));
  EXPECT_THAT(Chosen(Only({"slow", "nop/m*"})), ElementsAre("login/should", "nop/may"));
  EXPECT_THAT(Chosen(Only({"login/*"}, {"slow"})), ElementsAre("login/must"));
}

TEST(SuiteTest, ASweepIsChosenWholeOrByRow) {
  EXPECT_THAT(Chosen(Only({"text/sweep"})), ElementsAre("text/sweep#one", "text/sweep#two"));
  EXPECT_THAT(Chosen(Only({"text/sweep#two"})), ElementsAre("text/sweep#two"));
  EXPECT_THAT(Chosen(Only({"text/*"}, {"text/sweep#one"})), ElementsAre("text/sweep#two"));
}

TEST(SuiteTest, ALevelLeavesOutWhatIsBelowIt) {
  EXPECT_THAT(Chosen(OfLevel(v1::MUST)),
              ElementsAre("login/must", "nop/robust", "text/sweep#one", "text/sweep#two"));
  EXPECT_THAT(Chosen(OfLevel(v1::SHOULD)), ElementsAre("login/must", "login/should", "nop/robust",
                                                       "text/sweep#one", "text/sweep#two"));
  EXPECT_THAT(Chosen(OfLevel(v1::MAY)), SizeIs(6));
}

TEST(SuiteTest, AnOlderSuiteHasNoLaterCases) {
  Selection selection = Only({"nop/*"});
  selection.max_suite_version = 2;
  EXPECT_THAT(Chosen(selection), ElementsAre("nop/may"));
}

TEST(SuiteTest, OnlyAVeryIdNamesACase) {
  for (const Case& c : Select(Some(), Only({"login/must", "nop/*", "text/sweep", "slow"}))) {
    EXPECT_EQ(c.named, c.id() == "login/must" || c.area == "text") << c.id();
  }
}

TEST(SuiteTest, PatternsThatMatchNothingAreTold) {
  const std::vector<Case> cases = Some();
  EXPECT_THAT(UnmatchedPatterns({"nop/*", "slow", "text/sweep", "text/sweep#one"}, cases),
              IsEmpty());
  EXPECT_THAT(UnmatchedPatterns({"login/mist", "nop", "slow"}, cases),
              ElementsAre(AllOf(HasSubstr("\"login/mist\" matches no case; nearest: login/must"),
                                Not(HasSubstr("suite is"))),
                          "\"nop\" matches no case; the suite is 'nop/*'"));
  EXPECT_THAT(UnmatchedPatterns({"slwo"}, cases), ElementsAre(HasSubstr("nearest: slow")));
  EXPECT_THAT(UnmatchedPatterns({"log"}, cases), ElementsAre(Not(HasSubstr("suite is"))));
  EXPECT_THAT(UnmatchedPatterns({"x"}, {}), ElementsAre("\"x\" matches no case"));
}

TEST(SuiteTest, TwoOfTheNearestAreTold) {
  EXPECT_THAT(
      UnmatchedPatterns({"a/near"}, Cases({{"a/near1", ""}, {"a/near2", ""}, {"a/near3", ""}})),
      ElementsAre("\"a/near\" matches no case; nearest: a/near1, a/near2"));
}

TEST(SuiteTest, FilesAreSortedAndCalledAsTheirIds) {
  const base::EmbeddedFile files[] = {{"suites/b/x.textproto", "id: \"b/x\""},
                                      {"suites/a/y.textproto", "id: \"a/y\""}};
  const auto parsed = ParseSuites(files, "suites/");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->size(), 2u);
  EXPECT_EQ((*parsed)[0].scenario.id(), "a/y");

  const base::EmbeddedFile wrong[] = {{"suites/a/y.textproto", "id: \"a/z\""}};
  EXPECT_EQ(ParseSuites(wrong, "suites/").status().message(),
            "suites/a/y.textproto: its id is \"a/z\"; it must be \"a/y\", as the file is called");
}

TEST(SuiteTest, WhatChangesTheLinkStandsApart) {
  const auto built_in = BuiltInSuites();
  const auto link = LinkSuites();
  ASSERT_TRUE(built_in.ok() && link.ok());
  EXPECT_THAT(*built_in, Not(IsEmpty()));
  EXPECT_THAT(*link, Not(IsEmpty()));
  for (const ScenarioFile& file : *built_in) EXPECT_FALSE(file.scenario.has_fabric()) << file.path;
  for (const ScenarioFile& file : *link) EXPECT_TRUE(file.scenario.has_fabric()) << file.path;
}

}  // namespace
}  // namespace pushpull::conformance
