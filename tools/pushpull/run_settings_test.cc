// What options come to, up to their limits.

#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/endpoints/uri.h"
#include "tools/pushpull/run_options.h"

namespace pushpull::tools {
namespace {

using ::testing::HasSubstr;

RunFlags With(std::string RunFlags::* flag, const std::string& value) {
  RunFlags flags;
  flags.*flag = value;
  return flags;
}

TEST(RunSettingsTest, AnIsidIsSixBytesOfATypeThatThereIs) {
  const auto taken = MakeSettings(With(&RunFlags::isid, "80Ab03040506"));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->isid, (std::array<uint8_t, 6>{0x80, 0xab, 3, 4, 5, 6}));
  EXPECT_TRUE(MakeSettings(With(&RunFlags::isid, "bf0000000000")).ok());
  for (const char* wrong : {"c00000000000", "8g0000000000", "80000000000", "8000000000000"}) {
    EXPECT_FALSE(MakeSettings(With(&RunFlags::isid, wrong)).ok()) << wrong;
  }
}

TEST(RunSettingsTest, AnInitiatorNameIsOfOneOfThreeTypes) {
  for (const std::string& name :
       {std::string("iqn.2026-01.a"), std::string("eui.0123456789abcdef"),
        std::string("naa.52004567BA64678D"), "iqn." + std::string(219, 'a')}) {
    const auto taken = MakeSettings(With(&RunFlags::initiator_name, name));
    ASSERT_TRUE(taken.ok()) << taken.status();
    EXPECT_EQ(taken->initiator_name, name);
  }
  EXPECT_FALSE(MakeSettings(With(&RunFlags::initiator_name, "iqn." + std::string(220, 'a'))).ok());
}

TEST(RunSettingsTest, AScratchAreaHasRoomForEachCase) {
  const auto taken = MakeSettings(With(&RunFlags::scratch_lba, "10-73"));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->scratch_lba, 10u);
  EXPECT_EQ(taken->scratch_last_lba, 73u);
  EXPECT_THAT(std::string(MakeSettings(With(&RunFlags::scratch_lba, "10-72")).status().message()),
              HasSubstr("64 blocks"));
  EXPECT_THAT(std::string(MakeSettings(With(&RunFlags::scratch_lba, "10-10")).status().message()),
              HasSubstr("64 blocks"));
}

TEST(RunSettingsTest, ATimeoutIsScaled) {
  RunFlags flags;
  flags.step_timeout_s = 2;
  flags.timeout_scale = 3;
  EXPECT_EQ(MakeSettings(flags)->step_timeout, absl::Seconds(6));
}

// A file that nobody else can read.
std::string Secret(const std::string& name, const std::string& secret) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path) << secret << "\n";
  EXPECT_EQ(chmod(path.c_str(), 0600), 0);
  return path;
}

TEST(RunSettingsTest, EachDirectionOfChapHasAUserAndASecretOfItsOwn) {
  RunFlags flags;
  flags.chap_user = "u";
  flags.chap_secret_file = Secret("one", "secret of one");
  EXPECT_TRUE(MakeSettings(flags).ok());
  flags.chap_mutual_user = "m";
  EXPECT_FALSE(MakeSettings(flags).ok()) << "no secret";
  flags.chap_mutual_secret_file = Secret("two", "secret of two");
  const auto taken = MakeSettings(flags);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(taken->chap.user, "u");
  EXPECT_EQ(taken->chap.secret, "secret of one");
  EXPECT_EQ(taken->chap.mutual_user, "m");
  EXPECT_EQ(taken->chap.mutual_secret, "secret of two");
  flags.chap_mutual_secret_file = Secret("three", "secret of one");
  EXPECT_FALSE(MakeSettings(flags).ok()) << "the same";
  flags = With(&RunFlags::chap_mutual_user, "m");
  flags.chap_mutual_secret_file = Secret("two", "secret of two");
  EXPECT_FALSE(MakeSettings(flags).ok()) << "the other direction alone";
}

bool Refused(const RunFlags& flags, const std::string& target) {
  const auto uri = ParseTargetUri(target);
  EXPECT_TRUE(uri.ok()) << uri.status();
  return !RefuseNoEffect(flags, {*uri}).ok();
}

TEST(RunSettingsTest, WhatWouldChangeNothingIsRefused) {
  RunFlags scratch = With(&RunFlags::scratch_lba, "0-99");
  EXPECT_TRUE(Refused(scratch, "tcp://h/iqn.x"));
  EXPECT_TRUE(Refused(scratch, "iser://h/iqn.x"));
  EXPECT_FALSE(Refused(scratch, "embedded:"));
  scratch.allow_writes = true;
  EXPECT_FALSE(Refused(scratch, "tcp://h/iqn.x"));

  const RunFlags splits = With(&RunFlags::splits, "bytes");
  EXPECT_TRUE(Refused(splits, "iser://h/iqn.x"));
  EXPECT_TRUE(Refused(splits, "embedded-iser:"));
  EXPECT_FALSE(Refused(splits, "tcp://h/iqn.x"));

  RunFlags dialect;
  EXPECT_FALSE(Refused(dialect, "tcp://h/iqn.x"));
  dialect.iser_dialect_given = true;
  EXPECT_TRUE(Refused(dialect, "tcp://h/iqn.x"));
  EXPECT_FALSE(Refused(dialect, "iser://h/iqn.x"));

  RunFlags fix;
  fix.fix_profile = true;
  EXPECT_TRUE(Refused(fix, "embedded:"));
  fix.profile = "p.textproto";
  EXPECT_FALSE(Refused(fix, "embedded:"));
}

TEST(RunSettingsTest, AShardIsOneOfThem) {
  const auto last = ParseShard("3/3");
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->index, 3u);
  EXPECT_EQ(last->count, 3u);
  EXPECT_TRUE(ParseShard("1/1").ok());
  EXPECT_FALSE(ParseShard("4/3").ok());
  EXPECT_FALSE(ParseShard("0/3").ok());
}

}  // namespace
}  // namespace pushpull::tools
