// pushpull run

#include <cstdint>
#include <cstdio>
#include <cstdlib>
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
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "conformance/report/page/page.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/profile.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/lint.h"
#include "pushpull/v1/profile.pb.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/endpoints.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/run_options.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

// Scenarios of the user's own have to be as sound as those that are built in.
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

struct Chosen {
  std::vector<Case> cases;
  // Of all cases that there are: those of the user's folder, and those that are built in.
  std::vector<std::string> known_ids;
  conformance::ProfileVocabulary vocabulary;
};

// What changes the link that the target is reached by, where that may be done: within
// `pushpull softroce --link veth`. Else empty.
std::string LinkTool(const RunFlags& flags) {
  const char* const tool = std::getenv("PUSHPULL_RDMA_LINK");
  const auto uri = ParseTargetUri(flags.targets[0]);
  const bool over_it = uri.ok() && uri->kind == TargetUri::Kind::kIser;
  return tool != nullptr && over_it ? tool : "";
}

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

absl::StatusOr<Case> SanityCase() {
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::ScenarioFile> files,
                            conformance::BuiltInSuites());
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<Case> cases, conformance::Expand(files));
  conformance::Selection selection;
  selection.only = {"sanity/alive"};
  cases = conformance::Select(std::move(cases), selection);
  if (cases.size() != 1) return absl::InternalError("the suites have no sanity/alive");
  return std::move(cases[0]);
}

absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeFactory(
    const RunFlags& flags, const conformance::PlaySettings& settings) {
  std::vector<TargetUri> uris;
  for (const std::string& text : flags.targets) {
    PUSHPULL_ASSIGN_OR_RETURN(TargetUri uri, ParseTargetUri(text));
    uris.push_back(std::move(uri));
  }
  PUSHPULL_RETURN_IF_ERROR(RefuseNoEffect(flags, uris));
  EndpointOptions options;
  options.bugs = flags.bugs;
  options.bind = flags.bind;
  options.legal_variation = flags.legal_variation;
  options.initiator_name = settings.initiator_name;
  options.chap = settings.chap;
  options.iser_dialect = initiator_sim::FindIserDialect(flags.iser_dialect)
                             .value_or(initiator_sim::IserDialect::kRfc7145);
  return MakeEndpointFactory(uris, options);
}

std::string Today() { return absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone()); }

// With --fix-profile the file may yet have to be made.
absl::StatusOr<conformance::ProfileFile> ReadProfile(
    const RunFlags& flags, const conformance::ProfileVocabulary& vocabulary) {
  if (flags.fix_profile && !std::filesystem::exists(flags.profile)) {
    return conformance::ParseProfile(absl::StrCat("# proto-file: proto/pushpull/v1/profile.proto\n"
                                                  "# proto-message: Profile\n\ntarget: \"",
                                                  absl::CEscape(flags.targets[0]), "\"\n"),
                                     flags.profile, vocabulary);
  }
  return conformance::LoadProfile(flags.profile, vocabulary);
}

// What the profile says of the run goes into the options.
void UseProfile(const v1::Profile& profile, const RunFlags& flags,
                conformance::RunOptions* options) {
  options->lacks.assign(profile.lacks().begin(), profile.lacks().end());
  for (const v1::Reading& reading : profile.reading()) {
    options->play.readings[reading.ambiguity()] = reading.choice();
  }
  for (const v1::ExpectedViolation& known : profile.expect_violation()) {
    if (known.expires().empty() || known.expires() >= Today()) {
      options->known_rules.insert(known.rule());
    }
  }
  if (profile.has_step_timeout_ms() && !flags.step_timeout_given) {
    options->play.step_timeout =
        absl::Milliseconds(profile.step_timeout_ms()) * flags.timeout_scale;
  }
  options->commands.restart = profile.restart_command();
  for (const v1::HookCommand& hook : profile.hook()) {
    options->commands.hooks[hook.hook()] = hook.command();
  }
  if (profile.has_command_timeout_ms()) {
    options->commands.limit =
        absl::Milliseconds(profile.command_timeout_ms()) * flags.timeout_scale;
  }
}

// Written beside the old one first: a profile is somebody's work.
absl::Status FixProfile(const conformance::ProfileFile& file,
                        const conformance::ProfileOverlay& overlay, const v1::RunResult& run,
                        bool strict) {
  const conformance::ProfileRepair repair = overlay.Repair(run, strict);
  const std::string path = file.path + ".part";
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
  return absl::OkStatus();
}

// Of the command line, for every case.
absl::StatusOr<conformance::RunOptions> MakeRunOptions(const RunFlags& flags) {
  conformance::RunOptions options;
  PUSHPULL_ASSIGN_OR_RETURN(options.play, MakeSettings(flags));
  PUSHPULL_ASSIGN_OR_RETURN(const TargetUri first, ParseTargetUri(flags.targets[0]));
  options.lun = first.lun;
  options.portals = flags.targets.size();
  options.strict = flags.strict;
  options.allow_writes = flags.allow_writes;
  options.jobs = flags.jobs;
  if (!flags.shard.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(options.shard, ParseShard(flags.shard));
  }
  options.seed = flags.seed;
  options.replay_command = flags.replay_command;
  options.commands.before_case = flags.before_case;
  options.commands.after_case = flags.after_case;
  options.commands.target = flags.targets[0];
  options.commands.link = LinkTool(flags);
  if (!options.commands.link.empty()) {
    for (const char* change : {"cut", "mend", "down", "up"}) {
      options.commands.hooks[absl::StrCat("link_", change)] =
          absl::StrCat(base::ShellQuoted(options.commands.link), " ", change);
    }
  }
  return options;
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

// report.txt, and report.html of all that the folder holds by then.
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
  options.progress = [&](const v1::CaseResult& result, size_t, size_t) {
    std::fputs(conformance::CaseText(result, text).c_str(), stdout);
    std::fflush(stdout);
    report += conformance::CaseText(result, plain);
  };
  options.interrupted = options.commands.cancelled = &InterruptFlag();
  if (!factory->virtual_time()) options.play.interrupted = &InterruptFlag();
  conformance::RunOutcome outcome =
      conformance::RunSuites(factory.get(), sanity, chosen.cases, options);
  v1::RunResult& run = outcome.result;
  Describe(flags, started, &run);
  if (Interrupted() != 0) run.set_exit_code(InterruptedExitCode());
  if (folder.has_value()) {
    PUSHPULL_RETURN_IF_ERROR(folder->WriteRun(run, flags.strict));
    report += conformance::SummaryText(run, plain);
    PUSHPULL_RETURN_IF_ERROR(WriteReports(*folder, report));
  }
  if (!outcome.status.ok()) {
    std::fprintf(stderr, "pushpull: %s\n", std::string(outcome.status.message()).c_str());
    return run.exit_code();
  }
  std::fputs(conformance::SummaryText(run, text).c_str(), stdout);
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
