// Each rule by a trace that breaks it and one that only just doesn't.

#include "conformance/monitor/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "conformance/monitor/rule_case.h"
#include "conformance/monitor/trace.h"
#include "conformance/requirements/catalogue.h"

namespace pushpull::conformance {
namespace {

std::vector<RuleCase> AllCases(Judged judged) {
  std::vector<std::vector<RuleCase>> parts;
  if (judged == Judged::kTarget) {
    parts = {FormatCases(),
             NumberingCases(),
             TaskCases(),
             DataInCases(),
             R2tCases(),
             ResponseCases(),
             LoginCases(),
             KeyCases(),
             TextCases(),
             ServiceCases(),
             FormatOfEachKindCases(),
             EdgeCases(),
             ServiceEdgeCases(),
             TaskEdgeCases(),
             SequenceCases(),
             ScsiNameCases(),
             ScsiListCases()};
  } else {
    parts = {InitiatorFormatCases(), InitiatorNumberingCases(), InitiatorTaskCases(),
             InitiatorLoginCases(),  InitiatorTextCases(),      InitiatorCommandCases(),
             InitiatorDataCases(),   InitiatorEdgeCases(),      RequestCases(),
             RequestDataCases()};
  }
  std::vector<RuleCase> all;
  for (const auto& cases : parts) all.insert(all.end(), cases.begin(), cases.end());
  return all;
}

std::vector<Rule> AllRules() {
  std::vector<Rule> all(TargetRules().begin(), TargetRules().end());
  all.insert(all.end(), InitiatorRules().begin(), InitiatorRules().end());
  return all;
}

std::string ToString(const std::vector<v1::Violation>& violations) {
  std::string text;
  for (const v1::Violation& v : violations) {
    absl::StrAppend(&text, v.frame(), " ", v.rule(), ": ", v.message(), "\n");
  }
  return text;
}

// Of the initiator only, where it is judged: what the target says in such a trace is of no account.
std::vector<v1::Violation> Found(const std::string& trace, Judged judged) {
  std::vector<v1::Violation> found = ViolationsOf(trace, judged);
  if (judged == Judged::kTarget) return found;
  std::erase_if(found, [](const v1::Violation& one) {
    return FindRule(one.rule())->side == v1::TARGET_SIDE;
  });
  return found;
}

class MonitorRules : public ::testing::TestWithParam<Judged> {};

TEST_P(MonitorRules, AreBrokenByWhatBreaksThem) {
  for (const RuleCase& c : AllCases(GetParam())) {
    const std::vector<v1::Violation> violations = Found(c.broken, GetParam());
    EXPECT_EQ(violations.size(), 1u) << c.rule << "\n" << c.broken << ToString(violations);
    if (!violations.empty()) {
      EXPECT_EQ(violations[0].rule(), c.rule) << c.broken << ToString(violations);
    }
  }
}

TEST_P(MonitorRules, AreSilentWhereNothingBreaksThem) {
  for (const RuleCase& c : AllCases(GetParam())) {
    const std::vector<v1::Violation> violations = Found(c.right, GetParam());
    EXPECT_TRUE(violations.empty()) << c.rule << "\n" << c.right << ToString(violations);
  }
}

INSTANTIATE_TEST_SUITE_P(Sides, MonitorRules, ::testing::Values(Judged::kTarget, Judged::kBoth),
                         [](const auto& info) {
                           return info.param == Judged::kTarget ? "Target" : "Initiator";
                         });

TEST(MonitorTable, AllHaveACase) {
  std::set<std::string_view> tested;
  for (const Judged judged : {Judged::kTarget, Judged::kBoth}) {
    for (const RuleCase& c : AllCases(judged)) tested.insert(c.rule);
  }
  std::set<std::string_view> names;
  for (const Rule& rule : AllRules()) {
    EXPECT_TRUE(tested.contains(rule.name)) << rule.name;
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
  }
}

TEST(MonitorTable, CiteRowsThatAreThere) {
  for (const Rule& rule : AllRules()) {
    std::string_view rest = rule.cite;
    while (!rest.empty()) {
      const std::string_view id = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(rest.size(), id.size() + 1));
      EXPECT_NE(Catalogue::BuiltIn().Find(id), nullptr) << rule.name << ": " << id;
    }
    EXPECT_TRUE(rule.level == "MUST" || rule.level == "SHOULD") << rule.name;
    EXPECT_TRUE(rule.section.starts_with("RFC 714") || rule.section.starts_with("SPC-4"))
        << rule.name;
  }
}

TEST(Monitor, SaysWhatAReaderNeeds) {
  const std::vector<v1::Violation> violations =
      ViolationsOf(Lines({"login", kPing, "< nop_in { stat_sn: 1002 }"}));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].frame(), 4u);
  EXPECT_EQ(violations[0].section(), "RFC 7143 §4.2.2.2");
  EXPECT_EQ(violations[0].level(), "MUST");
  EXPECT_EQ(violations[0].cite(0), "RFC7143-4.2.2.2-a");
  EXPECT_EQ(violations[0].message(), "StatSN is 1002, not 1001");
}

TEST(Monitor, KeepsAFewViolationsOfEachRule) {
  std::string trace = "login\n";
  for (int i = 0; i < 30; ++i) absl::StrAppend(&trace, "< raw { bhs: '\\x2a' }\n");
  EXPECT_EQ(ViolationsOf(trace).size(), 10u);
}

}  // namespace
}  // namespace pushpull::conformance
