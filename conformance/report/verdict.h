// What verdicts mean for a run: its exit code, and which of them count as expected.
// (docs/DESIGN.md, "Verdicts")

#ifndef CONFORMANCE_REPORT_VERDICT_H_
#define CONFORMANCE_REPORT_VERDICT_H_

#include <string_view>

#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

enum ExitCode : int {
  kExitAsExpected = 0,
  kExitUnexpectedVerdict = 1,
  kExitUsage = 2,
  kExitTargetUnreachable = 3,
  kExitNothingMatched = 4,
  kExitInternal = 5,
};

// Whether a verdict fails a run when no profile speaks of it. WARN only does under `strict`.
bool IsFailure(v1::Verdict verdict, bool strict);

// SKIP, UNSUPPORTED and NOT_PLAYED: nothing is known of the target.
bool WasNotPlayed(v1::Verdict verdict);

// Whether this result is as expected: its verdict, or the profile's word over it.
bool IsExpected(const v1::CaseResult& result, bool strict);

// "PASS", "XFAIL" ...: what a reader sees.
std::string_view VerdictName(const v1::CaseResult& result);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_VERDICT_H_
