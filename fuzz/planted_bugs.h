// The defect that PUSHPULL_FUZZ_BUG names: a fuzz target then has it in what it tries, and one sees
// whether it is found, and how soon.

#ifndef FUZZ_PLANTED_BUGS_H_
#define FUZZ_PLANTED_BUGS_H_

#include "target/bugs/bugs.h"

namespace pushpull::fuzz {

// None where the variable isn't set; ends the process where there is no such defect.
target::BugSet PlantedBugs();

}  // namespace pushpull::fuzz

#endif  // FUZZ_PLANTED_BUGS_H_
