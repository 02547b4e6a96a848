// Files that a user names, to be read or written.

#ifndef BASE_REGULAR_FILE_H_
#define BASE_REGULAR_FILE_H_

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pushpull::base {

// INVALID_ARGUMENT unless `mode` (st_mode) is of a file that has its bytes already: a read of a
// pipe, a socket or a terminal may wait for ever for somebody who never writes. The message says
// what it is, and what to do.
absl::Status CheckRegularMode(const std::string& path, mode_t mode);

// Before a library opens it, which would wait. NOT_FOUND and PERMISSION_DENIED (of a folder above
// it), too.
absl::Status CheckRegularFile(const std::string& path);

// What errno says of the path, as NOT_FOUND, PERMISSION_DENIED or INVALID_ARGUMENT.
absl::Status FileError(const std::string& path, int error);

// The whole file, instead of what was there. INVALID_ARGUMENT: what is there is no regular file.
// FAILED_PRECONDITION: it can't be written; the message says why, and what to look at.
absl::Status WriteRegularFile(const std::string& path, std::string_view bytes);

}  // namespace pushpull::base

#endif  // BASE_REGULAR_FILE_H_
