// What a fuzzing campaign says of its findings, and when it ends.

#include <atomic>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "conformance/report/result_folder.h"
#include "conformance/report/verdict.h"
#include "conformance/runner/overlay.h"
#include "conformance/runner/suite.h"
#include "fuzz/blackbox/campaign.h"
#include "fuzz/blackbox/finding_case.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/endpoints/embedded_tcp.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;
using conformance::ResultFolder;
using fuzz::CampaignOptions;
using fuzz::CampaignOutcome;
using fuzz::CampaignStatus;
using target::Bug;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kFinding[] = "fuzz/rule_nop_in_echo";
constexpr uint64_t kRuns = 40;

std::vector<Case> Chosen(const std::string& glob) {
  conformance::Selection selection;
  selection.only = {glob};
  return conformance::Select(AllCases(), selection);
}

CampaignOptions Options() {
  CampaignOptions options;
  for (Case& c : Chosen("nop/*")) options.scenarios.push_back(std::move(c.script.scenario));
  options.run.seed = 3;
  options.runs = kRuns;
  options.minimize_plays = 60;
  options.replay_command = "pushpull fuzz --seed 3";
  return options;
}

std::unique_ptr<conformance::EndpointFactory> Target(std::optional<Bug> bug) {
  EmbeddedSimOptions endpoint;
  if (bug) endpoint.bugs.Add(*bug);
  return MakeEmbeddedSimFactory(std::move(endpoint));
}

CampaignOutcome Play(conformance::EndpointFactory* factory, const CampaignOptions& options,
                     const ResultFolder* folder = nullptr) {
  auto outcome = fuzz::RunCampaign(factory, Chosen("sanity/alive").at(0), options, folder);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : CampaignOutcome{};
}

CampaignOutcome Play(std::optional<Bug> bug, const CampaignOptions& options,
                     const ResultFolder* folder = nullptr) {
  return Play(Target(bug).get(), options, folder);
}

// "sequence 17" of the first result.
uint64_t NumberOf(const CampaignOutcome& outcome) {
  const std::string step = outcome.result.result(0).failure().step();
  EXPECT_THAT(step, StartsWith("sequence "));
  return std::stoull(step.substr(step.rfind(' ')));
}

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(FuzzCampaignTest, ARightTargetHasNoFinding) {
  CampaignOptions options = Options();
  std::vector<uint64_t> told;
  options.status = [&told](const CampaignStatus& status) { told.push_back(status.sequences); };
  const CampaignOutcome outcome = Play(std::nullopt, options);
  EXPECT_EQ(outcome.status.sequences, kRuns);
  EXPECT_GT(outcome.status.states, 5u);
  EXPECT_EQ(outcome.status.findings, 0u);
  EXPECT_GT(outcome.status.seconds, 0);
  ASSERT_THAT(told, SizeIs(kRuns));
  for (size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i], i + 1);
  EXPECT_EQ(outcome.result.target(), Target(std::nullopt)->uri());
  EXPECT_THAT(outcome.result.target_identity(), HasSubstr("PUSHPULL"));
  EXPECT_EQ(outcome.result.seed(), 3u);
  EXPECT_GT(outcome.result.seconds(), 0);
  EXPECT_THAT(outcome.result.result(), IsEmpty());
  EXPECT_THAT(outcome.result.warning(), IsEmpty());
  EXPECT_THAT(outcome.result.totals().by_verdict(), IsEmpty());
  EXPECT_EQ(outcome.result.run_error(), "");
  EXPECT_EQ(outcome.result.exit_code(), conformance::kExitAsExpected);
}

