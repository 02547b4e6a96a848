// A case's verdict is its own, whatever the case before it left on the target that they share.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text_proto.h"
#include "conformance/report/result_folder.h"
#include "conformance/runner/inspect.h"
#include "conformance/runner/play.h"
#include "conformance/runner/run.h"
#include "conformance/runner/suite.h"
#include "conformance/scenario/scenario_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/tap.h"
#include "tools/endpoints/embedded_iser.h"
#include "tools/endpoints/embedded_sim.h"
#include "tools/suites/shared_target.h"
#include "tools/suites/testing.h"

namespace pushpull::tools {
namespace {

using conformance::Case;
using conformance::RunOptions;
using conformance::RunOutcome;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kSays[] = R"(
  title: "Leaves something." why: "The next case must not find it." cite: "RFC7143-4.2.1-a"
  level: MUST since: 1 version: 1 needs { writes: true }
)";

constexpr char kLogins[] = R"(
  step { connection: "a" login { session: "a" isid: "\x80\x12\x34\x56\x00\x52" } }
  step { connection: "b" login { session: "b" isid: "\x80\x12\x34\x56\x00\x53" } }
)";

// No target is to do this, so that the case fails where it stands.
constexpr char kFails[] = R"(
  step { connection: "a" command { cdb { test_unit_ready {} } status: BUSY } }
)";

// Cases that fail, and what stands then.
const std::pair<const char*, const char*> kLeavers[] = {
    {"exclusive_access", R"(
      step { connection: "b" command {
        cdb { raw: "\x5f\x06\x00\0\0\0\0\0\x18\0" }
        write_data { raw: "\0\0\0\0\0\0\0\0PUSHPULB\0\0\0\0\0\0\0\0" } } }
      step { connection: "a" command {
        cdb { raw: "\x5f\x06\x00\0\0\0\0\0\x18\0" }
        write_data { raw: "\0\0\0\0\0\0\0\0PUSHPULA\0\0\0\0\0\0\0\0" } } }
      step { connection: "a" command {
        cdb { raw: "\x5f\x01\x03\0\0\0\0\0\x18\0" }
        write_data { raw: "PUSHPULA\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" } } })"},
    {"unit_reservation", R"(
      step { connection: "a" command { cdb { raw: "\x16\0\0\0\0\0" } } })"},
    {"descriptor_sense", R"(
      step { connection: "a" command {
        cdb { raw: "\x15\x10\0\0\x10\0" }
        write_data { raw: "\0\0\0\0\x0a\x0a\x06\x10\0\0\0\0\xff\xff\0\0" } } })"},
    {"write_protection", R"(
      step { connection: "a" command {
        cdb { raw: "\x15\x10\0\0\x10\0" }
        write_data { raw: "\0\0\0\0\x0a\x0a\x02\x10\x08\0\0\0\xff\xff\0\0" } } })"},
    {"stopped", R"(
      step { connection: "a" command { cdb { raw: "\x1b\0\0\0\0\0" } } })"},
    {"prevented", R"(
      step { connection: "a" command { cdb { raw: "\x1e\0\0\0\1\0" } } })"},
    {"open_write", R"(
      step { connection: "a" send { task: "w"
        pdu { scsi_command { write: true final: true cdb { write { blocks: 1 } } } } } })"},
};

Case Made(const std::string& name, const std::string& steps) {
  const std::string id = absl::StrCat("leaves/", name);
  auto file = conformance::ParseScenario(absl::StrCat("id: \"", id, "\"", kSays, steps),
                                         absl::StrCat(id, ".textproto"));
  EXPECT_TRUE(file.ok()) << file.status();
  auto cases = conformance::Expand({*file});
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases->front();
}

Case Leaver(const std::string& name, const std::string& steps) {
  return Made(name, absl::StrCat(kLogins, steps, kFails));
}

std::vector<Case> Leavers() {
  std::vector<Case> all;
  for (const auto& [name, steps] : kLeavers) all.push_back(Leaver(name, steps));
  return all;
}

std::vector<Case> Chosen(std::vector<std::string> only) {
  conformance::Selection selection;
  selection.only = std::move(only);
  return conformance::Select(AllCases(), selection);
}

RunOutcome Play(conformance::EndpointFactory* factory, const std::vector<Case>& cases,
                RunOptions options = {}) {
  options.allow_writes = true;
  return conformance::RunSuites(factory, Chosen({"sanity/alive"}).front(), cases, options);
}

std::string Told(const v1::CaseResult& result) {
  return absl::StrCat(v1::Verdict_Name(result.verdict()), " ", result.failure().message());
}

std::unique_ptr<SharedTarget> OverTcp() {
  return std::make_unique<SharedTarget>(MakeEmbeddedSimFactory({}));
}

std::unique_ptr<SharedTarget> OverIser() {
  return std::make_unique<SharedTarget>(MakeEmbeddedIserFactory({}));
}

// It is SKIP where an answer comes behind that to a ping, which is the seed's to say.
bool DependsOnTime(const Case& c) { return c.id() == "scsi/reservation_preempt_and_abort"; }

