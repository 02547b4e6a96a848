// pushpull initiator

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/profile.h"
#include "conformance/runner/run_initiator.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/scenario_file.h"
#include "target/config.h"
#include "target/target_name.h"
#include "tools/endpoints/scripted_endpoint.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/numbers.h"
#include "tools/pushpull/run_options.h"
#include "tools/pushpull/run_parts.h"
#include "tools/pushpull/scripted_target.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

struct InitiatorFlags {
  std::string command, listen, out, profile, suites;
  std::string name = "iqn.2026-11.org.pushpull:scripted";
  std::string color = "auto";
  std::vector<std::string> only, exclude, arguments;
  bool strict = false;
  double command_timeout_s = 60, step_timeout_s = 10, wait_s = 300;
  uint64_t seed = 1;
  std::string replay_command;
};

struct Chosen {
  std::vector<Case> scripts;
  std::vector<std::string> known_ids;  // of all that there are
  conformance::ProfileVocabulary vocabulary;
};

absl::StatusOr<Chosen> ChooseScripts(const InitiatorFlags& flags) {
  absl::StatusOr<std::vector<conformance::ScenarioFile>> files =
      flags.suites.empty() ? conformance::InitiatorSuites()
                           : conformance::LoadScenarios(flags.suites);
  PUSHPULL_RETURN_IF_ERROR(files.status());
  if (!flags.suites.empty()) PUSHPULL_RETURN_IF_ERROR(LintSuites(*files, flags.suites));
  Chosen chosen;
  PUSHPULL_ASSIGN_OR_RETURN(chosen.scripts, conformance::Expand(*files));
  for (const Case& script : chosen.scripts) chosen.known_ids.push_back(script.id());
  chosen.vocabulary.Add(*files);
  TellUnmatched("--only", flags.only, chosen.scripts);
  TellUnmatched("--exclude", flags.exclude, chosen.scripts);
  conformance::Selection selection;
  selection.only = flags.only;
  selection.exclude = flags.exclude;
  chosen.scripts = conformance::Select(std::move(chosen.scripts), selection);
  for (const Case& script : chosen.scripts) {
    if (script.scenario().role() == v1::TARGET) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(script.script.file,
                     ": plays an initiator, and so tests a target: `pushpull run --suites` does "
                     "that; a script for initiators says role: TARGET"));
  }
  if (chosen.scripts.empty()) {
    return absl::OutOfRangeError("no script matches; `pushpull initiator --list` shows all");
  }
  return chosen;
}

absl::StatusOr<fabric::Address> ListenAddress(const InitiatorFlags& flags) {
  // Who starts the initiator by hand wants to know the port beforehand.
  if (flags.listen.empty()) {
    return fabric::Address{"127.0.0.1", static_cast<uint16_t>(flags.command.empty() ? 3260 : 0)};
  }
  PUSHPULL_ASSIGN_OR_RETURN(const target::Listening listening,
                            target::ParseListenUri(flags.listen));
  if (listening.iser) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--listen ", flags.listen, ": scripted targets are played over TCP alone: tcp://..."));
  }
  return listening.address;
}

int ListScripts(const std::vector<Case>& scripts) {
  for (const Case& script : scripts) {
    std::printf("%-48s %s\n", script.id().c_str(), script.scenario().title().c_str());
  }
  return conformance::kExitAsExpected;
}

absl::StatusOr<int> PlayScripts(const InitiatorFlags& flags) {
  WatchInterrupts();
  PUSHPULL_ASSIGN_OR_RETURN(const Chosen chosen, ChooseScripts(flags));
  PUSHPULL_ASSIGN_OR_RETURN(const fabric::Address address, ListenAddress(flags));
  conformance::InitiatorOptions options;
  PUSHPULL_ASSIGN_OR_RETURN(options.target_name, target::NormalizeTargetName(flags.name));
  options.command = flags.command;
  options.command_limit = absl::Seconds(flags.command_timeout_s);
  options.wait = absl::Seconds(flags.wait_s);
  options.play.step_timeout = absl::Seconds(flags.step_timeout_s);
  options.play.interrupted = options.interrupted = &InterruptFlag();
  options.strict = flags.strict;
  options.seed = flags.seed;
  options.replay_command = flags.replay_command;
  std::optional<conformance::ProfileOverlay> overlay;
  if (!flags.profile.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const conformance::ProfileFile profile,
                              conformance::LoadProfile(flags.profile, chosen.vocabulary));
    options.known_rules = KnownRules(profile.profile);
    overlay.emplace(profile.profile, Today(), profile.Lines());
    overlay->SetCases(chosen.known_ids);
    options.overlay = &*overlay;
  }
  const std::string started = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  std::optional<conformance::ResultFolder> folder;
  if (!flags.out.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(folder, conformance::ResultFolder::Create(flags.out));
    options.folder = &*folder;
  }

  const conformance::TextOptions text = {.color = UseColor(flags.color), .strict = flags.strict};
  const conformance::TextOptions plain = {.strict = flags.strict};
  std::string report;
  options.listening = [&](const Case& script, const std::vector<fabric::Address>& addresses) {
    if (!flags.command.empty()) return;
    std::printf("ready tcp://%s/%s for %s\n", addresses[0].ToString().c_str(),
                options.target_name.c_str(), script.id().c_str());
    std::fflush(stdout);
  };
  options.progress = [&](const v1::CaseResult& result) {
    std::fputs(conformance::CaseText(result, text).c_str(), stdout);
    std::fflush(stdout);
    report += conformance::CaseText(result, plain);
  };
  options.listen = {address};
  v1::RunResult run = conformance::RunInitiator(MakeScriptedFactory, chosen.scripts, options);
  if (run.exit_code() == conformance::kExitUsage) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen ", address.ToString(), ": ", run.run_error()));
  }
  run.set_schema_version(1);
  run.set_tool_version(kVersion);
  run.set_started(started);
  run.set_profile(flags.profile);
  for (const std::string& argument : flags.arguments) run.add_argument(argument);
  if (Interrupted() != 0) run.set_exit_code(InterruptedExitCode());
  if (folder.has_value()) {
    PUSHPULL_RETURN_IF_ERROR(folder->WriteRun(run, flags.strict));
    report += conformance::SummaryText(run, plain);
    PUSHPULL_RETURN_IF_ERROR(WriteReports(*folder, report));
  }
  std::fputs(conformance::SummaryText(run, text).c_str(), stdout);
  return run.exit_code();
}

