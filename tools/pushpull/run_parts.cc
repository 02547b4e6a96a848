#include "tools/pushpull/run_parts.h"

#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "conformance/report/page/page.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/scenario/lint.h"
#include "target/bugs/bugs.h"

namespace pushpull::tools {

absl::Status LintSuites(const std::vector<conformance::ScenarioFile>& files,
                        const std::string& root) {
  std::set<std::string> requirements, mutants;
  for (const auto& [id, row] : conformance::Catalogue::BuiltIn().rows()) requirements.insert(id);
  for (const target::BugInfo& bug : target::AllBugs()) mutants.emplace(bug.name);
  conformance::LintOptions options;
  options.requirements = &requirements;
  options.mutants = &mutants;
  std::vector<std::string> errors;
  for (const conformance::ScenarioFile& file : files) {
    options.id = conformance::IdOfPath(root, file.path);
    for (const conformance::LintError& error : conformance::Lint(file, options)) {
      errors.push_back(error.ToString());
    }
  }
  if (errors.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
}

std::string Today() { return absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()); }

std::set<std::string> KnownRules(const v1::Profile& profile) {
  std::set<std::string> rules;
  for (const v1::ExpectedViolation& known : profile.expect_violation()) {
    if (known.expires().empty() || known.expires() >= Today()) rules.insert(known.rule());
  }
  return rules;
}

absl::Status WriteReports(const conformance::ResultFolder& folder, const std::string& text) {
  PUSHPULL_RETURN_IF_ERROR(folder.Write("report.txt", text));
  PUSHPULL_ASSIGN_OR_RETURN(v1::PageRun page, conformance::ReadRun(folder.path(), ""));
  std::vector<v1::PageRun> pages;
  pages.push_back(std::move(page));
  PUSHPULL_ASSIGN_OR_RETURN(
      const std::string html,
      conformance::ToHtml(std::move(pages), conformance::Catalogue::BuiltIn()));
  return folder.Write("report.html", html);
}

}  // namespace pushpull::tools
