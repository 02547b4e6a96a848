// pushpull convert: captures to scenarios, scenarios between their forms, scenarios to captures.

#ifndef TOOLS_PUSHPULL_CONVERT_H_
#define TOOLS_PUSHPULL_CONVERT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/capture/capture.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::tools {

struct ConvertOptions {
  conformance::CaptureOptions capture;
  uint32_t connection = 0;  // of a capture, from 1; 0: all of them
  // Scenarios compare the data of reads.
  bool with_data = false;
  // A capture's one direction as a trace (docs/SCENARIOS.md) instead of the session.
  std::optional<replay::Direction> trace;
};

struct Converted {
  std::vector<std::string> written;  // paths
  std::vector<std::string> remarks;  // what the user should know
};

// By the suffix of both: .pcap, .pcapng, .cap (`in` also by its first bytes); .textproto, .json,
// .binpb. `out` may be a folder for what a capture holds. INVALID_ARGUMENT, FAILED_PRECONDITION:
// the message says what to do. OUT_OF_RANGE: there is no iSCSI in the capture.
absl::StatusOr<Converted> Convert(const std::string& in, const std::string& out,
                                  const ConvertOptions& options);

// The `send` steps of a scenario as a capture, encoded without a peer: of a trace, or of any
// scenario whose steps send what doesn't depend on answers. INVALID_ARGUMENT names the step.
absl::StatusOr<std::string> CaptureFromScenario(const v1::Scenario& scenario,
                                                const std::string& name);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_CONVERT_H_
