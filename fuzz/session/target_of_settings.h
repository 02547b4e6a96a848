// The reference target, and the network before it, as an input's settings have them.

#ifndef FUZZ_SESSION_TARGET_OF_SETTINGS_H_
#define FUZZ_SESSION_TARGET_OF_SETTINGS_H_

#include <functional>
#include <string>

#include "conformance/runner/play.h"
#include "fabric/sim_options.h"
#include "fuzz/session/settings.h"
#include "target/bugs/bugs.h"
#include "target/target.h"

namespace pushpull::fuzz {

struct ChosenTarget {
  target::TargetOptions options;
  conformance::TargetFacts facts;  // what scenarios have to know of it
};

// `complain` is called with what is wrong about its log; it outlives the target.
ChosenTarget TargetOfSettings(const Settings& settings, const target::BugSet& bugs, uint64_t seed,
                              std::function<void(std::string)> complain);

fabric::SimOptions NetworkOfSettings(const Settings& settings);

}  // namespace pushpull::fuzz

#endif  // FUZZ_SESSION_TARGET_OF_SETTINGS_H_
