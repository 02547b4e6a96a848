#include "fuzz/planted_bugs.h"

#include <cstdlib>

#include "base/check.h"

namespace pushpull::fuzz {

target::BugSet PlantedBugs() {
  target::BugSet bugs;
  const char* const name = std::getenv("PUSHPULL_FUZZ_BUG");
  if (name == nullptr) return bugs;
  const auto bug = target::ParseBugName(name);
  CHECK(bug.ok()) << "PUSHPULL_FUZZ_BUG: " << bug.status().ToString();
  bugs.Add(*bug);
  return bugs;
}

}  // namespace pushpull::fuzz
