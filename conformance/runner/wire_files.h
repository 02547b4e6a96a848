// What went over the wire, as files of a result folder.

#ifndef CONFORMANCE_RUNNER_WIRE_FILES_H_
#define CONFORMANCE_RUNNER_WIRE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/tap/wire_log.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// wire.txt, wire.json and wire.pcapng of a case (or of what has the place of one).
absl::Status WriteWire(const ResultFolder& folder, const std::string& case_id, const WireLog& log,
                       const std::vector<v1::Violation>& violations);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_WIRE_FILES_H_
