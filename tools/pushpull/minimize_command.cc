// pushpull minimize

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/regular_file.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "base/text.h"
#include "conformance/minimize/minimize.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/single.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/lint.h"
#include "conformance/scenario/scenario_file.h"
#include "conformance/scenario/scenario_format.h"
#include "pushpull/v1/report.pb.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/numbers.h"
#include "tools/pushpull/progress.h"
#include "tools/pushpull/run_options.h"
#include "tools/pushpull/run_parts.h"
#include "tools/pushpull/run_setup.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

struct MinimizeFlags {
  RunFlags run;
  std::string scenario, out;
  uint64_t max_plays = conformance::MinimizeOptions().max_plays;
};

// A file, else the id of a case that is built in.
absl::StatusOr<Case> FindCase(const std::string& what) {
  std::vector<conformance::ScenarioFile> files;
  const bool file = std::filesystem::is_regular_file(what);
  if (file) {
    PUSHPULL_ASSIGN_OR_RETURN(conformance::ScenarioFile loaded, conformance::LoadScenario(what));
    files.push_back(std::move(loaded));
  } else {
    PUSHPULL_ASSIGN_OR_RETURN(files, conformance::BuiltInSuites());
  }
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<Case> cases, conformance::Expand(files));
  if (file && cases.size() == 1) return std::move(cases[0]);
  if (!file) {
    conformance::Selection selection;
    selection.only = {what};
    const auto unmatched = conformance::UnmatchedPatterns(selection.only, cases);
    if (!unmatched.empty()) {
      return absl::OutOfRangeError(absl::StrCat("there is no such file, and ", unmatched[0]));
    }
    cases = conformance::Select(std::move(cases), selection);
    if (cases.size() == 1) return std::move(cases[0]);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      what, " is ", cases.size(), " cases: name one",
      cases.empty() ? "" : absl::StrCat(", such as ", base::ShellQuoted(cases[0].id())),
      file ? " (of a file with a sweep, write the row's steps out first)" : ""));
}

// A case of its own: what is a row of a sweep has a name that a path can have.
void MakeOwnCase(v1::Scenario* scenario) {
  scenario->set_id(absl::StrReplaceAll(scenario->id(), {{"#", "_"}}));
  scenario->clear_sweep();
  scenario->clear_alias();
  scenario->clear_kills();
}

// A scenario that `pushpull run` doesn't take is none.
bool MayBePlayed(const v1::Scenario& scenario) {
  conformance::ScenarioFile file;
  file.scenario = scenario;
  return conformance::Lint(file, {}).empty();
}

// Where the scenario is written: `folder` is one that `pushpull run --suites` takes.
std::string PathOf(const std::string& folder, const v1::Scenario& scenario) {
  return absl::StrCat(folder, "/", scenario.id(), ".textproto");
}

// Before the search, which may take long, so that its result isn't lost.
absl::Status MakeFolderOf(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (!error) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--out: the folder of ", path, " can't be made: ", error.message(), "; choose another"));
}

absl::Status WriteScenario(const std::string& path, const std::string& text) {
  const absl::Status written = base::WriteRegularFile(path, text);
  // What was found in so many plays is worth more than the place that it was meant for.
  if (!written.ok()) std::fputs(text.c_str(), stdout);
  return written;
}

// In one line: a message may have bytes that came.
std::string Told(const v1::CaseResult& result) {
  const std::string message = absl::StrReplaceAll(absl::Utf8SafeCEscape(result.failure().message()),
                                                  {{"\\\"", "\""}, {"\\'", "'"}});
  return absl::StrCat(base::ToAbsl(conformance::VerdictName(result)), ": ", message);
}

// A target and all that it is played against with.
struct Opponent {
  conformance::RunOptions options;
  std::unique_ptr<conformance::EndpointFactory> factory;
  std::unique_ptr<conformance::SinglePlayer> player;  // goes first
};

