// Keeps a file to one who serves it: two that write it would lose each other's data, and neither
// would know.

#ifndef TARGET_STORE_FILE_LOCK_H_
#define TARGET_STORE_FILE_LOCK_H_

#include <string>

#include "absl/status/status.h"

namespace pushpull::target {

// Locks a regular file for as long as `fd` is open: to be shared with others who only read it, or
// for oneself. FAILED_PRECONDITION says who has it. Where the file system knows no locks, there is
// none. A block device isn't locked: the system answers for those that are opened with O_EXCL, and
// others (udev) lock them now and then.
absl::Status LockFile(int fd, const std::string& path, bool read_only);

}  // namespace pushpull::target

#endif  // TARGET_STORE_FILE_LOCK_H_
