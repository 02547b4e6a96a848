// pushpull run

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/descriptor.h"
#include "base/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/profile.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "pushpull/v1/profile.pb.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/bugs_shown.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/progress.h"
#include "tools/pushpull/run_options.h"
#include "tools/pushpull/run_parts.h"
#include "tools/pushpull/run_setup.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

struct Chosen {
  std::vector<Case> cases;
  std::vector<Case> all;  // where defects were asked for: those that weren't chosen, too
  // Of all cases that there are: those of the user's folder, and those that are built in.
  std::vector<std::string> known_ids;
  conformance::ProfileVocabulary vocabulary;
};

// Files of the user's folder, or those that are built in.
absl::StatusOr<std::vector<conformance::ScenarioFile>> LoadFiles(const RunFlags& flags) {
  if (flags.suites.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(auto built_in, conformance::BuiltInSuites());
    if (LinkTool(flags).empty()) return built_in;
    PUSHPULL_ASSIGN_OR_RETURN(const auto of_link, conformance::LinkSuites());
    built_in.insert(built_in.end(), of_link.begin(), of_link.end());
    return built_in;
  }
  PUSHPULL_ASSIGN_OR_RETURN(auto files, conformance::LoadScenarios(flags.suites));
  if (files.empty()) {
    return absl::OutOfRangeError(absl::StrCat(
        "--suites ", flags.suites, ": there is no scenario (*.textproto) below this folder"));
  }
  return files;
}

conformance::Selection SelectionOf(const RunFlags& flags) {
  conformance::Selection selection;
  selection.only = flags.only;
  selection.exclude = flags.exclude;
  selection.level = flags.level == "must"     ? v1::MUST
                    : flags.level == "should" ? v1::SHOULD
                                              : v1::MAY;
  selection.max_suite_version = flags.max_suite_version;
  return selection;
}

absl::StatusOr<Chosen> ChooseCases(const RunFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::ScenarioFile> files, LoadFiles(flags));
  Chosen chosen;
  PUSHPULL_ASSIGN_OR_RETURN(chosen.cases, conformance::Expand(files));
  for (const Case& c : chosen.cases) chosen.known_ids.push_back(c.id());
  chosen.vocabulary.Add(files);
  TellUnmatched("--only", flags.only, chosen.cases);
  TellUnmatched("--exclude", flags.exclude, chosen.cases);
  if (!flags.bugs.empty()) chosen.all = chosen.cases;
  chosen.cases = conformance::Select(std::move(chosen.cases), SelectionOf(flags));
  if (!flags.suites.empty()) {
    std::set<std::string> played;
    for (const Case& c : chosen.cases) played.insert(c.script.file);
    std::erase_if(files, [&](const auto& file) { return !played.contains(file.path); });
    PUSHPULL_RETURN_IF_ERROR(LintSuites(files, flags.suites));
    // A profile may speak of the built-in cases, too.
    PUSHPULL_ASSIGN_OR_RETURN(const auto built_in, conformance::BuiltInSuites());
    PUSHPULL_ASSIGN_OR_RETURN(const std::vector<Case> others, conformance::Expand(built_in));
    for (const Case& c : others) chosen.known_ids.push_back(c.id());
    chosen.vocabulary.Add(built_in);
  }
  return chosen;
}

// A profile is written beside the old one first: it is somebody's work.
std::string Unfinished(const std::string& profile) { return profile + ".part"; }

// Told before the run, which may take long.
absl::Status CheckWritable(const std::string& profile) {
  const std::string path = Unfinished(profile);
  const base::Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--fix-profile: ", path, " can't be written, which becomes ", profile, ": ",
                     std::strerror(errno), "; name a --profile in a folder that you may write to"));
  }
  std::filesystem::remove(path);
  return absl::OkStatus();
}

