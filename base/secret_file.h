// Secrets come from files that nobody else can read, never from the command line.

#ifndef BASE_SECRET_FILE_H_
#define BASE_SECRET_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace pushpull::base {

// A file of more bytes is none of a secret.
inline constexpr size_t kMaxSecretFileBytes = 4096;

// The first line of the file. Fails where the file is missing, empty, or open to others than its
// owner; no message ever holds what is in it.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

}  // namespace pushpull::base

#endif  // BASE_SECRET_FILE_H_
