// A target under fuzzing: sequences played on it one by one, looked at afterwards, restarted.

#ifndef FUZZ_BLACKBOX_BENCH_H_
#define FUZZ_BLACKBOX_BENCH_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/run.h"
#include "conformance/runner/single.h"
#include "conformance/runner/suite.h"
#include "fuzz/blackbox/flight.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

// What is wrong.
struct Sign {
  enum class Kind : uint8_t {
    kRule,        // the monitor saw a rule broken
    kCrash,       // nobody is there any more
    kHang,        // a plain session is taken, and not answered
    kData,        // blocks changed that weren't written to
    kSlow,        // a plain session takes ever longer
    kProportion,  // far more was answered than was asked
  };
  Kind kind = Kind::kRule;
  // By which two are of one cause: the rule, or what was sent last.
  std::string cause;
  std::string message;
  std::optional<v1::Violation> violation;

  // Stable over runs: "fuzz/rule_stat_sn_next", "fuzz/crash_0x03_in_the_login".
  std::string id() const;
};

// What a sequence that is over shows by itself.
std::vector<Sign> SignsOf(const Flight& flight, const std::set<std::string>& known_rules);

class Bench {
 public:
  // All of them outlive it. Errors as SinglePlayer::Create.
  static absl::StatusOr<std::unique_ptr<Bench>> Create(conformance::EndpointFactory* factory,
                                                       const conformance::Case& sanity,
                                                       const conformance::RunOptions& options,
                                                       absl::Duration sequence_timeout);

  // For a place among sequences that are under way together: different initiator ports, or they
  // would reinstate each other's sessions.
  conformance::PlaySettings SequenceSettings(uint32_t place) const;

  // A sequence alone, on an endpoint of its own, and then the target's life; with `data`, its
  // blocks too. A target that is dead is restarted; an error: it can't be, or there is none.
  // `states`: those that it reaches are added; may be null.
  absl::StatusOr<std::vector<Sign>> PlayAlone(const v1::Scenario& sequence, uint64_t seed,
                                              bool data, std::set<State>* states = nullptr);

  // A plain session now; nullopt: it is stood. `endpoint`: of a target of our own, else null.
  std::optional<Sign> LookForLife(conformance::Endpoint* endpoint) const;
  // Puts the blocks in order that nobody may change; then whether they are. nullopt: they are, or
  // can't be read.
  void SetBlocks(conformance::Endpoint* endpoint) const;
  std::optional<Sign> LookAtBlocks(conformance::Endpoint* endpoint) const;
  absl::Status Restart(const std::string& id, const conformance::ResultFolder* folder) const;
  // A step of a sequence waits so long at the least: a target that takes longer for a plain session
  // would answer nothing that is waited for.
  void WaitAtLeast(absl::Duration time) { sequence_timeout_ = std::max(sequence_timeout_, time); }
  // Where time is real: a ping ends a wait in which nothing came for this long.
  void AskAfter(absl::Duration time) { ask_after_ = time; }
  // How long a plain session takes: the least of some.
  absl::Duration TimeToAnswer() const;

  bool looks_at_blocks() const { return looks_at_blocks_; }
  bool may_restart() const { return own() || !options_.commands.restart.empty(); }
  bool own() const { return factory_->own_target(); }
  conformance::EndpointFactory* factory() const { return factory_; }
  const conformance::TargetFacts& facts() const { return single_->offer().facts; }

 private:
  Bench(conformance::EndpointFactory* factory, const conformance::RunOptions& options,
        absl::Duration sequence_timeout)
      : factory_(factory), options_(options), sequence_timeout_(sequence_timeout) {}

  initiator_sim::PlayResult PlayPlain(conformance::Endpoint* endpoint, const char* text) const;

  conformance::EndpointFactory* const factory_;
  const conformance::RunOptions& options_;
  absl::Duration sequence_timeout_;
  absl::Duration ask_after_ = absl::ZeroDuration();
  std::unique_ptr<conformance::SinglePlayer> single_;
  bool looks_at_blocks_ = false;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_BENCH_H_
