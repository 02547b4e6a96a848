#include "fuzz/blackbox/campaign.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "conformance/minimize/minimize.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/play_case.h"
#include "conformance/scenario/scenario_format.h"
#include "fuzz/blackbox/bench.h"
#include "fuzz/blackbox/confine.h"
#include "fuzz/blackbox/finding_case.h"
#include "fuzz/blackbox/flight.h"
#include "fuzz/blackbox/grow.h"

namespace pushpull::fuzz {
namespace {

using conformance::Endpoint;

constexpr int kConfirmations = 3;
// Sequences among which the one is sought that did what shows later: so many times those that are
// under way together.
constexpr size_t kRecent = 3;
// After so many sequences blocks and time to answer are looked at.
constexpr uint64_t kLookEvery = 512;
// Of an endpoint with a target in this process, which keeps all that went over it.
constexpr uint64_t kSequencesOfAnEndpoint = 256;
constexpr absl::Duration kTurn = absl::Milliseconds(200);
// A plain session takes so many times as long as at the beginning, and so much longer at the least.
constexpr double kSlower = 20;
constexpr absl::Duration kSlowerBy = absl::Milliseconds(200);

// What is there comes sooner, on a target that isn't busy; who is asked too soon loses nothing.
constexpr absl::Duration kAskAfter = absl::Milliseconds(5);
// A plain session that takes longer is no measure for a step.
constexpr absl::Duration kMostPatience = absl::Seconds(5);

absl::Duration Since(std::chrono::steady_clock::time_point start) {
  return absl::FromChrono(std::chrono::steady_clock::now() - start);
}

class Campaign {
 public:
  Campaign(conformance::EndpointFactory* factory, const CampaignOptions& options,
           const conformance::ResultFolder* folder, std::unique_ptr<Bench> bench)
      : factory_(factory),
        options_(options),
        folder_(folder),
        bench_(std::move(bench)),
        grower_(options.scenarios,
                {.seed = options.run.seed,
                 .iser = factory->rdma(),
                 .allow_writes = options.run.allow_writes || factory->own_target(),
                 .chap = !options.run.play.chap.user.empty()}) {}

  absl::StatusOr<CampaignOutcome> Do() {
    if (grower_.seeds() == 0) {
      return absl::OutOfRangeError("no scenario is left to grow sequences from");
    }
    start_ = std::chrono::steady_clock::now();
    if (!factory_->virtual_time()) {
      first_time_ = bench_->TimeToAnswer();
      if (first_time_ < kMostPatience) {
        bench_->WaitAtLeast(2 * first_time_);
        bench_->AskAfter(std::max(kAskAfter, first_time_));
      }
    }
    next_ = options_.first;
    absl::Status status;
    while (status.ok() && !Over()) status = factory_->virtual_time() ? PlayOne() : PlayTogether();
    if (status.ok()) status = Look();
    CampaignOutcome outcome;
    outcome.status = Status("");
    outcome.result = Result(status);
    return outcome;
  }

 private:
  struct Slot {
    uint64_t number = 0;
    std::unique_ptr<Flight> flight;
  };

  bool Interrupted() const { return options_.interrupted != nullptr && *options_.interrupted; }
  double Seconds() const { return absl::ToDoubleSeconds(Since(start_)); }
  bool Over() const {
    return Interrupted() || absl::Seconds(Seconds()) >= options_.time ||
           (options_.runs != 0 && next_ - options_.first >= options_.runs);
  }
  uint64_t SeedOf(uint64_t number) const { return options_.run.seed + number; }
  CampaignStatus Status(std::string doing) const {
    return {played_, Seconds() - aside_, states_.size(), results_.size(), std::move(doing)};
  }
  void Tell(const std::string& doing = "") const {
    if (options_.status) options_.status(Status(doing));
  }

  void Learn(const Flight& flight) {
    ++played_;
    states_.insert(flight.watch().states().begin(), flight.watch().states().end());
  }

  // In virtual time: each on a target of its own, so that it depends on nothing but its number.
  absl::Status PlayOne() {
    const uint64_t number = next_++;
    const v1::Scenario sequence = grower_.Make(number);
    PUSHPULL_ASSIGN_OR_RETURN(std::vector<Sign> signs,
                              bench_->PlayAlone(sequence, SeedOf(number), true, &states_));
    ++played_;
    Tell();
    for (Sign& sign : signs) PUSHPULL_RETURN_IF_ERROR(Consider(number, std::move(sign)));
    return absl::OkStatus();
  }

