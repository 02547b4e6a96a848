#include "conformance/runner/shell.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
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
  EXPECT_TRUE(Gone(pid)) << pid;
}

TEST(ShellTest, WhatIgnoresTheEndIsKilled) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(
      RunShell({.command = "trap '' TERM; while :; do :; done", .limit = absl::Milliseconds(100)})
          .ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
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
