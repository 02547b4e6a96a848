// How many files and connections this process may have open.

#ifndef TOOLS_PUSHPULL_DESCRIPTORS_H_
#define TOOLS_PUSHPULL_DESCRIPTORS_H_

#include <cstdint>

#include "absl/status/status.h"

namespace pushpull::tools {

// Takes as many as the system lets this process have: shells give 1,024 where a half million may
// be had.
void RaiseDescriptorLimit();

// InvalidArgument, with what to do, if there may be fewer than `count`. A connection that can't be
// opened or taken for want of them would otherwise be told as the target's fault.
absl::Status NeedDescriptors(uint64_t count);

// What so many cases at a time take, with a target in this process that has the other ends.
constexpr uint64_t DescriptorsOfCases(uint64_t together) { return 32 + 24 * together; }

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_DESCRIPTORS_H_
