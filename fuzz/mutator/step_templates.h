// The steps that scenarios grow by.

#ifndef FUZZ_MUTATOR_STEP_TEMPLATES_H_
#define FUZZ_MUTATOR_STEP_TEMPLATES_H_

#include <vector>

#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

// What an initiator does, rightly or by a named misbehaviour. Task names are "t0": whoever takes a
// step gives it another. `own_target`: also what only a target of the fuzzer's own has.
std::vector<v1::Step> StepTemplates(bool iser, bool own_target);

}  // namespace pushpull::fuzz

#endif  // FUZZ_MUTATOR_STEP_TEMPLATES_H_
