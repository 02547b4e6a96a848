// pushpull report, pushpull diff

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/regular_file.h"
#include "base/status.h"
#include "conformance/report/diff.h"
#include "conformance/report/formats.h"
#include "conformance/report/junit.h"
#include "conformance/report/merge.h"
#include "conformance/report/page/page.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/requirements/catalogue.h"
#include "tools/pushpull/command.h"

namespace pushpull::tools {
namespace {

namespace fs = std::filesystem;

struct ReportFlags {
  std::vector<std::string> folders;
  std::vector<std::string> labels;
  bool merge = false;
  bool strict = false;
  std::string html, json, junit, tap, sarif, github;
};

absl::Status WriteTo(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fputs(text.c_str(), stdout);
    return absl::OkStatus();
  }
  return base::WriteRegularFile(path, text);
}

// With its results again in the run itself, as all but the page want them.
v1::RunResult Whole(const v1::PageRun& page) {
  v1::RunResult run = page.run();
  for (const v1::PageCase& played : page.played()) *run.add_result() = played.result();
  return run;
}

// Where the page lies, its links to captures still have to lead there.
void MoveLinks(const std::string& folder, const fs::path& page_folder, v1::PageRun* page) {
  for (v1::PageCase& played : *page->mutable_played()) {
    std::string* const link = played.mutable_result()->mutable_wire_log();
    if (!link->empty()) *link = fs::proximate(fs::path(folder) / *link, page_folder).string();
  }
}

absl::StatusOr<std::vector<v1::PageRun>> ReadRuns(const ReportFlags& flags) {
  if (!flags.labels.empty() && flags.labels.size() != flags.folders.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--label stands once for each folder: ", flags.folders.size(), ", not ",
                     flags.labels.size()));
  }
  const fs::path page = fs::absolute(flags.html.empty() ? "." : flags.html).parent_path();
  std::vector<v1::PageRun> runs;
  for (size_t i = 0; i < flags.folders.size(); ++i) {
    PUSHPULL_ASSIGN_OR_RETURN(
        v1::PageRun run,
        conformance::ReadRun(flags.folders[i], flags.labels.empty() ? "" : flags.labels[i]));
    MoveLinks(fs::absolute(flags.folders[i]).string(), page, &run);
    runs.push_back(std::move(run));
  }
  return runs;
}

absl::Status MergeRuns(std::vector<v1::PageRun>* runs) {
  std::vector<v1::RunResult> parts;
  v1::PageRun merged;
  for (v1::PageRun& run : *runs) {
    parts.push_back(Whole(run));
    merged.mutable_played()->MergeFrom(run.played());
  }
  PUSHPULL_ASSIGN_OR_RETURN(*merged.mutable_run(), conformance::Merge(parts));
  merged.mutable_run()->clear_result();
  merged.set_label(runs->front().label());
  *runs = {std::move(merged)};
  return absl::OkStatus();
}

// The run was strict or not when it was played; the report may be where the run wasn't.
bool AllAsExpected(const v1::RunResult& run, bool strict) {
  return run.exit_code() == conformance::kExitAsExpected &&
         std::all_of(run.result().begin(), run.result().end(), [&](const v1::CaseResult& result) {
           return !strict || conformance::IsExpected(result, true);
         });
}

// What other tools read is about one run.
absl::Status WriteForms(const ReportFlags& flags, const v1::RunResult& run) {
  if (!flags.json.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::string json, conformance::ToJson(run));
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.json, json));
  }
  if (!flags.junit.empty()) {
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.junit, conformance::ToJunit(run, flags.strict)));
  }
  if (!flags.tap.empty()) {
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.tap, conformance::ToTap(run, flags.strict)));
  }
  if (!flags.sarif.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const std::string sarif, conformance::ToSarif(run, flags.strict));
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.sarif, sarif));
  }
  if (!flags.github.empty()) {
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.github, conformance::ToGithub(run, flags.strict)));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Report(const ReportFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<v1::PageRun> runs, ReadRuns(flags));
  if (flags.merge) PUSHPULL_RETURN_IF_ERROR(MergeRuns(&runs));
  const std::string forms =
      absl::StrCat(flags.json, flags.junit, flags.tap, flags.sarif, flags.github);
  if (!forms.empty() && runs.size() > 1) {
    return absl::InvalidArgumentError(
        "--json, --junit, --tap, --sarif and --github are about one run: name one folder, or make "
        "one run of its shards with --merge");
  }
  bool bad = false;
  for (const v1::PageRun& page : runs) {
    const v1::RunResult run = Whole(page);
    bad |= !AllAsExpected(run, flags.strict);
    if (!forms.empty()) {
      PUSHPULL_RETURN_IF_ERROR(WriteForms(flags, run));
    } else if (flags.html.empty()) {
      std::fputs(
          absl::StrCat(page.label(), "\n", conformance::SummaryText(run, {.strict = flags.strict}))
              .c_str(),
          stdout);
    }
  }
  if (!flags.html.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(
        const std::string html,
        conformance::ToHtml(std::move(runs), conformance::Catalogue::BuiltIn()));
    PUSHPULL_RETURN_IF_ERROR(WriteTo(flags.html, html));
  }
  return bad ? conformance::kExitUnexpectedVerdict : conformance::kExitAsExpected;
}

