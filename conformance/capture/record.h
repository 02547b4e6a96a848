// A captured session as a scenario, which can be read, changed and played against any target.

#ifndef CONFORMANCE_CAPTURE_RECORD_H_
#define CONFORMANCE_CAPTURE_RECORD_H_

#include <string>

#include "absl/status/statusor.h"
#include "conformance/capture/session_trace.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

struct RecordOptions {
  std::string id;
  std::string source;  // the capture, for the title
  // The data of reads of blocks and of pings must come again.
  bool with_data = false;
};

// The initiator's PDUs as `send` steps, what came as steps that expect it:
//
//   send      only what differs from what the player computes at that moment is set; SNs and tags
//             that differ stand relative to it. InitiatorName and TargetName are the run's. The LUN
//             that most commands have is the run's own.
//   expect    kind, status, sense, and what an R2T asks for; of Data-In all of a task at once.
//             What every target numbers or sizes by itself is left open.
//
// Pings of the target and their answers are left to the player. FAILED_PRECONDITION: the capture
// doesn't have the connection from its first byte to its last, or it joins a session of another
// connection; the message says what to do.
absl::StatusOr<v1::Scenario> ScenarioFromSession(const SessionTrace& session,
                                                 const RecordOptions& options);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_RECORD_H_
