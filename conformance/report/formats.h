// A run for other tools to read, beside junit.h. `strict`: WARN is a failure.

#ifndef CONFORMANCE_REPORT_FORMATS_H_
#define CONFORMANCE_REPORT_FORMATS_H_

#include <string>

#include "absl/status/statusor.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// Test Anything Protocol 14: a line for each case, why below those that aren't as expected.
std::string ToTap(const v1::RunResult& run, bool strict);

// SARIF 2.1.0: a result for each case that isn't as expected, a rule for each requirement.
absl::StatusOr<std::string> ToSarif(const v1::RunResult& run, bool strict);

// Workflow commands of GitHub: an annotation for each case that isn't as expected, and for each
// WARN.
std::string ToGithub(const v1::RunResult& run, bool strict);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_FORMATS_H_
