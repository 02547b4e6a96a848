#include "conformance/runner/run.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status.h"
#include "base/text.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/last_play.h"
#include "conformance/runner/liveness.h"
#include "conformance/runner/play_case.h"
#include "conformance/runner/preconditions.h"
#include "conformance/runner/single.h"

namespace pushpull::conformance {
namespace {

// Cases that change what others look at: blocks, tasks of other sessions, what a command without a
// name here does (a reservation, a mode page), and by the target's administrator all sessions.
// Cases with an ISID of their own would reinstate each other's sessions.
bool PlaysAlone(const Case& c) {
  if (c.scenario().needs().writes()) return true;
  return std::any_of(c.scenario().step().begin(), c.scenario().step().end(), [](const auto& step) {
    return step.has_trigger() || step.send().pdu().has_task_management_request() ||
           step.send().pdu().scsi_command().cdb().has_raw() || step.command().cdb().has_raw() ||
           step.connections().command().cdb().has_raw() || step.login().has_isid();
  });
}

// "1 case", "2 cases"
std::string Cases(size_t count) { return absl::StrCat(count, count == 1 ? " case" : " cases"); }

constexpr char kGone[] = "after it the target no longer answers";

class Run {
 public:
  Run(EndpointFactory* factory, const Case& sanity, const std::vector<Case>& cases,
      const RunOptions& options)
      : factory_(factory),
        sanity_(sanity),
        options_(options),
        liveness_(factory, sanity, options.commands, options.seed) {
    // What is about another transport is no part of the run, unless it was asked for by name. It is
    // left out before the rest is shared out, so that no shard gets all of it.
    size_t left_out = 0;
    for (const Case& c : cases) {
      if (c.named || IsOfTransport(c.scenario(), factory->rdma())) {
        if (IsOfShard(asked_++)) cases_.push_back(&c);
      } else {
        left_out_ += IsOfShard(left_out++);
      }
    }
  }

  RunOutcome Do() {
    RunOutcome outcome;
    if (asked_ == 0 && left_out_ > 0) {
      return Unreachable(absl::OutOfRangeError(
          absl::StrCat(About(factory_->uri()), "no case is to be played: ", Cases(left_out_), " ",
                       OfTheOther())));
    }
    LastPlay watch;
    absl::StatusOr<TargetFacts> facts = Look(&watch);
    if (!facts.ok()) return Unreachable(facts.status(), watch);
    if (options_.allow_writes && WritingCases() > 0 && !factory_->own_target()) {
      InspectKeeping(factory_, options_.play, &*facts);
    }
    offer_ = OfferOf(*factory_, options_, *std::move(facts));
    const absl::Status sane = liveness_.Check(options_.play, offer_.facts, &watch);
    if (!sane.ok()) return Unreachable(sane, watch);

    results_.resize(cases_.size());
    std::vector<std::thread> workers;
    for (uint32_t i = 1; i < std::max<uint32_t>(options_.jobs, 1); ++i) {
      workers.emplace_back([this, i] { Work(SettingsOf(i)); });
    }
    Work(options_.play);
    for (std::thread& worker : workers) worker.join();
    return Finish();
  }

 private:
  size_t WritingCases() const {
    return static_cast<size_t>(std::count_if(cases_.begin(), cases_.end(), [](const Case* c) {
      return c->scenario().needs().writes();
    }));
  }

  // What there is to be tested, if the user's words fit it.
  absl::StatusOr<TargetFacts> Look(LastPlay* watch) const {
    PUSHPULL_ASSIGN_OR_RETURN(
        TargetFacts facts,
        InspectTarget(factory_, options_.play, factory_->target_name(), options_.lun, watch));
    PUSHPULL_RETURN_IF_ERROR(CheckScratch(options_.play, facts, factory_->uri()));
    PUSHPULL_RETURN_IF_ERROR(CheckPortals(factory_, options_.play, facts, options_.portals, watch));
    return facts;
  }

