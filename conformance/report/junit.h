// JUnit XML, as CI systems read it: a testsuite for each area; a protocol failure is <failure>, our
// own trouble is <error>, what could not be judged is <skipped>. What fails the run but is no case
// is a test all the same: "run/target" where no case could be played, "profile/ID" for an entry of
// the profile that no longer holds.

#ifndef CONFORMANCE_REPORT_JUNIT_H_
#define CONFORMANCE_REPORT_JUNIT_H_

#include <string>

#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

std::string ToJunit(const v1::RunResult& run, bool strict);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_JUNIT_H_
