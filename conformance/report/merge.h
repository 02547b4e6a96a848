// Runs that are parts of one (`pushpull run --shard I/N`), as one.

#ifndef CONFORMANCE_REPORT_MERGE_H_
#define CONFORMANCE_REPORT_MERGE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// Results in the order of the runs; seconds are added up; the exit code is the worst. The target,
// its identity and the seed are the first one's. Where they are shards, by their arguments, and not
// all are there, the whole isn't as expected: `run_error` says so.
// INVALID_ARGUMENT: there is no run, they aren't of the same target, shards of one number, or a
// case stands in two of them.
absl::StatusOr<v1::RunResult> Merge(const std::vector<v1::RunResult>& runs);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_MERGE_H_