  // With what went over the wire before.
  RunOutcome Unreachable(absl::Status status, const LastPlay& watch) const {
    const bool fails = absl::IsUnavailable(status);
    RunOutcome outcome = Unreachable(std::move(status));
    if (!fails) return outcome;
    absl::StatusOr<std::string> told = watch.Tell(options_.folder);
    outcome.advice =
        told.ok() ? *std::move(told) : absl::StrCat(std::string(told.status().message()), "\n");
    return outcome;
  }

  RunOutcome Unreachable(absl::Status status) const {
    RunOutcome outcome;
    outcome.status = std::move(status);
    outcome.result.set_target(factory_->uri());
    outcome.result.set_seed(options_.seed);
    outcome.result.set_run_error(std::string(outcome.status.message()));
    outcome.result.set_exit_code(absl::IsInvalidArgument(outcome.status) ? kExitUsage
                                 : absl::IsOutOfRange(outcome.status)    ? kExitNothingMatched
                                                                         : kExitTargetUnreachable);
    return outcome;
  }

  // What those cases are that were left out.
  std::string OfTheOther() const {
    return factory_->rdma() ? "of TCP alone; --target tcp://... or embedded: plays them"
                            : "of iSER alone; --target iser://... or embedded-iser: plays them";
  }

  // Workers are different initiator ports, or they would reinstate each other's sessions.
  PlaySettings SettingsOf(uint32_t worker) const {
    PlaySettings settings = options_.play;
    std::array<uint8_t, 6> isid = settings.isid.value_or(initiator_sim::PlayerOptions().isid);
    isid[3] = static_cast<uint8_t>(isid[3] + worker);
    settings.isid = isid;
    return settings;
  }

  v1::CaseResult PlayOne(const Case& c, const PlaySettings& settings, bool* connection_lost,
                         std::string* left) {
    PlayCaseOptions options;
    options.connection_lost = connection_lost;
    options.left = left;
    options.commands = &options_.commands;
    options.known_rules = &options_.known_rules;
    options.settings = &settings;
    options.facts = &offer_.facts;
    options.seed = options_.seed;
    options.folder = options_.folder;
    options.replay_command = options_.replay_command;
    return PlayCase(factory_, c, options);
  }

  absl::Status CheckSane(const PlaySettings& settings) const {
    return liveness_.Check(settings, offer_.facts);
  }

  void Work(const PlaySettings& settings) {
    for (size_t i; (i = next_.fetch_add(1)) < cases_.size();) {
      const Case& c = *cases_[i];
      v1::CaseResult result;
      if (!Interrupted()) result = Judge(c, settings);
      const bool cut_short = result.verdict() == v1::NOT_PLAYED || result.verdict() == v1::ERROR ||
                             result.verdict() == v1::VERDICT_UNSPECIFIED;
      if (Interrupted() && cut_short) {
        const std::lock_guard lock(mutex_);
        results_[i] = NotPlayed(c, v1::NOT_PLAYED, "not played: the run was interrupted");
        ++not_played_;
        continue;
      }
      if (options_.overlay != nullptr) {
        const std::lock_guard lock(mutex_);
        options_.overlay->Apply(&result);
      }
      const std::lock_guard lock(mutex_);
      results_[i] = std::move(result);
      ++done_;
      if (options_.progress) options_.progress(results_[i], done_, cases_.size());
    }
  }

  bool Interrupted() const { return options_.interrupted != nullptr && *options_.interrupted; }

  v1::CaseResult Judge(const Case& c, const PlaySettings& settings) {
    if (const std::optional<Unmet> unmet = FindUnmet(c.scenario(), offer_)) {
      return NotPlayed(c, unmet->verdict, unmet->message);
    }
    if (factory_->own_target()) return PlayOne(c, settings, nullptr, nullptr);
    bool harmed = false;
    const uint32_t restarts = restarts_;
    v1::CaseResult result;
    if (PlaysAlone(c)) {
      const std::unique_lock lock(shared_target_);
      result = PlayOnShared(c, settings, &harmed);
    } else {
      const std::shared_lock lock(shared_target_);
      result = PlayOnShared(c, settings, &harmed);
    }
    // With others beside it, what it saw may be another case's doing.
    const bool suspect = result.verdict() != v1::PASS && restarts_ != restarts;
    if (harmed || (suspect && options_.jobs > 1)) Revive(c, settings, &result);
    RestartWithout(c, settings, &result);
    return result;
  }