  // Some at a time on one loop, until something shows; then what shows is looked into with nobody
  // else there.
  absl::Status PlayTogether() {
    PUSHPULL_ASSIGN_OR_RETURN(const std::unique_ptr<Endpoint> endpoint,
                              factory_->Make(options_.run.seed));
    std::vector<Slot> slots(options_.together);
    std::vector<std::pair<uint64_t, Sign>> signs;
    bool suspect = false;
    uint64_t begun = 0;
    const uint64_t most = factory_->own_target() ? kSequencesOfAnEndpoint : kLookEvery;
    for (bool busy = true; busy;) {
      busy = false;
      for (uint32_t place = 0; place < slots.size(); ++place) {
        Slot& slot = slots[place];
        if (slot.flight != nullptr && slot.flight->over()) {
          Learn(*slot.flight);
          Take(slot, &signs, &suspect);
          slot.flight.reset();
        }
        const bool more = signs.empty() && !suspect && begun < most && !Over();
        if (slot.flight == nullptr && more) {
          ++begun;
          Launch(endpoint.get(), place, slots.size(), &slot);
        }
        busy = busy || slot.flight != nullptr;
      }
      Tell();
      endpoint->RunUntil([&] { return AnyOver(slots); }, kTurn);
    }
    const double before = Seconds();
    absl::Status status = LookInto(endpoint.get(), suspect, std::move(signs));
    if (status.ok() && (played_ - looked_ >= kLookEvery)) status = Look();
    aside_ += Seconds() - before;
    return status;
  }

  void Launch(Endpoint* endpoint, uint32_t place, size_t slots, Slot* slot) {
    slot->number = next_++;
    recent_.push_back(slot->number);
    if (recent_.size() > kRecent * slots) recent_.pop_front();
    slot->flight =
        std::make_unique<Flight>(endpoint, bench_->SequenceSettings(place), bench_->facts(),
                                 grower_.Make(slot->number), SeedOf(slot->number));
  }

  static bool AnyOver(const std::vector<Slot>& slots) {
    return std::all_of(slots.begin(), slots.end(),
                       [](const Slot& slot) { return slot.flight == nullptr; }) ||
           std::any_of(slots.begin(), slots.end(), [](const Slot& slot) {
             return slot.flight != nullptr && slot.flight->over();
           });
  }

  void Take(const Slot& slot, std::vector<std::pair<uint64_t, Sign>>* signs, bool* suspect) {
    for (Sign& sign : SignsOf(*slot.flight, options_.run.known_rules)) {
      if (told_.contains(sign.id())) {
        ++again_[sign.id()];
      } else {
        signs->emplace_back(slot.number, std::move(sign));
      }
    }
    // The next login on this place is what shows that the target lives, if it is answered.
    silent_ = slot.flight->watch().answered() ? 0 : silent_ + 1;
    *suspect = *suspect || silent_ > options_.together;
  }

  // With nobody else there.
  absl::Status LookInto(Endpoint* endpoint, bool suspect,
                        std::vector<std::pair<uint64_t, Sign>> signs) {
    silent_ = 0;
    if (suspect || !signs.empty()) {
      Endpoint* const of_own = factory_->own_target() ? endpoint : nullptr;
      if (bench_->LookForLife(of_own).has_value() && bench_->LookForLife(of_own).has_value()) {
        PUSHPULL_RETURN_IF_ERROR(FindKiller(of_own));
      }
    }
    for (auto& [number, sign] : signs) {
      PUSHPULL_RETURN_IF_ERROR(Consider(number, std::move(sign)));
    }
    return absl::OkStatus();
  }

  // The target is dead: which of the newest was it?
  absl::Status FindKiller(Endpoint* of_own) {
    Tell("looking for what the target died of");
    std::optional<Sign> dead = bench_->LookForLife(of_own);
    const std::deque<uint64_t> recent = std::exchange(recent_, {});
    if (!bench_->may_restart()) {
      if (dead.has_value()) AddUnconfirmed(recent, *dead);
      return bench_->Restart("fuzz", folder_);
    }
    PUSHPULL_RETURN_IF_ERROR(bench_->Restart("fuzz", folder_));
    bool found = false;
    for (auto it = recent.rbegin(); it != recent.rend() && !found && !Interrupted(); ++it) {
      PUSHPULL_ASSIGN_OR_RETURN(const std::vector<Sign> signs,
                                bench_->PlayAlone(grower_.Make(*it), SeedOf(*it), false));
      for (const Sign& sign : signs) {
        if (sign.kind != Sign::Kind::kCrash && sign.kind != Sign::Kind::kHang) continue;
        found = true;
        PUSHPULL_RETURN_IF_ERROR(Consider(*it, sign));
      }
    }
    if (!found && dead.has_value()) AddUnconfirmed(recent, *dead);
    return absl::OkStatus();
  }

