// The user's commands around the cases of a run: hooks of the target, its restart, what is to be
// done before and after each case.

#ifndef CONFORMANCE_RUNNER_TARGET_COMMANDS_H_
#define CONFORMANCE_RUNNER_TARGET_COMMANDS_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "fabric/loop.h"
#include "initiator_sim/player/player.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::conformance {

struct TargetCommands {
  std::map<std::string, std::string> hooks;  // command by name
  std::string restart, before_case, after_case;
  // Changes the link of the soft device (tools/softroce/link.sh); empty: nobody may.
  std::string link;
  absl::Duration limit = absl::Seconds(60);
  std::string target;  // its URI: PUSHPULL_TARGET
  // Set from another thread or by a signal: a command that runs is ended. May be null.
  const std::atomic<bool>* cancelled = nullptr;
};

// Runs one of them for a case; `what` ("restart", "before", "after") names its output, WHAT.txt in
// the case's part of `folder` (which may be null). OK where `command` is empty.
absl::Status RunCommand(const TargetCommands& commands, const std::string& command,
                        const std::string& what, const std::string& case_id,
                        const ResultFolder* folder);

// The link as `fabric` says, and as it was.
absl::Status ShapeLink(const TargetCommands& commands, const v1::Fabric& fabric,
                       const std::string& case_id, const ResultFolder* folder);
absl::Status ResetLink(const TargetCommands& commands, const std::string& case_id,
                       const ResultFolder* folder);

// The hooks for one play. Commands that are still running when it is destroyed are ended.
class CommandHooks {
 public:
  // `loop` outlives it. `wait`: the loop's time is virtual and stands still while a command runs.
  CommandHooks(const TargetCommands& commands, std::string case_id, const ResultFolder* folder,
               fabric::Loop* loop, bool wait);
  CommandHooks(const CommandHooks&) = delete;
  CommandHooks& operator=(const CommandHooks&) = delete;
  ~CommandHooks();

  // Empty: the user gave none.
  initiator_sim::Hook hook();

 private:
  void Call(const v1::Trigger& trigger, initiator_sim::HookDone done);

  const TargetCommands& commands_;
  const std::string case_id_;
  const ResultFolder* const folder_;
  fabric::Loop* const loop_;
  const bool wait_;
  std::atomic<bool> cancelled_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_TARGET_COMMANDS_H_