  // What failed may have killed the target: then the rest of the run says nothing.
  v1::CaseResult PlayOnShared(const Case& c, const PlaySettings& settings, bool* harmed) {
    if (const std::vector<std::string> killers = Killers(); !killers.empty()) {
      return NotPlayed(
          c, v1::ERROR,
          absl::StrCat("not played: the target no longer answers since ", OneOf(killers)));
    }
    NoteUnderWay(c, true);
    // A connection that ends is what some cases want to see, and how a target's death looks.
    bool lost = false;
    std::string left;
    v1::CaseResult result = PlayOne(c, settings, &lost, &left);
    JudgeLeft(c, std::move(left), &result);
    *harmed = (result.verdict() != v1::PASS || lost) && !CheckSane(settings).ok();
    // Else the target lived on after it.
    if (!*harmed) NoteUnderWay(c, false);
    return result;
  }

  // What a case left and nothing took away again may be the failure of each later one: then what
  // that failure says of the target isn't known.
  void JudgeLeft(const Case& c, std::string left, v1::CaseResult* result) {
    const std::lock_guard lock(mutex_);
    if (left_.empty() && left.empty()) return;
    const std::string before = result->failure().message();
    std::string* const message = result->mutable_failure()->mutable_message();
    if (left_.empty()) {
      *message = absl::StrCat(before, before.empty() ? "" : "; ", "after it ", left);
      left_ = absl::StrCat("since ", c.id(), " ", left);
    } else if (IsFailure(result->verdict(), false)) {
      *message = absl::StrCat("can't be judged: ", left_, "; ", before);
      result->set_verdict(v1::ERROR);
    }
  }

  // A restart takes away what no command does.
  void RestartWithout(const Case& c, const PlaySettings& settings, v1::CaseResult* result) {
    if (options_.commands.restart.empty()) return;
    const std::unique_lock alone(shared_target_);
    {
      const std::lock_guard lock(mutex_);
      if (left_.empty() || !killers_.empty()) return;
    }
    if (!Restarted(settings, {c.id()}, c, "the target can't be put back", result)) return;
    const std::lock_guard lock(mutex_);
    left_.clear();
  }

  // After a case, the target doesn't stand a plain session, or another case was the end of it
  // meanwhile. Nothing else is played now.
  void Revive(const Case& c, const PlaySettings& settings, v1::CaseResult* result) {
    const std::unique_lock alone(shared_target_);
    // Those at whose side the target died; what else is in there has yet to say so.
    const std::vector<std::string> candidates = UnderWay(c);
    if (const std::vector<std::string> killers = Killers(); !killers.empty()) {
      const bool suspected = std::find(killers.begin(), killers.end(), c.id()) != killers.end();
      if (suspected && killers.size() > 1) Append(GoneWith(killers), result);
      return;
    }
    bool dead = !CheckSane(settings).ok();
    if (options_.jobs > 1) {
      // Which of the cases side by side it was shows when each is played by itself.
      if (dead) {
        const bool sure = candidates.size() == 1;
        if (!Restarted(settings, candidates, c, sure ? kGone : GoneWith(candidates), result))
          return;
        const std::lock_guard lock(mutex_);
        deaths_.push_back(candidates);
      }
      *result = PlayOnShared(c, settings, &dead);
      NoteUnderWay(c, false);
    }
    if (!dead || CheckSane(settings).ok()) return;
    Explain(c);
    if (Restarted(settings, {c.id()}, c, kGone, result))
      Append(absl::StrCat(kGone, ", and was restarted"), result);
  }

  static std::string OneOf(const std::vector<std::string>& ids) {
    return absl::StrCat(ids.size() > 1 ? "one of " : "", absl::StrJoin(ids, ", "));
  }
  static std::string GoneWith(const std::vector<std::string>& ids) {
    return absl::StrCat("the target no longer answers: ", OneOf(ids),
                        ", which were played side by side, was the end of it");
  }

