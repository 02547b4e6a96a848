// The administrative hooks of the reference target, as `trigger` steps call them.

#ifndef TOOLS_ENDPOINTS_TARGET_HOOKS_H_
#define TOOLS_ENDPOINTS_TARGET_HOOKS_H_

#include <string>
#include <vector>

#include "fabric/loop.h"
#include "initiator_sim/player/player.h"
#include "target/target.h"

namespace pushpull::tools {

// "async_logout", "async_drop_connection" ... (docs/SCENARIOS.md).
std::vector<std::string> TargetHookNames();

// `target` and `loop`, on which the hook is called and answers, outlive it. An argument "within_s"
// is Parameter3 of the events that have a time limit.
initiator_sim::Hook HookOfTarget(target::Target* target, fabric::Loop* loop);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_TARGET_HOOKS_H_
