#include "fabric/busy_poll.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace pushpull::fabric {
namespace {

// One try in a thousand sleeps.
constexpr uint32_t kMostFailures = 10;

// What ended sooner was no sleep: events were there already.
constexpr absl::Duration kLeastSleep = absl::Microseconds(3);

}  // namespace

void BusyPoll::Found() {
  if (failures_ > 0) --failures_;
}

void BusyPoll::LookedInVain() {
  if (!adapts_) return;
  failures_ = std::min(failures_ + 1, kMostFailures);
  pause_ = uint32_t{1} << failures_;
  looks_ = false;
}

void BusyPoll::Slept(absl::Duration slept) {
  if (!adapts_ || slept < kLeastSleep) return;
  if (pause_ > 0) --pause_;
  looks_ = pause_ == 0 && slept < most_;
}

}  // namespace pushpull::fabric
