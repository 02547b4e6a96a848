// pushpull fuzz

#include "tools/pushpull/fuzz_command.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "conformance/report/formats.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/profile.h"
#include "conformance/runner/suite.h"
#include "fuzz/blackbox/campaign.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/descriptors.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/numbers.h"
#include "tools/pushpull/progress.h"
#include "tools/pushpull/run_options.h"
#include "tools/pushpull/run_parts.h"
#include "tools/pushpull/run_setup.h"

namespace pushpull::tools {
namespace {

// From what sequences grow: the built-in cases, or those of the user's folder, rows of sweeps each
// by itself.
absl::StatusOr<std::vector<v1::Scenario>> Seeds(const FuzzFlags& flags) {
  std::vector<conformance::ScenarioFile> files;
  if (flags.run.suites.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(files, conformance::BuiltInSuites());
  } else {
    PUSHPULL_ASSIGN_OR_RETURN(files, conformance::LoadScenarios(flags.run.suites));
  }
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::Case> cases, conformance::Expand(files));
  TellUnmatched("--only", flags.run.only, cases);
  TellUnmatched("--exclude", flags.run.exclude, cases);
  conformance::Selection selection;
  selection.only = flags.run.only;
  selection.exclude = flags.run.exclude;
  selection.level = v1::MAY;
  std::vector<v1::Scenario> scenarios;
  for (conformance::Case& c : conformance::Select(std::move(cases), selection)) {
    scenarios.push_back(std::move(c.script.scenario));
  }
  if (scenarios.empty()) {
    return absl::OutOfRangeError("no case is left to grow from; `pushpull list` shows all");
  }
  return scenarios;
}

std::string StatusLine(const fuzz::CampaignStatus& status) {
  return absl::StrCat(
      status.sequences, " sequences, ",
      absl::StrFormat("%.0f", status.seconds > 0 ? status.sequences / status.seconds : 0.0),
      " a second, ", status.states, " states, ", status.findings,
      status.findings == 1 ? " finding" : " findings", status.doing.empty() ? "" : "; ",
      status.doing);
}

// As it will be told at the end, for people.
int TellEnd(const FuzzFlags& flags, const fuzz::CampaignOutcome& outcome,
            const conformance::ResultFolder* folder) {
  const conformance::TextOptions text = {.color = UseColor(flags.run.color)};
  for (const v1::CaseResult& result : outcome.result.result()) {
    std::fputs(conformance::CaseText(result, text).c_str(), stdout);
  }
  for (const std::string& warning : outcome.result.warning()) {
    std::fprintf(stdout, "note: %s\n", warning.c_str());
  }
  std::fprintf(stdout, "%s\n", StatusLine(outcome.status).c_str());
  if (folder != nullptr) {
    std::fprintf(stdout, "report: %s\n",
                 std::filesystem::absolute(folder->path() + "/report.html").c_str());
  }
  if (!outcome.result.run_error().empty()) {
    std::fprintf(stderr, "pushpull: %s\n", outcome.result.run_error().c_str());
  }
  return outcome.result.exit_code();
}

// Which scenarios there are to grow from decides what a sequence is.
std::string ReplayLine(const FuzzFlags& flags) {
  std::string line = flags.run.replay_command;
  for (const std::string& only : flags.run.only) {
    absl::StrAppend(&line, " --only ", base::ShellQuoted(only));
  }
  for (const std::string& exclude : flags.run.exclude) {
    absl::StrAppend(&line, " --exclude ", base::ShellQuoted(exclude));
  }
  return line;
}

absl::StatusOr<int> FuzzTarget(const FuzzFlags& flags) {
  WatchInterrupts();
  fuzz::CampaignOptions options;
  PUSHPULL_ASSIGN_OR_RETURN(options.scenarios, Seeds(flags));
  PUSHPULL_ASSIGN_OR_RETURN(const conformance::Case sanity, SanityCase());
  PUSHPULL_ASSIGN_OR_RETURN(options.run, MakeRunOptions(flags.run));
  PUSHPULL_RETURN_IF_ERROR(ReadProfileInto(flags.run, &options.run));
  std::optional<conformance::ProfileOverlay> overlay;
  if (!flags.run.profile.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const auto files, conformance::BuiltInSuites());
    conformance::ProfileVocabulary vocabulary;
    vocabulary.Add(files);
    PUSHPULL_ASSIGN_OR_RETURN(const conformance::ProfileFile profile,
                              conformance::LoadProfile(flags.run.profile, vocabulary));
    overlay.emplace(profile.profile, Today(), profile.Lines());
    options.run.overlay = &*overlay;
  }
  PUSHPULL_RETURN_IF_ERROR(NeedDescriptors(DescriptorsOfCases(flags.jobs)));
  PUSHPULL_ASSIGN_OR_RETURN(auto factory, MakeFactory(flags.run, options.run.play));
  options.run.commands.cancelled = options.interrupted = &InterruptFlag();
  if (!factory->virtual_time()) options.run.play.interrupted = &InterruptFlag();
  options.first = flags.first;
  options.runs = flags.runs;
  if (flags.time_s > 0) options.time = absl::Seconds(flags.time_s);
  options.together = flags.jobs;
  options.sequence_timeout = absl::Seconds(flags.sequence_timeout_s) * flags.run.timeout_scale;
  options.minimize_plays = flags.minimize_plays;
  options.replay_command = ReplayLine(flags);
  Progress progress;
  options.status = [&](const fuzz::CampaignStatus& status) {
    progress.Tell([&] { return StatusLine(status); });
  };
  const absl::Time started = absl::Now();
  std::optional<conformance::ResultFolder> folder;
  if (!flags.run.out.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(folder, conformance::ResultFolder::Create(flags.run.out));
  }
  PUSHPULL_ASSIGN_OR_RETURN(
      fuzz::CampaignOutcome outcome,
      fuzz::RunCampaign(factory.get(), sanity, options, folder.has_value() ? &*folder : nullptr));
  progress.Clear();
  DescribeFuzz(flags, started, &outcome.result);
  if (Interrupted() != 0) outcome.result.set_exit_code(InterruptedExitCode());
  if (folder.has_value()) {
    const conformance::TextOptions plain;
    std::string report;
    for (const v1::CaseResult& result : outcome.result.result()) {
      report += conformance::CaseText(result, plain);
    }
    absl::StrAppend(&report, StatusLine(outcome.status), "\n");
    PUSHPULL_RETURN_IF_ERROR(WriteFuzzResults(*folder, outcome.result, report));
  }
  return TellEnd(flags, outcome, folder.has_value() ? &*folder : nullptr);
}

