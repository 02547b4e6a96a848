// report.html: one file that opens offline, with all of a run or of several side by side: verdicts,
// requirements, and each case with its wire log. It is made of result folders (result_folder.h).

#ifndef CONFORMANCE_REPORT_PAGE_PAGE_H_
#define CONFORMANCE_REPORT_PAGE_PAGE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "conformance/requirements/catalogue.h"
#include "pushpull/v1/page.pb.h"

namespace pushpull::conformance {

// Of `folder` what its result.json tells, with the wire log and the scenario of each case, where
// they are there. `label` heads its column. FAILED_PRECONDITION: it is no result folder, or its
// result.json can't be read.
absl::StatusOr<v1::PageRun> ReadRun(const std::string& folder, const std::string& label);

// The file's text. Of the catalogue it has what is asked of targets.
absl::StatusOr<std::string> ToHtml(std::vector<v1::PageRun> runs, const Catalogue& catalogue);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_REPORT_PAGE_PAGE_H_
