// From the options of a run to what it is played with: endpoints, options, the profile's share.
// What `pushpull run`, `minimize` and `fuzz` have in common.

#ifndef TOOLS_PUSHPULL_RUN_SETUP_H_
#define TOOLS_PUSHPULL_RUN_SETUP_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "pushpull/v1/profile.pb.h"
#include "tools/pushpull/run_options.h"

namespace pushpull::tools {

// What changes the link that the target is reached by, where that may be done: within
// `pushpull softroce --link veth`. Else empty.
std::string LinkTool(const RunFlags& flags);

// The plain session by which a target shows that it lives.
absl::StatusOr<conformance::Case> SanityCase();

absl::StatusOr<std::unique_ptr<conformance::EndpointFactory>> MakeFactory(
    const RunFlags& flags, const conformance::PlaySettings& settings);

// Of the command line, for every case.
absl::StatusOr<conformance::RunOptions> MakeRunOptions(const RunFlags& flags);

// What the profile says of the run goes into the options.
void UseProfile(const v1::Profile& profile, const RunFlags& flags,
                conformance::RunOptions* options);

// Reads --profile, where it is given, into the options: for commands that judge by no expected
// failures.
absl::Status ReadProfileInto(const RunFlags& flags, conformance::RunOptions* options);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_RUN_SETUP_H_
