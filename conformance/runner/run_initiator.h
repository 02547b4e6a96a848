// Scripted targets, one after the other, for an initiator that is to be tested.

#ifndef CONFORMANCE_RUNNER_RUN_INITIATOR_H_
#define CONFORMANCE_RUNNER_RUN_INITIATOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/play.h"
#include "conformance/runner/suite.h"
#include "fabric/stream.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct InitiatorOptions {
  PlaySettings play;
  std::vector<fabric::Address> listen;  // by number of the portal; port 0: any
  std::string target_name;              // of the scripted target
  // Run by /bin/sh for each script, once it listens: the initiator. Its environment has
  // PUSHPULL_URL (iscsi://HOST:PORT/NAME/0), PUSHPULL_ADDRESS (HOST:PORT), PUSHPULL_HOST,
  // PUSHPULL_PORT, PUSHPULL_NAME (the target's) and PUSHPULL_CASE. Empty: somebody starts it by
  // hand.
  std::string command;
  // After which the command is ended: it hangs.
  absl::Duration command_limit = absl::Seconds(60);
  // How long a script waits for a connection of the initiator, where nobody's command makes it.
  absl::Duration wait = absl::Minutes(5);
  bool strict = false;
  uint64_t seed = 1;
  // Laid over the verdicts; may be null.
  ProfileOverlay* overlay = nullptr;
  // Rules of the monitor that the initiator is known to break.
  std::set<std::string> known_rules;
  const ResultFolder* folder = nullptr;  // may be null
  std::string replay_command = "pushpull target";
  // Set from another thread or by a signal: the run ends soon. May be null.
  const std::atomic<bool>* interrupted = nullptr;
  // A script listens.
  std::function<void(const Case& script, const std::vector<fabric::Address>&)> listening;
  std::function<void(const v1::CaseResult& result)> progress;
};

// Makes what scripts are played on, listening there.
using MakeListening =
    std::function<std::unique_ptr<EndpointFactory>(const std::vector<fabric::Address>& listen)>;

// The verdict of each: what the script asks for, the monitor's rules for initiators, and whether
// the command came to an end without a crash. An initiator may drop its session and come again:
// after the script, it finds a right target at the same address until its command ends.
v1::RunResult RunInitiator(const MakeListening& make, const std::vector<Case>& scripts,
                           const InitiatorOptions& options);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_RUN_INITIATOR_H_
