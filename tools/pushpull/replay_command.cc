// pushpull replay

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/suite.h"
#include "fuzz/replay/inputs.h"
#include "fuzz/replay/plugin/plugin_host.h"
#include "fuzz/replay/replay.h"
#include "fuzz/replay/reproducers.h"
#include "fuzz/replay/rx_receiver.h"
#include "fuzz/replay/session_receiver.h"
#include "fuzz/replay/table.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/endpoints.h"
#include "tools/endpoints/session_hosts.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/capture_options.h"
#include "tools/pushpull/command.h"
#include "tools/pushpull/interrupt.h"
#include "tools/pushpull/numbers.h"
#include "tools/pushpull/progress.h"

namespace pushpull::tools {
namespace {

// A crash costs a child and a hang its deadline: fewer deliveries are tried to find the least.
constexpr uint64_t kPluginMinimisePlays = 20'000;
constexpr uint64_t kSessionMinimisePlays = 2'000;
constexpr uint64_t kUriMinimisePlays = 300;  // each of them some times

// What the name of a session's trace adds to the scenario's: " #1 c1 to initiator".
constexpr size_t kStreamColumns = 19;

struct ReplayFlags {
  std::vector<std::string> files, bugs;
  std::string splits, via = "rx", plugin, out;
  CaptureFlags capture;
  uint64_t max_deliveries = replay::Budget().max_deliveries;
  bool to_initiator = false, allow_writes = false, strict = false;
  replay::Parameters raw;
  uint64_t seed = 1;
};

// What is played, one after the other, and what came of it.
class Run {
 public:
  static absl::StatusOr<std::unique_ptr<Run>> Create(const ReplayFlags& flags,
                                                     const replay::Inputs& inputs) {
    size_t columns = 0;
    for (const replay::Input& input : inputs.traces) {
      columns = std::max(columns, input.trace.name.size());
    }
    for (const conformance::ScenarioFile& file : inputs.sessions) {
      columns = std::max(columns, file.scenario.id().size() + kStreamColumns);
    }
    auto run = std::unique_ptr<Run>(new Run(flags, columns));
    PUSHPULL_ASSIGN_OR_RETURN(run->fields_, replay::Schedule::Parse("fields"));
    PUSHPULL_ASSIGN_OR_RETURN(run->whole_, replay::Schedule::Parse("none"));
    if (!flags.splits.empty()) {
      PUSHPULL_ASSIGN_OR_RETURN(run->schedule_, replay::Schedule::Parse(flags.splits));
    }
    run->budget_.max_deliveries = flags.max_deliveries;
    if (!flags.out.empty()) {
      PUSHPULL_ASSIGN_OR_RETURN(run->reproducers_, replay::Reproducers::Create(flags.out));
    }
    return run;
  }

  // But for what the user said.
  void set_budget(const replay::Budget& budget) {
    const uint64_t said = budget_.max_deliveries;
    budget_ = budget;
    if (said != replay::Budget().max_deliveries) budget_.max_deliveries = said;
  }
  void set_max_minimise_plays(uint64_t plays) { minimise_.max_plays = plays; }

  absl::Status Play(const replay::Trace& trace, const std::optional<replay::Delivery>& own,
                    replay::Receiver* receiver) {
    if (Interrupted() != 0) return absl::OkStatus();
    if (!begun_) Print(table_.Header());
    begun_ = true;
    replay::ReplayOptions options;
    options.schedule = schedule_.has_value() ? *schedule_ : own.has_value() ? whole_ : fields_;
    options.budget = budget_;
    options.minimise = minimise_;
    options.progress = [&](uint64_t played, uint64_t of) {
      progress_.Tell([&] {
        return absl::StrCat(trace.name, ": ", replay::Grouped(played), " of ", replay::Grouped(of));
      });
      return Interrupted() == 0;
    };
    options.minimising = [&](uint64_t plays) {
      progress_.Tell([&] {
        return absl::StrCat(trace.name, ": differs; the least delivery is sought, ",
                            replay::Grouped(plays), " played");
      });
      return Interrupted() == 0;
    };
    PUSHPULL_ASSIGN_OR_RETURN(const replay::Replayed replayed,
                              replay::ReplayTrace(trace, own, receiver, options));
    Print(table_.Row(replayed));
    if (!replayed.finding.has_value()) return absl::OkStatus();
    findings_ += "\n" + replayed.finding->text;
    if (reproducers_.has_value()) {
      const auto path = reproducers_->Write(trace.name, *replayed.finding);
      absl::StrAppend(&findings_,
                      path.ok() ? absl::StrCat("  replay: pushpull replay ", *path, via_)
                                : std::string(path.status().message()),
                      "\n");
    }
    return absl::OkStatus();
  }

