// What changed from one run to another.

#ifndef CONFORMANCE_REPORT_DIFF_H_
#define CONFORMANCE_REPORT_DIFF_H_

#include <cstddef>
#include <string>
#include <vector>

#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct CaseChange {
  enum class Kind { kWorse, kBetter, kOther, kNew, kGone };
  Kind kind;
  std::string id;
  std::string before, after;  // verdicts; "" where it wasn't played
  std::string message;        // of the later one, or of the earlier where there is no later
};

// Cases whose verdict changed, or that only one run has, in the order of ids. One got worse if it
// was as expected and isn't any more; a new one, if it isn't as expected.
std::vector<CaseChange> Diff(const v1::RunResult& before, const v1::RunResult& after, bool strict);

// A line for each, grouped by kind; "" without a change.
std::string DiffText(const std::vector<CaseChange>& changes);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_DIFF_H_
