// pushpull list

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/runner/suite.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/list.h"

namespace pushpull::tools {
namespace {

struct ListFlags {
  std::vector<std::string> only;
  std::string format = "text";
  bool requirements = false;
};

absl::StatusOr<int> List(const ListFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(const auto files, conformance::BuiltInSuites());
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::Case> cases, conformance::Expand(files));
  TellUnmatched("--only", flags.only, cases);
  conformance::Selection selection;
  selection.only = flags.only;
  cases = conformance::Select(std::move(cases), selection);
  if (cases.empty()) {
    std::fputs("pushpull: no case matches; `pushpull list` shows all\n", stderr);
    return conformance::kExitNothingMatched;
  }
  const std::string text =
      flags.requirements ? ListRequirements(cases, conformance::Catalogue::BuiltIn(), flags.format)
                         : ListCases(cases, flags.format);
  std::fputs(text.c_str(), stdout);
  return conformance::kExitAsExpected;
}

}  // namespace

void AddListCommand(CLI::App* app, int* exit_code) {
  CLI::App* list = app->add_subcommand("list", "Lists the cases, or the requirements they cover.");
  auto flags = std::make_shared<ListFlags>();
  list->add_option("--only", flags->only, "cases whose id matches this glob, or with this tag")
      ->allow_extra_args(false);
  list->add_option("--format", flags->format, "text, json or md")
      ->check(CLI::IsMember({"text", "json", "md"}))
      ->capture_default_str();
  list->add_flag("--requirements", flags->requirements,
                 "each requirement on targets with the cases that cover it, and the gaps");
  list->footer("Example: pushpull list --only 'login/*' --format md");
  list->callback([flags, exit_code] {
    const absl::StatusOr<int> code = List(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
