// A sequence that showed something, as a case of its own.

#ifndef FUZZ_BLACKBOX_FINDING_CASE_H_
#define FUZZ_BLACKBOX_FINDING_CASE_H_

#include <cstdint>
#include <string>

#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

// That `pushpull run` takes: what it judges by is the monitor, and that the target lives.
v1::Scenario AsCase(v1::Scenario sequence, const std::string& id, uint64_t number);

// Whether it does take it.
bool IsSound(const v1::Scenario& sequence);

// A ping and its answer, in the place of a step that only waits for some answer, which another
// target needn't give; false where the step does anything else.
bool AskInstead(v1::Step* step);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_FINDING_CASE_H_