  int Finish() {
    if (table_.traces() == 0 && Interrupted() == 0) {
      std::fputs("pushpull: nothing was played\n", stderr);
      return conformance::kExitNothingMatched;
    }
    Print(findings_);
    if (!findings_.empty() && !reproducers_.has_value()) {
      Print("\n--out DIR writes each as a scenario that plays it again.\n");
    }
    Print(findings_.empty() ? "" : "\n");
    Print(table_.Footer(absl::ToDoubleSeconds(absl::Now() - started_)));
    if (Interrupted() != 0) {
      std::fputs("pushpull: interrupted: the table has what was played till then\n", stderr);
      return InterruptedExitCode();
    }
    if (table_.findings() > 0) return conformance::kExitUnexpectedVerdict;
    if (schedule_.has_value() && !table_.left_out().empty()) {
      std::fputs(
          "pushpull: not all that --splits asks for was played; raise --max-deliveries, or ask for "
          "`all`, which brings what fits\n",
          stderr);
      return conformance::kExitUsage;
    }
    const bool complains = table_.unsteady() > 0 || table_.refused() > 0;
    return strict_ && complains ? conformance::kExitUnexpectedVerdict
                                : conformance::kExitAsExpected;
  }

  bool AsksForQueues() const {
    return schedule_.has_value() &&
           std::any_of(schedule_->items().begin(), schedule_->items().end(), [](const auto& item) {
             return item.kind == replay::Schedule::Kind::kQueue;
           });
  }

 private:
  Run(const ReplayFlags& flags, size_t columns)
      : table_(columns),
        strict_(flags.strict),
        via_(absl::StrCat(flags.via == "rx" ? "" : absl::StrCat(" --via ", flags.via),
                          flags.plugin.empty() ? "" : absl::StrCat(" --plugin ", flags.plugin),
                          flags.bugs.empty() ? "" : absl::StrCat(" --bug ", flags.bugs[0]))) {}