  // The target died, and no sequence does it alone: a finding all the same.
  void AddUnconfirmed(const std::deque<uint64_t>& recent, const Sign& dead) {
    Sign sign = dead;
    sign.cause = "not_by_one";
    if (!told_.insert(sign.id()).second) return;
    const uint64_t first = recent.empty() ? options_.first : recent.front();
    v1::CaseResult result;
    result.set_id(sign.id());
    result.set_area("fuzz");
    result.set_title("No sequence makes the target end.");
    result.set_level(v1::ROBUSTNESS);
    result.set_verdict(v1::FAIL);
    result.mutable_failure()->set_message(
        absl::StrCat(dead.message, "; it was one of the sequences from ", first, " on, ",
                     bench_->may_restart() ? "or several together: none does it alone"
                                           : "which isn't known without a restart_command"));
    result.set_replay(absl::StrCat(options_.replay_command, " --first ", first, " --runs ",
                                   std::max<size_t>(recent.size(), 1)));
    Add(std::move(result));
  }

  // Blocks, and the time that a plain session takes.
  absl::Status Look() {
    looked_ = played_;
    if (factory_->own_target() || Interrupted()) return absl::OkStatus();
    if (bench_->looks_at_blocks() && !told_.contains("fuzz/data_changed")) {
      if (bench_->LookAtBlocks(nullptr).has_value()) PUSHPULL_RETURN_IF_ERROR(FindWriter());
    }
    const absl::Duration now = bench_->TimeToAnswer();
    if (now == absl::InfiniteDuration()) {
      if (bench_->LookForLife(nullptr).has_value() && bench_->LookForLife(nullptr).has_value()) {
        return FindKiller(nullptr);
      }
      return absl::OkStatus();
    }
    return LookAtTime(now);
  }

  absl::Status FindWriter() {
    bench_->SetBlocks(nullptr);
    for (uint64_t number = next_; number > options_.first && number + kLookEvery > next_;) {
      --number;
      if (Interrupted()) return absl::OkStatus();
      PUSHPULL_ASSIGN_OR_RETURN(const std::vector<Sign> signs,
                                bench_->PlayAlone(grower_.Make(number), SeedOf(number), true));
      for (const Sign& sign : signs) {
        if (sign.kind == Sign::Kind::kData) return Consider(number, sign);
      }
    }
    warnings_.push_back(absl::StrCat("blocks changed that no sequence wrote to, among sequences ",
                                     next_ - std::min(next_, kLookEvery), " to ", next_,
                                     "; none does it alone (is somebody else writing?)"));
    return absl::OkStatus();
  }

  // It is the target's doing only where a restart makes an end of it.
  absl::Status LookAtTime(absl::Duration now) {
    const auto slow = [this](absl::Duration time) {
      return time > kSlower * first_time_ && time > first_time_ + kSlowerBy;
    };
    const Sign sign{
        Sign::Kind::kSlow, "",
        absl::StrCat("a plain session took ", absl::FormatDuration(first_time_),
                     " at first, and after ", played_, " sequences ", absl::FormatDuration(now)),
        std::nullopt};
    if (!slow(now) || told_.contains(sign.id())) return absl::OkStatus();
    for (int i = 1; i < kConfirmations; ++i) {
      if (!slow(bench_->TimeToAnswer())) return absl::OkStatus();
    }
    told_.insert(sign.id());
    if (!bench_->may_restart()) {
      warnings_.push_back(absl::StrCat(
          sign.message, "; whether it is the target shows only after a restart (restart_command)"));
      return absl::OkStatus();
    }
    PUSHPULL_RETURN_IF_ERROR(bench_->Restart(sign.id(), folder_));
    if (slow(bench_->TimeToAnswer())) return absl::OkStatus();
    v1::CaseResult result;
    result.set_id(sign.id());
    result.set_area("fuzz");
    result.set_title("A target answers after many sequences as fast as at first.");
    result.set_level(v1::ROBUSTNESS);
    result.set_verdict(v1::FAIL);
    result.mutable_failure()->set_message(absl::StrCat(sign.message, "; restarted, it was gone"));
    result.set_replay(
        absl::StrCat(options_.replay_command, " --first ", options_.first, " --runs ", played_));
    Add(std::move(result));
    return absl::OkStatus();
  }