// Which part of all cases, counted round.
class OrderTest : public testing::TestWithParam<size_t> {
 protected:
  static constexpr size_t kParts = 8;

  // Each case behind a leaver: as without.
  static void ExpectOrderDoesNotMatter(std::unique_ptr<SharedTarget> (*make)());
};

void OrderTest::ExpectOrderDoesNotMatter(std::unique_ptr<SharedTarget> (*make)()) {
  const std::vector<Case> leavers = Leavers(), all = AllCases();
  std::vector<Case> part, cases;
  for (size_t i = GetParam(); i < all.size(); i += kParts) {
    if (DependsOnTime(all[i])) continue;
    part.push_back(all[i]);
    cases.push_back(leavers[i / kParts % leavers.size()]);
    cases.push_back(all[i]);
  }
  const RunOutcome alone = Play(make().get(), part);
  ASSERT_TRUE(alone.status.ok()) << alone.status;
  const RunOutcome behind = Play(make().get(), cases);
  ASSERT_TRUE(behind.status.ok()) << behind.status;
  EXPECT_THAT(behind.result.warning(), IsEmpty());
  // What is of another transport is left out of both.
  std::vector<std::string> as_usual, as_played;
  for (const v1::CaseResult& result : alone.result.result()) {
    as_usual.push_back(absl::StrCat(result.id(), " ", Told(result)));
  }
  for (const v1::CaseResult& result : behind.result.result()) {
    if (result.area() == "leaves") {
      EXPECT_EQ(result.verdict(), v1::FAIL) << result.id() << " " << Told(result);
    } else {
      as_played.push_back(absl::StrCat(result.id(), " ", Told(result)));
    }
  }
  EXPECT_EQ(as_played, as_usual);
}

TEST_P(OrderTest, EachCaseBehindOneThatFailsOverTcp) { ExpectOrderDoesNotMatter(OverTcp); }
TEST_P(OrderTest, EachCaseBehindOneThatFailsOverIser) { ExpectOrderDoesNotMatter(OverIser); }

INSTANTIATE_TEST_SUITE_P(Parts, OrderTest, testing::Range(size_t{0}, size_t{8}));

// Sees whatever the leavers leave, but for what no initiator can see.
constexpr char kSees[] = R"(
  step { connection: "c" login { session: "c" isid: "\x80\x12\x34\x56\x00\x60" } }
  step { connection: "c" command { cdb { test_unit_ready {} } } }
  step { connection: "c"
    command { cdb { write { blocks: 1 } } write_data { pattern { seed: 1 } } } }
  step { connection: "c" command { cdb { raw: "\x5e\0\0\0\0\0\0\0\x08\0" } read_length: 8
    where { field: "@be32.4" eq: 0 } } }
  step { connection: "c" command { cdb { mode_sense { dbd: true page_code: 0x0a } }
    where { field: "@be8.6" eq: 2 } where { field: "@be8.8" eq: 0 } } }
)";

class LeaverTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(LeaverTest, IsPutBack) {
  const auto& [name, steps] = GetParam();
  const std::unique_ptr<SharedTarget> target = OverTcp();
  const RunOutcome outcome = Play(target.get(), {Leaver(name, steps), Made("sees", kSees)});
  ASSERT_THAT(outcome.result.result(), SizeIs(2));
  EXPECT_EQ(outcome.result.result(0).verdict(), v1::FAIL) << Told(outcome.result.result(0));
  EXPECT_EQ(outcome.result.result(1).verdict(), v1::PASS) << Told(outcome.result.result(1));
}

INSTANTIATE_TEST_SUITE_P(All, LeaverTest, testing::ValuesIn(kLeavers),
                         [](const auto& leaver) { return std::string(leaver.param.first); });

// A run's own inspection and its sanity, and each case once.
TEST(PutBackTest, CostsNothingWhereCasesPass) {
  const std::unique_ptr<SharedTarget> plain = OverTcp(), target = OverTcp();
  std::vector<Case> cases = Chosen({"scsi/reserv*", "scsi/mode_select_told"});
  std::erase_if(cases, DependsOnTime);
  Play(plain.get(), {});
  const RunOutcome outcome = Play(target.get(), cases);
  EXPECT_EQ(Unexpected(outcome), "");
  // One more looks whether the LUN keeps what is written.
  EXPECT_EQ(target->made(), plain->made() + 1 + cases.size());
}

std::string PutBackText(const char* steps) {
  const std::string folder = absl::StrCat(testing::TempDir(), "/put_back");
  auto created = conformance::ResultFolder::Create(folder);
  EXPECT_TRUE(created.ok()) << created.status();
  RunOptions options;
  options.folder = &*created;
  Play(OverTcp().get(), {Leaver("one", steps)}, options);
  return base::ReadTextFile(absl::StrCat(folder, "/cases/leaves/one/put_back.txt")).value_or("");
}

