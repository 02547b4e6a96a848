// `pushpull target --script`.

#ifndef TOOLS_PUSHPULL_SCRIPTED_TARGET_H_
#define TOOLS_PUSHPULL_SCRIPTED_TARGET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace pushpull::tools {

// What is empty is as `pushpull initiator` has it.
struct ScriptedTarget {
  std::string script;  // an id, or a glob, with "initiators/" before it or without
  std::string listen, name;
  uint64_t seed = 1;
};

// Plays it to whoever comes, as `pushpull initiator --only SCRIPT` does; the exit code.
absl::StatusOr<int> PlayScriptedTarget(const ScriptedTarget& scripted);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_SCRIPTED_TARGET_H_
