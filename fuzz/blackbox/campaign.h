// A fuzzing campaign against one target, black box: sequences, what they show, and what is left of
// them when it was confirmed and made small.

#ifndef FUZZ_BLACKBOX_CAMPAIGN_H_
#define FUZZ_BLACKBOX_CAMPAIGN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::fuzz {

struct CampaignStatus {
  uint64_t sequences = 0;
  double seconds = 0;  // in which they were played
  size_t states = 0;
  size_t findings = 0;
  std::string doing;  // "minimizing fuzz/rule_x"
};

struct CampaignOptions {
  conformance::RunOptions run;
  // From which sequences grow, without sweeps.
  std::vector<v1::Scenario> scenarios;
  uint64_t first = 0;  // number of the first sequence
  uint64_t runs = 0;   // 0: until time is up
  absl::Duration time = absl::InfiniteDuration();
  uint32_t together = 64;  // sequences under way at a time; 1 where time is virtual
  // How long a step waits.
  absl::Duration sequence_timeout = absl::Milliseconds(150);
  uint64_t minimize_plays = 300;
  // What a user types before " --first N --runs 1" to play a sequence again.
  std::string replay_command;
  std::string target;  // --target, for lines that play a scenario again
  const std::atomic<bool>* interrupted = nullptr;
  // Now and then.
  std::function<void(const CampaignStatus&)> status = {};
};

struct CampaignOutcome {
  CampaignStatus status;
  // One result for each cause: FAIL. What wasn't seen again stands among the warnings.
  v1::RunResult result;
};

// `folder` takes wire logs of findings, and scenarios/ID.textproto; may be null. UNAVAILABLE,
// INVALID_ARGUMENT: nothing was played.
absl::StatusOr<CampaignOutcome> RunCampaign(conformance::EndpointFactory* factory,
                                            const conformance::Case& sanity,
                                            const CampaignOptions& options,
                                            const conformance::ResultFolder* folder);

}  // namespace pushpull::fuzz

#endif  // FUZZ_BLACKBOX_CAMPAIGN_H_