absl::Status Meet(const RunFlags& flags, const Case& sanity, Opponent* opponent) {
  conformance::RunOptions& options = opponent->options;
  PUSHPULL_ASSIGN_OR_RETURN(options, MakeRunOptions(flags));
  PUSHPULL_RETURN_IF_ERROR(ReadProfileInto(flags, &options));
  PUSHPULL_ASSIGN_OR_RETURN(opponent->factory, MakeFactory(flags, options.play));
  options.commands.cancelled = &InterruptFlag();
  if (!opponent->factory->virtual_time()) options.play.interrupted = &InterruptFlag();
  PUSHPULL_ASSIGN_OR_RETURN(opponent->player, conformance::SinglePlayer::Create(
                                                  opponent->factory.get(), sanity, options));
  return absl::OkStatus();
}

// The reference target, healthy, over a simulated network of the same transport: what fails there,
// too, is no longer the case that it was.
absl::Status MeetReference(const RunFlags& flags, const Case& sanity, bool rdma,
                           Opponent* opponent) {
  RunFlags reference = flags;
  reference.targets = {rdma ? "embedded-iser:" : "embedded-sim:"};
  reference.profile.clear();
  reference.bugs.clear();
  reference.bind.clear();
  reference.scratch_lba.clear();
  return Meet(reference, sanity, opponent);
}

struct Sought {
  conformance::SinglePlayer* player;
  conformance::SinglePlayer* reference;  // null: it fails there, too
  Case played;
  std::string cause;
};

absl::StatusOr<conformance::Minimized> Seek(const MinimizeFlags& flags, Sought sought) {
  Progress progress;
  conformance::MinimizeOptions options;
  options.max_plays = flags.max_plays;
  options.progress = [&](uint64_t plays, const v1::Scenario& least) {
    progress.Tell([&] {
      return absl::StrCat("played ", plays, ", ", least.step_size(), " steps, ",
                          least.ByteSizeLong(), " bytes");
    });
    return Interrupted() == 0;
  };
  const auto fails = [&](const v1::Scenario& scenario) -> absl::StatusOr<bool> {
    if (!MayBePlayed(scenario)) return false;
    sought.played.script.scenario = scenario;
    PUSHPULL_ASSIGN_OR_RETURN(const v1::CaseResult result, sought.player->Play(sought.played));
    if (conformance::CauseOf(result) != sought.cause) return false;
    if (sought.reference == nullptr) return true;
    PUSHPULL_ASSIGN_OR_RETURN(const v1::CaseResult due, sought.reference->Play(sought.played));
    return !conformance::IsFailure(due.verdict(), true);
  };
  auto minimized = conformance::Minimize(sought.played.scenario(), fails, options);
  progress.Clear();
  return minimized;
}

// The file: what it shows as a comment, then the scenario.
absl::StatusOr<std::string> TextOf(const MinimizeFlags& flags, const v1::Scenario& scenario,
                                   const v1::CaseResult& result, const std::string& from) {
  PUSHPULL_ASSIGN_OR_RETURN(
      const std::string text,
      conformance::WriteScenarioAs(conformance::ScenarioFormat::kText, scenario));
  return absl::StrCat("# The least of ", from, " that gives, against ", flags.run.targets[0],
                      ",\n# ", Told(result), "\n#\n", text);
}

