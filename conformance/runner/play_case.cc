#include "conformance/runner/play_case.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/shell_quote.h"
#include "base/status.h"
#include "conformance/monitor/monitor.h"
#include "conformance/monitor/rules.h"
#include "conformance/report/printable.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/left_watch.h"
#include "conformance/runner/put_back.h"
#include "conformance/runner/wire_files.h"
#include "conformance/tap/wire_log.h"

namespace pushpull::conformance {
namespace {

using initiator_sim::PlayResult;

constexpr size_t kMaxPerRule = 10;  // violations that are told

std::set<std::string> RowsOf(const v1::Scenario& scenario) {
  std::set<std::string> rows(scenario.cite().begin(), scenario.cite().end());
  for (const v1::Step& step : scenario.step()) rows.insert(step.cite().begin(), step.cite().end());
  return rows;
}

v1::CaseResult Skeleton(const Case& c) {
  v1::CaseResult result;
  result.set_id(c.id());
  result.set_title(c.scenario().title());
  for (const std::string& row : RowsOf(c.scenario())) result.add_cite(row);
  result.set_level(c.scenario().level());
  result.set_area(c.area);
  return result;
}

// The command that plays this case again, with the ISID that it had.
std::string Replay(const PlayCaseOptions& options, const std::string& id) {
  std::string isid;
  if (options.settings->isid.has_value()) {
    const auto& bytes = *options.settings->isid;
    isid =
        absl::StrCat(" --isid ", absl::BytesToHexString(std::string(bytes.begin(), bytes.end())));
  }
  return absl::StrCat(options.replay_command, isid, " --only ", base::ShellQuoted(id));
}

// The step that was played when the frame came or went, from 0.
size_t StepOf(const WireLog& log, uint32_t frame) {
  size_t step = 0;
  for (const WireEntry& entry : log.entries()) {
    if (entry.kind == WireEntry::Kind::kStep) step = entry.step;
    if (entry.kind == WireEntry::Kind::kPdu && entry.frame == frame) break;
  }
  return step;
}

// What the monitor saw counts as much as what the case asked for, unless the profile knows of it.
void AddViolations(const std::vector<v1::Violation>& violations, const std::set<std::string>* known,
                   const WireLog& log, const initiator_sim::Script& script,
                   v1::CaseResult* result) {
  const v1::Violation* must = nullptr;
  const v1::Violation* should = nullptr;
  for (const v1::Violation& violation : violations) {
    v1::Violation* const added = result->add_violation();
    *added = violation;
    added->set_expected(known != nullptr && known->contains(violation.rule()));
    if (added->expected()) continue;
    const v1::Violation*& first = violation.level() == "MUST" ? must : should;
    if (first == nullptr) first = &violation;
  }
  const v1::Verdict verdict = result->verdict();
  const bool open = verdict == v1::PASS || verdict == v1::AMBIGUOUS || verdict == v1::SKIP ||
                    verdict == v1::UNSUPPORTED;
  const v1::Violation* decides = nullptr;
  if (must != nullptr && (open || verdict == v1::WARN)) {
    decides = must;
    result->set_verdict(v1::FAIL);
  } else if (should != nullptr && open) {
    decides = should;
    result->set_verdict(v1::WARN);
  }
  if (decides == nullptr) return;
  v1::Failure* failure = result->mutable_failure();
  failure->Clear();
  failure->set_message(absl::StrCat("monitor: ", decides->rule(), ": ", decides->message()));
  for (const std::string& row : decides->cite()) failure->add_cite(row);
  failure->set_file(script.file);
  const size_t step = StepOf(log, decides->frame());
  failure->set_step(absl::StrCat("step ", step + 1));
  if (step < script.step_lines.size()) failure->set_line(script.step_lines[step]);
}

absl::Status WriteRecord(const ResultFolder& folder, const Case& c, const WireLog& log,
                         v1::CaseResult* result) {
  const std::vector<v1::Violation> violations(result->violation().begin(),
                                              result->violation().end());
  PUSHPULL_RETURN_IF_ERROR(WriteWire(folder, c.id(), log, violations));
  result->set_wire_log(folder.CasePath(c.id(), "wire.pcapng"));
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(c.scenario(), &text)) {
    return absl::InternalError(absl::StrCat(c.id(), ": its scenario can't be printed"));
  }
  const std::string scenario = folder.CasePath(c.id(), "scenario.textproto");
  result->set_scenario(scenario);
  return folder.Write(scenario, absl::StrCat("# proto-file: proto/pushpull/v1/scenario.proto\n"
                                             "# proto-message: Scenario\n\n",
                                             text));
}

void Fault(const std::string& message, v1::CaseResult* result) {
  result->set_verdict(v1::ERROR);
  result->mutable_failure()->set_message(message);
}

}  // namespace

