// How a connection or a session ends, where the RFC leaves that to the target.

#ifndef TARGET_VARIATION_ENDING_VARIATION_H_
#define TARGET_VARIATION_ENDING_VARIATION_H_

#include <cstdint>

#include "absl/time/time.h"
#include "base/random.h"

namespace pushpull::target {

class EndingVariation {
 public:
  explicit EndingVariation(base::Random random) : random_(random), escalates_(random_.Chance(60)) {}

  // Whether a request that a Reject would answer ends the session: its header is a format error
  // (RFC 7143 §7.7), or its data were damaged (§7.8).
  bool EndsSession() { return escalates_ && random_.Chance(50); }

  // Whether a connection that is closed at once is reset (§7.7).
  bool Resets() { return random_.Chance(40); }

  // Between the last response of a connection and its end, for which nothing sets a time.
  absl::Duration Linger() {
    if (random_.Chance(60)) return absl::ZeroDuration();
    return absl::Microseconds(random_.Below(200000));
  }

 private:
  base::Random random_;
  bool escalates_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_ENDING_VARIATION_H_
