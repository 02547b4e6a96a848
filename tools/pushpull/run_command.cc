// pushpull run

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "base/text.h"
#include "base/text_proto.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "conformance/requirements/catalogue.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/lint.h"
#include "pushpull/v1/profile.pb.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/endpoints.h"
#include "tools/endpoints/secret_file.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/command.h"

namespace pushpull::tools {
namespace {

using conformance::Case;

struct RunFlags {
  std::vector<std::string> targets = {"embedded:"};
  std::vector<std::string> only, exclude, bugs;
  std::string level = "may";
  std::string profile, scratch_lba, splits = "none", shard, isid, bind, out, suites;
  std::string color = "auto";
  std::string initiator_name = conformance::PlaySettings().initiator_name;
  std::string chap_user, chap_secret_file, chap_mutual_user, chap_mutual_secret_file;
  bool strict = false, allow_writes = false;
  uint32_t jobs = 1;
  uint32_t max_suite_version = UINT32_MAX;
  double step_timeout_s = 10, timeout_scale = 1;
  uint64_t seed = 1;
  std::vector<std::string> arguments;  // as given, for the report
};

absl::StatusOr<std::pair<uint32_t, uint32_t>> ParseShard(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  uint32_t index = 0, count = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &index) ||
      !absl::SimpleAtoi(parts[1], &count) || index == 0 || index > count) {
    return absl::InvalidArgumentError(
        absl::StrCat("--shard \"", text, "\": write I/N with 1 <= I <= N, such as 2/4"));
  }
  return std::pair(index, count);
}

absl::StatusOr<std::array<uint8_t, 6>> ParseIsid(const std::string& text) {
  std::array<uint8_t, 6> isid;
  const bool hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (text.size() != 12 || !hex) {
    return absl::InvalidArgumentError(
        absl::StrCat("--isid \"", text, "\": write six bytes as 12 hexadecimal digits"));
  }
  const std::string bytes = absl::HexStringToBytes(text);
  std::copy(bytes.begin(), bytes.end(), isid.begin());
  return isid;
}

absl::Status ParseScratch(const RunFlags& flags, conformance::PlaySettings* settings) {
  if (flags.scratch_lba.empty()) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(flags.scratch_lba, '-');
  uint64_t from = 0, to = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &from) || !absl::SimpleAtoi(parts[1], &to) ||
      from > to) {
    return absl::InvalidArgumentError(absl::StrCat("--scratch-lba \"", flags.scratch_lba,
                                                   "\": write FROM-TO, such as 4096-8191"));
  }
  if (to - from + 1 < conformance::kScratchBlocks) {
    return absl::InvalidArgumentError(absl::StrCat("--scratch-lba \"", flags.scratch_lba,
                                                   "\": the cases need ",
                                                   conformance::kScratchBlocks, " blocks"));
  }
  settings->scratch_lba = from;
  return absl::OkStatus();
}

absl::StatusOr<conformance::PlaySettings> MakeSettings(const RunFlags& flags) {
  conformance::PlaySettings settings;
  settings.initiator_name = flags.initiator_name;
  if (!flags.isid.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(settings.isid, ParseIsid(flags.isid));
  }
  PUSHPULL_RETURN_IF_ERROR(ParseScratch(flags, &settings));
  PUSHPULL_ASSIGN_OR_RETURN(settings.splits, initiator_sim::SplitSchedule::Parse(flags.splits));
  settings.step_timeout = absl::Seconds(flags.step_timeout_s * flags.timeout_scale);
  settings.chap.user = flags.chap_user;
  settings.chap.mutual_user = flags.chap_mutual_user;
  if (flags.chap_user.empty() != flags.chap_secret_file.empty()) {
    return absl::InvalidArgumentError("--chap-user and --chap-secret-file go together");
  }
  if (flags.chap_mutual_user.empty() != flags.chap_mutual_secret_file.empty()) {
    return absl::InvalidArgumentError(
        "--chap-mutual-user and --chap-mutual-secret-file go together");
  }
  if (!flags.chap_secret_file.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(settings.chap.secret, ReadSecretFile(flags.chap_secret_file));
  }
  if (!flags.chap_mutual_secret_file.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(settings.chap.mutual_secret,
                              ReadSecretFile(flags.chap_mutual_secret_file));
  }
  return settings;
}

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

