#include "fuzz/replay/plugin/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fuzz/replay/plugin/event_sink.h"

// Where a sanitizer ends the process with a report of its own.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace pushpull::replay {
namespace {

constexpr size_t kMaxTailBytes = 16384;  // a sanitizer's report

void Limit(int resource, uint64_t bytes) {
  rlimit limit;
  limit.rlim_cur = limit.rlim_max = bytes;
  setrlimit(resource, &limit);
}

[[noreturn]] void RunChild(const ChildProcess::Options& options, pid_t parent, int output,
                           absl::AnyInvocable<int()>& body) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it was gone already
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
  Limit(RLIMIT_CORE, 0);
  if (options.address_space_bytes != 0) Limit(RLIMIT_AS, options.address_space_bytes);
  // A crash is to look like one: with a signal.
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback([] { std::abort(); });
  }
  for (const int number : {SIGPIPE, SIGCHLD, SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  _exit(body());
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Options& options,
                                                                  absl::AnyInvocable<int()> body) {
  std::array<int, 2> output;
  if (pipe2(output.data(), O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("no pipe: ", strerror(errno)));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) RunChild(options, parent, output[1], body);
  const int error = errno;
  close(output[1]);
  if (pid < 0) {
    close(output[0]);
    return absl::ResourceExhaustedError(absl::StrCat("no child process: ", strerror(error)));
  }
  setpgid(pid, pid);  // whoever of the two comes first
  fcntl(output[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, output[0]));
}

ChildProcess::~ChildProcess() {
  Kill();
  close(output_);
}

bool ChildProcess::Ended() {
  Drain();
  if (ended_) return true;
  // Looked at before it is reaped: until then nobody else gets its number, nor its group's.
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return false;
  }
  Kill();
  return true;
}

void ChildProcess::Kill() {
  if (ended_) return;
  kill(-pid_, SIGKILL);
  kill(pid_, SIGKILL);  // where it left its group
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  status_ = status;
  Drain();
}

std::string ChildProcess::End() const {
  if (WIFSIGNALED(status_)) {
    const int number = WTERMSIG(status_);
    const char* const name = sigabbrev_np(number);
    return absl::StrCat(
        name == nullptr ? absl::StrCat("signal ", number) : absl::StrCat("SIG", name), " (",
        strsignal(number), ")");
  }
  return absl::StrCat("exit status ", WEXITSTATUS(status_));
}

std::string ChildProcess::Output() const {
  std::string text;
  for (size_t begin = 0; begin < tail_.size();) {
    const size_t end = std::min(tail_.find('\n', begin), tail_.size());
    absl::StrAppend(&text, Printable(std::string_view(tail_).substr(begin, end - begin)), "\n");
    begin = end + 1;
  }
  return text;
}

void ChildProcess::Drain() {
  std::array<char, 4096> buffer;
  // At most what a pipe holds: a child that never stops printing doesn't keep us here.
  for (int i = 0; i < 32; ++i) {
    const ssize_t n = read(output_, buffer.data(), buffer.size());
    if (n <= 0) return;
    tail_.append(buffer.data(), static_cast<size_t>(n));
    if (tail_.size() > kMaxTailBytes) tail_.erase(0, tail_.size() - kMaxTailBytes);
  }
}

}  // namespace pushpull::replay
