// Asks a target's admin socket one thing.

#ifndef TOOLS_PUSHPULL_ADMIN_CLIENT_H_
#define TOOLS_PUSHPULL_ADMIN_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pushpull::tools {

// `method` "GET" or "POST"; `target` "/sessions", "/logout?tsih=1". The body of the answer.
// UNAVAILABLE: nobody answers there. INVALID_ARGUMENT: the target refuses, with what it says.
absl::StatusOr<std::string> AskAdminSocket(const std::string& path, const std::string& method,
                                           const std::string& target, absl::Duration limit);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_ADMIN_CLIENT_H_
