// Commands that users give for their targets: each a child process of /bin/sh with a group of its
// own and a time limit.

#ifndef CONFORMANCE_RUNNER_SHELL_H_
#define CONFORMANCE_RUNNER_SHELL_H_

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace pushpull::conformance {

struct ShellCommand {
  std::string command;
  // Beside our own environment.
  std::vector<std::pair<std::string, std::string>> environment = {};
  absl::Duration limit = absl::Seconds(60);
  // Where its standard output and error go, as long as it and what it leaves in the background
  // live; empty: a file that nobody sees.
  std::string output_path = {};
  // Set from another thread: it is to end now. May be null.
  const std::atomic<bool>* cancelled = nullptr;
};

// Runs it to its end. OK: it ended with 0; what it left in the background lives on.
// DEADLINE_EXCEEDED, CANCELLED: all of its group was ended. INTERNAL: any other end. The message
// says how it ended and the last lines of what it wrote.
absl::Status RunShell(const ShellCommand& command);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_RUNNER_SHELL_H_