  void NoteUnderWay(const Case& c, bool begins) {
    const std::lock_guard lock(mutex_);
    begins ? (void)under_way_.insert(c.id()) : (void)under_way_.erase(c.id());
  }

  // All that are, or were when the target died, this one among them.
  std::vector<std::string> UnderWay(const Case& c) {
    const std::lock_guard lock(mutex_);
    under_way_.insert(c.id());
    std::vector<std::string> ids(under_way_.begin(), under_way_.end());
    under_way_.erase(c.id());
    return ids;
  }

  // It ends the target by itself: the deaths beside it are explained.
  void Explain(const Case& c) {
    const std::lock_guard lock(mutex_);
    std::erase_if(deaths_, [&c](const std::vector<std::string>& candidates) {
      return std::find(candidates.begin(), candidates.end(), c.id()) != candidates.end();
    });
  }

  // False: it can't be, `result` says so, and the run is over but for saying it. `candidates`: one
  // of them made it necessary.
  bool Restarted(const PlaySettings& settings, const std::vector<std::string>& candidates,
                 const Case& c, std::string what, v1::CaseResult* result) {
    if (!options_.commands.restart.empty()) {
      const absl::Status status =
          liveness_.Restart(c.id(), settings, offer_.facts, options_.folder);
      ++restarts_;
      if (status.ok()) return true;
      absl::StrAppend(&what, "; restart_command: ", std::string(status.message()));
    }
    Append(what, result);
    const std::lock_guard lock(mutex_);
    killers_ = candidates;
    return false;
  }

  static void Append(const std::string& what, v1::CaseResult* result) {
    const std::string& before = result->failure().message();
    result->mutable_failure()->set_message(absl::StrCat(before, before.empty() ? "" : "; ", what));
    if (!IsFailure(result->verdict(), false)) result->set_verdict(v1::FAIL);
  }

  std::vector<std::string> Killers() {
    const std::lock_guard lock(mutex_);
    return killers_;
  }

  RunOutcome Finish() {
    RunOutcome outcome;
    v1::RunResult& run = outcome.result;
    if (killers_.empty() && !Interrupted()) {
      if (const absl::Status sane = CheckSane(options_.play); !sane.ok()) {
        v1::CaseResult end = NotPlayed(sanity_, v1::FAIL, std::string(sane.message()));
        end.set_id(absl::StrCat(sanity_.id(), "#at_the_end"));
        results_.push_back(std::move(end));
      }
    }
    if (options_.overlay != nullptr) {
      for (v1::ProfileComplaint& complaint : options_.overlay->Complaints()) {
        *run.add_profile_complaint() = std::move(complaint);
      }
    }
    if (options_.overlay != nullptr) {
      for (std::string& warning : options_.overlay->Warnings()) {
        run.add_warning(std::move(warning));
      }
    }
    if (not_played_ > 0) {
      run.set_run_error(absl::StrCat("interrupted when ", cases_.size() - not_played_, " of ",
                                     Cases(cases_.size()), " had been judged"));
    }
    if (left_out_ > 0) {
      v1::LeftOut* left_out = run.add_left_out();
      left_out->set_cases(static_cast<uint32_t>(left_out_));
      left_out->set_reason(OfTheOther());
    }
    AddWarnings(&run);
    uint32_t unexpected = 0;
    for (v1::CaseResult& result : results_) {
      ++(*run.mutable_totals()->mutable_by_verdict())[std::string(VerdictName(result))];
      unexpected += !IsExpected(result, options_.strict);
      *run.add_result() = std::move(result);
    }
    run.mutable_totals()->set_unexpected(unexpected);
    run.set_target(factory_->uri());
    run.set_target_identity(offer_.facts.identity);
    run.set_seed(options_.seed);
    run.set_exit_code(unexpected == 0 && run.profile_complaint().empty() ? kExitAsExpected
                                                                         : kExitUnexpectedVerdict);
    return outcome;
  }

