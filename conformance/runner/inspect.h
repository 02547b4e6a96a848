// Looks at a target before its cases are played: its name, its disks, their size. What can't be
// learnt here means that the target is unreachable, or not sane.

#ifndef CONFORMANCE_RUNNER_INSPECT_H_
#define CONFORMANCE_RUNNER_INSPECT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"

namespace pushpull::conformance {

// "tcp://HOST: " or "embedded: ", before what is said of it.
std::string About(const std::string& uri);

// `tap`: is told of each play; may be null. `target_name` empty: by discovery, where there must be
// one target only. `lun`: that one alone is used. UNAVAILABLE: can't be reached, or doesn't answer
// as a target. INVALID_ARGUMENT: the user must say more.
absl::StatusOr<TargetFacts> InspectTarget(EndpointFactory* factory, const PlaySettings& settings,
                                          const std::string& target_name,
                                          std::optional<uint64_t> lun,
                                          initiator_sim::Tap* tap = nullptr);

// Whether the LUN keeps what is written to it: the first block of the scratch area is written over.
// Some keep nothing, by purpose ("null" devices); no case about writes can judge them.
void InspectKeeping(EndpointFactory* factory, const PlaySettings& settings, TargetFacts* facts);

// Whether there is somebody at each portal but the first. UNAVAILABLE: there isn't.
absl::Status CheckPortals(EndpointFactory* factory, const PlaySettings& settings,
                          const TargetFacts& facts, size_t portals,
                          initiator_sim::Tap* tap = nullptr);

// Whether the blocks that the user lets be changed are there. INVALID_ARGUMENT: they aren't.
absl::Status CheckScratch(const PlaySettings& settings, const TargetFacts& facts,
                          const std::string& uri);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_INSPECT_H_
