// The least scenario that still fails in the same way: delta debugging over steps, then fields,
// numbers, bytes and cuts.

#ifndef CONFORMANCE_MINIMIZE_MINIMIZE_H_
#define CONFORMANCE_MINIMIZE_MINIMIZE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "pushpull/v1/report.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

struct MinimizeOptions {
  uint64_t max_plays = 5000;
  // Called before each play. Says whether to go on; where not, what was found till then is it.
  std::function<bool(uint64_t plays, const v1::Scenario& least)> progress = {};
};

struct Minimized {
  v1::Scenario scenario;
  uint64_t plays = 0;
  bool complete = true;  // else plays ran out, or `progress` said no
};

// `fails` plays a scenario and says whether it still fails as the first one does; an error of its
// own ends the search. `scenario` fails, and has no sweep. What says what it is (id, title, why,
// cite, level, needs ...) stays as it is; all else is there because `fails` needs it: in what comes
// out no step, field, element of a list or half of a run of bytes can be left out by itself.
// The same plays in the same order for the same answers.
absl::StatusOr<Minimized> Minimize(
    const v1::Scenario& scenario,
    const std::function<absl::StatusOr<bool>(const v1::Scenario&)>& fails,
    const MinimizeOptions& options = {});

// What a failure is at bottom, so that two are of one cause where these are equal: the verdict, the
// requirement that was judged, the monitor's rule or the message without its numbers.
std::string CauseOf(const v1::CaseResult& result);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_MINIMIZE_MINIMIZE_H_