TEST(FuzzCampaignTest, AFindingSaysWhatWhereAndHowToSeeItAgain) {
  const auto folder = ResultFolder::Create(absl::StrCat(::testing::TempDir(), "/finding"));
  ASSERT_TRUE(folder.ok()) << folder.status();
  CampaignOptions options = Options();
  std::vector<std::string> doing;
  options.status = [&doing](const CampaignStatus& status) {
    if (!status.doing.empty()) doing.push_back(status.doing);
  };
  const CampaignOutcome outcome = Play(Bug::kNopInDataDropped, options, &*folder);
  EXPECT_EQ(outcome.status.findings, 1u);
  EXPECT_EQ(outcome.result.totals().unexpected(), 1u);
  EXPECT_EQ(outcome.result.totals().by_verdict().at("FAIL"), 1u);
  EXPECT_EQ(outcome.result.exit_code(), conformance::kExitUnexpectedVerdict);
  EXPECT_THAT(doing, testing::Contains(absl::StrCat("confirming ", kFinding)));
  EXPECT_THAT(doing, testing::Contains(StartsWith(absl::StrCat("minimizing ", kFinding, ": "))));

  ASSERT_THAT(outcome.result.result(), SizeIs(1));
  const v1::CaseResult& found = outcome.result.result(0);
  const uint64_t number = NumberOf(outcome);
  EXPECT_EQ(found.id(), kFinding);
  EXPECT_EQ(found.area(), "fuzz");
  EXPECT_EQ(found.level(), v1::ROBUSTNESS);
  EXPECT_EQ(found.verdict(), v1::FAIL);
  EXPECT_FALSE(found.title().empty());
  EXPECT_THAT(found.failure().message(), StartsWith("monitor: nop_in_echo: "));
  EXPECT_THAT(found.failure().expected(), HasSubstr("RFC 7143 §"));
  EXPECT_GT(found.failure().cite_size(), 0);
  EXPECT_THAT(found.failure().actual(), StartsWith("seen in ")) << "by other sequences, too";
  EXPECT_EQ(found.replay(), absl::StrCat("pushpull fuzz --seed 3 --first ", number, " --runs 1"));
  EXPECT_EQ(found.failure().file(), absl::StrCat("scenarios/", kFinding, ".textproto"));
  EXPECT_THAT(Read(absl::StrCat(folder->path(), "/", found.wire_log())), HasSubstr("nop_in_echo"));

  const std::string text = Read(absl::StrCat(folder->path(), "/", found.failure().file()));
  EXPECT_THAT(text, Not(HasSubstr("expect {"))) << "another target needn't answer so";
  EXPECT_THAT(text, HasSubstr(absl::StrCat("as sequence ", number)));
  EXPECT_THAT(text, HasSubstr(kFinding));
}

// --first N --runs 1 of the line that a finding gives.
TEST(FuzzCampaignTest, ItsNumberAloneIsTheSequence) {
  CampaignOptions options = Options();
  options.first = NumberOf(Play(Bug::kNopInDataDropped, options));
  options.runs = 1;
  const CampaignOutcome outcome = Play(Bug::kNopInDataDropped, options);
  EXPECT_EQ(outcome.status.sequences, 1u);
  ASSERT_THAT(outcome.result.result(), SizeIs(1));
  EXPECT_EQ(NumberOf(outcome), options.first);
  EXPECT_EQ(outcome.result.result(0).failure().actual(), "") << "by no other";
}

TEST(FuzzCampaignTest, WhatTheProfileKnowsIsNoFinding) {
  CampaignOptions options = Options();
  options.run.known_rules = {"nop_in_echo"};
  EXPECT_THAT(Play(Bug::kNopInDataDropped, options).result.result(), IsEmpty());

  v1::Profile profile;
  v1::ExpectedFailure* const expected = profile.add_expect();
  expected->set_id(kFinding);
  expected->set_message_prefix("monitor: nop_in_echo");
  expected->set_reason("known");
  conformance::ProfileOverlay known(profile, "2026-11-01");
  options = Options();
  options.run.overlay = &known;
  EXPECT_EQ(Play(Bug::kNopInDataDropped, options).result.exit_code(), conformance::kExitAsExpected);
  // Another failure of that name isn't known.
  expected->set_message_prefix("monitor: nop_in_echo: nothing like it");
  conformance::ProfileOverlay other(profile, "2026-11-01");
  options.run.overlay = &other;
  EXPECT_THAT(Play(Bug::kNopInDataDropped, options).result.result(), SizeIs(1));
}

TEST(FuzzCampaignTest, EndsWhenItIsTold) {
  CampaignOptions options = Options();
  options.time = absl::ZeroDuration();
  EXPECT_EQ(Play(Bug::kNopInDataDropped, options).status.sequences, 0u);

  std::atomic<bool> interrupted = false;
  options = Options();
  options.runs = 0;  // for ever
  options.interrupted = &interrupted;
  options.status = [&interrupted](const CampaignStatus& status) {
    interrupted = status.sequences == 5;
  };
  const CampaignOutcome outcome = Play(std::nullopt, options);
  EXPECT_EQ(outcome.status.sequences, 5u);
  EXPECT_EQ(outcome.result.exit_code(), conformance::kExitAsExpected);
}

