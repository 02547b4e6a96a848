// One case after another against a target that was looked at once: for searches that play the same
// case in many forms.

#ifndef CONFORMANCE_RUNNER_SINGLE_H_
#define CONFORMANCE_RUNNER_SINGLE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/liveness.h"
#include "conformance/runner/play.h"
#include "conformance/runner/preconditions.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// What the cases of a run may count on, of a target that was looked at.
Offer OfferOf(const EndpointFactory& factory, const RunOptions& options, TargetFacts facts);

class SinglePlayer {
 public:
  // Looks at the target. All of them outlive it. UNAVAILABLE, INVALID_ARGUMENT: as InspectTarget;
  // a target that doesn't stand a plain session is UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<SinglePlayer>> Create(EndpointFactory* factory,
                                                              const Case& sanity,
                                                              const RunOptions& options);

  // To its verdict; SKIP and UNSUPPORTED where something is missing. A target that no longer
  // answers after it is a FAIL that says so, and is restarted by the user's command; where that
  // can't be, the error says so. `folder`: for wire logs; may be null.
  absl::StatusOr<v1::CaseResult> Play(const Case& c, const ResultFolder* folder = nullptr);

  const Offer& offer() const { return offer_; }
  const Liveness& liveness() const { return liveness_; }

 private:
  SinglePlayer(EndpointFactory* factory, const Case& sanity, const RunOptions& options)
      : factory_(factory),
        options_(options),
        liveness_(factory, sanity, options.commands, options.seed) {}

  EndpointFactory* const factory_;
  const RunOptions& options_;
  const Liveness liveness_;
  Offer offer_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_SINGLE_H_
