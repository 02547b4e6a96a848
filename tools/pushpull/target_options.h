// The reference target's options from its configuration.

#ifndef TOOLS_PUSHPULL_TARGET_OPTIONS_H_
#define TOOLS_PUSHPULL_TARGET_OPTIONS_H_

#include "absl/status/statusor.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/target.h"

namespace pushpull::tools {

// Opens files and reserves memory for the LUNs. INVALID_ARGUMENT says which entry is wrong, and
// what would be right.
absl::StatusOr<target::TargetOptions> MakeTargetOptions(const v1::TargetConfig& config);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_TARGET_OPTIONS_H_
