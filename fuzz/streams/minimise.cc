#include "fuzz/streams/minimise.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace pushpull::streams {

Stream Minimise(Stream found, const std::function<bool(const Stream&)>& differs) {
  for (size_t part = std::max<size_t>(found.size() / 2, 1); !found.empty();) {
    bool any = false;
    // From the end: what comes later depends on what comes before.
    for (size_t end = found.size(); end > 0;) {
      const size_t begin = end > part ? end - part : 0;
      Stream less = found;
      less.erase(less.begin() + static_cast<int64_t>(begin),
                 less.begin() + static_cast<int64_t>(end));
      if (differs(less)) {
        found = std::move(less);
        any = true;
      }
      end = begin;
    }
    if (part == 1 && !any) break;
    if (!any || part > found.size()) part = std::max<size_t>(part / 2, 1);
  }
  return found;
}

}  // namespace pushpull::streams
