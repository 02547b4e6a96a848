#include "conformance/runner/shell.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string Scratch(const std::string& name) { return ::testing::TempDir() + "/" + name; }

// Whether the process is gone, or only waits to be reaped.
bool Gone(const std::string& pid) {
  const std::string stat = Contents(absl::StrCat("/proc/", pid, "/stat"));
  return stat.empty() || stat.find(") Z") != std::string::npos;
}

// The end of a process that isn't our child comes when it gets its turn.
bool Ends(const std::string& pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, std::stoi(pid), 0));
  if (fd < 0) return true;
  pollfd ended = {.fd = fd, .events = POLLIN, .revents = 0};
  constexpr int kLimitMs = 60'000;
  const bool came = poll(&ended, 1, kLimitMs) == 1;
  close(fd);
  return came;
}

TEST(ShellTest, OutputAndEnvironment) {
  const std::string path = Scratch("out");
  EXPECT_TRUE(RunShell({.command = "echo \"$PUSHPULL_HOOK\"; echo bad >&2",
                        .environment = {{"PUSHPULL_HOOK", "drain it"}},
                        .output_path = path})
                  .ok());
  EXPECT_EQ(Contents(path), "drain it\nbad\n");
}

TEST(ShellTest, FailureSaysHowItEndedAndWhatItSaid) {
  const absl::Status failed = RunShell({.command = "echo no disk; echo at all; exit 7"});
  EXPECT_EQ(failed.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(failed.message(), "exit code 7; it wrote: no disk at all");
  EXPECT_EQ(RunShell({.command = "kill -9 $$"}).message(),
            "it was ended by signal 9; it wrote nothing");
  EXPECT_THAT(std::string(RunShell({.command = "true", .output_path = "/no/such/file"}).message()),
              HasSubstr("No such file"));
}

TEST(ShellTest, IsEndedWithAllItsGroupWhenItsTimeIsUp) {
  const std::string path = Scratch("late");
  const absl::Status late = RunShell({.command = "sleep 1000 & echo $!; wait",
                                      .limit = absl::Milliseconds(300),
                                      .output_path = path});
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(late.message()), HasSubstr("longer than 300ms"));
  const std::string pid = Contents(path).substr(0, Contents(path).find('\n'));
  ASSERT_FALSE(pid.empty());
  EXPECT_TRUE(Ends(pid)) << pid;
}

TEST(ShellTest, WhatIgnoresTheEndIsKilled) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(
      RunShell({.command = "trap '' TERM; while :; do :; done", .limit = absl::Milliseconds(100)})
          .ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "it was left as a zombie";
}

TEST(ShellTest, TheEndOfALongOutputIsTold) {
  const std::string message(
      RunShell({.command = "printf 'x%.0s' $(seq 600); printf END; exit 1"}).message());
  EXPECT_EQ(message, absl::StrCat("exit code 1; it wrote: ", std::string(497, 'x'), "END"));
}

// We ignore SIGPIPE, and block what we wait for.
TEST(ShellTest, SignalsAreAsByDefault) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, &old);
  const std::string path = Scratch("signals");
  EXPECT_TRUE(
      RunShell({.command = "exec grep -E 'SigBlk|SigIgn' /proc/self/status", .output_path = path})
          .ok());
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  signal(SIGPIPE, before);
  std::ifstream file(path);
  std::string name;
  uint64_t mask_blocked = 1, mask_ignored = ~uint64_t{0};
  file >> name >> std::hex >> mask_blocked >> name >> mask_ignored;
  EXPECT_EQ(mask_blocked, 0u);
  EXPECT_EQ(mask_ignored & (uint64_t{1} << (SIGPIPE - 1)), 0u);
}

TEST(ShellTest, ReadsNothingOfOurInput) {
  int ours[2];
  ASSERT_EQ(pipe(ours), 0);
  const int before = dup(STDIN_FILENO);
  ASSERT_GE(dup2(ours[0], STDIN_FILENO), 0);
  EXPECT_TRUE(RunShell({.command = "cat", .limit = absl::Seconds(5)}).ok());
  if (before >= 0) dup2(before, STDIN_FILENO);
  for (const int fd : {ours[0], ours[1], before}) close(fd);
}

TEST(ShellTest, WhatItLeavesInTheBackgroundLivesOn) {
  const std::string path = Scratch("background");
  EXPECT_TRUE(RunShell({.command = "sleep 1000 & echo $!", .output_path = path}).ok());
  const std::string pid = Contents(path).substr(0, Contents(path).find('\n'));
  ASSERT_FALSE(pid.empty());
  EXPECT_FALSE(Gone(pid));
  kill(std::stoi(pid), SIGKILL);
}

TEST(ShellTest, CanBeCancelled) {
  std::atomic<bool> cancelled = false;
  absl::Status status;
  std::thread waiter([&] {
    status = RunShell({.command = "sleep 1000", .limit = absl::Hours(1), .cancelled = &cancelled});
  });
  cancelled = true;
  waiter.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

}  // namespace
}  // namespace pushpull::conformance
