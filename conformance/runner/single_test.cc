// One case after the other against a target that may die of one.

#include "conformance/runner/single.h"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "conformance/runner/scripted_target.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

// ---- what cases may count on -----------------------------------------------------------------

TEST(OfferTest, BlocksOfATargetOfOnesOwnMayBeChanged) {
  ScriptedTargets targets;
  RunOptions options;
  EXPECT_FALSE(OfferOf(targets, options, {}).writes);
  options.allow_writes = true;
  EXPECT_TRUE(OfferOf(targets, options, {}).writes);
  EXPECT_TRUE(OfferOf(targets, options, {}).whole_lun);
  targets.own = true;
  options.allow_writes = false;
  EXPECT_TRUE(OfferOf(targets, options, {}).writes);
}

TEST(OfferTest, AScratchAreaWithAnEndIsAllThatMayBeChanged) {
  const ScriptedTargets targets;
  RunOptions options;
  options.allow_writes = true;
  options.play.scratch_lba = 10;
  options.play.scratch_last_lba = 90;
  const Offer offer = OfferOf(targets, options, {});
  EXPECT_TRUE(offer.writes);
  EXPECT_FALSE(offer.whole_lun);
  EXPECT_EQ(offer.scratch_lba, 10u);
  EXPECT_EQ(offer.scratch_last_lba, 90u);
}

TEST(OfferTest, ChapIsTheUsersOrTheTargets) {
  ScriptedTargets targets;
  RunOptions options;
  EXPECT_FALSE(OfferOf(targets, options, {}).chap);
  options.play.chap.user = "u";
  EXPECT_TRUE(OfferOf(targets, options, {}).chap);
  EXPECT_FALSE(OfferOf(targets, options, {}).mutual_chap);
  options.play.chap.mutual_user = "m";
  EXPECT_TRUE(OfferOf(targets, options, {}).mutual_chap);
  targets.credentials.user = "t";
  const Offer own = OfferOf(targets, {}, {});
  EXPECT_TRUE(own.chap && own.mutual_chap);
}

TEST(OfferTest, WhatTheUserHasCommandsForIsThere) {
  const ScriptedTargets targets;
  RunOptions options;
  options.portals = 3;
  options.lacks = {"vpd"};
  options.commands.hooks = {{"drain", "true"}, {"fill", "true"}};
  EXPECT_FALSE(OfferOf(targets, options, {}).link);
  options.commands.link = "link.sh";
  const Offer offer = OfferOf(targets, options, {});
  EXPECT_TRUE(offer.link);
  EXPECT_TRUE(offer.virtual_time && offer.rfc7145);
  EXPECT_FALSE(offer.rdma || offer.rdma_log);
  EXPECT_EQ(offer.portals, 3u);
  EXPECT_THAT(offer.hooks, UnorderedElementsAre("drain", "fill"));
  EXPECT_THAT(offer.lacks, UnorderedElementsAre("vpd"));
}

// ---- plays -----------------------------------------------------------------------------------

constexpr char kFails[] =
    "step { login {} } step { command { cdb { test_unit_ready {} } status: BUSY } }";
constexpr char kKills[] = R"(step { login {} }
  step { send { task: "k" pdu { task_management_request { function: TARGET_COLD_RESET } } } }
  step { expect { task: "k" one_of { pdu { task_management_response { response: TASK_DOES_NOT_EXIST
    } } } } })";

class SingleTest : public testing::Test {
 protected:
  SingleTest() : sanity_(CaseOf("sanity/alive", "step { login {} }")) {
    targets_.script = [this](uint64_t) {
      return std::string(dead_ && access(power_.c_str(), F_OK) != 0 ? kHangsUp : kServes);
    };
    targets_.received = [this](const v1::Pdu& pdu) {
      if (pdu.has_task_management_request()) dead_ = true;
    };
  }
  absl::StatusOr<v1::CaseResult> Play(const std::string& text) {
    const auto player = SinglePlayer::Create(&targets_, sanity_, options_);
    if (!player.ok()) return player.status();
    return (*player)->Play(CaseOf("a/one", text));
  }