absl::StatusOr<std::vector<Case>> ChooseCases(const RunFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<conformance::ScenarioFile> files,
                            flags.suites.empty() ? conformance::BuiltInSuites()
                                                 : conformance::LoadScenarios(flags.suites));
  PUSHPULL_ASSIGN_OR_RETURN(std::vector<Case> cases, conformance::Expand(files));
  conformance::Selection selection;
  selection.only = flags.only;
  selection.exclude = flags.exclude;
  selection.level = flags.level == "must"     ? v1::MUST
                    : flags.level == "should" ? v1::SHOULD
                                              : v1::MAY;
  selection.max_suite_version = flags.max_suite_version;
  cases = conformance::Select(std::move(cases), selection);
  if (!flags.suites.empty()) {
    std::set<std::string> chosen;
    for (const Case& c : cases) chosen.insert(c.script.file);
    std::erase_if(files, [&](const auto& file) { return !chosen.contains(file.path); });
    PUSHPULL_RETURN_IF_ERROR(LintSuites(files, flags.suites));
  }
  if (!flags.shard.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const auto shard, ParseShard(flags.shard));
    size_t index = 0;
    std::erase_if(cases, [&](const Case&) { return index++ % shard.second != shard.first - 1; });
  }
  return cases;
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

absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeFactory(const RunFlags& flags) {
  std::vector<TargetUri> uris;
  for (const std::string& text : flags.targets) {
    PUSHPULL_ASSIGN_OR_RETURN(TargetUri uri, ParseTargetUri(text));
    uris.push_back(std::move(uri));
  }
  EndpointOptions options;
  options.bugs = flags.bugs;
  options.bind = flags.bind;
  return MakeEndpointFactory(uris, options);
}

std::string ReplayCommand(const RunFlags& flags) {
  std::string command = "pushpull run";
  for (const std::string& target : flags.targets) {
    if (target != "embedded:") absl::StrAppend(&command, " --target ", target);
  }
  for (const std::string& bug : flags.bugs) absl::StrAppend(&command, " --bug ", bug);
  if (flags.splits != "none") absl::StrAppend(&command, " --splits ", flags.splits);
  if (flags.allow_writes) absl::StrAppend(&command, " --allow-writes");
  if (!flags.suites.empty()) absl::StrAppend(&command, " --suites ", flags.suites);
  absl::StrAppend(&command, " --seed ", flags.seed);
  return command;
}

// The overlay of the profile; what else it says goes into the options.
absl::StatusOr<conformance::ProfileOverlay> UseProfile(const RunFlags& flags,
                                                       conformance::RunOptions* options) {
  PUSHPULL_ASSIGN_OR_RETURN(const auto profile, base::LoadTextProto<v1::Profile>(flags.profile));
  const std::string today = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
  auto overlay = conformance::ProfileOverlay::Create(profile, today);
  if (!overlay.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(flags.profile, ": ", overlay.status().message()));
  }
  if (!profile.restart_command().empty() || !profile.hook().empty()) {
    return absl::UnimplementedError(absl::StrCat(
        flags.profile, ": restart_command and hook are not supported yet; take them out"));
  }
  options->lacks.assign(profile.lacks().begin(), profile.lacks().end());
  for (const v1::Reading& reading : profile.reading()) {
    options->play.readings[reading.ambiguity()] = reading.choice();
  }
  if (profile.step_timeout_ms() != 0) {
    options->play.step_timeout =
        absl::Milliseconds(profile.step_timeout_ms()) * flags.timeout_scale;
  }
  return overlay;
}

// The whole of it; `folder` is set where results are written.
absl::StatusOr<int> RunCases(const RunFlags& flags) {
  PUSHPULL_ASSIGN_OR_RETURN(const std::vector<Case> cases, ChooseCases(flags));
  if (cases.empty()) {
    std::fprintf(stderr, "pushpull: no case matches; `pushpull list` shows all\n");
    return conformance::kExitNothingMatched;
  }
  PUSHPULL_ASSIGN_OR_RETURN(const Case sanity, SanityCase());
  conformance::RunOptions options;
  PUSHPULL_ASSIGN_OR_RETURN(options.play, MakeSettings(flags));
  PUSHPULL_ASSIGN_OR_RETURN(auto factory, MakeFactory(flags));
  PUSHPULL_ASSIGN_OR_RETURN(const TargetUri first, ParseTargetUri(flags.targets[0]));

  std::optional<conformance::ProfileOverlay> overlay;
  if (!flags.profile.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(overlay, UseProfile(flags, &options));
  }
  std::optional<conformance::ResultFolder> folder;
  if (!flags.out.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(folder, conformance::ResultFolder::Create(flags.out));
  }

  const conformance::TextOptions text = {.color = UseColor(flags.color), .strict = flags.strict};
  options.lun = first.lun;
  options.portals = flags.targets.size();
  options.strict = flags.strict;
  options.allow_writes = flags.allow_writes;
  options.jobs = flags.jobs;
  options.seed = flags.seed;
  options.overlay = overlay.has_value() ? &*overlay : nullptr;
  options.whole_suite = flags.only.empty() && flags.exclude.empty() && flags.shard.empty() &&
                        flags.level == "may" && flags.max_suite_version == UINT32_MAX;
  options.folder = folder.has_value() ? &*folder : nullptr;
  options.replay_command = ReplayCommand(flags);
  std::string report;
  options.progress = [&](const v1::CaseResult& result, size_t, size_t) {
    std::fputs(conformance::CaseText(result, text).c_str(), stdout);
    std::fflush(stdout);
    report += conformance::CaseText(result, {.strict = flags.strict});
  };

  const std::string started = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  conformance::RunOutcome outcome = conformance::RunSuites(factory.get(), sanity, cases, options);
  v1::RunResult& run = outcome.result;
  run.set_schema_version(1);
  run.set_tool_version(kVersion);
  run.set_started(started);
  run.set_profile(flags.profile);
  for (const std::string& argument : flags.arguments) run.add_argument(argument);
  if (folder.has_value()) PUSHPULL_RETURN_IF_ERROR(folder->WriteRun(run, flags.strict));
  if (!outcome.status.ok()) {
    std::fprintf(stderr, "pushpull: %s\n", std::string(outcome.status.message()).c_str());
    return run.exit_code();
  }
  std::fputs(conformance::SummaryText(run, text).c_str(), stdout);
  for (const std::string& complaint : outcome.complaints) {
    std::fprintf(stdout, "%s: %s\n", flags.profile.c_str(), complaint.c_str());
  }
  if (folder.has_value()) {
    report += conformance::SummaryText(run, {.strict = flags.strict});
    PUSHPULL_RETURN_IF_ERROR(folder->Write("report.txt", report));
    std::fprintf(stdout, "report: %s\n",
                 std::filesystem::absolute(folder->path() + "/report.txt").c_str());
  }
  return run.exit_code();
}

