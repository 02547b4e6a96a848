#include "conformance/runner/run_initiator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/play_case.h"
#include "conformance/runner/shell.h"

namespace pushpull::conformance {
namespace {

// The initiator's command beside one script.
class Initiator {
 public:
  Initiator(const InitiatorOptions& options, const Case& script)
      : options_(options), script_(script) {}
  Initiator(const Initiator&) = delete;
  Initiator& operator=(const Initiator&) = delete;
  ~Initiator() { AwaitEnd(); }

  void Start(const fabric::Address& address) {
    if (options_.command.empty() || thread_.joinable()) return;
    ShellCommand command = {.command = options_.command, .limit = options_.command_limit};
    command.environment = {{"PUSHPULL_ADDRESS", address.ToString()},
                           {"PUSHPULL_HOST", address.host},
                           {"PUSHPULL_PORT", absl::StrCat(address.port)},
                           {"PUSHPULL_NAME", options_.target_name},
                           {"PUSHPULL_URL", absl::StrCat("iscsi://", address.ToString(), "/",
                                                         options_.target_name, "/0")},
                           {"PUSHPULL_CASE", script_.id()}};
    command.cancelled = options_.interrupted;
    if (options_.folder != nullptr) {
      const std::string output = options_.folder->CasePath(script_.id(), "initiator.txt");
      if (options_.folder->Write(output, "").ok()) {
        command.output_path = absl::StrCat(options_.folder->path(), "/", output);
      }
    }
    ended_ = false;
    thread_ = std::thread([this, command = std::move(command)] {
      status_ = RunShell(command);
      ended_ = true;
    });
  }

  // Whether it has come to its end, or hasn't begun yet.
  const std::atomic<bool>& ended() const { return ended_; }

