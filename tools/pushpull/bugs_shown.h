// What to say of a defect of the embedded target that a run didn't see.

#ifndef TOOLS_PUSHPULL_BUGS_SHOWN_H_
#define TOOLS_PUSHPULL_BUGS_SHOWN_H_

#include <string>
#include <vector>

#include "conformance/runner/suite.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::tools {

// One line for each of `bugs` where no case of the run failed: so that its verdict isn't taken for
// one of a healthy target. `all`: the cases that there are, with what they find.
std::vector<std::string> BugsNotShown(const std::vector<std::string>& bugs,
                                      const std::vector<conformance::Case>& all,
                                      const v1::RunResult& run, bool rdma);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_BUGS_SHOWN_H_
