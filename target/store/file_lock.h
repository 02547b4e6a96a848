// Keeps a file to one who serves it: two that write it would lose each other's data, and neither
// would know.

#ifndef TARGET_STORE_FILE_LOCK_H_
#define TARGET_STORE_FILE_LOCK_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace pushpull::target {

// Locks a regular file for as long as `fd` is open: to be shared with others who only read it, or
// for oneself. FAILED_PRECONDITION says who has it. Where the file system knows no locks, there is
// none. A block device isn't locked: the system answers for those that are opened with O_EXCL, and
// others (udev) lock them now and then. Where nobody who lives has it, `wait` is called before it
// is looked at again, for a second in all.
absl::Status LockFile(int fd, const std::string& path, bool read_only,
                      absl::FunctionRef<void(absl::Duration)> wait);

}  // namespace pushpull::target

#endif  // TARGET_STORE_FILE_LOCK_H_
