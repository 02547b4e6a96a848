// Sequences grown from the suites' scenarios: each is its seed and its number.

#ifndef FUZZ_BLACKBOX_GROW_H_
#define FUZZ_BLACKBOX_GROW_H_

#include <cstdint>
#include <vector>

#include "fuzz/mutator/scenario_mutator.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

struct GrowOptions {
  uint64_t seed = 1;
  bool iser = false;
  bool allow_writes = false;  // see Confine
  bool chap = false;          // the run has credentials
};

class Grower {
 public:
  // `scenarios`: without sweeps. Those for another transport, for targets, or that need what a
  // sequence can't have (hooks, a second portal) are passed over.
  Grower(const std::vector<v1::Scenario>& scenarios, const GrowOptions& options);

  // The same for the same number, whatever came before.
  v1::Scenario Make(uint64_t number) const;

  size_t seeds() const { return seeds_.size(); }

 private:
  const GrowOptions options_;
  const ScenarioMutator mutator_;
  std::vector<v1::Scenario> seeds_;
};

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_GROW_H_
