#include "tools/pushpull/list.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/embedded_file.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/scenario/scenario_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using conformance::Case;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Two cases of one suite, one of which is a sweep of two rows; and one of another.
std::vector<Case> Cases() {
  const std::pair<const char*, const char*> kFiles[] = {
      {"a/one", R"(title: "Says \"a|b\"." level: MUST cite: "R-2" alias: "x.y" alias: "z" tag: "t"
                   since: 1 version: 2 step { cite: "R-1" login {} })"},
      {"a/swept", R"(title: "Each." alias: "s" level: SHOULD cite: "R-2" since: 1 version: 1
                     step { login {} } sweep { row { name: "p" } row { name: "q" } })"},
      {"b/plain", "step { login {} }"},
  };
  std::vector<conformance::ScenarioFile> files;
  for (const auto& [id, text] : kFiles) {
    auto file = conformance::ParseScenario(absl::StrCat("id: \"", id, "\" ", text),
                                           absl::StrCat(id, ".textproto"));
    EXPECT_TRUE(file.ok()) << file.status();
    if (file.ok()) files.push_back(*file);
  }
  auto cases = conformance::Expand(files);
  EXPECT_TRUE(cases.ok()) << cases.status();
  return *cases;
}

TEST(ListCasesTest, AsText) {
  EXPECT_EQ(ListCases(Cases(), "text"), R"(a/one
    Says "a|b".
    (x.y, z)
    MUST: R-1, R-2
a/swept#p
    Each.
    (s)
    SHOULD: R-2
a/swept#q
    Each.
    (s)
    SHOULD: R-2
b/plain
)");
}

TEST(ListCasesTest, WhatIsKnownOfItsDutyIsTold) {
  Case one = Cases()[3];
  one.script.scenario.set_level(v1::MAY);
  EXPECT_THAT(ListCases({one}, "text"), HasSubstr("MAY"));
  one = Cases()[3];
  one.script.scenario.add_cite("R-1");
  EXPECT_THAT(ListCases({one}, "text"), HasSubstr("R-1"));
}

TEST(ListCasesTest, AsATable) {
  EXPECT_EQ(ListCases({Cases()[0]}, "md"),
            "| case | level | requirements | what a target that passes does |\n|---|---|---|---|\n"
            "| a/one | MUST | R-1, R-2 | Says \"a\\|b\". (x.y, z) |\n");
}

TEST(ListCasesTest, AsJson) {
  EXPECT_EQ(ListCases({Cases()[0], Cases()[3]}, "json"),
            "[\n"
            R"(  {"id": "a/one", "level": "MUST", "title": "Says \"a|b\".", )"
            R"("cite": ["R-1", "R-2"], "tag": ["t"], "alias": ["x.y", "z"], )"
            R"("since": 1, "version": 2},)"
            "\n"
            R"(  {"id": "b/plain", "level": "LEVEL_UNSPECIFIED", "title": "", )"
            R"("cite": [], "tag": [], "alias": [], "since": 0, "version": 0})"
            "\n]\n");
}

TEST(ListCasesTest, ControlCharactersAreEscapedInJson) {
  Case odd = Cases()[3];
  odd.script.scenario.set_title("a\tb\\c\x1f");
  EXPECT_THAT(ListCases({odd}, "json"), HasSubstr(R"("title": "a\u0009b\\c\u001f")"));
  odd.script.scenario.set_title("a b");
  EXPECT_THAT(ListCases({odd}, "json"), HasSubstr(R"("title": "a b")"));
}

TEST(ListSuitesTest, CountsCases) {
  EXPECT_EQ(ListSuites(Cases(), "text"), "a                3 cases\nb                1 case\n");
  EXPECT_EQ(ListSuites(Cases(), "md"), "| suite | cases |\n|---|---|\n| a | 3 |\n| b | 1 |\n");
  EXPECT_EQ(ListSuites(Cases(), "json"),
            "[\n  {\"suite\": \"a\", \"cases\": 3},\n  {\"suite\": \"b\", \"cases\": 1}\n]\n");
}

