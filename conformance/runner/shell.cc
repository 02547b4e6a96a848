#include "conformance/runner/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/descriptor.h"

extern char** environ;

namespace pushpull::conformance {
namespace {

using Clock = std::chrono::steady_clock;

// Between two looks at a child that is still running.
constexpr int kLookEveryMs = 5;
// From SIGTERM to SIGKILL.
constexpr absl::Duration kGrace = absl::Seconds(2);
constexpr off_t kTailBytes = 500;

int OpenOutput(const std::string& path) {
  if (!path.empty()) return open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  return memfd_create("pushpull-command", MFD_CLOEXEC);
}

// The end of what was written, on one line.
std::string Tail(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size <= 0) return "it wrote nothing";
  std::string text(static_cast<size_t>(std::min(size, kTailBytes)), '\0');
  const ssize_t n = pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size()));
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  absl::StripAsciiWhitespace(&text);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return absl::StrCat("it wrote: ", text);
}

// The child in a group of its own, with our signals as they are by default: we ignore SIGPIPE and
// block others, which would pass to it.
int Spawn(const ShellCommand& command, int output, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> variables;
  for (char** one = environ; *one != nullptr; ++one) variables.emplace_back(*one);
  for (const auto& [name, value] : command.environment) {
    variables.push_back(absl::StrCat(name, "=", value));
  }
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  std::string shell = "/bin/sh", option = "-c", text = command.command;
  char* const arguments[] = {shell.data(), option.data(), text.data(), nullptr};
  const int error =
      posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

enum class End { kExited, kLate, kCancelled };

// Waits until the child ended. `status` is as waitpid's.
End Await(pid_t pid, Clock::time_point deadline, const std::atomic<bool>* cancelled, int* status) {
  for (;;) {
    if (waitpid(pid, status, WNOHANG) == pid) return End::kExited;
    if (cancelled != nullptr && *cancelled) return End::kCancelled;
    if (Clock::now() >= deadline) return End::kLate;
    poll(nullptr, 0, kLookEveryMs);
  }
}

void EndGroup(pid_t pid) {
  int status = 0;
  kill(-pid, SIGTERM);
  const bool exited = Await(pid, Clock::now() + absl::ToChronoNanoseconds(kGrace), nullptr,
                            &status) == End::kExited;
  // What ignores SIGTERM, in the group, too.
  kill(-pid, SIGKILL);
  if (!exited) waitpid(pid, &status, 0);
}

}  // namespace

absl::Status RunShell(const ShellCommand& command) {
  const base::Descriptor output(OpenOutput(command.output_path));
  if (output.get() < 0) {
    return absl::InternalError(absl::StrCat("no file for its output: ", std::strerror(errno)));
  }
  pid_t pid = 0;
  if (const int error = Spawn(command, output.get(), &pid); error != 0) {
    return absl::InternalError(absl::StrCat("/bin/sh can't be started: ", std::strerror(error)));
  }
  int status = 0;
  switch (Await(pid, Clock::now() + absl::ToChronoNanoseconds(command.limit), command.cancelled,
                &status)) {
    case End::kLate:
      EndGroup(pid);
      return absl::DeadlineExceededError(absl::StrCat("it took longer than ",
                                                      absl::FormatDuration(command.limit),
                                                      " and was ended; ", Tail(output.get())));
    case End::kCancelled:
      EndGroup(pid);
      return absl::CancelledError("it was ended: nobody waits for it any more");
    case End::kExited:
      break;
  }
  if (WIFSIGNALED(status)) {
    return absl::InternalError(
        absl::StrCat("it was ended by signal ", WTERMSIG(status), "; ", Tail(output.get())));
  }
  if (WEXITSTATUS(status) == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("exit code ", WEXITSTATUS(status), "; ", Tail(output.get())));
}

}  // namespace pushpull::conformance
