// What the tests over whole suites share.

#ifndef TOOLS_SUITES_TESTING_H_
#define TOOLS_SUITES_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/embedded_iser.h"
#include "tools/endpoints/embedded_sim.h"

namespace pushpull::tools {

// All cases that are built in.
std::vector<conformance::Case> AllCases();

// Plays them against an embedded target over the simulated network.
conformance::RunOutcome PlaySuites(const std::vector<conformance::Case>& cases,
                                   EmbeddedSimOptions endpoint, conformance::RunOptions options);

// Likewise over the simulated RDMA network; options.play says the dialect for both ends.
conformance::RunOutcome PlaySuites(const std::vector<conformance::Case>& cases,
                                   EmbeddedIserOptions endpoint, conformance::RunOptions options);

// Without the run around them: also where no plain session with the target is possible. What is to
// be known of the target comes from one without defects. Cases that need RDMA are played over it,
// the others over the simulated network.
std::vector<v1::CaseResult> PlayDirectly(const std::vector<conformance::Case>& cases,
                                         const target::BugSet& bugs);

// The scenarios of corpus/traces that a target plays: sessions, no traces of one direction. For
// tests that have //corpus:traces as data.
std::vector<conformance::Case> CorpusSessions();

// How many seeds a test plays: as many as the environment's variable says, or else `otherwise`.
uint64_t SeedsOf(const char* variable, uint64_t otherwise);

// Of a case, as GoogleTest takes a parameter's name.
std::string TestName(const std::string& case_id);

// "login/isid_kept#oui FAIL: message", a line for each result that isn't as expected.
std::string Unexpected(const conformance::RunOutcome& outcome);

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_TESTING_H_
