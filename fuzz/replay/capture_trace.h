// Captured connections as traces: the bytes that really went, with what the login came to.

#ifndef FUZZ_REPLAY_CAPTURE_TRACE_H_
#define FUZZ_REPLAY_CAPTURE_TRACE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/capture/capture.h"
#include "conformance/capture/session_trace.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// The receiver's view of one direction of a captured connection: its PDUs up to the first place
// where something is missing from the capture, in this direction or the other. Named "NAME
// connection 1 to_target". What was negotiated is the login's, where it is there; of a capture that
// begins later, digests are as they were guessed, and limits the largest that fit.
//
// FAILED_PRECONDITION: no PDU of this direction is there.
absl::StatusOr<Trace> TraceFromCapture(const conformance::SessionTrace& session,
                                       Direction direction, const std::string& name);

struct CaptureTraces {
  std::vector<Trace> traces;  // both directions of each connection that have PDUs
  // What the user must know: gaps, guesses, connections without PDUs.
  std::vector<std::string> remarks;
};

// All of a capture. FAILED_PRECONDITION: there is no PDU in it; the message says what to do.
absl::StatusOr<CaptureTraces> TracesFromCapture(const conformance::Capture& capture,
                                                const std::string& name);

// Of a file, pcap or pcapng. Errors as ReadCaptureFile's, and the above.
absl::StatusOr<CaptureTraces> TracesFromCaptureFile(
    const std::string& path, const conformance::CaptureOptions& options = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_CAPTURE_TRACE_H_
