#include "tools/pushpull/run_options.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using ::testing::HasSubstr;

std::string ReplayOf(std::vector<std::string> words) {
  CLI::App app("test", "run");
  RunFlags flags;
  DeclareRunOptions(&app, &flags);
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return ReplayCommand(app);
}

// A value that the option takes.
std::string ValueFor(const std::string& name) {
  if (name == "--level") return "must";
  if (name == "--color") return "never";
  if (name == "--iser-dialect") return "linux";
  if (name == "--step-timeout-s" || name == "--timeout-scale") return "2.5";
  if (name == "--seed" || name == "--jobs" || name == "--max-suite-version" ||
      name == "--legal-variation") {
    return "7";
  }
  return "some value";
}

TEST(RunOptionsTest, EachOptionIsReplayedOrHasAReasonNotToBe) {
  CLI::App app("test", "run");
  RunFlags flags;
  DeclareRunOptions(&app, &flags);
  size_t replayed = 0;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = "--" + option->get_lnames()[0];
    if (name == "--help") continue;
    const bool flag = option->get_items_expected_max() == 0;
    const std::string value = ValueFor(name);
    const std::string line = flag ? ReplayOf({name}) : ReplayOf({name, value});
    const std::string due =
        flag ? " " + name : " " + name + (value == "some value" ? " 'some value'" : " " + value);
    if (NotReplayed(name).empty()) {
      EXPECT_THAT(line, HasSubstr(due));
      ++replayed;
    } else {
      EXPECT_EQ(line, "pushpull run --seed 1") << name;
    }
  }
  EXPECT_GE(replayed, 17u);
}

TEST(RunOptionsTest, AnotherCommandsOptionsAreReplayedByARun) {
  CLI::App app("test", "minimize");
  RunFlags flags;
  std::string file;
  uint64_t plays = 0;
  app.add_option("SCENARIO", file);
  app.add_option("--max-plays", plays);
  DeclareTargetOptions(&app, &flags);
  app.parse(std::vector<std::string>{"b", "--bug", "7", "--max-plays", "a.textproto"});
  EXPECT_EQ(file, "a.textproto");
  EXPECT_EQ(ReplayCommand(app, "run"), "pushpull run --bug b --seed 1");
}

TEST(RunOptionsTest, ReplayIsWhatAShellTakes) {
  EXPECT_EQ(ReplayOf({"--target", "tcp://[::1]/iqn.x", "--target", "tcp://h/iqn.x", "--strict",
                      "--chap-user", "it's me", "--chap-secret-file", "/etc/secret"}),
            "pushpull run --target 'tcp://[::1]/iqn.x' --target tcp://h/iqn.x --strict "
            "--chap-user 'it'\\''s me' --chap-secret-file /etc/secret --seed 1");
}

// The settings that these words lead to.
absl::StatusOr<conformance::PlaySettings> SettingsOf(std::vector<std::string> words) {
  CLI::App app("test", "run");
  RunFlags flags;
  DeclareRunOptions(&app, &flags);
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return MakeSettings(flags);
}

TEST(RunOptionsTest, WhatContradictsItselfIsRefused) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"--scratch-lba", "5"}, "FROM-TO"},
      {{"--scratch-lba", "9-5"}, "after the last: 5-9?"},
      {{"--scratch-lba=-1-99"}, "FROM-TO"},
      {{"--scratch-lba", "0-62"}, "need 64 blocks"},
      {{"--isid", "12"}, "12 hexadecimal"},
      {{"--initiator-name", "host"}, "begins with iqn., eui. or naa."},
      {{"--initiator-name", "iqn." + std::string(220, 'a')}, "223 bytes at most"},
      {{"--chap-user", "me"}, "go together"},
      {{"--chap-mutual-user", "it", "--chap-mutual-secret-file", "/f"}, "--chap-user"},
  };
  for (const auto& [words, message] : cases) {
    EXPECT_THAT(std::string(SettingsOf(words).status().message()), HasSubstr(message));
  }
  const auto whole = SettingsOf({"--scratch-lba", "0-18446744073709551615"});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->scratch_last_lba, UINT64_MAX);
  for (const char* shard : {"3/2", "0/2", "-1/2", "1", "1/2/3", "a/b"}) {
    EXPECT_FALSE(ParseShard(shard).ok()) << shard;
  }
}

}  // namespace
}  // namespace pushpull::tools
