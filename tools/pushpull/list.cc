#include "tools/pushpull/list.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "conformance/monitor/rules.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

std::string JsonString(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <typename Strings>
std::string JsonList(const Strings& strings) {
  return absl::StrCat("[",
                      absl::StrJoin(strings, ", ",
                                    [](std::string* out, const auto& text) {
                                      absl::StrAppend(out, JsonString(text));
                                    }),
                      "]");
}

// In a table's cell.
std::string Cell(const std::string& text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

// How other suites call it.
std::string AliasesOf(const v1::Scenario& scenario) {
  if (scenario.alias_size() == 0) return "";
  return absl::StrCat(" (", absl::StrJoin(scenario.alias(), ", "), ")");
}

std::set<std::string> CitedBy(const v1::Scenario& scenario) {
  std::set<std::string> rows(scenario.cite().begin(), scenario.cite().end());
  for (const v1::Step& step : scenario.step()) rows.insert(step.cite().begin(), step.cite().end());
  return rows;
}

}  // namespace

std::string ListCases(const std::vector<Case>& cases, std::string_view format) {
  std::string out;
  if (format == "md")
    out = "| case | level | requirements | what a target that passes does |\n|---|---|---|---|\n";
  if (format == "json") out = "[\n";
  for (size_t i = 0; i < cases.size(); ++i) {
    const v1::Scenario& scenario = cases[i].scenario();
    const std::set<std::string> rows = CitedBy(scenario);
    const std::string level = v1::Level_Name(scenario.level());
    if (format == "json") {
      absl::StrAppend(
          &out, "  {\"id\": ", JsonString(scenario.id()), ", \"level\": ", JsonString(level),
          ", \"title\": ", JsonString(scenario.title()), ", \"cite\": ", JsonList(rows),
          ", \"tag\": ", JsonList(scenario.tag()), ", \"alias\": ", JsonList(scenario.alias()),
          ", \"since\": ", scenario.since(), ", \"version\": ", scenario.version(), "}",
          i + 1 < cases.size() ? ",\n" : "\n");
    } else if (format == "md") {
      absl::StrAppend(&out, "| ", Cell(scenario.id()), " | ", level, " | ",
                      absl::StrJoin(rows, ", "), " | ", Cell(scenario.title()), AliasesOf(scenario),
                      " |\n");
    } else {
      absl::StrAppend(&out, scenario.id(), "\n");
      if (!scenario.title().empty()) absl::StrAppend(&out, "    ", scenario.title(), "\n");
      if (scenario.alias_size() > 0) absl::StrAppend(&out, "   ", AliasesOf(scenario), "\n");
      if (scenario.level() == v1::LEVEL_UNSPECIFIED && rows.empty()) continue;
      absl::StrAppend(&out, "    ", level, ": ", absl::StrJoin(rows, ", "), "\n");
    }
  }
  if (format == "json") out += "]\n";
  return out;
}

std::string ListSuites(const std::vector<Case>& cases, std::string_view format) {
  std::map<std::string, size_t> suites;
  for (const Case& c : cases) ++suites[c.area];
  if (format == "json") {
    std::string out;
    for (const auto& [suite, count] : suites) {
      absl::StrAppend(&out, out.empty() ? "[\n" : ",\n", "  {\"suite\": ", JsonString(suite),
                      ", \"cases\": ", count, "}");
    }
    return out + "\n]\n";
  }
  std::string out;
  if (format == "md") out = "| suite | cases |\n|---|---|\n";
  for (const auto& [suite, count] : suites) {
    if (format == "md") {
      absl::StrAppend(&out, "| ", Cell(suite), " | ", count, " |\n");
    } else {
      absl::StrAppendFormat(&out, "%-16s %d %s\n", suite, count, count == 1 ? "case" : "cases");
    }
  }
  return out;
}

std::string ListRequirements(const std::vector<Case>& cases, bool only_cited,
                             const conformance::Catalogue& catalogue, std::string_view format) {
  // A sweep's rows stand for their scenario.
  std::map<std::string, std::set<std::string>> cited;
  for (const Case& c : cases) {
    for (const std::string& row : CitedBy(c.scenario())) {
      cited[row].insert(c.id().substr(0, c.id().find('#')));
    }
  }
  std::map<std::string, std::set<std::string>> ruled;  // by what the monitor asks of every PDU
  for (const conformance::Rule& rule : conformance::TargetRules()) {
    const std::string cite(rule.cite);
    for (const auto& row : absl::StrSplit(cite, ' ', absl::SkipEmpty())) {
      ruled[std::string(row)].insert(std::string(rule.name));
    }
  }
  std::string out;
  if (format == "md") out = "| requirement | level | what | cases |\n|---|---|---|---|\n";
  if (format == "json") out = "[\n";
  size_t covered = 0, watched = 0, total = 0;
  bool first = true;
  for (const auto& [id, row] : catalogue.rows()) {
    if (row.side() != v1::TARGET_SIDE) continue;
    ++total;
    const std::set<std::string>& by = cited[id];
    const std::set<std::string>& rules = ruled[id];
    covered += !by.empty();
    watched += by.empty() && !rules.empty();
    if (only_cited && by.empty()) continue;
    const std::string gap = !rules.empty()
                                ? absl::StrCat("every case, by ", absl::StrJoin(rules, ", "))
                            : !row.out_of_reach().empty() ? row.out_of_reach()
                            : !row.not_yet().empty()      ? row.not_yet()
                                                          : "no case";
    if (format == "json") {
      absl::StrAppend(&out, first ? "" : ",\n", "  {\"id\": ", JsonString(id),
                      ", \"level\": ", JsonString(row.level()),
                      ", \"requirement\": ", JsonString(row.requirement()),
                      ", \"cases\": ", JsonList(by), ", \"rules\": ", JsonList(rules),
                      ", \"out_of_reach\": ", JsonString(row.out_of_reach()),
                      ", \"not_yet\": ", JsonString(row.not_yet()), "}");
    } else if (format == "md") {
      absl::StrAppend(&out, "| ", id, " | ", row.level(), " | ", Cell(row.requirement()), " | ",
                      by.empty() ? gap : absl::StrJoin(by, ", "), " |\n");
    } else {
      absl::StrAppend(&out, id, " (", row.level(), "): ", row.requirement(), "\n    ",
                      by.empty() ? gap : absl::StrJoin(by, ", "), "\n");
    }
    first = false;
  }
  if (format == "json") {
    out += "\n]\n";
  } else {
    absl::StrAppendFormat(&out, "\n%d of %d requirements on targets are cited by %s", covered,
                          total, only_cited ? "the cases of --only" : "a case");
    if (!only_cited) absl::StrAppendFormat(&out, ", %d more by a rule of the monitor", watched);
    out += ".\n";
  }
  return out;
}

}  // namespace pushpull::tools
