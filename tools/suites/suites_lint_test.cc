// Every case of the suites is sound: it lints, cites rows that exist, and names defects that exist.

#include <map>
#include <set>
#include <string>

#include "conformance/requirements/catalogue.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/lint.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"

namespace pushpull::tools {
namespace {

class SuitesLintTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::vector<conformance::ScenarioFile>> files = conformance::BuiltInSuites();
    ASSERT_TRUE(files.ok()) << files.status();
    files_ = *std::move(files);
    const auto of_link = conformance::LinkSuites();
    ASSERT_TRUE(of_link.ok()) << of_link.status();
    EXPECT_GE(of_link->size(), 8u);
    files_.insert(files_.end(), of_link->begin(), of_link->end());
  }

  std::vector<conformance::ScenarioFile> files_;
};

TEST_F(SuitesLintTest, NothingIsWrong) {
  std::set<std::string> requirements, mutants;
  for (const auto& [id, row] : conformance::Catalogue::BuiltIn().rows()) requirements.insert(id);
  for (const target::BugInfo& bug : target::AllBugs()) mutants.emplace(bug.name);
  conformance::LintOptions options;
  options.requirements = &requirements;
  options.mutants = &mutants;
  for (const conformance::ScenarioFile& file : files_) {
    options.id = conformance::IdOfPath("conformance/suites/", file.path);
    for (const conformance::LintError& error : conformance::Lint(file, options)) {
      ADD_FAILURE() << error.ToString();
    }
  }
}

TEST_F(SuitesLintTest, EachAreaHasCasesAndManyRowsAreCited) {
  std::map<std::string, int> areas;
  std::set<std::string> rows;
  for (const conformance::ScenarioFile& file : files_) {
    const std::string& id = file.scenario.id();
    ++areas[id.substr(0, id.find('/'))];
    rows.insert(file.scenario.cite().begin(), file.scenario.cite().end());
  }
  for (const char* area : {"login", "negotiation", "sequencing", "read", "write", "nop", "text",
                           "tmf", "logout", "digests", "bad_pdu"}) {
    EXPECT_GE(areas[area], 5) << area;
  }
  EXPECT_GE(files_.size(), 60u);
  EXPECT_GE(rows.size(), 45u);
}

// What no case asks for says why.
TEST_F(SuitesLintTest, EachRowOfIserHasACaseOrAReason) {
  std::set<std::string> cited;
  for (const conformance::ScenarioFile& file : files_) {
    cited.insert(file.scenario.cite().begin(), file.scenario.cite().end());
  }
  int rows = 0;
  for (const auto& [id, row] : conformance::Catalogue::BuiltIn().rows()) {
    if (row.rfc() != "RFC7145" || row.side() != v1::TARGET_SIDE) continue;
    ++rows;
    EXPECT_TRUE(cited.contains(id) || !row.out_of_reach().empty()) << id;
  }
  EXPECT_GE(rows, 78);
}

}  // namespace
}  // namespace pushpull::tools
