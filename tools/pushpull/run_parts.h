// What `pushpull run` and `pushpull initiator` share.

#ifndef TOOLS_PUSHPULL_RUN_PARTS_H_
#define TOOLS_PUSHPULL_RUN_PARTS_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/scenario/scenario_file.h"
#include "pushpull/v1/profile.pb.h"

namespace pushpull::tools {

// Scenarios of the user's own have to be as sound as those that are built in.
absl::Status LintSuites(const std::vector<conformance::ScenarioFile>& files,
                        const std::string& root);

// YYYY-MM-DD, for entries of profiles that expire.
std::string Today();

// The rules of the monitor that the profile knows to be broken.
std::set<std::string> KnownRules(const v1::Profile& profile);

// report.txt, and report.html of all that the folder holds by then.
absl::Status WriteReports(const conformance::ResultFolder& folder, const std::string& text);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_RUN_PARTS_H_
