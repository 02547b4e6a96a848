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
  // Whether this outcome of a delivery by this source isn't the reference's.
  bool Differs(Source source, const Outcome& outcome) const {
    const Reference& reference = source == Source::kPush && push_.has_value() ? *push_ : pull_;
    return reference.Differs(outcome);
  }
  // What the receiver makes of it, held against the reference. Where the receiver isn't steady both
  // are played some more times before it is a difference, and what any whole one came to is right
  // from then on.
  enum class Judgement : uint8_t {
    kSame,
    kUnsteady,  // it differed, and then not again
    kDiffers,   // a finding
  };
  absl::StatusOr<Judgement> Judge(const Delivery& delivery, const Outcome& outcome,
                                  Receiver* receiver);
  // Plays it, too.
  absl::StatusOr<bool> Differs(const Delivery& delivery, Receiver* receiver);

  const Outcome& reference() const { return pull_.outcome; }

 private:
  struct Reference {
    Delivery delivery;
    Outcome outcome;
    std::vector<uint64_t> also;  // further digests that the whole delivery came to

    bool Differs(const Outcome& other) const;
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
  uint32_t events = 0;    // of the reference
  bool stopped = false;   // before its last delivery
  uint64_t unsteady = 0;  // deliveries that differed, and then not again
  std::vector<std::string> left_out;
  // The first delivery that differs from its reference (or is a fault by itself), as it was played.
  std::optional<Delivery> finding;

  static constexpr uint64_t kMaxDistinct = uint64_t{4} << 20;
};

// Plays `own` (a file's own delivery, if it has one) and then the schedule's, until the first
// finding. `progress` is called now and then with how many were played, and says whether to go on;
// after the first and then often, so that whoever listens knows when it is time to say so. The
// receiver has the trace open. An error is the environment's.
absl::StatusOr<TraceResult> Compare(const Trace& trace, Receiver* receiver, Oracle* oracle,
                                    const std::optional<Delivery>& own, Deliveries* deliveries,
                                    const std::function<bool(uint64_t)>& progress = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_COMPARE_H_
