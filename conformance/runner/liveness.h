// Whether a target lives, and how it is brought back to life.

#ifndef CONFORMANCE_RUNNER_LIVENESS_H_
#define CONFORMANCE_RUNNER_LIVENESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "conformance/runner/suite.h"
#include "conformance/runner/target_commands.h"
#include "initiator_sim/player/tap.h"

namespace pushpull::conformance {

class Liveness {
 public:
  // All of them outlive it. `sanity`: a plain session.
  Liveness(EndpointFactory* factory, const Case& sanity, const TargetCommands& commands,
           uint64_t seed)
      : factory_(factory), sanity_(sanity), commands_(commands), seed_(seed) {}

  // UNAVAILABLE: the target doesn't stand a plain session. (One that works but breaks a rule does.)
  // `tap`: is told of it; may be null.
  absl::Status Check(const PlaySettings& settings, const TargetFacts& facts,
                     initiator_sim::Tap* tap = nullptr) const;

  // By the user's command, whose output goes to the case's part of `folder` (which may be null).
  // OK: it stands a plain session again. It may take its time until it listens.
  absl::Status Restart(const std::string& case_id, const PlaySettings& settings,
                       const TargetFacts& facts, const ResultFolder* folder) const;

 private:
  EndpointFactory* const factory_;
  const Case& sanity_;
  const TargetCommands& commands_;
  const uint64_t seed_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_LIVENESS_H_
