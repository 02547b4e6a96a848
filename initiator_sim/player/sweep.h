// A scenario with a sweep is one scenario for each row.

#ifndef INITIATOR_SIM_PLAYER_SWEEP_H_
#define INITIATOR_SIM_PLAYER_SWEEP_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {

struct SweepInstance {
  // Has no sweep; its id is ID#ROW, or the scenario's own where that has none.
  v1::Scenario scenario;
  size_t row = 0;
};

// Rows are merged into the steps that they name; the steps keep their number and order. A scenario
// without a sweep gives itself. INVALID_ARGUMENT where a row names a step that isn't there.
absl::StatusOr<std::vector<SweepInstance>> ExpandSweep(const v1::Scenario& scenario);

}  // namespace pushpull::initiator_sim

#endif  // INITIATOR_SIM_PLAYER_SWEEP_H_