  // Whether the sequence shows it by itself.
  absl::StatusOr<std::optional<Sign>> Shows(const v1::Scenario& sequence, uint64_t seed,
                                            const Sign& due) {
    const bool data = due.kind == Sign::Kind::kData;
    PUSHPULL_ASSIGN_OR_RETURN(std::vector<Sign> signs, bench_->PlayAlone(sequence, seed, data));
    const bool by_cause = due.kind == Sign::Kind::kRule;
    for (Sign& sign : signs) {
      if (sign.kind == due.kind && (!by_cause || sign.cause == due.cause)) return std::move(sign);
    }
    return std::nullopt;
  }

  // Confirms, makes small, tells: once for each cause.
  absl::Status Consider(uint64_t number, Sign sign) {
    if (told_.contains(sign.id())) {
      ++again_[sign.id()];
      return absl::OkStatus();
    }
    if (Interrupted()) return absl::OkStatus();
    const v1::Scenario sequence = grower_.Make(number);
    Tell(absl::StrCat("confirming ", sign.id()));
    int confirmed = 0;
    for (int i = 0; i < kConfirmations; ++i) {
      PUSHPULL_ASSIGN_OR_RETURN(std::optional<Sign> seen, Shows(sequence, SeedOf(number), sign));
      if (!seen.has_value()) continue;
      ++confirmed;
      sign = *std::move(seen);
    }
    if (confirmed < kConfirmations) {
      if (unsteady_.insert(sign.id()).second) {
        warnings_.push_back(absl::StrCat(sign.id(), " in sequence ", number, " (", sign.message,
                                         "), and again ", confirmed, " of ", kConfirmations,
                                         " times: no finding"));
      }
      return absl::OkStatus();
    }
    const std::string id = sign.id();
    told_.insert(id);
    if (Known(id, sign)) return absl::OkStatus();
    PUSHPULL_ASSIGN_OR_RETURN(const v1::Scenario least, Minimized(sequence, number, sign));
    return Report(number, least, sign);
  }

  // The profile expects it.
  bool Known(const std::string& id, const Sign& sign) {
    if (options_.run.overlay == nullptr) return false;
    v1::CaseResult result;
    result.set_id(id);
    result.set_verdict(v1::FAIL);
    result.mutable_failure()->set_message(sign.message);
    options_.run.overlay->Apply(&result);
    return result.overlay() == v1::XFAIL;
  }

  absl::StatusOr<v1::Scenario> Minimized(const v1::Scenario& sequence, uint64_t number,
                                         const Sign& sign) {
    const bool sound = IsSound(sequence);
    const bool writes = options_.run.allow_writes || factory_->own_target();
    conformance::MinimizeOptions options;
    options.max_plays = options_.minimize_plays;
    options.progress = [&](uint64_t plays, const v1::Scenario& least) {
      Tell(absl::StrCat("minimizing ", sign.id(), ": ", plays, " plays, ", least.step_size(),
                        " steps"));
      return !Interrupted();
    };
    const auto fails = [&](const v1::Scenario& scenario) -> absl::StatusOr<bool> {
      v1::Scenario confined = scenario;
      Confine(writes, &confined);
      if (confined.SerializeAsString() != scenario.SerializeAsString()) return false;
      if (sound && !IsSound(scenario)) return false;
      PUSHPULL_ASSIGN_OR_RETURN(const auto seen, Shows(scenario, SeedOf(number), sign));
      return seen.has_value();
    };
    PUSHPULL_ASSIGN_OR_RETURN(conformance::Minimized least,
                              conformance::Minimize(sequence, fails, options));
    for (int i = least.scenario.step_size() - 1; i >= 0; --i) {
      v1::Scenario asking = least.scenario;
      if (!AskInstead(asking.mutable_step(i))) continue;
      PUSHPULL_ASSIGN_OR_RETURN(const bool shows, fails(asking));
      if (shows) least.scenario = std::move(asking);
    }
    return std::move(least.scenario);
  }

