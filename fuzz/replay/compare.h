// One trace under all deliveries of a schedule: what the receiver makes of it must be the same each
// time.

#ifndef FUZZ_REPLAY_COMPARE_H_
#define FUZZ_REPLAY_COMPARE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/receiver.h"
#include "fuzz/replay/schedule.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// What deliveries of the open trace are held against.
class Oracle {
 public:
  // Plays the whole deliveries. The receiver has the trace open and outlives the oracle.
  static absl::StatusOr<Oracle> Make(const Trace& trace, Receiver* receiver);

  // The delivery to which one by this source is compared: the whole, by the receiver's first
  // source, or by push where pushed and pulled ones needn't be equal.
  const Delivery& ReferenceOf(Source source) const {
    return source == Source::kPush && push_.has_value() ? push_->delivery : pull_.delivery;
  }
  // Whether this outcome of a delivery by this source is a finding.
  bool Differs(Source source, const Outcome& outcome) const {
    const Reference& reference = source == Source::kPush && push_.has_value() ? *push_ : pull_;
    return outcome.fault || outcome.events_digest != reference.outcome.events_digest;
  }
  const Outcome& reference() const { return pull_.outcome; }

 private:
  struct Reference {
    Delivery delivery;
    Outcome outcome;
  };
  Reference pull_;
  std::optional<Reference> push_;  // where it is one of its own
};

struct TraceResult {
  std::string trace;
  uint64_t deliveries = 0;
  // By the sequence of spans at the receiver; 0 where it doesn't say, and a lower bound where there
  // are more than `kMaxDistinct`.
  uint64_t distinct = 0;
  uint32_t events = 0;  // of the reference
  std::vector<std::string> left_out;
  // The first delivery that differs from its reference (or is a fault by itself), as it was played.
  std::optional<Delivery> finding;

  static constexpr uint64_t kMaxDistinct = uint64_t{4} << 20;
};

// Plays `own` (a file's own delivery, if it has one) and then the schedule's, until the first
// finding. `progress` is called now and then with how many were played. The receiver has the trace
// open. An error is the environment's.
absl::StatusOr<TraceResult> Compare(const Trace& trace, Receiver* receiver, const Oracle& oracle,
                                    const std::optional<Delivery>& own, Deliveries* deliveries,
                                    const std::function<void(uint64_t)>& progress = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_COMPARE_H_
