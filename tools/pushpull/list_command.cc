// pushpull list

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/scenario_file.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/list.h"

namespace pushpull::tools {
namespace {

// What --suites is where it is given without a folder.
constexpr char kBuiltIn[] = "built-in";

struct ListFlags {
  std::vector<std::string> only;
  std::string suites;  // empty: not given
  std::string format = "text";
  bool requirements = false;
};

// All that there are.
absl::StatusOr<std::vector<conformance::Case>> LoadCases(const ListFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(auto built_in, conformance::BuiltInSuites());
  PUSHPULL_ASSIGN_OR_RETURN(const auto of_link, conformance::LinkSuites());
  built_in.insert(built_in.end(), of_link.begin(), of_link.end());
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::Case> cases, conformance::Expand(built_in));
  if (flags.suites.empty() || flags.suites == kBuiltIn) return cases;
  const bool is_suite = std::any_of(cases.begin(), cases.end(), [&](const conformance::Case& c) {
    return c.area == flags.suites;
  });
  if (is_suite && !std::filesystem::exists(flags.suites)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--suites ", flags.suites,
                     ": there is no such folder; for the suite of this "
                     "name say --only '",
                     flags.suites, "/*'"));
  }
  PUSHPULL_ASSIGN_OR_RETURN(const auto files, conformance::LoadScenarios(flags.suites));
  if (files.empty()) {
    return absl::OutOfRangeError(absl::StrCat(
        "--suites ", flags.suites, ": there is no scenario (*.textproto) below this folder"));
  }
  return conformance::Expand(files);
}

absl::StatusOr<int> List(const ListFlags& flags) {
  if (flags.requirements && flags.suites == kBuiltIn) {
    return absl::InvalidArgumentError("--suites and --requirements are two lists: choose one");
  }
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::Case> cases, LoadCases(flags));
  TellUnmatched("--only", flags.only, cases);
  conformance::Selection selection;
  selection.only = flags.only;
  cases = conformance::Select(std::move(cases), selection);
  if (cases.empty()) {
    std::fputs("pushpull: no case matches; `pushpull list` shows all\n", stderr);
    return conformance::kExitNothingMatched;
  }
  const std::string text = flags.requirements
                               ? ListRequirements(cases, !flags.only.empty(),
                                                  conformance::Catalogue::BuiltIn(), flags.format)
                           : flags.suites == kBuiltIn ? ListSuites(cases, flags.format)
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
  list->add_option("--suites", flags->suites,
                   "the suites and how many cases each has; with a FOLDER: the scenarios there, "
                   "instead of the built-in cases")
      ->type_name("[FOLDER]")
      ->expected(0, 1)
      ->default_str(kBuiltIn);
  list->add_option("--format", flags->format, "text, json or md")
      ->check(CLI::IsMember({"text", "json", "md"}))
      ->capture_default_str();
  list->add_flag("--requirements", flags->requirements,
                 "each requirement on targets with the cases that cover it, and the gaps (with "
                 "--only: those that these cases cover)");
  list->footer("Example: pushpull list --only 'login/*' --format md");
  list->callback([flags, exit_code] {
    const absl::StatusOr<int> code = List(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
