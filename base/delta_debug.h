// Delta debugging: leaves out what a finding doesn't need.

#ifndef BASE_DELTA_DEBUG_H_
#define BASE_DELTA_DEBUG_H_

#include <algorithm>
#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pushpull::base {

// Of `size` elements: half of them, quarters ... single ones are left out, until none can be
// spared. `without(first, count)` tries it without these of the elements that are still there, and
// says whether that is still a finding; they are gone then. An error is `without`'s own. What is
// left is how many there are in the end.
inline absl::StatusOr<size_t> LeaveOut(
    size_t size, absl::FunctionRef<absl::StatusOr<bool>(size_t first, size_t count)> without) {
  for (size_t chunk = std::max<size_t>(size / 2, 1); size > 0;) {
    bool dropped = false;
    for (size_t at = 0; at < size;) {
      const size_t count = std::min(chunk, size - at);
      const absl::StatusOr<bool> spared = without(at, count);
      if (!spared.ok()) return spared.status();
      dropped = dropped || *spared;
      if (*spared) {
        size -= count;
      } else {
        at += chunk;
      }
    }
    if (dropped && chunk == 1) continue;
    if (chunk == 1) break;
    chunk /= 2;
  }
  return size;
}

}  // namespace pushpull::base

#endif  // BASE_DELTA_DEBUG_H_