namespace {

// Whether the target ended a connection that wasn't logged out: it may have died.
class LossWatch final : public initiator_sim::Tap {
 public:
  void OnPdu(const initiator_sim::TapPdu& tapped) override {
    if (tapped.decoded->pdu.has_logout_response()) logged_out_.insert(tapped.connection->id);
  }
  void OnClosed(const initiator_sim::TapConnection& connection, absl::Time, bool by_peer,
                const std::string&) override {
    if (by_peer && !logged_out_.contains(connection.id)) lost_ = true;
  }
  bool lost() const { return lost_; }

 private:
  std::set<uint32_t> logged_out_;
  bool lost_ = false;
};

// Whether a command came that writes.
class WriteWatch final : public initiator_sim::Tap {
 public:
  void OnPdu(const initiator_sim::TapPdu& tapped) override {
    seen_ = seen_ || tapped.decoded->pdu.scsi_command().write();
  }
  bool seen() const { return seen_; }

 private:
  bool seen_ = false;
};

// Those of one side: what the other does is on purpose.
std::vector<v1::Violation> Of(v1::Side side, std::vector<v1::Violation> violations) {
  std::erase_if(violations, [side](const v1::Violation& violation) {
    const Rule* const rule = FindRule(violation.rule());
    return rule != nullptr && rule->side != side;
  });
  return violations;
}

// Where the user gave none, cases about CHAP have the credentials of a target made for them.
const initiator_sim::ChapCredentials* ChapMadeFor(const Case& c, const PlaySettings& settings,
                                                  const EndpointFactory& factory) {
  const v1::Needs& needs = c.scenario().needs();
  const bool wanted = (needs.chap() || needs.mutual_chap()) && settings.chap.user.empty();
  return wanted ? factory.chap() : nullptr;
}

// The user's command where there is one, else the endpoint's own hook.
initiator_sim::Hook Either(const std::map<std::string, std::string>& commands,
                           initiator_sim::Hook command, initiator_sim::Hook own) {
  if (own == nullptr) return command;
  return [&commands, command = std::move(command), own = std::move(own)](
             const v1::Trigger& trigger, initiator_sim::HookDone done) {
    const bool given = commands.contains(trigger.hook());
    (given ? command : own)(trigger, std::move(done));
  };
}

// Of one case, while unit attentions come between.
constexpr uint32_t kMostPlays = 3;

// Whether a unit attention that the case doesn't ask for may be why it failed. What the monitor
// saw, or a target that went away, is no matter of it.
bool IsDisturbed(const std::string& unit_attention, bool lost, const v1::CaseResult& result) {
  if (unit_attention.empty() || lost) return false;
  if (!IsFailure(result.verdict(), /*strict=*/true) || result.verdict() == v1::ERROR) return false;
  return std::all_of(result.violation().begin(), result.violation().end(),
                     [](const v1::Violation& violation) { return violation.expected(); });
}

absl::Status WriteDisturbed(const ResultFolder* folder, const Case& c, uint32_t play,
                            const WireLog& log) {
  if (folder == nullptr) return absl::OkStatus();
  return folder->Write(folder->CasePath(c.id(), absl::StrCat("disturbed_", play, ".txt")),
                       ToText(log, {.full = true}));
}

// From an endpoint to a verdict, without the user's commands around it. True: it is to be played
// again; `play` counts from 1.
bool PlayOnEndpoint(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options,
                    uint32_t play, LeftWatch* left, v1::CaseResult* result) {
  const bool as_target = c.scenario().role() == v1::TARGET;
  WireLog log;
  Monitor monitor(kMaxPerRule, as_target ? Judged::kBoth : Judged::kTarget);
  LossWatch loss;
  WriteWatch writes;
  std::vector<std::string> complaints;
  std::string unit_attention;
  {
    PlaySettings settings = *options.settings;
    // The same target with the same seed would do the same.
    const uint64_t seed = options.seed + play - 1;
    const initiator_sim::ChapCredentials* const chap = ChapMadeFor(c, settings, *factory);
    if (chap != nullptr) settings.chap = *chap;
    absl::StatusOr<std::unique_ptr<Endpoint>> endpoint =
        chap != nullptr ? factory->MakeWithChap(seed) : factory->Make(seed);
    if (!endpoint.ok()) {
      Fault(std::string(endpoint.status().message()), result);
      return false;
    }
    // Its commands end before the loop that they answer on.
    std::optional<CommandHooks> commands;
    PlayHooks hooks;
    if (options.commands != nullptr && !options.commands->hooks.empty()) {
      commands.emplace(*options.commands, c.id(), options.folder, (*endpoint)->loop(),
                       factory->virtual_time());
      // The player is told what became of a command that was ended at its limit.
      hooks.hook = Either(options.commands->hooks, commands->hook(), (*endpoint)->hook());
      hooks.limit = options.commands->limit + absl::Seconds(5);
    }
    hooks.listening = options.listening;
    hooks.peer_ended = options.peer_ended;
    std::vector<initiator_sim::Tap*> taps = {&log, &monitor, &loss, &writes, left};
    if (options.tap != nullptr) taps.push_back(options.tap);
    PlayResult played = Play(endpoint->get(), settings, *options.facts, c.script, options.seed,
                             std::move(taps), std::move(hooks));
    unit_attention = std::move(played.unit_attention);
    result->set_verdict(played.verdict);
    *result->mutable_failure() = std::move(played.failure);
    if (c.scenario().needs().writes() && as_target && !writes.seen() &&
        !IsFailure(played.verdict, false)) {
      result->set_verdict(v1::SKIP);
      result->mutable_failure()->set_message(
          "the initiator wrote nothing; play this one to a command that does");
    }
    complaints = (*endpoint)->Complaints();
  }
  if (options.connection_lost != nullptr) *options.connection_lost = loss.lost();
  if (options.monitor) {
    AddViolations(Of(as_target ? v1::INITIATOR_SIDE : v1::TARGET_SIDE, monitor.violations()),
                  options.known_rules, log, c.script, result);
  }
  if (!complaints.empty()) Fault(complaints[0], result);
  if (play < kMostPlays && IsDisturbed(unit_attention, loss.lost(), *result)) {
    const absl::Status status = WriteDisturbed(options.folder, c, play, log);
    if (status.ok()) return true;
    Fault(std::string(status.message()), result);
  }
  if (options.folder == nullptr) return false;
  if (absl::Status status = WriteRecord(*options.folder, c, log, result); !status.ok()) {
    Fault(std::string(status.message()), result);
  }
  return false;
}

// On the link as the case wants it.
bool PlayOnLink(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options,
                uint32_t play, LeftWatch* left, v1::CaseResult* result) {
  if (!c.scenario().has_fabric() || options.commands == nullptr) {
    return PlayOnEndpoint(factory, c, options, play, left, result);
  }
  const absl::Status shaped =
      ShapeLink(*options.commands, c.scenario().fabric(), c.id(), options.folder);
  bool again = false;
  if (shaped.ok()) {
    again = PlayOnEndpoint(factory, c, options, play, left, result);
  } else {
    Fault(absl::StrCat("the link: ", std::string(shaped.message())), result);
  }
  // In any case: what follows wants it whole.
  const absl::Status reset = ResetLink(*options.commands, c.id(), options.folder);
  if (!reset.ok()) Fault(absl::StrCat("the link: ", std::string(reset.message())), result);
  return again && reset.ok();
}

// The next case is to find the target as this one did.
void PutBackFrom(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options,
                 const LeftWatch& watch, v1::CaseResult* result) {
  if (options.left == nullptr || factory->own_target() || c.scenario().role() == v1::TARGET) return;
  // What a case that passes had to undo, it has seen undone.
  if (result->verdict() == v1::PASS) return;
  PutBackResult done = PutBack(factory, *options.settings, *options.facts, options.seed, watch);
  if (options.folder != nullptr && !done.wire.empty()) {
    const std::string path = options.folder->CasePath(c.id(), "put_back.txt");
    if (absl::Status status = options.folder->Write(path, done.wire); !status.ok()) {
      Fault(std::string(status.message()), result);
    }
  }
  *options.left = std::move(done.left);
}

// A unit attention may come at any time, of whatever others do to the target: what fails because of
// one is played again.
void PlayUndisturbed(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options,
                     v1::CaseResult* result) {
  for (uint32_t play = 1;; ++play) {
    LeftWatch left;
    const bool again = PlayOnLink(factory, c, options, play, &left, result);
    PutBackFrom(factory, c, options, left, result);
    if (!again || (options.left != nullptr && !options.left->empty())) return;
    *result = Skeleton(c);
    result->set_replay(Replay(options, c.id()));
  }
}

// --before-case or --after-case. False: it failed, and the result says so.
bool RunAround(const PlayCaseOptions& options, const Case& c, const char* when,
               v1::CaseResult* result) {
  if (options.commands == nullptr) return true;
  const bool before = std::string_view(when) == "before";
  const absl::Status status = RunCommand(
      *options.commands, before ? options.commands->before_case : options.commands->after_case,
      when, c.id(), options.folder);
  if (status.ok()) return true;
  const std::string failed = absl::StrCat("--", when, "-case: ", std::string(status.message()));
  // A failure of the target tells more than that of a command after it.
  if (IsFailure(result->verdict(), false) && !before) {
    result->mutable_failure()->set_message(
        absl::StrCat(result->failure().message(), "; then ", failed));
  } else {
    Fault(failed, result);
  }
  return false;
}

// What the peer sent may be told in them, and need not be UTF-8.
void MakePrintable(v1::CaseResult* result) {
  const auto make = [](std::string* text) { *text = Printable(*text); };
  if (result->has_failure()) {
    v1::Failure* const failure = result->mutable_failure();
    make(failure->mutable_message());
    make(failure->mutable_expected());
    make(failure->mutable_actual());
  }
  for (v1::Violation& violation : *result->mutable_violation()) {
    make(violation.mutable_message());
  }
}

}  // namespace

v1::CaseResult PlayCase(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options) {
  v1::CaseResult result = Skeleton(c);
  result.set_replay(Replay(options, c.id()));
  const auto start = std::chrono::steady_clock::now();
  if (RunAround(options, c, "before", &result)) {
    PlayUndisturbed(factory, c, options, &result);
    RunAround(options, c, "after", &result);
  }
  result.set_seconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  MakePrintable(&result);
  return result;
}

v1::CaseResult NotPlayed(const Case& c, v1::Verdict verdict, const std::string& why) {
  v1::CaseResult result = Skeleton(c);
  result.set_verdict(verdict);
  result.mutable_failure()->set_message(why);
  return result;
}

}  // namespace pushpull::conformance