  void Print(const std::string& text) {
    progress_.Clear();
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  replay::Table table_;
  Progress progress_;
  const bool strict_;
  const std::string via_;  // what the command needs to play a finding again
  const absl::Time started_ = absl::Now();
  replay::Schedule fields_, whole_;
  std::optional<replay::Schedule> schedule_;
  replay::Budget budget_;
  replay::MinimiseOptions minimise_;
  std::optional<replay::Reproducers> reproducers_;
  std::string findings_;
  bool begun_ = false;
};

absl::StatusOr<target::BugSet> ParseBugs(const std::vector<std::string>& names) {
  target::BugSet bugs;
  for (const std::string& name : names) {
    PUSHPULL_ASSIGN_OR_RETURN(const target::Bug bug, target::ParseBugName(name));
    bugs.Add(bug);
  }
  return bugs;
}

// By our own machine, or a plug-in: traces, byte by byte.
absl::Status PlayTraces(const ReplayFlags& flags, const replay::Inputs& inputs, Run* run) {
  std::unique_ptr<replay::Receiver> receiver;
  if (flags.plugin.empty()) {
    PUSHPULL_ASSIGN_OR_RETURN(const target::BugSet bugs, ParseBugs(flags.bugs));
    receiver = replay::MakeRxReceiver(bugs);
  } else {
    PUSHPULL_ASSIGN_OR_RETURN(
        receiver, replay::PluginHost::Create(replay::PluginOptions::Parse(flags.plugin)));
    run->set_max_minimise_plays(kPluginMinimisePlays);
  }
  for (const replay::Input& input : inputs.traces) {
    PUSHPULL_RETURN_IF_ERROR(run->Play(input.trace, input.own, receiver.get()));
  }
  if (inputs.sessions.empty()) return absl::OkStatus();
  if (inputs.traces.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        inputs.sessions[0].path,
        ": has no `trace {}`, so it needs a target: --via session plays it through a whole one"));
  }
  std::fprintf(stderr, "pushpull: passed over %zu scenarios without `trace {}`: --via session\n",
               inputs.sessions.size());
  return absl::OkStatus();
}

// By a whole target: scenarios, with the bytes of one connection's direction cut at a time.
absl::Status PlaySessions(const ReplayFlags& flags, const replay::Inputs& inputs, Run* run) {
  std::unique_ptr<replay::SessionHost> host;
  replay::SessionOptions options;
  options.seed = flags.seed;
  options.allow_writes = flags.allow_writes;
  if (flags.via == "session") {
    PUSHPULL_ASSIGN_OR_RETURN(const target::BugSet bugs, ParseBugs(flags.bugs));
    host = MakeSimSessionHost(bugs);
  } else {
    PUSHPULL_ASSIGN_OR_RETURN(const TargetUri uri, ParseTargetUri(flags.via));
    EndpointOptions endpoint;
    endpoint.bugs = flags.bugs;
    PUSHPULL_ASSIGN_OR_RETURN(auto factory, MakeEndpointFactory({uri}, endpoint));
    if (factory->rdma()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--via ", flags.via,
                       ": a Send comes whole, there is nothing to cut; use --via session, "
                       "or pushpull run for iSER"));
    }
    host = MakeWriteCutSessionHost(std::move(factory));
    options.name = flags.via;
    options.lun = uri.lun;
  }
  if (run->AsksForQueues()) {
    return absl::InvalidArgumentError(
        "--splits queue:N sizes the receive machine's queue (--via rx, --plugin); a session has "
        "its "
        "own: leave it out");
  }
  run->set_max_minimise_plays(flags.via == "session" ? kSessionMinimisePlays : kUriMinimisePlays);
  run->set_budget(replay::SessionBudget());
  PUSHPULL_ASSIGN_OR_RETURN(const auto receiver,
                            replay::SessionReceiver::Create(host.get(), options));
  PUSHPULL_ASSIGN_OR_RETURN(const std::vector<conformance::Case> cases,
                            conformance::Expand(inputs.sessions));
  for (const conformance::Case& c : cases) {
    if (Interrupted() != 0) break;
    const absl::StatusOr<std::vector<replay::Trace>> traces = receiver->Record(c);
    if (absl::IsUnimplemented(traces.status())) {
      std::fprintf(stderr, "pushpull: passed over %s: %s\n", c.id().c_str(),
                   std::string(traces.status().message()).c_str());
      continue;
    }
    PUSHPULL_RETURN_IF_ERROR(traces.status());
    for (const replay::Trace& trace : *traces) {
      PUSHPULL_RETURN_IF_ERROR(run->Play(trace, receiver->OwnDelivery(trace), receiver.get()));
    }
  }
  for (const auto& [rule, deliveries] : receiver->broken_rules()) {
    std::fprintf(stderr,
                 "pushpull: note: the target broke %s in %s deliveries; pushpull run judges\n",
                 rule.c_str(), replay::Grouped(deliveries).c_str());
  }
  if (inputs.traces.empty()) return absl::OkStatus();
  std::fprintf(stderr, "pushpull: passed over %zu traces, which have no peer to answer: --via rx\n",
               inputs.traces.size());
  return absl::OkStatus();
}

// Options that would change nothing: the user means something else.
absl::Status RefuseNoEffect(const CLI::App& command, const ReplayFlags& flags) {
  if (!flags.plugin.empty() && Given(command, "--via")) {
    return absl::InvalidArgumentError("--plugin is a receiver of its own: leave --via out");
  }
  if (!flags.plugin.empty() && !flags.bugs.empty()) {
    return absl::InvalidArgumentError("--bug is for the reference target, not for a plug-in");
  }
  if (flags.via == "rx" && Given(command, "--seed")) {
    return absl::InvalidArgumentError(
        "--seed is about sessions (--via session or URI): what the receive machine is fed leaves "
        "nothing to chance but random:SEED:N of --splits");
  }
  const auto uri = ParseTargetUri(flags.via);
  const bool remote =
      uri.ok() && (uri->kind == TargetUri::Kind::kTcp || uri->kind == TargetUri::Kind::kIser);
  if (flags.allow_writes && !remote) {
    return absl::InvalidArgumentError(
        absl::StrCat("--allow-writes is about somebody's target (--via tcp://...); --via ",
                     flags.via, " has no data to lose: leave it out"));
  }
  return absl::OkStatus();
}

