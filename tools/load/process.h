// What a process of this machine uses, by /proc.

#ifndef TOOLS_LOAD_PROCESS_H_
#define TOOLS_LOAD_PROCESS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace pushpull::tools {

struct ProcessUse {
  uint64_t resident_bytes = 0;
  uint64_t descriptors = 0;
  uint64_t threads = 0;
  double cpu_seconds = 0;  // since it began

  std::string Describe() const;  // "12.3 MiB, 14 descriptors, 3 threads"
};

// NOT_FOUND: there is none with this number; PERMISSION_DENIED: it is somebody else's.
absl::StatusOr<ProcessUse> UseOf(int pid);

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_PROCESS_H_