void DeclareFlags(CLI::App* command, FuzzFlags* flags) {
  DeclareTargetOptions(command, &flags->run);
  command->add_option("--plugin", flags->plugin,
                      "instead of a target, a receiver of your own: LIB.so[,OPTIONS] "
                      "(docs/PLUGINS.md)");
  command
      ->add_option("--only", flags->run.only,
                   "grow sequences from cases whose id matches this glob, or with this tag")
      ->allow_extra_args(false);
  command->add_option("--exclude", flags->run.exclude, "not from those whose id matches")
      ->allow_extra_args(false);
  command->add_option(
      "--suites", flags->run.suites,
      "grow sequences from a folder of scenarios instead of the built-in suites (--plugin: "
      "streams, from traces)");
  command->add_option("--time", flags->time_s, "seconds to go on for (default: 60, or --runs)")
      ->transform(DecimalNumber(0.1, 31536000));
  command->add_option("--runs", flags->runs, "sequences (--plugin: streams) to play")
      ->transform(WholeNumber(1, UINT64_MAX));
  command->add_option("--first", flags->first, "the number of the first sequence, or stream")
      ->transform(WholeNumber(0, UINT64_MAX / 2))
      ->capture_default_str();
  command
      ->add_option("--jobs", flags->jobs,
                   "sequences under way at a time (embedded-sim:, embedded-iser: one)")
      ->transform(WholeNumber(1, 128))
      ->capture_default_str();
  command
      ->add_option("--sequence-timeout-s", flags->sequence_timeout_s,
                   "how long a step of a sequence waits for what may never come")
      ->transform(DecimalNumber(0.001, 60))
      ->capture_default_str();
  command
      ->add_option("--minimize-plays", flags->minimize_plays,
                   "plays that making one finding small may take")
      ->transform(WholeNumber(1, UINT32_MAX))
      ->capture_default_str();
  command->add_option("--out", flags->run.out,
                      "the folder for result.json, findings.sarif, report.html, wire logs and the "
                      "scenario of each finding");
  command->add_option("--color", flags->run.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

}  // namespace

void DescribeFuzz(const FuzzFlags& flags, absl::Time started, v1::RunResult* run) {
  run->set_schema_version(1);
  run->set_tool_version(kVersion);
  run->set_started(absl::FormatTime(absl::RFC3339_sec, started, absl::UTCTimeZone()));
  run->set_profile(flags.run.profile);
  for (const std::string& argument : flags.run.arguments) run->add_argument(argument);
}

absl::Status WriteFuzzResults(const conformance::ResultFolder& folder, const v1::RunResult& run,
                              const std::string& text) {
  PUSHPULL_RETURN_IF_ERROR(folder.WriteRun(run, false));
  PUSHPULL_ASSIGN_OR_RETURN(const std::string sarif, conformance::ToSarif(run, false));
  PUSHPULL_RETURN_IF_ERROR(folder.Write("findings.sarif", sarif));
  return WriteReports(folder, text);
}

void AddFuzzCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code) {
  CLI::App* command = app->add_subcommand(
      "fuzz", "Sends a target (or a receiver) what no initiator should, and watches what it does.");
  auto flags = std::make_shared<FuzzFlags>();
  flags->run.arguments = std::move(arguments);
  DeclareFlags(command, flags.get());
  command->footer(
      "Exit codes: 0 no finding, 1 findings, 2 usage, 3 the target can't be reached or doesn't\n"
      "come back, 130 and 143 interrupted.\n"
      "Example: pushpull fuzz --target tcp://192.0.2.1/iqn.2026-11.org.example:disk --time 600 "
      "--allow-writes --profile profile.textproto --out findings");
  command->callback([command, flags, exit_code] {
    flags->run.replay_command = ReplayCommand(*command);
    flags->run.step_timeout_given = Given(*command, "--step-timeout-s");
    flags->run.iser_dialect_given = Given(*command, "--iser-dialect");
    if (flags->runs == 0 && flags->time_s == 0) flags->time_s = 60;
    const absl::StatusOr<int> code =
        flags->plugin.empty() ? FuzzTarget(*flags) : FuzzPlugin(*command, *flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
