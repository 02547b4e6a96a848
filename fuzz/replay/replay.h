// One trace from its first delivery to a finding that can be shown: schedule, comparison, the least
// delivery, and the scenario that plays it again.

#ifndef FUZZ_REPLAY_REPLAY_H_
#define FUZZ_REPLAY_REPLAY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "fuzz/replay/compare.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/minimise.h"
#include "fuzz/replay/receiver.h"
#include "fuzz/replay/schedule.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::replay {

struct ReplayOptions {
  Schedule schedule;
  Budget budget;
  MinimiseOptions minimise;
  // Called now and then with how many deliveries of the trace were played, of how many.
  // Says whether to go on.
  std::function<bool(uint64_t played, uint64_t of)> progress;
  // Likewise, with each delivery by which the least one of a finding is sought. Where it says no,
  // the finding is shown as it was found.
  std::function<bool(uint64_t plays)> minimising;
};

struct Finding {
  Delivery least;
  std::string text;       // DescribeDifference
  v1::Scenario scenario;  // a trace with this delivery
};

struct Replayed {
  TraceResult result;
  // Why the receiver can't take this trace; then nothing was played.
  std::string refused;
  std::optional<Finding> finding;
};

// `own`: the delivery that the file asks for, played besides the schedule's. An error is the
// environment's, and ends the run.
absl::StatusOr<Replayed> ReplayTrace(const Trace& trace, const std::optional<Delivery>& own,
                                     Receiver* receiver, const ReplayOptions& options);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_REPLAY_H_
