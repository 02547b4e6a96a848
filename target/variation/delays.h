// How long an answer is kept back that is ready: so that answers of independent tasks overtake one
// another (RFC 7143 §4.2.2.2 numbers them as they go out).

#ifndef TARGET_VARIATION_DELAYS_H_
#define TARGET_VARIATION_DELAYS_H_

#include "absl/time/time.h"
#include "base/random.h"

namespace pushpull::target {

class Delays {
 public:
  explicit Delays(base::Random random) : random_(random) {}

  // Zero: not at all.
  absl::Duration OfAnswer() {
    const uint64_t kind = random_.Below(100);
    if (kind < 60) return absl::ZeroDuration();
    return absl::Microseconds(random_.Below(kind < 98 ? 1500 : 30000));
  }

 private:
  base::Random random_;
};

}  // namespace pushpull::target

#endif  // TARGET_VARIATION_DELAYS_H_