  const Case sanity_;
  ScriptedTargets targets_;
  std::atomic<bool> dead_ = false;
  const std::string power_ = absl::StrCat(testing::TempDir(), "/power");  // brings it back to life
  RunOptions options_;
};

TEST_F(SingleTest, APlayHasItsVerdict) {
  const auto passed = Play("step { login {} }");
  ASSERT_TRUE(passed.ok()) << passed.status();
  EXPECT_EQ(passed->verdict(), v1::PASS);
  const auto failed = Play(kFails);
  ASSERT_TRUE(failed.ok()) << failed.status();
  EXPECT_EQ(failed->verdict(), v1::FAIL);
  EXPECT_THAT(failed->failure().message(), testing::Not(HasSubstr("no longer answers")));
  const auto skipped = Play("needs { writes: true } step { login {} }");
  ASSERT_TRUE(skipped.ok()) << skipped.status();
  EXPECT_EQ(skipped->verdict(), v1::SKIP);
}

TEST_F(SingleTest, ATargetThatStandsNoPlainSessionIsUnavailable) {
  const Case broken = CaseOf("sanity/alive", kFails);
  const absl::Status status = SinglePlayer::Create(&targets_, broken, options_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("a plain session fails: "));
}

TEST_F(SingleTest, ATargetThatDiesIsNoLongerPlayedAgainst) {
  const absl::Status status = Play(kKills).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message(),
            "tcp://192.0.2.5: after it the target no longer answers (a/one); with a "
            "restart_command in its --profile this goes on");
}

TEST_F(SingleTest, ADeathIsWhatCounts) {
  options_.commands.restart = absl::StrCat("touch ", power_);
  const auto result = Play(kKills);
  unlink(power_.c_str());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->verdict(), v1::FAIL);
  EXPECT_EQ(result->failure().message(), "after it the target no longer answers");
  EXPECT_THAT(result->failure().actual(), HasSubstr("another PDU came"));
  EXPECT_EQ(result->failure().expected(), "");
}

// By its connection's end alone it shows: the case passes.
TEST_F(SingleTest, ADeathThatACaseExpectsIsOneAllTheSame) {
  targets_.script = [this](uint64_t) {
    return std::string(dead_ && access(power_.c_str(), F_OK) != 0 ? kHangsUp : R"(
      step { accept {} } step { accept_login {} }
      step { serve { until { task_management_request {} } or_closed: true } }
      step { close {} } epilogue: NOTHING)");
  };
  const std::string closes = R"(step { login {} }
    step { send { task: "k" pdu { task_management_request { function: TARGET_COLD_RESET } } } }
    step { expect_closed {} } epilogue: NOTHING)";
  options_.commands.restart = "false";
  const absl::Status status = Play(closes).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no longer answers (a/one); restart_command: exit code 1"));
  dead_ = false;
  options_.commands.restart = absl::StrCat("touch ", power_);
  const auto restarted = Play(closes);
  unlink(power_.c_str());
  ASSERT_TRUE(restarted.ok()) << restarted.status();
  EXPECT_EQ(restarted->verdict(), v1::FAIL);
}

TEST_F(SingleTest, WhatCannotBePutBackIsRestarted) {
  targets_.script = [](uint64_t) { return std::string(kTakesPortGroups); };
  options_.commands.restart = "false";
  EXPECT_THAT(std::string(Play(std::string(kSetsPortGroups)).status().message()),
              HasSubstr("exit code 1"));
  options_.commands.restart = "true";
  EXPECT_TRUE(Play(std::string(kSetsPortGroups)).ok());
}

TEST_F(SingleTest, WhatFailsAndLeavesNothingIsNotRestarted) {
  options_.commands.restart = "false";
  EXPECT_TRUE(Play(kFails).ok());
}

}  // namespace
}  // namespace pushpull::conformance