  // Plays it once more for its wire log, and writes it down.
  absl::Status Report(uint64_t number, const v1::Scenario& least, const Sign& sign) {
    conformance::Case c;
    c.script.scenario = AsCase(least, sign.id(), number);
    c.script.step_lines.resize(static_cast<size_t>(least.step_size()), 1);
    c.area = "fuzz";
    conformance::PlayCaseOptions options;
    const conformance::PlaySettings settings = bench_->SequenceSettings(0);
    options.settings = &settings;
    options.facts = &bench_->facts();
    options.seed = SeedOf(number);
    options.folder = folder_;
    options.known_rules = &options_.run.known_rules;
    v1::CaseResult result = conformance::PlayCase(factory_, c, options);
    if (!factory_->own_target() && bench_->LookForLife(nullptr).has_value()) {
      PUSHPULL_RETURN_IF_ERROR(bench_->Restart(c.id(), folder_));
    }
    result.set_verdict(v1::FAIL);
    result.clear_failure();
    result.mutable_failure()->set_message(sign.message);
    if (sign.violation.has_value()) {
      *result.mutable_failure()->mutable_cite() = sign.violation->cite();
      result.mutable_failure()->set_expected(sign.violation->section());
    }
    result.mutable_failure()->set_step(absl::StrCat("sequence ", number));
    result.set_replay(absl::StrCat(options_.replay_command, " --first ", number, " --runs 1"));
    if (folder_ != nullptr) {
      PUSHPULL_ASSIGN_OR_RETURN(
          const std::string text,
          conformance::WriteScenarioAs(conformance::ScenarioFormat::kText, c.script.scenario));
      const std::string path = absl::StrCat("scenarios/", c.id(), ".textproto");
      PUSHPULL_RETURN_IF_ERROR(folder_->Write(path, text));
      result.mutable_failure()->set_file(path);
    }
    Add(std::move(result));
    return absl::OkStatus();
  }

  void Add(v1::CaseResult result) { results_.push_back(std::move(result)); }

  v1::RunResult Result(const absl::Status& status) {
    v1::RunResult run;
    run.set_target(factory_->uri());
    run.set_target_identity(bench_->facts().identity);
    run.set_seed(options_.run.seed);
    run.set_seconds(Seconds());
    for (v1::CaseResult& result : results_) {
      const uint64_t again = again_[result.id()];
      if (again > 0) {
        result.mutable_failure()->set_actual(absl::StrCat("seen in ", again, " more sequences"));
      }
      *run.add_result() = std::move(result);
    }
    const auto count = static_cast<uint32_t>(run.result_size());
    if (count > 0) (*run.mutable_totals()->mutable_by_verdict())["FAIL"] = count;
    run.mutable_totals()->set_unexpected(count);
    for (const std::string& warning : warnings_) run.add_warning(warning);
    if (!status.ok()) run.set_run_error(std::string(status.message()));
    run.set_exit_code(count > 0      ? conformance::kExitUnexpectedVerdict
                      : !status.ok() ? conformance::kExitTargetUnreachable
                                     : conformance::kExitAsExpected);
    return run;
  }

  conformance::EndpointFactory* const factory_;
  const CampaignOptions& options_;
  const conformance::ResultFolder* const folder_;
  const std::unique_ptr<Bench> bench_;
  const Grower grower_;

  std::chrono::steady_clock::time_point start_;
  double aside_ = 0;  // seconds in which findings were looked into
  uint64_t next_ = 0, played_ = 0, looked_ = 0;
  uint64_t silent_ = 0;  // sequences in a row to which nothing came
  absl::Duration first_time_ = absl::ZeroDuration();
  std::set<State> states_;
  std::deque<uint64_t> recent_;
  std::set<std::string> told_, unsteady_;
  std::map<std::string, uint64_t> again_;
  std::vector<std::string> warnings_;
  std::vector<v1::CaseResult> results_;
};

}  // namespace

absl::StatusOr<CampaignOutcome> RunCampaign(conformance::EndpointFactory* factory,
                                            const conformance::Case& sanity,
                                            const CampaignOptions& options,
                                            const conformance::ResultFolder* folder) {
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<Bench> bench,
                            Bench::Create(factory, sanity, options.run, options.sequence_timeout));
  return Campaign(factory, options, folder, std::move(bench)).Do();
}

}  // namespace pushpull::fuzz
