// What the tests over whole suites share.

#ifndef TOOLS_SUITES_TESTING_H_
#define TOOLS_SUITES_TESTING_H_

#include <string>
#include <vector>

#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "tools/endpoints/embedded_sim.h"

namespace pushpull::tools {

// All cases that are built in.
std::vector<conformance::Case> AllCases();

// Plays them against an embedded target over the simulated network.
conformance::RunOutcome PlaySuites(const std::vector<conformance::Case>& cases,
                                   EmbeddedSimOptions endpoint, conformance::RunOptions options);

// The same without the run around them: also where no plain session with the target is possible.
// What is to be known of the target comes from one without defects.
std::vector<v1::CaseResult> PlayDirectly(const std::vector<conformance::Case>& cases,
                                         const EmbeddedSimOptions& endpoint);

// "login/isid_kept#oui FAIL: message", a line for each result that isn't as expected.
std::string Unexpected(const conformance::RunOutcome& outcome);

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_TESTING_H_