// What no look at the target shows is seen in what is sent.
TEST(PutBackTest, AllowsRemovalAndEndsSessions) {
  EXPECT_THAT(PutBackText(R"(step { connection: "a" command { cdb { raw: "\x1e\0\0\0\1\0" } } })"),
              HasSubstr("PREVENT ALLOW MEDIUM REMOVAL"));
  EXPECT_THAT(PutBackText(""), HasSubstr("ISID 801234560053"));
  EXPECT_THAT(PutBackText(R"(step { connection: "a" command { cdb { raw: "\x16\0\0\0\0\0" } } })"),
              HasSubstr("RELEASE"));
}

// As if the target hadn't noticed that the port's session is gone.
TEST(PutBackTest, ResetsAUnitThatSomebodyElseReserved) {
  const std::unique_ptr<SharedTarget> target = OverTcp();
  const conformance::PlaySettings settings;
  const auto facts = conformance::InspectTarget(target.get(), settings, target->target_name(), {});
  ASSERT_TRUE(facts.ok()) << facts.status();

  auto endpoint = target->Make(1);
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  bool reserved = false;
  class Steps : public initiator_sim::Tap {
   public:
    explicit Steps(bool* reserved) : reserved_(reserved) {}
    void OnStep(size_t step, absl::Time) override { *reserved_ = step == 3; }

   private:
    bool* const reserved_;
  } steps(&reserved);
  initiator_sim::PlayerOptions options =
      conformance::PlayerOptionsFor(endpoint->get(), settings, *facts, 1);
  options.tap = &steps;
  constexpr char kReserve[] = R"(
    step { connection: "a" command { cdb { raw: "\x16\0\0\0\0\0" } } }
  )";
  constexpr char kWaits[] = R"(
    step { connection: "a" timeout_ms: 3600000 expect { one_of { pdu { reject {} } } } }
  )";
  initiator_sim::Player holder(options,
                               Made("holder", absl::StrCat(kLogins, kReserve, kWaits)).script);

  constexpr char kOther[] = R"(
    step { connection: "c" login { session: "c" isid: "\x80\x12\x34\x56\x00\x60" } }
    step { connection: "c" command { cdb { raw: "\x16\0\0\0\0\0" } } }
  )";
  // The run looks at the unit first.
  RunOptions run;
  run.progress = [&](const v1::CaseResult&, size_t done, size_t) {
    if (done != 1) return;
    holder.Start([](initiator_sim::PlayResult) {});
    EXPECT_TRUE((*endpoint)->RunUntil([&] { return reserved; }, absl::Minutes(1)));
  };
  const std::vector<Case> cases = {Made("sees", kSees), Made("other", kOther),
                                   Made("sees_again", kSees)};
  const RunOutcome outcome = Play(target.get(), cases, run);
  ASSERT_THAT(outcome.result.result(), SizeIs(3)) << outcome.status;
  EXPECT_THAT(Told(outcome.result.result(1)), HasSubstr("RESERVATION_CONFLICT"));
  EXPECT_EQ(outcome.result.result(2).verdict(), v1::PASS) << Told(outcome.result.result(2));
}

constexpr char kSetsPortGroups[] = R"(
  step { connection: "a" command { cdb { raw: "\xa4\x0a\0\0\0\0\0\0\0\0\0\0" } } }
)";

// The reference target answers with GOOD, as there is nothing to be set in no list.
TEST(PutBackTest, TellsWhatCanNotBePutBack) {
  const std::vector<Case> cases = {Leaver("groups", kSetsPortGroups), Leaver("nothing", ""),
                                   Made("sees", kSees)};
  const RunOutcome outcome = Play(OverTcp().get(), cases);
  ASSERT_THAT(outcome.result.result(), SizeIs(3));
  EXPECT_EQ(outcome.result.result(0).verdict(), v1::FAIL);
  EXPECT_THAT(Told(outcome.result.result(0)),
              HasSubstr("; after it LUN 0 was sent SET TARGET PORT GROUPS, which is not undone"));
  EXPECT_EQ(outcome.result.result(1).verdict(), v1::ERROR);
  EXPECT_THAT(Told(outcome.result.result(1)),
              HasSubstr("can't be judged: since leaves/groups LUN 0 was sent SET TARGET"));
  EXPECT_EQ(outcome.result.result(2).verdict(), v1::PASS) << Told(outcome.result.result(2));
  EXPECT_THAT(outcome.result.warning(), Contains(HasSubstr("With a restart_command in its")));
}

TEST(PutBackTest, RestartsATargetThatCanNotBePutBack) {
  RunOptions options;
  options.commands.restart = "true";
  const std::vector<Case> cases = {Leaver("groups", kSetsPortGroups), Leaver("nothing", "")};
  const RunOutcome outcome = Play(OverTcp().get(), cases, options);
  ASSERT_THAT(outcome.result.result(), SizeIs(2));
  EXPECT_EQ(outcome.result.result(1).verdict(), v1::FAIL) << Told(outcome.result.result(1));
  EXPECT_THAT(outcome.result.warning(), IsEmpty());
}

}  // namespace
}  // namespace pushpull::tools
