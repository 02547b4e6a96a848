// The report for a terminal: a line for each case, failures explained, a summary at the end.

#ifndef CONFORMANCE_REPORT_TEXT_H_
#define CONFORMANCE_REPORT_TEXT_H_

#include <string>

#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct TextOptions {
  bool color = false;
  bool strict = false;
};

// One line, and below it what a reader needs where the result is not a plain pass.
std::string CaseText(const v1::CaseResult& result, const TextOptions& options);

// By area and in total.
std::string SummaryText(const v1::RunResult& run, const TextOptions& options);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_TEXT_H_