// Likewise those about kinds of files of which there is none.
absl::Status RefuseNoEffect(const CLI::App& command, const replay::Inputs& inputs) {
  if (!inputs.has_bytes) {
    for (const char* option :
         {"--to-initiator", "--header-digest", "--data-digest", "--max-recv-data-segment-length"}) {
      if (!Given(command, option)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          option, " is about fuzz inputs, and FILE has none; a trace says this of itself"));
    }
  }
  if (inputs.has_captures) return absl::OkStatus();
  for (const char* option : {"--port", "--max-mib"}) {
    if (!Given(command, option)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(option, " is about captures, and FILE has none: leave it out"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Replay(const CLI::App& command, const ReplayFlags& flags) {
  PUSHPULL_RETURN_IF_ERROR(RefuseNoEffect(command, flags));
  replay::InputOptions options;
  options.captures = flags.capture.Options();
  options.parameters = flags.raw;
  options.direction =
      flags.to_initiator ? replay::Direction::kToInitiator : replay::Direction::kToTarget;
  PUSHPULL_ASSIGN_OR_RETURN(const replay::Inputs inputs, replay::LoadInputs(flags.files, options));
  PUSHPULL_RETURN_IF_ERROR(RefuseNoEffect(command, inputs));
  WatchInterrupts();
  for (const std::string& remark : inputs.remarks) {
    std::fprintf(stderr, "%s\n", remark.c_str());
  }
  if (!inputs.errors.empty() && inputs.traces.empty() && inputs.sessions.empty()) {
    return inputs.errors[0];
  }
  for (const absl::Status& error : inputs.errors) Complain(error);
  PUSHPULL_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run, Run::Create(flags, inputs));
  PUSHPULL_RETURN_IF_ERROR(flags.via == "rx" ? PlayTraces(flags, inputs, run.get())
                                             : PlaySessions(flags, inputs, run.get()));
  const int code = run->Finish();
  return code == conformance::kExitAsExpected && !inputs.errors.empty() ? conformance::kExitUsage
                                                                        : code;
}

void DeclareFlags(CLI::App* replay, ReplayFlags* flags) {
  replay
      ->add_option("FILE", flags->files,
                   "traces and scenarios (.textproto), captures (pcap, pcapng), fuzz inputs (the "
                   "bytes of one direction), or folders of them")
      ->required();
  replay->add_option(
      "--splits", flags->splits,
      "none, bytes, mss:N, fields, ahs, all1, all2, all3, notyet, queue:N, random:SEED:N, "
      "coalesce:K, joined by commas, or all (default: a file's own delivery, else fields)");
  replay
      ->add_option("--via", flags->via,
                   absl::StrCat("rx (the reference target's receive machine), session (the whole "
                                "reference target) or the URI of a target: ",
                                TargetForms(false)))
      ->capture_default_str();
  replay->add_option("--plugin", flags->plugin,
                     "a receiver of your own: LIB.so[,OPTIONS] (fuzz/replay/receiver_plugin.h)");
  replay->add_option("--out", flags->out, "the folder for a scenario of each difference");
  replay
      ->add_option("--max-deliveries", flags->max_deliveries,
                   "a schedule that is more for one trace isn't played, and the exit code is 2 "
                   "where --splits named it (all: fits by itself)")
      ->transform(WholeNumber(1, UINT64_MAX))
      ->capture_default_str();
  replay->add_option("--bug", flags->bugs, "a named defect of the reference target")
      ->allow_extra_args(false);
  replay->add_flag("--to-initiator", flags->to_initiator, "fuzz inputs go to an initiator");
  replay->add_flag("--header-digest", flags->raw.header_digest, "fuzz inputs have header digests");
  replay->add_flag("--data-digest", flags->raw.data_digest, "fuzz inputs have data digests");
  replay
      ->add_option("--max-recv-data-segment-length", flags->raw.max_recv_data_segment_length,
                   "of fuzz inputs")
      ->transform(WholeNumber(512, 0xffffff))
      ->capture_default_str();
  AddCaptureFlags(replay, &flags->capture);
  replay->add_flag("--allow-writes", flags->allow_writes,
                   "--via URI: scenarios may change blocks of the LUN");
  replay->add_flag(
      "--strict", flags->strict,
      "traces that the receiver refuses, and deliveries of a target that differ now and "
      "then only, give 1");
  replay->add_option("--seed", flags->seed, "decides all that is left to chance in sessions")
      ->transform(WholeNumber(0, UINT64_MAX))
      ->capture_default_str();
}

}  // namespace

void AddReplayCommand(CLI::App* app, int* exit_code) {
  CLI::App* replay = app->add_subcommand(
      "replay", "Plays the same bytes under every delivery and compares what a receiver sees.");
  auto flags = std::make_shared<ReplayFlags>();
  DeclareFlags(replay, flags.get());
  replay->footer(
      "Exit codes: 0 no difference, 1 a difference, 2 usage, a file that can't be read, or not "
      "all\n"
      "played that was asked for, 3 the target can't be reached, 4 nothing was played, 130 and "
      "143\n"
      "interrupted.\n"
      "Example: pushpull replay corpus/traces --splits all1,fields,notyet --out findings");
  replay->callback([replay, flags, exit_code] {
    const absl::StatusOr<int> code = Replay(*replay, *flags);
    *exit_code = code.ok() ? *code : Complain(code.status());
  });
}

}  // namespace pushpull::tools
