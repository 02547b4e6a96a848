// How long a loop looks for events before it sleeps.
//
// To sleep and be woken costs more processor time than looking for some ten microseconds, and far
// more of everybody's time; but only where what is awaited comes that soon, from another processor.
// Where it doesn't, looking keeps from work whoever should send it. So it looks only while that
// pays, and each time in vain makes it wait longer before it tries again.

#ifndef FABRIC_BUSY_POLL_H_
#define FABRIC_BUSY_POLL_H_

#include <cstdint>

#include "absl/time/time.h"

namespace pushpull::fabric {

class BusyPoll {
 public:
  // Never looks.
  BusyPoll() = default;
  // Always looks for so long.
  static BusyPoll Always(absl::Duration duration) { return BusyPoll(duration, false); }
  // Looks for so long at most, while it pays.
  static BusyPoll WhileItPays(absl::Duration most) { return BusyPoll(most, true); }

  // How long to look from the last event on; 0 for not at all.
  absl::Duration window() const { return looks_ ? most_ : absl::ZeroDuration(); }

  // What became of a wait: something came while it looked, or nothing did (it slept then), or it
  // slept for `slept` until something came. A wait that a timer ended tells nothing.
  void Found();
  void LookedInVain();
  void Slept(absl::Duration slept);

 private:
  BusyPoll(absl::Duration most, bool adapts) : most_(most), adapts_(adapts), looks_(!adapts) {}

  absl::Duration most_;
  bool adapts_ = false;
  bool looks_ = false;
  uint32_t failures_ = 0;  // each doubles the sleeps before the next try; a success halves them
  uint32_t pause_ = 0;     // sleeps until it may try again
};

}  // namespace pushpull::fabric

#endif  // FABRIC_BUSY_POLL_H_