TEST(FuzzCampaignTest, GrowsFromSomething) {
  CampaignOptions options = Options();
  options.scenarios.clear();
  const auto outcome =
      fuzz::RunCampaign(Target(std::nullopt).get(), Chosen("sanity/alive").at(0), options, nullptr);
  EXPECT_TRUE(absl::IsOutOfRange(outcome.status())) << outcome.status();
}

// In real time some are under way together, and what one of them shows is found all the same.
TEST(FuzzCampaignTest, TogetherNoneIsForgotten) {
  CampaignOptions options = Options();
  options.together = 8;
  const CampaignOutcome sound = Play(MakeEmbeddedTcpFactory({}).get(), options);
  EXPECT_EQ(sound.status.sequences, kRuns);
  EXPECT_THAT(sound.result.result(), IsEmpty());

  EmbeddedOptions endpoint;
  endpoint.bugs.Add(Bug::kNopInDataDropped);
  const CampaignOutcome outcome = Play(MakeEmbeddedTcpFactory(std::move(endpoint)).get(), options);
  EXPECT_EQ(outcome.status.sequences, kRuns);
  ASSERT_THAT(outcome.result.result(), SizeIs(1));
  EXPECT_EQ(outcome.result.result(0).id(), kFinding);
}

// ---- as a case ----------------------------------------------------------------------------------

v1::Scenario Sequence(bool writes) {
  v1::Scenario sequence;
  sequence.set_role(v1::INITIATOR);
  sequence.set_epilogue(v1::NOTHING);
  sequence.add_step()->mutable_login();
  auto* const cdb = sequence.add_step()->mutable_command()->mutable_cdb();
  if (writes) {
    cdb->mutable_write()->set_blocks(1);
  } else {
    cdb->mutable_test_unit_ready();
  }
  return sequence;
}

TEST(FindingCaseTest, IsWhatARunTakes) {
  for (const bool writes : {false, true}) {
    const v1::Scenario found = fuzz::AsCase(Sequence(writes), "fuzz/it", 17);
    EXPECT_EQ(found.id(), "fuzz/it");
    EXPECT_FALSE(found.title().empty());
    EXPECT_THAT(found.why(), HasSubstr("sequence 17"));
    EXPECT_EQ(found.level(), v1::ROBUSTNESS);
    EXPECT_EQ(found.since(), 1u);
    EXPECT_EQ(found.version(), 1u);
    EXPECT_EQ(found.needs().writes(), writes);
    // It judges by the monitor, and by whether the target lives: never by an answer.
    EXPECT_EQ(found.epilogue(), v1::PROBE_ON_NEW_CONNECTION);
    std::vector<int> ignored;
    for (const v1::Pdu& pdu : found.ignore()) ignored.push_back(pdu.kind_case());
    EXPECT_THAT(ignored,
                ElementsAre(v1::Pdu::kNopIn, v1::Pdu::kScsiResponse,
                            v1::Pdu::kTaskManagementResponse, v1::Pdu::kLoginResponse,
                            v1::Pdu::kTextResponse, v1::Pdu::kDataIn, v1::Pdu::kLogoutResponse,
                            v1::Pdu::kR2T, v1::Pdu::kAsyncMessage, v1::Pdu::kReject));
  }
}

TEST(FindingCaseTest, WhatOnlyWaitsMayAskInstead) {
  v1::Step waits;
  waits.set_connection("c2");
  waits.mutable_expect()->set_task("t");
  EXPECT_TRUE(fuzz::AskInstead(&waits));
  EXPECT_TRUE(waits.has_probe());
  EXPECT_EQ(waits.connection(), "c2");
  v1::Step sends;
  sends.mutable_send()->set_task("t");
  EXPECT_FALSE(fuzz::AskInstead(&sends));
  EXPECT_TRUE(sends.has_send());
}

TEST(FindingCaseTest, OnlyWhatTheLinterTakesIsSound) {
  EXPECT_TRUE(fuzz::IsSound(Sequence(true)));
  v1::Scenario unknown = Sequence(false);
  unknown.add_step()->mutable_serve_r2ts()->set_task("nobody");
  EXPECT_FALSE(fuzz::IsSound(unknown));
}

}  // namespace
}  // namespace pushpull::tools
