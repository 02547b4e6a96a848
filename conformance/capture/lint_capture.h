// The monitor over a capture: each violation with the frame that shows it.

#ifndef CONFORMANCE_CAPTURE_LINT_CAPTURE_H_
#define CONFORMANCE_CAPTURE_LINT_CAPTURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/capture/capture.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct CaptureViolation {
  v1::Violation violation;  // its `frame` is the capture's
  uint32_t connection = 0;  // CapturedConnection::number
  std::string pdu;          // its summary
  bool to_target = false;   // it was the initiator's
};

struct CaptureLint {
  std::vector<CaptureViolation> violations;  // in the order of PDUs
  size_t connections = 0;
  size_t pdus = 0;
  // Of the file and of the connections: "connection 1 (A -> B): ...".
  std::vector<std::string> remarks;
};

struct CaptureLintOptions {
  size_t max_per_rule = 10;  // violations of each rule that are kept, the first ones
  bool target = true;        // whose violations are of interest
  bool initiator = true;
};
CaptureLint LintCapture(const Capture& capture, const CaptureLintOptions& options = {});

// For people: a paragraph for each violation, "PATH: frame 12 ...", then the remarks, then a line
// of numbers.
std::string ToText(const CaptureLint& lint, const std::string& path);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_LINT_CAPTURE_H_