struct DiffFlags {
  std::string before, after;
  bool strict = false;
};

absl::StatusOr<int> Compare(const DiffFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(const v1::PageRun before, conformance::ReadRun(flags.before, ""));
  PUSHPULL_ASSIGN_OR_RETURN(const v1::PageRun after, conformance::ReadRun(flags.after, ""));
  const auto changes = conformance::Diff(Whole(before), Whole(after), flags.strict);
  const bool failed = !after.run().run_error().empty();
  if (!changes.empty() || !failed) {
    std::fputs(changes.empty() ? "no verdict changed\n" : conformance::DiffText(changes).c_str(),
               stdout);
  }
  // Then it may have judged nothing, or not all, and what it didn't judge is no news by itself.
  if (failed) {
    std::fprintf(stdout, "%s: the run failed: %s\n", flags.after.c_str(),
                 after.run().run_error().c_str());
    return conformance::kExitUnexpectedVerdict;
  }
  for (const conformance::CaseChange& change : changes) {
    if (change.kind == conformance::CaseChange::Kind::kWorse) {
      return conformance::kExitUnexpectedVerdict;
    }
  }
  return conformance::kExitAsExpected;
}

}  // namespace

void AddReportCommand(CLI::App* app, int* exit_code) {
  CLI::App* report = app->add_subcommand(
      "report", "Makes reports of result folders: several side by side, or shards as one.");
  auto flags = std::make_shared<ReportFlags>();
  report->add_option("FOLDER", flags->folders, "what `pushpull run --out` wrote")->required();
  report->add_flag("--merge", flags->merge, "the folders are shards of one run");
  report->add_option("--label", flags->labels, "the head of a folder's column, in their order")
      ->allow_extra_args(false);
  report->add_flag("--strict", flags->strict, "WARN (a SHOULD was missed) is a failure");
  report->add_option("--html", flags->html, "the report for browsers, in one file");
  report->add_option("--json", flags->json, "result.json of the run");
  report->add_option("--junit", flags->junit, "JUnit XML");
  report->add_option("--tap", flags->tap, "Test Anything Protocol 14");
  report->add_option("--sarif", flags->sarif, "SARIF 2.1.0");
  report->add_option("--github", flags->github, "annotations of GitHub's workflows");
  report->footer(
      "Each FILE may be - for standard output; without any, the summaries are printed.\n"
      "Exit codes: 0 all runs were as expected, 1 one wasn't, 2 usage or what can't be read.\n"
      "Example: pushpull report shard1 shard2 --merge --html report.html --junit junit.xml");
  report->callback([flags, exit_code] {
    const absl::StatusOr<int> code = Report(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

void AddDiffCommand(CLI::App* app, int* exit_code) {
  CLI::App* diff = app->add_subcommand("diff", "Says which verdicts changed between two runs.");
  auto flags = std::make_shared<DiffFlags>();
  diff->add_option("BEFORE", flags->before, "what `pushpull run --out` wrote")->required();
  diff->add_option("AFTER", flags->after, "likewise, later")->required();
  diff->add_flag("--strict", flags->strict, "WARN (a SHOULD was missed) is a failure");
  diff->footer(
      "Exit codes: 0 nothing got worse, 1 a case was as expected and isn't any more (or is new and "
      "isn't), or the later run failed as such, 2 usage or what can't be read.\n"
      "Example: pushpull diff last_release results");
  diff->callback([flags, exit_code] {
    const absl::StatusOr<int> code = Compare(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
