// CHAP and access rules out of a configuration. Only for config.cc.

#ifndef TARGET_AUTH_CONFIG_H_
#define TARGET_AUTH_CONFIG_H_

#include "absl/status/status.h"
#include "target/config.h"
#include "target/target.h"

namespace pushpull::target {

// Reads the secrets' files. What is legal and unwise goes into options.warnings.
absl::Status TakeChap(const LoadedConfig& loaded, TargetOptions& options);

absl::Status TakeAccess(const LoadedConfig& loaded, NodeOptions& node);

}  // namespace pushpull::target

#endif  // TARGET_AUTH_CONFIG_H_
