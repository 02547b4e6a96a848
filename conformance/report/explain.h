// What the reports say below a result, the same in each of them.

#ifndef CONFORMANCE_REPORT_EXPLAIN_H_
#define CONFORMANCE_REPORT_EXPLAIN_H_

#include <string>
#include <vector>

#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// A line for each rule of the monitor that was broken: its first violation, and how many more there
// were.
std::vector<std::string> ViolationLines(const v1::CaseResult& result);

// What several cases that aren't as expected have in common, a line for each cause of more than
// two, those of the most cases first: a rule of the monitor that was broken, or the same message.
// Forty failures of one cause are read as one. The last line names those of none of these causes.
std::vector<std::string> CauseLines(const v1::RunResult& run, bool strict);

// Whether a reader wants to play the case again: something is wrong, or may be.
bool WorthReplaying(const v1::CaseResult& result);

// "profile.textproto:12: login/one: none of ..."; `profile` is the file's path.
std::string ComplaintLine(const std::string& profile, const v1::ProfileComplaint& complaint);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_EXPLAIN_H_