absl::StatusOr<int> Minimize(const MinimizeFlags& flags) {
  WatchInterrupts();
  PUSHPULL_ASSIGN_OR_RETURN(const Case sanity, SanityCase());
  PUSHPULL_ASSIGN_OR_RETURN(Case played, FindCase(flags.scenario));
  const std::string from = played.id();
  MakeOwnCase(&played.script.scenario);
  const bool taken = MayBePlayed(played.scenario());
  const std::string path = PathOf(flags.out, played.scenario());
  if (taken && !flags.out.empty()) PUSHPULL_RETURN_IF_ERROR(MakeFolderOf(path));
  Opponent target, reference;
  PUSHPULL_RETURN_IF_ERROR(Meet(flags.run, sanity, &target));
  PUSHPULL_RETURN_IF_ERROR(MeetReference(flags.run, sanity, target.factory->rdma(), &reference));
  const size_t steps = static_cast<size_t>(played.scenario().step_size());
  PUSHPULL_ASSIGN_OR_RETURN(const v1::CaseResult first, target.player->Play(played));
  std::fprintf(stderr, "%s: %s\n", from.c_str(), Told(first).c_str());
  if (!conformance::IsFailure(first.verdict(), true)) {
    return absl::OutOfRangeError(absl::StrCat(from, " doesn't fail against ", flags.run.targets[0],
                                              ": there is nothing to minimize"));
  }
  if (!taken) {
    return absl::InvalidArgumentError(absl::StrCat(
        flags.scenario, ": isn't sound as a case; pushpull run --suites FOLDER says why"));
  }
  const std::string cause = conformance::CauseOf(first);
  PUSHPULL_ASSIGN_OR_RETURN(const v1::CaseResult due, reference.player->Play(played));
  const bool fails_anywhere = conformance::IsFailure(due.verdict(), true);
  if (fails_anywhere) {
    std::fprintf(stderr, "note: it fails against the reference target, too (%s)\n",
                 Told(due).c_str());
  }
  PUSHPULL_ASSIGN_OR_RETURN(
      const conformance::Minimized least,
      Seek(flags, {target.player.get(), fails_anywhere ? nullptr : reference.player.get(), played,
                   cause}));
  PUSHPULL_ASSIGN_OR_RETURN(const std::string text, TextOf(flags, least.scenario, first, from));
  std::fprintf(stderr, "%s: %zu steps became %d, after %llu plays%s\n", from.c_str(), steps,
               least.scenario.step_size(), static_cast<unsigned long long>(least.plays),
               least.complete       ? ""
               : Interrupted() != 0 ? ": interrupted, so it may not be the least"
                                    : ": --max-plays is used up, so it may not be the least");
  if (flags.out.empty()) {
    std::fputs(text.c_str(), stdout);
  } else {
    PUSHPULL_RETURN_IF_ERROR(WriteScenario(path, text));
    std::fprintf(stdout, "%s\nreplay: %s --suites %s --only %s\n", path.c_str(),
                 flags.run.replay_command.c_str(), base::ShellQuoted(flags.out).c_str(),
                 base::ShellQuoted(least.scenario.id()).c_str());
  }
  return Interrupted() != 0 ? InterruptedExitCode() : conformance::kExitAsExpected;
}

}  // namespace

void AddMinimizeCommand(CLI::App* app, int* exit_code) {
  CLI::App* minimize =
      app->add_subcommand("minimize", "Finds the least scenario that still fails in the same way.");
  auto flags = std::make_shared<MinimizeFlags>();
  minimize
      ->add_option("SCENARIO", flags->scenario,
                   "a scenario (.textproto), or the id of a case that is built in")
      ->required();
  DeclareTargetOptions(minimize, &flags->run);
  minimize->add_option("--max-plays", flags->max_plays, "plays that the search may take")
      ->transform(WholeNumber(1, UINT32_MAX))
      ->capture_default_str();
  minimize->add_option("--out", flags->out,
                       "the folder for the scenario, as ID.textproto (default: standard output)");
  minimize->footer(
      "Exit codes: 0 found, 2 usage, 3 the target can't be reached or doesn't come back, 4 the "
      "case\n"
      "doesn't fail, or there is none of this name, 130 and 143 interrupted.\n"
      "Example: pushpull minimize write/r2t_sequence --bug r2t_sn_repeats --out least");
  minimize->callback([minimize, flags, exit_code] {
    flags->run.step_timeout_given = Given(*minimize, "--step-timeout-s");
    flags->run.iser_dialect_given = Given(*minimize, "--iser-dialect");
    flags->run.replay_command = ReplayCommand(*minimize, "run");
    if (!flags->run.isid.empty()) {
      absl::StrAppend(&flags->run.replay_command, " --isid ", flags->run.isid);
    }
    const absl::StatusOr<int> code = Minimize(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