void DeclareFlags(CLI::App* run, RunFlags* flags) {
  run->add_option(
         "--target", flags->targets,
         "tcp://HOST[:PORT][/IQN[/LUN]], embedded: (the reference target over loopback) or "
         "embedded-sim: (over a simulated network). A second one is another portal")
      ->capture_default_str();
  run->add_option("--only", flags->only, "cases whose id matches this glob, or with this tag");
  run->add_option("--exclude", flags->exclude, "not the cases whose id matches, or with this tag");
  run->add_option("--level", flags->level, "how far to judge")
      ->check(CLI::IsMember({"must", "should", "may"}))
      ->capture_default_str();
  run->add_flag("--strict", flags->strict, "WARN (a SHOULD was missed) fails the run");
  run->add_option("--profile", flags->profile, "expected failures of this target");
  run->add_flag("--allow-writes", flags->allow_writes,
                "cases may change blocks of the LUN: the data there is lost");
  run->add_option("--scratch-lba", flags->scratch_lba, "FROM-TO: only these blocks are changed");
  run->add_option("--splits", flags->splits,
                  "how what is sent is cut: none, bytes, mss:N, fields, random:SEED:N")
      ->capture_default_str();
  run->add_option("--jobs", flags->jobs, "cases at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  run->add_option("--shard", flags->shard, "I/N: only each N-th case, from the I-th");
  run->add_option("--step-timeout-s", flags->step_timeout_s, "how long a step waits")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  run->add_option("--timeout-scale", flags->timeout_scale, "all time limits times this")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  run->add_option("--initiator-name", flags->initiator_name, "InitiatorName")
      ->capture_default_str();
  run->add_option("--isid", flags->isid, "ISID of the first session, 12 hexadecimal digits");
  run->add_option("--bind", flags->bind, "the address to connect from");
  run->add_option("--chap-user", flags->chap_user, "CHAP_N of the initiator");
  run->add_option("--chap-secret-file", flags->chap_secret_file, "its secret, one line");
  run->add_option("--chap-mutual-user", flags->chap_mutual_user, "CHAP_N of the target");
  run->add_option("--chap-mutual-secret-file", flags->chap_mutual_secret_file, "its secret");
  run->add_option("--max-suite-version", flags->max_suite_version,
                  "no case that came later than this version of the suites");
  run->add_option("--suites", flags->suites,
                  "a folder of scenarios instead of the built-in suites");
  run->add_option("--bug", flags->bugs, "a named defect of the embedded target");
  run->add_option("--seed", flags->seed, "decides all that is left to chance")
      ->capture_default_str();
  run->add_option("--out", flags->out, "the folder for result.json, junit.xml and wire logs");
  run->add_option("--color", flags->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

}  // namespace

void AddRunCommand(CLI::App* app, std::vector<std::string> arguments, int* exit_code) {
  CLI::App* run = app->add_subcommand(
      "run", "Plays the conformance suites against a target and says what it does wrong.");
  auto flags = std::make_shared<RunFlags>();
  flags->arguments = std::move(arguments);
  DeclareFlags(run, flags.get());
  run->footer(
      "Example: pushpull run --target tcp://192.0.2.1/iqn.2026-11.org.example:disk "
      "--only 'login/*' --out results");
  run->callback([flags, exit_code] {
    const absl::StatusOr<int> code = RunCases(*flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
