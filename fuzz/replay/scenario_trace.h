// Scenarios as traces, and back. (docs/SCENARIOS.md, "Traces")

#ifndef FUZZ_REPLAY_SCENARIO_TRACE_H_
#define FUZZ_REPLAY_SCENARIO_TRACE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::replay {

struct ScenarioTrace {
  Trace trace;
  // The delivery that the file itself asks for: by its steps' `delivery`, or `trace.delivery`.
  std::optional<Delivery> delivery;
};

// A scenario with a `trace` and only `send` steps, all of one connection, encoded by the
// initiator's codec without a peer. INVALID_ARGUMENT names the step (from 1) and what to do.
absl::StatusOr<ScenarioTrace> TraceFromScenario(const v1::Scenario& scenario, std::string name);

// The same bytes and parameters, with this delivery: TraceFromScenario gives them back. A PDU to a
// step.
v1::Scenario ScenarioFromTrace(const Trace& trace, const Delivery& delivery);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SCENARIO_TRACE_H_