conformance::Catalogue Rows() {
  constexpr char kRows[] = R"(
    requirement { id: "R-1" section: "1" level: "MUST" requirement: "do|this" side: TARGET_SIDE
                  transports: BOTH }
    requirement { id: "R-2" section: "1" level: "SHOULD" requirement: "do that" side: TARGET_SIDE
                  transports: BOTH }
    requirement { id: "R-3" section: "1" level: "MUST" requirement: "far" side: TARGET_SIDE
                  transports: BOTH out_of_reach: "nobody sees it" }
    requirement { id: "R-4" section: "1" level: "MUST" requirement: "later" side: TARGET_SIDE
                  transports: BOTH not_yet: "soon" }
    requirement { id: "R-5" section: "1" level: "MUST" requirement: "gap" side: TARGET_SIDE
                  transports: BOTH }
    requirement { id: "RFC7143-4.2.2.2-a" section: "1" level: "MUST" requirement: "ruled"
                  side: TARGET_SIDE transports: BOTH }
    requirement { id: "R-I" section: "1" level: "MUST" requirement: "theirs" side: INITIATOR_SIDE
                  transports: BOTH })";
  const base::EmbeddedFile file = {.path = "rows", .contents = kRows};
  auto catalogue = conformance::Catalogue::Parse({&file, 1});
  EXPECT_TRUE(catalogue.ok()) << catalogue.status();
  return *catalogue;
}

TEST(ListRequirementsTest, NamesTheCasesOfEachAndTheGaps) {
  const std::string text = ListRequirements(Cases(), /*only_cited=*/false, Rows(), "text");
  EXPECT_THAT(text, testing::StartsWith(R"(R-1 (MUST): do|this
    a/one
R-2 (SHOULD): do that
    a/one, a/swept
R-3 (MUST): far
    nobody sees it
R-4 (MUST): later
    soon
R-5 (MUST): gap
    no case
RFC7143-4.2.2.2-a (MUST): ruled
    every case, by )"));
  EXPECT_THAT(text, testing::EndsWith("\n\n2 of 6 requirements on targets are cited by a case, 1 "
                                      "more by a rule of the monitor.\n"));
  EXPECT_THAT(text, Not(HasSubstr("R-I"))) << "it is the initiator's";
}

TEST(ListRequirementsTest, WhatACaseCitesNoRuleNeedsToWatch) {
  Case cites = Cases()[3];
  cites.script.scenario.add_cite("RFC7143-4.2.2.2-a");
  EXPECT_THAT(ListRequirements({cites}, /*only_cited=*/false, Rows(), "text"),
              testing::EndsWith("1 of 6 requirements on targets are cited by a case, 0 more by a "
                                "rule of the monitor.\n"));
}

TEST(ListRequirementsTest, OfSomeCasesWhatNoneCitesIsLeftOut) {
  EXPECT_EQ(ListRequirements({Cases()[1]}, /*only_cited=*/true, Rows(), "text"),
            "R-2 (SHOULD): do that\n    a/swept\n\n"
            "1 of 6 requirements on targets are cited by the cases of --only.\n");
}

TEST(ListRequirementsTest, AsATable) {
  const std::string table = ListRequirements({Cases()[0]}, /*only_cited=*/false, Rows(), "md");
  EXPECT_THAT(table, AllOf(testing::StartsWith("| requirement | level | what | cases |\n"
                                               "|---|---|---|---|\n"
                                               "| R-1 | MUST | do\\|this | a/one |\n"),
                           HasSubstr("\n| R-3 | MUST | far | nobody sees it |\n")));
}

TEST(ListRequirementsTest, AsJson) {
  EXPECT_EQ(ListRequirements(Cases(), /*only_cited=*/true, Rows(), "json"),
            "[\n"
            R"(  {"id": "R-1", "level": "MUST", "requirement": "do|this", )"
            R"("cases": ["a/one"], "rules": [], "out_of_reach": "", "not_yet": ""},)"
            "\n"
            R"(  {"id": "R-2", "level": "SHOULD", "requirement": "do that", )"
            R"("cases": ["a/one", "a/swept"], "rules": [], "out_of_reach": "", "not_yet": ""})"
            "\n]\n");
  EXPECT_THAT(
      ListRequirements({}, /*only_cited=*/false, Rows(), "json"),
      AllOf(HasSubstr("\"out_of_reach\": \"nobody sees it\""), HasSubstr("\"not_yet\": \"soon\""),
            HasSubstr("\"rules\": [\"stat_sn_increments\"")));
}

}  // namespace
}  // namespace pushpull::tools
