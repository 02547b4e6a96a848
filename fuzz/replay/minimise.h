// The least delivery that still shows a finding.

#ifndef FUZZ_REPLAY_MINIMISE_H_
#define FUZZ_REPLAY_MINIMISE_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

struct MinimiseOptions {
  // Deliveries that may be played to find it.
  uint64_t max_plays = 500'000;
  // And bytes of them all.
  uint64_t max_bytes = uint64_t{2} << 30;
};

// `differs` plays a delivery and says whether it is still a finding; it is one for `found`. What
// comes out has the same source and
//   no flag, queue capacity or number of slots that isn't needed,
//   no cut and no wait that could be left out,
//   as few cuts and waits as any delivery has that differs, where that many can be tried out,
//   and among those the first in the trace that was tried.
// An error is `differs`' own.
absl::StatusOr<Delivery> Minimise(
    const Trace& trace, const Delivery& found,
    const std::function<absl::StatusOr<bool>(const Delivery&)>& differs,
    const MinimiseOptions& options = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_MINIMISE_H_
