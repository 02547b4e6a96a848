#include "fuzz/blackbox/grow.h"

#include <algorithm>
#include <string>

#include "base/random.h"
#include "fuzz/blackbox/confine.h"

namespace pushpull::fuzz {
namespace {

constexpr size_t kMaxSteps = 12;  // short ones say more a second
constexpr uint32_t kAsItIsPercent = 5;
constexpr uint32_t kCrossPercent = 25;
constexpr uint32_t kTwicePercent = 30;

MutatorOptions OptionsOf(bool iser) {
  MutatorOptions options;
  options.max_steps = kMaxSteps;
  options.iser = iser;
  return options;
}

bool MayBeSeed(const v1::Scenario& scenario, const GrowOptions& options) {
  const v1::Needs& needs = scenario.needs();
  const v1::Transport other = options.iser ? v1::TCP_ONLY : v1::ISER_ONLY;
  return scenario.role() == v1::INITIATOR && needs.transport() != other && !scenario.has_fabric() &&
         !scenario.has_trace() && needs.hook_size() == 0 && needs.portals() < 2 &&
         (options.chap || !(needs.chap() || needs.mutual_chap()));
}

}  // namespace

Grower::Grower(const std::vector<v1::Scenario>& scenarios, const GrowOptions& options)
    : options_(options), mutator_(OptionsOf(options.iser)) {
  for (const v1::Scenario& scenario : scenarios) {
    if (!MayBeSeed(scenario, options)) continue;
    v1::Scenario seed = SeedOf(mutator_.options(), scenario);
    Confine(options.allow_writes, &seed);
    if (seed.step_size() > 0) seeds_.push_back(std::move(seed));
  }
}

v1::Scenario Grower::Make(uint64_t number) const {
  // Neighbours must not be alike, nor those of one number under two seeds.
  base::Random random = base::Random(options_.seed ^ (number * 0xd1342543de82ef95)).Fork();
  v1::Scenario sequence;
  if (seeds_.empty()) return sequence;
  sequence = seeds_[random.Below(seeds_.size())];
  if (!random.Chance(kAsItIsPercent)) {
    if (random.Chance(kCrossPercent)) {
      mutator_.CrossOver(seeds_[random.Below(seeds_.size())], &sequence, &random);
    }
    mutator_.Mutate(&sequence, &random);
    if (random.Chance(kTwicePercent)) mutator_.Mutate(&sequence, &random);
  }
  Confine(options_.allow_writes, &sequence);
  sequence.set_id("fuzz/" + std::to_string(number));
  sequence.set_level(v1::ROBUSTNESS);
  sequence.set_epilogue(v1::NOTHING);
  return sequence;
}

}  // namespace pushpull::fuzz
