// Secrets come from files that nobody else can read, never from the command line.

#ifndef TOOLS_ENDPOINTS_SECRET_FILE_H_
#define TOOLS_ENDPOINTS_SECRET_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace pushpull::tools {

// The first line of the file. Fails where the file is missing, empty, or open to others than its
// owner; no message ever holds what is in it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_SECRET_FILE_H_
