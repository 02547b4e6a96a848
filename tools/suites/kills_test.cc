// Every case can fail: each kills the mutants that it names, at a step or by a rule of the monitor
// that judges a row which the mutant breaks. A time-out or an error is no kill.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/text.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

std::map<std::string, std::vector<Case>> CasesByMutant() {
  std::map<std::string, std::vector<Case>> by_mutant;
  for (const Case& c : AllCases()) {
    for (const std::string& name : c.scenario().kills()) by_mutant[name].push_back(c);
  }
  return by_mutant;
}

std::set<std::string> RowsOf(target::Bug bug) {
  const target::BugInfo& info = target::AllBugs()[static_cast<size_t>(bug)];
  return absl::StrSplit(base::ToAbsl(info.rows), ',');
}

// Whether a failed result names one of these rows, at its step or by the monitor.
bool Judges(const v1::CaseResult& result, const std::set<std::string>& rows) {
  const auto any = [&rows](const auto& cited) {
    return std::any_of(cited.begin(), cited.end(),
                       [&rows](const std::string& row) { return rows.contains(row); });
  };
  return any(result.failure().cite()) ||
         std::any_of(result.violation().begin(), result.violation().end(),
                     [&any](const v1::Violation& violation) { return any(violation.cite()); });
}

class KillsTest : public ::testing::TestWithParam<std::string> {};

TEST_P(KillsTest, EachCaseThatNamesItFails) {
  const target::Bug bug = target::ParseBugName(GetParam()).value();
  const std::set<std::string> rows = RowsOf(bug);
  const std::vector<Case> cases = CasesByMutant()[GetParam()];
  target::BugSet bugs;
  bugs.Add(bug);

  // A sweep kills by any of its rows.
  std::map<std::string, std::string> scenarios;
  for (const v1::CaseResult& result : PlayDirectly(cases, bugs)) {
    const std::string scenario = result.id().substr(0, result.id().find('#'));
    const bool failed = result.verdict() == v1::FAIL || result.verdict() == v1::WARN;
    if (failed && Judges(result, rows)) {
      scenarios[scenario] = "killed";
    } else if (scenarios[scenario] != "killed") {
      scenarios[scenario] +=
          absl::StrCat(v1::Verdict_Name(result.verdict()), " ", result.failure().message(), "; ");
    }
  }
  for (const auto& [scenario, fate] : scenarios) {
    EXPECT_EQ(fate, "killed") << scenario << " doesn't kill " << GetParam();
  }
}

std::vector<std::string> NamedMutants() {
  std::vector<std::string> names;
  for (const auto& [name, cases] : CasesByMutant()) names.push_back(name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Mutants, KillsTest, ::testing::ValuesIn(NamedMutants()),
                         [](const auto& info) { return info.param; });

// A case that can't fail is no case.
TEST(MutantsTest, EachCaseNamesOne) {
  std::map<std::string, bool> names_one;  // by id; a sweep by any of its rows
  for (const Case& c : AllCases()) {
    names_one[c.id().substr(0, c.id().find('#'))] |= !c.scenario().kills().empty();
  }
  for (const auto& [id, names] : names_one) {
    EXPECT_TRUE(names) << id << " names no defect that it finds (see kills in scenario.proto)";
  }
}

TEST(MutantsTest, AtLeastFifteenAreNamed) { EXPECT_GE(NamedMutants().size(), 15u); }

TEST(MutantsTest, EachOfIserIsNamed) {
  const auto named = CasesByMutant();
  int of_iser = 0;
  for (const target::BugInfo& bug : target::AllBugs()) {
    if (!bug.name.starts_with("iser_")) continue;
    ++of_iser;
    EXPECT_TRUE(named.contains(std::string(bug.name))) << "no case kills " << bug.name;
  }
  EXPECT_GE(of_iser, 25);
}

}  // namespace
}  // namespace pushpull::tools