  // What a reader must not take for a test that passed.
  void AddWarnings(v1::RunResult* run) const {
    const size_t writes = WritingCases();
    if (options_.allow_writes && offer_.facts.write_protected && writes > 0) {
      run->add_warning(absl::StrCat(
          "--allow-writes was given, and yet ", Cases(writes), " that ",
          writes == 1 ? "writes" : "write", " could not be played: LUN ", offer_.facts.luns[0],
          " is write-protected; name one that isn't: --target tcp://HOST/IQN/LUN"));
    }
    if (offer_.facts.forgets_writes) {
      run->add_warning(absl::StrCat(
          "LUN ", offer_.facts.luns[0], " doesn't keep what is written to it, so that ",
          Cases(writes), " that ", writes == 1 ? "writes" : "write",
          " could not be played. If it should keep it, that is the finding; if not, name another "
          "LUN: --target tcp://HOST/IQN/LUN"));
    }
    if (!left_.empty()) {
      run->add_warning(absl::StrCat(
          left_, ", which could not be put back: what failed later is told as ERROR. ",
          options_.commands.restart.empty() ? "With a restart_command in its --profile the run "
                                              "goes on with a target as it was"
                                            : "Its restart_command didn't help"));
    }
    for (const std::vector<std::string>& candidates : deaths_) {
      run->add_warning(absl::StrCat("the target no longer answered after ", OneOf(candidates),
                                    ", played side by side, and none of them brings that about "
                                    "when it is played alone"));
    }
    if (!killers_.empty()) {
      const bool sure = killers_.size() == 1;
      run->add_warning(
          absl::StrCat("the target no longer answered after ", OneOf(killers_),
                       ": what came later was not played. ",
                       options_.commands.restart.empty()
                           ? absl::StrCat("With a restart_command in its --profile the run ",
                                          sure ? "" : "finds out which it was and ",
                                          "goes on (docs/PROFILES.md)")
                           : "Its restart_command did not help",
                       sure ? absl::StrCat(". Without that case: --exclude '", killers_[0], "'")
                            : "; --jobs 1 shows which it was"));
    }
    const bool judged = std::any_of(results_.begin(), results_.end(), [](const auto& result) {
      return !WasNotPlayed(result.verdict());
    });
    const Shard& shard = options_.shard;
    if (cases_.empty() && shard.count > 1) {
      run->add_warning(absl::StrCat("shard ", shard.index, "/", shard.count,
                                    " has nothing to do: ", Cases(asked_),
                                    " to be played in all, by the shards before it"));
    } else if (!judged) {
      run->add_warning("nothing was tested: no case was played");
    }
  }

  bool IsOfShard(size_t position) const {
    return position % options_.shard.count == options_.shard.index - 1;
  }

  EndpointFactory* const factory_;
  const Case& sanity_;
  std::vector<const Case*> cases_;
  size_t asked_ = 0;     // in all shards
  size_t left_out_ = 0;  // of this shard
  const RunOptions& options_;
  const Liveness liveness_;
  Offer offer_;

  std::atomic<size_t> next_ = 0;
  std::shared_mutex shared_target_;
  std::atomic<uint32_t> restarts_ = 0;
  std::mutex mutex_;  // guards all below
  std::vector<v1::CaseResult> results_;
  size_t done_ = 0;
  size_t not_played_ = 0;  // as the run was interrupted
  // Whose death the target didn't stand: one of these, where several were played side by side.
  std::vector<std::string> killers_;
  std::set<std::string> under_way_;               // and what ended with a target that was dead
  std::vector<std::vector<std::string>> deaths_;  // the candidates of those not explained yet
  std::string left_;  // what a case left on the target that could not be put back
};

}  // namespace

RunOutcome RunSuites(EndpointFactory* factory, const Case& sanity, const std::vector<Case>& cases,
                     const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  RunOutcome outcome = Run(factory, sanity, cases, options).Do();
  outcome.result.set_seconds(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return outcome;
}

}  // namespace pushpull::conformance
