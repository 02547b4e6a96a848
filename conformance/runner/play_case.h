// One case from its scenario to its result: played, recorded, monitored, judged.

#ifndef CONFORMANCE_RUNNER_PLAY_CASE_H_
#define CONFORMANCE_RUNNER_PLAY_CASE_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "conformance/report/result_folder.h"
#include "conformance/runner/endpoint.h"
#include "conformance/runner/play.h"
#include "conformance/runner/suite.h"
#include "conformance/runner/target_commands.h"
#include "pushpull/v1/report.pb.h"

namespace pushpull::conformance {

struct PlayCaseOptions {
  const PlaySettings* settings = nullptr;
  const TargetFacts* facts = nullptr;
  uint64_t seed = 1;
  const ResultFolder* folder = nullptr;  // for wire logs; may be null
  initiator_sim::Tap* tap = nullptr;     // is told of the play, too; may be null
  std::string replay_command;
  const TargetCommands* commands = nullptr;  // of the user; may be null
  bool monitor = true;                       // what the passive rules say counts
  // Except for these rules, which the profile knows the target to break; may be null.
  const std::set<std::string>* known_rules = nullptr;
  // Set where a connection ended from the other side without a logout; may be null.
  bool* connection_lost = nullptr;
  // Where cases share the target: what one that doesn't pass may have left there is put back
  // (put_back.h), and what can't be is told here. Null: nothing is put back.
  std::string* left = nullptr;
  // As PlayHooks.
  std::function<void(const std::vector<fabric::Address>&)> listening;
  const std::atomic<bool>* peer_ended = nullptr;  // likewise
};

// The verdict is the player's, or a worse one where the monitor saw the target break a rule, or
// where both ends of an embedded run read the same bytes differently (ERROR). A scripted target
// judges the initiator: then the rules are those for initiators, and a script that needs writes is
// SKIP where none came.
v1::CaseResult PlayCase(EndpointFactory* factory, const Case& c, const PlayCaseOptions& options);

// A result for a case that was not played.
v1::CaseResult NotPlayed(const Case& c, v1::Verdict verdict, const std::string& why);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_PLAY_CASE_H_