// With --fix-profile the file may yet have to be made.
absl::StatusOr<conformance::ProfileFile> ReadProfile(
    const RunFlags& flags, const conformance::ProfileVocabulary& vocabulary) {
  if (flags.fix_profile) PUSHPULL_RETURN_IF_ERROR(CheckWritable(flags.profile));
  if (flags.fix_profile && !std::filesystem::exists(flags.profile)) {
    return conformance::ParseProfile(absl::StrCat("# proto-file: proto/pushpull/v1/profile.proto\n"
                                                  "# proto-message: Profile\n\ntarget: ",
                                                  conformance::QuotedText(flags.targets[0]), "\n"),
                                     flags.profile, vocabulary);
  }
  return conformance::LoadProfile(flags.profile, vocabulary);
}

absl::Status FixProfile(const conformance::ProfileFile& file,
                        const conformance::ProfileOverlay& overlay, const v1::RunResult& run,
                        bool strict) {
  const conformance::ProfileRepair repair = overlay.Repair(run, strict);
  const std::string path = Unfinished(file.path);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << conformance::Repaired(file, repair);
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(path, file.path, error);
  if (!out || error) {
    std::error_code nothing;
    std::filesystem::remove(path, nothing);
    return absl::FailedPreconditionError(
        absl::StrCat("--fix-profile: ", file.path, " can't be written"));
  }
  std::fprintf(stdout, "%s: %zu %s dropped, %zu added\n", file.path.c_str(), repair.drop.size(),
               repair.drop.size() == 1 ? "entry" : "entries", repair.add.size());
  if (!repair.expired.empty()) {
    std::fprintf(stdout,
                 "%s: past their date, and as they were: %s. Look at them again: a later "
                 "`expires`, or out with them\n",
                 file.path.c_str(), absl::StrJoin(repair.expired, ", ").c_str());
  }
  return absl::OkStatus();
}

// What the report says of every run.
void Describe(const RunFlags& flags, const std::string& started, v1::RunResult* run) {
  run->set_schema_version(1);
  run->set_tool_version(kVersion);
  run->set_started(started);
  run->set_profile(flags.profile);
  for (const std::string& argument : flags.arguments) run->add_argument(argument);
}

// The result folder. Until the run has ended, what is in it says that it hasn't: results of a run
// before must not pass for those of one that was cut short.
absl::StatusOr<std::optional<conformance::ResultFolder>> OpenFolder(const RunFlags& flags,
                                                                    const std::string& started) {
  if (flags.out.empty()) return std::nullopt;
  PUSHPULL_ASSIGN_OR_RETURN(conformance::ResultFolder folder,
                            conformance::ResultFolder::Create(flags.out));
  v1::RunResult unfinished;
  Describe(flags, started, &unfinished);
  unfinished.set_target(flags.targets[0]);
  unfinished.set_seed(flags.seed);
  unfinished.set_exit_code(conformance::kExitInternal);
  unfinished.set_run_error("the run has not ended: it goes on, or was cut short");
  PUSHPULL_RETURN_IF_ERROR(folder.WriteRun(unfinished, flags.strict));
  return std::optional(std::move(folder));
}

// Of each case as it ends: on standard output, and for the report. All of them outlive the run.
void TellProgress(const conformance::TextOptions& text, const conformance::TextOptions& plain,
                  Progress* progress, std::string* report, conformance::RunOptions* options) {
  options->progress = [text, plain, progress, report, unexpected = size_t{0}](
                          const v1::CaseResult& result, size_t done, size_t total) mutable {
    progress->Clear();
    std::fputs(conformance::CaseText(result, text).c_str(), stdout);
    std::fflush(stdout);
    *report += conformance::CaseText(result, plain);
    unexpected += !conformance::IsExpected(result, text.strict);
    if (!progress->terminal() || done == total) return;
    progress->Tell([&] {
      return absl::StrCat(done, " of ", total, " cases, ", unexpected, " not as expected");
    });
  };
}

absl::Status TellBugsNotShown(const RunFlags& flags, const std::vector<Case>& all,
                              const v1::RunResult& run) {
  PUSHPULL_ASSIGN_OR_RETURN(const TargetUri uri, ParseTargetUri(flags.targets[0]));
  const bool rdma = uri.kind == TargetUri::Kind::kEmbeddedIser;
  for (const std::string& line : BugsNotShown(flags.bugs, all, run, rdma)) {
    std::fprintf(stderr, "pushpull: %s\n", line.c_str());
  }
  return absl::OkStatus();
}

