// Faults against suites: what catches each.

#ifndef TOOLS_FAULTS_TRIAL_H_
#define TOOLS_FAULTS_TRIAL_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "conformance/runner/play_case.h"
#include "conformance/runner/suite.h"
#include "tools/faults/fault.h"

namespace pushpull::faults {

// What came of one fault.
struct Finding {
  std::string fault;
  bool legal = false;
  size_t planted = 0;    // cases in which it was planted
  size_t caught = 0;     // of these: whose verdict it made worse
  size_t timed_out = 0;  // of the rest: TIMEOUT, which names nothing
  // What named it, and in how many cases: rules of the monitor, else "case: message".
  std::map<std::string, size_t> rules;
  std::string judged;               // the first failure that no rule named
  std::vector<std::string> missed;  // cases in which nothing was seen
};

class Trial {
 public:
  // `factory` makes healthy targets, and outlives this. Plays each case once to know what is
  // usual.
  Trial(conformance::EndpointFactory* factory, std::vector<conformance::Case> cases);

  // In each case by itself.
  struct Options {
    size_t only = 0;    // as Planting
    size_t enough = 0;  // so many cases that catch it are enough; 0: all are played
    size_t most = 0;    // so many cases in which it is planted are enough; 0: likewise
  };
  Finding Try(const Fault& fault, const Options& options) const;

  // Cases that a healthy target doesn't pass.
  const std::map<std::string, std::string>& unusual() const { return unusual_; }

 private:
  v1::CaseResult Play(conformance::EndpointFactory* factory, const conformance::Case& c) const;

  conformance::EndpointFactory* const factory_;
  std::vector<conformance::Case> cases_;
  std::vector<size_t> order_;  // in which they are played
  conformance::PlaySettings settings_;
  conformance::TargetFacts facts_;
  std::map<std::string, v1::Verdict> usual_;
  std::map<std::string, std::set<PduKind>> kinds_;  // of the target's PDUs in a healthy play
  std::map<std::string, std::string> unusual_;
};

// "caught in 5 of 5: stat_sn_increments (5)", or what else came of it.
std::string ToString(const Finding& finding);

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_TRIAL_H_
