// Whether a case can be played against a target at all. What it lacks makes the case SKIP; what the
// target is declared not to have, or a LUN that forgets what is written to it, makes it
// UNSUPPORTED; neither is ever inferred from a case's failure.

#ifndef CONFORMANCE_RUNNER_PRECONDITIONS_H_
#define CONFORMANCE_RUNNER_PRECONDITIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "conformance/runner/play.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

struct Offer {
  TargetFacts facts;
  size_t portals = 1;
  bool writes = false;                       // blocks may be changed
  bool whole_lun = false;                    // wherever they are
  uint64_t scratch_lba = 0;                  // from here on
  std::optional<uint64_t> scratch_last_lba;  // up to here, or to the end
  std::set<std::string> hooks;               // the names of administrative hooks
  bool virtual_time = false;
  bool rdma = false;      // iSER, else TCP
  bool rdma_log = false;  // each RDMA operation is told
  bool rfc7145 = true;    // iSER is spoken as the text has it
  bool link = false;      // the link may be changed
  bool chap = false;
  bool mutual_chap = false;
  std::set<std::string> lacks;  // capabilities, by the profile
};

struct Unmet {
  v1::Verdict verdict;  // SKIP or UNSUPPORTED
  std::string message;  // what is needed, and what to do about it
};

// Whether it is about this transport at all: iSER, else TCP.
bool IsOfTransport(const v1::Scenario& scenario, bool rdma);

std::optional<Unmet> FindUnmet(const v1::Scenario& scenario, const Offer& offer);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_PRECONDITIONS_H_
