// The cases of a run: loaded, swept, chosen.

#ifndef CONFORMANCE_RUNNER_SUITE_H_
#define CONFORMANCE_RUNNER_SUITE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/embedded_file.h"
#include "conformance/scenario/scenario_file.h"
#include "initiator_sim/player/player.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// One row of one scenario.
struct Case {
  initiator_sim::Script script;  // its id is ID or ID#ROW
  std::string area;              // the first folder of the id
  bool named = false;            // it was chosen by its very id

  const v1::Scenario& scenario() const { return script.scenario; }
  const std::string& id() const { return script.scenario.id(); }
};

// The suites that are built in, but for those of LinkSuites().
absl::StatusOr<std::vector<ScenarioFile>> BuiltInSuites();

// Those that change the link of a soft device (`fabric`), which not everybody lets them.
absl::StatusOr<std::vector<ScenarioFile>> LinkSuites();

// Scripted targets, which initiators are tried on.
absl::StatusOr<std::vector<ScenarioFile>> InitiatorSuites();

// Files as scenarios, in the order of their ids. `root`: what of the paths doesn't belong to ids.
absl::StatusOr<std::vector<ScenarioFile>> ParseSuites(std::span<const base::EmbeddedFile> files,
                                                      std::string_view root);

// Sweeps become cases.
absl::StatusOr<std::vector<Case>> Expand(const std::vector<ScenarioFile>& files);

struct Selection {
  std::vector<std::string> only;            // globs over ids and tags; none: all
  std::vector<std::string> exclude;         // globs
  v1::Level level = v1::LEVEL_UNSPECIFIED;  // MUST: only MUST and ROBUSTNESS; SHOULD: no MAY
  uint32_t max_suite_version = UINT32_MAX;
};

// Those of the patterns (globs over ids, tags) that match no case, each told as "PATTERN matches no
// case; nearest: ...".
std::vector<std::string> UnmatchedPatterns(const std::vector<std::string>& patterns,
                                           const std::vector<Case>& cases);

// A sweep's rows are chosen with their scenario, or one by one as ID#ROW. Sets `named`.
std::vector<Case> Select(std::vector<Case> cases, const Selection& selection);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_SUITE_H_