  // How the command ended. Its limit bounds the wait.
  const absl::Status& AwaitEnd() {
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  const InitiatorOptions& options_;
  const Case& script_;
  std::thread thread_;
  std::atomic<bool> ended_ = true;
  absl::Status status_;
};

// A shell tells of a child that a signal ended by 128 and its number.
bool Crashed(const absl::Status& status) {
  constexpr int kFatal[] = {4, 6, 7, 8, 11};  // SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV
  return std::ranges::any_of(kFatal, [&](int signal) {
    return absl::StartsWith(status.message(),
                            absl::StrCat("it was ended by signal ", signal, ";")) ||
           absl::StartsWith(status.message(), absl::StrCat("exit code ", 128 + signal, ";"));
  });
}

// An initiator may fail as it likes; it must not crash, nor wait for ever.
void JudgeEnd(const absl::Status& status, v1::CaseResult* result) {
  if (status.ok() || absl::IsCancelled(status)) return;
  std::string what;
  if (absl::IsDeadlineExceeded(status)) {
    what = absl::StrCat("the initiator's command hangs: ", std::string(status.message()));
  } else if (Crashed(status)) {
    what = absl::StrCat("the initiator's command crashed: ", std::string(status.message()));
  } else if (result->verdict() == v1::TIMEOUT) {
    // It may never have come so far.
    result->mutable_failure()->set_message(absl::StrCat(
        result->failure().message(), "; the initiator's command: ", std::string(status.message())));
    return;
  } else {
    return;
  }
  if (IsFailure(result->verdict(), false)) {
    what = absl::StrCat(result->failure().message(), "; ", what);
  }
  result->set_verdict(v1::FAIL);
  result->mutable_failure()->set_message(what);
}

// The script, with time for somebody to start the initiator.
Case Patient(Case script, const InitiatorOptions& options) {
  if (!options.command.empty()) return script;
  for (v1::Step& step : *script.script.scenario.mutable_step()) {
    if (!step.has_accept()) continue;
    step.set_timeout_ms(std::max(step.timeout_ms(),
                                 static_cast<uint32_t>(absl::ToInt64Milliseconds(options.wait))));
    break;  // who came once is there
  }
  return script;
}

// A right target for as long as the initiator comes again.
void ServeOn(EndpointFactory* factory, const TargetFacts& facts, const InitiatorOptions& options,
             const Initiator& initiator) {
  initiator_sim::Script right;
  right.scenario.set_role(v1::TARGET);
  right.scenario.add_step()->mutable_accept();
  right.scenario.add_step()->mutable_accept_login();
  right.scenario.add_step()->mutable_serve()->set_or_closed(true);
  PlaySettings settings = options.play;
  settings.step_timeout = options.command_limit;
  settings.interrupted = &initiator.ended();
  // A command can't connect more often in its time.
  constexpr int kMostConnections = 10000;
  for (int i = 0; i < kMostConnections && !initiator.ended(); ++i) {
    const auto endpoint = factory->Make(options.seed);
    if (!endpoint.ok()) return;
    Play(endpoint->get(), settings, facts, right, options.seed, {});
  }
}

// `listened`: whether it could.
v1::CaseResult PlayOne(const MakeListening& make, const Case& script, const TargetFacts& facts,
                       const InitiatorOptions& options, bool* listened) {
  Initiator initiator(options, script);
  std::vector<fabric::Address> listening;
  PlayCaseOptions play;
  play.settings = &options.play;
  play.facts = &facts;
  play.seed = options.seed;
  play.folder = options.folder;
  play.replay_command = options.replay_command;
  play.known_rules = &options.known_rules;
  if (!options.command.empty()) play.peer_ended = &initiator.ended();
  play.listening = [&](const std::vector<fabric::Address>& addresses) {
    listening = addresses;
    if (options.listening) options.listening(script, addresses);
    initiator.Start(addresses[0]);
  };
  v1::CaseResult result = PlayCase(make(options.listen).get(), Patient(script, options), play);
  if (!listening.empty()) ServeOn(make(listening).get(), facts, options, initiator);
  JudgeEnd(initiator.AwaitEnd(), &result);
  *listened = !listening.empty();
  return result;
}

}  // namespace

v1::RunResult RunInitiator(const MakeListening& make, const std::vector<Case>& scripts,
                           const InitiatorOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  v1::RunResult run;
  TargetFacts facts;
  facts.target_name = options.target_name;
  uint32_t unexpected = 0, judged = 0;
  for (const Case& script : scripts) {
    v1::CaseResult result;
    if (options.interrupted == nullptr || !*options.interrupted) {
      bool listened = false;
      result = PlayOne(make, script, facts, options, &listened);
      if (!listened && judged == 0) {
        // Nor will the others.
        run.set_run_error(result.failure().message());
        run.set_exit_code(kExitUsage);
        return run;
      }
    }
    if (options.interrupted != nullptr && *options.interrupted) {
      result = NotPlayed(script, v1::NOT_PLAYED, "not played: the run was interrupted");
    } else {
      ++judged;
      if (options.overlay != nullptr) options.overlay->Apply(&result);
      if (options.progress) options.progress(result);
    }
    ++(*run.mutable_totals()->mutable_by_verdict())[std::string(VerdictName(result))];
    unexpected += !IsExpected(result, options.strict);
    *run.add_result() = std::move(result);
  }
  if (judged < scripts.size()) {
    run.set_run_error(absl::StrCat("interrupted when ", judged, " of ", scripts.size(),
                                   " scripts had been played"));
  }
  if (options.overlay != nullptr) {
    for (v1::ProfileComplaint& complaint : options.overlay->Complaints()) {
      *run.add_profile_complaint() = std::move(complaint);
    }
  }
  run.mutable_totals()->set_unexpected(unexpected);
  run.set_target(options.command.empty() ? "an initiator"
                                         : absl::StrCat("initiator: ", options.command));
  run.set_seed(options.seed);
  run.set_exit_code(unexpected == 0 && run.profile_complaint().empty() ? kExitAsExpected
                                                                       : kExitUnexpectedVerdict);
  run.set_seconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return run;
}

}  // namespace pushpull::conformance
