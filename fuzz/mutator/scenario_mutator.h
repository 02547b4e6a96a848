// Changes scenarios by type, for fuzzers: what comes out is always a scenario that can be played.
//
// Steps first (they grow, go, repeat, change places, come from another scenario), then fields by
// what they mean (sequence numbers near their windows, lengths near their limits, tags of tasks
// that live), and last bytes and the cuts of what is sent. A mutation is its seed: equal scenarios
// and equal randomness give equal results, on every machine.
//
// It knows the scenario's schema alone: neither libFuzzer nor anybody's target.

#ifndef FUZZ_MUTATOR_SCENARIO_MUTATOR_H_
#define FUZZ_MUTATOR_SCENARIO_MUTATOR_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

enum class Mutation : uint8_t {
  kGrow,       // a step that a table has, at some place
  kDrop,       // a step, or a few in a row, go
  kDuplicate,  // a step stands once more, behind itself or elsewhere
  kSwap,       // two steps change places
  kSplice,     // the other scenario's steps go on where this one's end (only CrossOver)
  kAim,        // a field is bound to a live value, or near it: "cmd_sn" from "max_cmd_sn" plus 1
  kField,      // a field of a step changes by what its name and type mean
  kBytes,      // bytes of data, or of the PDU on the wire
  kCut,        // how a step's bytes are delivered
  kLet,        // one of the variables that mean something to whoever plays it changes
};
inline constexpr Mutation kAllMutations[] = {
    Mutation::kGrow, Mutation::kDrop,  Mutation::kDuplicate, Mutation::kSwap, Mutation::kSplice,
    Mutation::kAim,  Mutation::kField, Mutation::kBytes,     Mutation::kCut,  Mutation::kLet,
};
std::string_view ToString(Mutation mutation);

// A variable of scenarios that says something to whoever plays them, and what is worth trying.
struct NamedNumbers {
  std::string_view name;
  std::span<const uint64_t> numbers;
};

struct MutatorOptions {
  size_t max_steps = 48;
  // Of the text form. What would be longer loses steps.
  size_t max_bytes = size_t{32} << 10;
  // RDMA steps and iSER's misbehaviours, too.
  bool iser = false;
  // Of a target that the fuzzer makes for each input: what it can be made like. With any, its own
  // hooks are called, too.
  std::span<const NamedNumbers> variables = {};
};

class ScenarioMutator {
 public:
  explicit ScenarioMutator(MutatorOptions options = {});

  // One to a few mutations. The result is tame (see Tame). Returns what was done, in order.
  std::vector<Mutation> Mutate(v1::Scenario* scenario, base::Random* random) const;

  // The beginning of `scenario` goes on with steps of `other`.
  void CrossOver(const v1::Scenario& other, v1::Scenario* scenario, base::Random* random) const;

  // One mutation of this kind. False: the scenario has nothing that it could be done to, and is as
  // it was. kSplice takes its steps from the scenario itself.
  bool Apply(Mutation mutation, v1::Scenario* scenario, base::Random* random) const;

  const MutatorOptions& options() const { return options_; }

 private:
  bool Grow(v1::Scenario* scenario, base::Random* random) const;
  bool Let(v1::Scenario* scenario, base::Random* random) const;

  const MutatorOptions options_;
  std::vector<v1::Step> templates_;
};

// Keeps a play short, whatever the scenario says, and keeps it the initiator's: no sweep, trace,
// link or steps of a target; counts, lengths and times within bounds; no epilogue.
void Tame(const MutatorOptions& options, v1::Scenario* scenario);

// What a seed keeps of a case: what is done, not why, nor what was judged of the answers.
v1::Scenario SeedOf(const MutatorOptions& options, const v1::Scenario& scenario);

// The text form of corpora, and back. False: it isn't a scenario's text (or has above `max_bytes`).
std::string ToText(const v1::Scenario& scenario);
bool FromText(const MutatorOptions& options, std::string_view text, v1::Scenario* scenario);

}  // namespace pushpull::fuzz

#endif  // FUZZ_MUTATOR_SCENARIO_MUTATOR_H_
