// A run of the suites against a target: inspection, sanity, cases, sanity again, verdicts.

#ifndef CONFORMANCE_RUNNER_RUN_H_
#define CONFORMANCE_RUNNER_RUN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/play.h"
#include "conformance/runner/suite.h"
#include "conformance/runner/target_commands.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

// Each `count`-th of the cases that are to be played, from the `index`-th.
struct Shard {
  uint32_t index = 1;  // from 1
  uint32_t count = 1;
};

struct RunOptions {
  PlaySettings play;
  std::optional<uint64_t> lun;
  size_t portals = 1;
  bool strict = false;
  bool allow_writes = false;
  uint32_t jobs = 1;
  Shard shard;
  uint64_t seed = 1;
  std::vector<std::string> lacks;
  TargetCommands commands;
  // Rules of the monitor that the target is known to break.
  std::set<std::string> known_rules;

  // Set from another thread or by a signal: the run ends soon, and what was judged till then is its
  // result. May be null. (`play.interrupted` ends cases under way.)
  const std::atomic<bool>* interrupted = nullptr;

  // Laid over the verdicts; may be null.
  ProfileOverlay* overlay = nullptr;

  // Where wire logs go; may be null.
  const ResultFolder* folder = nullptr;
  // What a user types before "--only ID" to play one case again.
  std::string replay_command = "pushpull run";

  // As each case ends, in no fixed order, never two at a time.
  std::function<void(const v1::CaseResult& result, size_t done, size_t total)> progress;
};

struct RunOutcome {
  // Not OK: no case was played. (UNAVAILABLE, INVALID_ARGUMENT: as InspectTarget)
  absl::Status status;
  // What more a user is told then, over some lines: how the session that failed went, where it is
  // kept, what now. Empty: no more is known.
  std::string advice;
  v1::RunResult result;  // with its exit code; where status isn't OK, run_error says so, too
};

// `sanity` is played first, last, and after whatever may have harmed a target that isn't our own.
RunOutcome RunSuites(EndpointFactory* factory, const Case& sanity, const std::vector<Case>& cases,
                     const RunOptions& options);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_RUN_H_
