// Legal configurations of the reference target: what a target's author is free to choose, and no
// suite may hold against a target.

#ifndef TOOLS_SUITES_LIMITS_H_
#define TOOLS_SUITES_LIMITS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "pushpull/v1/target_config.pb.h"

namespace pushpull::tools {

struct LegalConfig {
  std::string name;
  v1::TargetConfig config;
  // Why cases may go unplayed: each message of such a case begins with one of these.
  std::vector<std::string> reasons;
};

// Each choice alone.
std::vector<LegalConfig> SingleChoices();

// Several choices at once, as the seed says.
LegalConfig RandomChoices(uint64_t seed);

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_LIMITS_H_