// The whole of it.
absl::StatusOr<int> RunCases(const RunFlags& flags) {
  WatchInterrupts();
  PUSHPULL_ASSIGN_OR_RETURN(const Chosen chosen, ChooseCases(flags));
  if (chosen.cases.empty()) {
    std::fprintf(stderr, "pushpull: no case matches; `pushpull list` shows all\n");
    return conformance::kExitNothingMatched;
  }
  PUSHPULL_ASSIGN_OR_RETURN(const Case sanity, SanityCase());
  PUSHPULL_ASSIGN_OR_RETURN(conformance::RunOptions options, MakeRunOptions(flags));
  PUSHPULL_ASSIGN_OR_RETURN(auto factory, MakeFactory(flags, options.play));
  std::optional<conformance::ProfileFile> profile;
  std::optional<conformance::ProfileOverlay> overlay;
  if (!flags.profile.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(profile, ReadProfile(flags, chosen.vocabulary));
    UseProfile(profile->profile, flags, &options);
    overlay.emplace(profile->profile, Today(), profile->Lines());
    overlay->SetCases(chosen.known_ids);
    options.overlay = &*overlay;
  }
  const std::string started = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  PUSHPULL_ASSIGN_OR_RETURN(const std::optional<conformance::ResultFolder> folder,
                            OpenFolder(flags, started));
  options.folder = folder.has_value() ? &*folder : nullptr;

  const conformance::TextOptions text = {.color = UseColor(flags.color), .strict = flags.strict};
  const conformance::TextOptions plain = {.strict = flags.strict};
  std::string report;
  Progress progress;
  TellProgress(text, plain, &progress, &report, &options);
  options.interrupted = options.commands.cancelled = &InterruptFlag();
  if (!factory->virtual_time()) options.play.interrupted = &InterruptFlag();
  conformance::RunOutcome outcome =
      conformance::RunSuites(factory.get(), sanity, chosen.cases, options);
  progress.Clear();
  v1::RunResult& run = outcome.result;
  Describe(flags, started, &run);
  if (Interrupted() != 0) run.set_exit_code(InterruptedExitCode());
  if (folder.has_value()) {
    PUSHPULL_RETURN_IF_ERROR(folder->WriteRun(run, flags.strict));
    report += absl::StrCat(conformance::SummaryText(run, plain), outcome.advice);
    PUSHPULL_RETURN_IF_ERROR(WriteReports(*folder, report));
  }
  if (!outcome.status.ok()) {
    std::fprintf(stderr, "pushpull: %s\n", std::string(outcome.status.message()).c_str());
    std::fputs(outcome.advice.c_str(), stderr);
    return run.exit_code();
  }
  std::fputs(conformance::SummaryText(run, text).c_str(), stdout);
  PUSHPULL_RETURN_IF_ERROR(TellBugsNotShown(flags, chosen.all, run));
  if (Interrupted() != 0) {
    std::fprintf(stderr, "pushpull: interrupted%s\n",
                 flags.fix_profile ? "; the profile stays as it is" : "");
  } else if (flags.fix_profile) {
    PUSHPULL_RETURN_IF_ERROR(FixProfile(*profile, *overlay, run, flags.strict));
  }
  if (folder.has_value()) {
    std::fprintf(stdout, "report: %s\n",
                 std::filesystem::absolute(folder->path() + "/report.html").c_str());
  }
  return run.exit_code();
}

}  // namespace

void AddRunCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code) {
  CLI::App* run = app->add_subcommand(
      "run", "Plays the conformance suites against a target and says what it does wrong.");
  auto flags = std::make_shared<RunFlags>();
  flags->arguments = std::move(arguments);
  DeclareRunOptions(run, flags.get());
  run->footer(
      "Example: pushpull run --target tcp://192.0.2.1/iqn.2026-11.org.example:disk "
      "--only 'login/*' --out results");
  run->callback([run, flags, exit_code] {
    flags->replay_command = ReplayCommand(*run);
    flags->step_timeout_given = Given(*run, "--step-timeout-s");
    flags->iser_dialect_given = Given(*run, "--iser-dialect");
    const absl::StatusOr<int> code = RunCases(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
