// pushpull fuzz --plugin

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "conformance/report/text.h"
#include "conformance/report/verdict.h"
#include "fuzz/blackbox/plugin_campaign.h"
#include "fuzz/replay/inputs.h"
#include "fuzz/replay/table.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/fuzz_command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/progress.h"

namespace pushpull::tools {
namespace {

// Of a delivery, times --timeout-scale: it is a matter of microseconds.
constexpr double kDeadlineMs = 1000;

constexpr std::array<std::string_view, 11> kOptions = {
    "--help", "--plugin", "--seed",   "--first",          "--runs",         "--time",
    "--out",  "--color",  "--suites", "--minimize-plays", "--timeout-scale"};

// The others are about a target: who gives one means something else.
absl::Status RefuseNoEffect(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string name = absl::StrCat("--", option->get_lnames()[0]);
    if (std::find(kOptions.begin(), kOptions.end(), name) != kOptions.end()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name,
                     " is about a target, and --plugin is a receiver alone: leave one of "
                     "both out"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<replay::Trace>> Seeds(const std::string& folder) {
  std::vector<replay::Trace> traces;
  if (folder.empty()) return traces;
  PUSHPULL_ASSIGN_OR_RETURN(replay::Inputs inputs, replay::LoadInputs({folder}, {}));
  for (const std::string& remark : inputs.remarks) std::fprintf(stderr, "%s\n", remark.c_str());
  for (const absl::Status& error : inputs.errors) Complain(error);
  for (replay::Input& input : inputs.traces) traces.push_back(std::move(input.trace));
  if (traces.empty()) {
    return absl::OutOfRangeError(
        absl::StrCat("--suites ", folder,
                     ": no traces; what a plug-in takes is a stream of bytes (scenarios "
                     "with `trace {}`, captures, fuzz inputs: docs/REPLAY.md)"));
  }
  return traces;
}

std::string StatusLine(const fuzz::PluginStatus& status) {
  return absl::StrCat(
      status.streams, " streams, ", replay::Grouped(status.deliveries), " deliveries, ",
      absl::StrFormat("%.0f", status.seconds > 0 ? status.deliveries / status.seconds : 0.0),
      " a second, ", status.findings, status.findings == 1 ? " finding" : " findings",
      status.refused == 0 ? ""
                          : absl::StrCat(", ", status.refused, " streams that it doesn't take"),
      status.doing.empty() ? "" : "; ", status.doing);
}

// With the difference side by side below each result.
std::string Told(const fuzz::PluginOutcome& outcome, const conformance::TextOptions& options) {
  std::string text;
  for (int i = 0; i < outcome.result.result_size(); ++i) {
    absl::StrAppend(&text, conformance::CaseText(outcome.result.result(i), options),
                    outcome.texts[static_cast<size_t>(i)], "\n");
  }
  for (const std::string& warning : outcome.result.warning()) {
    absl::StrAppend(&text, "note: ", warning, "\n");
  }
  return absl::StrCat(text, StatusLine(outcome.status), "\n");
}

}  // namespace

absl::StatusOr<int> FuzzPlugin(const CLI::App& command, const FuzzFlags& flags) {
  PUSHPULL_RETURN_IF_ERROR(RefuseNoEffect(command));
  WatchInterrupts();
  fuzz::PluginCampaignOptions options;
  PUSHPULL_ASSIGN_OR_RETURN(options.seeds, Seeds(flags.run.suites));
  options.plugin = replay::PluginOptions::Parse(flags.plugin);
  options.plugin.deadline_ms =
      static_cast<int>(std::max(10.0, kDeadlineMs * flags.run.timeout_scale));
  options.argument = flags.plugin;
  options.seed = flags.run.seed;
  options.first = flags.first;
  options.runs = flags.runs;
  if (flags.time_s > 0) options.time = absl::Seconds(flags.time_s);
  options.minimize_plays = flags.minimize_plays;
  options.replay_command = flags.run.replay_command;
  options.interrupted = &InterruptFlag();
  Progress progress;
  options.status = [&](const fuzz::PluginStatus& status) {
    progress.Tell([&] { return StatusLine(status); });
  };
  const absl::Time started = absl::Now();
  std::optional<conformance::ResultFolder> folder;
  if (!flags.run.out.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(folder, conformance::ResultFolder::Create(flags.run.out));
  }
  const conformance::ResultFolder* const kept = folder.has_value() ? &*folder : nullptr;
  PUSHPULL_ASSIGN_OR_RETURN(fuzz::PluginOutcome outcome, fuzz::RunPluginCampaign(options, kept));
  progress.Clear();
  DescribeFuzz(flags, started, &outcome.result);
  if (Interrupted() != 0) outcome.result.set_exit_code(InterruptedExitCode());
  std::fputs(Told(outcome, {.color = UseColor(flags.run.color)}).c_str(), stdout);
  if (kept == nullptr) {
    if (outcome.result.result_size() > 0) {
      std::fputs("--out DIR keeps each as a file that `pushpull replay` plays.\n", stdout);
    }
    return outcome.result.exit_code();
  }
  PUSHPULL_RETURN_IF_ERROR(WriteFuzzResults(*kept, outcome.result, Told(outcome, {})));
  std::fprintf(stdout, "report: %s\n",
               std::filesystem::absolute(kept->path() + "/report.html").c_str());
  return outcome.result.exit_code();
}

}  // namespace pushpull::tools