void Declare(CLI::App* initiator, InitiatorFlags* flags, bool* list) {
  initiator->add_option(
      "--command", flags->command,
      "runs the initiator: a command for /bin/sh, with PUSHPULL_URL (iscsi://HOST:PORT/"
      "NAME/0, as libiscsi takes it), PUSHPULL_ADDRESS (HOST:PORT), "
      "PUSHPULL_HOST, PUSHPULL_PORT, PUSHPULL_NAME and PUSHPULL_CASE in its "
      "environment. Without it each script says where it listens, and waits for "
      "somebody to start one");
  initiator->add_option("--only", flags->only, "scripts to be played: globs over ids and tags")
      ->allow_extra_args(false);
  initiator->add_option("--exclude", flags->exclude, "scripts that are left out")
      ->allow_extra_args(false);
  initiator->add_flag("--list", *list, "the scripts, and what an initiator that passes does");
  initiator->add_option("--suites", flags->suites, "a folder of scripts instead of those built in");
  initiator->add_option("--profile", flags->profile,
                        "what is known of this initiator: expected failures (docs/PROFILES.md)");
  initiator->add_option("--listen", flags->listen,
                        "tcp://HOST[:PORT] (default: 127.0.0.1, with a port that the kernel "
                        "chooses, or 3260 without --command)");
  initiator->add_option("--name", flags->name, "the target's iSCSI name")->capture_default_str();
  initiator
      ->add_option("--command-timeout-s", flags->command_timeout_s,
                   "how long the command may take for one script")
      ->transform(DecimalNumber(0.1, 86400))
      ->capture_default_str();
  initiator
      ->add_option("--step-timeout-s", flags->step_timeout_s, "how long a step waits for a PDU")
      ->transform(DecimalNumber(0.1, 86400))
      ->capture_default_str();
  initiator
      ->add_option("--wait-s", flags->wait_s,
                   "without --command: how long a script waits for the first connection, but not "
                   "less than --step-timeout-s")
      ->transform(DecimalNumber(0.1, 86400))
      ->capture_default_str();
  initiator->add_flag("--strict", flags->strict, "a WARN fails the run, too");
  initiator->add_option("--seed", flags->seed, "decides all that is left to chance")
      ->transform(WholeNumber(0, UINT64_MAX))
      ->capture_default_str();
  initiator->add_option("--out", flags->out, "the folder for result.json, junit.xml and wire logs");
  initiator->add_option("--color", flags->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

}  // namespace

absl::StatusOr<int> PlayScriptedTarget(const ScriptedTarget& scripted) {
  InitiatorFlags flags;
  const bool whole = absl::StartsWith(scripted.script, "initiators/");
  flags.only = {whole ? scripted.script : absl::StrCat("initiators/", scripted.script)};
  flags.listen = scripted.listen;
  if (!scripted.name.empty()) flags.name = scripted.name;
  flags.seed = scripted.seed;
  return PlayScripts(flags);
}

void AddInitiatorCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code) {
  CLI::App* initiator = app->add_subcommand(
      "initiator", "Plays scripted targets to an initiator and says what it does wrong.");
  auto flags = std::make_shared<InitiatorFlags>();
  auto list = std::make_shared<bool>(false);
  flags->arguments = std::move(arguments);
  Declare(initiator, flags.get(), list.get());
  initiator->footer(
      "Example: pushpull initiator --command 'iscsi-inq $PUSHPULL_URL' --out results");
  initiator->callback([initiator, flags, list, exit_code] {
    flags->replay_command = ReplayCommand(*initiator);
    absl::StatusOr<int> code;
    if (*list) {
      const absl::StatusOr<Chosen> chosen = ChooseScripts(*flags);
      code = chosen.ok() ? absl::StatusOr<int>(ListScripts(chosen->scripts)) : chosen.status();
    } else {
      code = PlayScripts(*flags);
    }
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
