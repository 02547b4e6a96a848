// Task management, and the end of nexuses.

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fabric/sim_world.h"
#include "gtest/gtest.h"
#include "target/scsi/device_server.h"
#include "target/scsi/testing/bench.h"
#include "target/store/computed_store.h"

namespace pushpull::target {
namespace {

constexpr char kTur[] = "00 00 00 00 00 00";
constexpr char kRead[] = "28 00 00 00 00 00 00 00 01 00";
constexpr char kWrite[] = "2a 00 00 00 00 00 00 00 01 00";

CommandOptions On(uint64_t number) {
  CommandOptions options;
  options.lun = number << 48;
  return options;
}

class AbortTest : public testing::Test {
 protected:
  std::unique_ptr<Command> Start(Nexus* nexus, TaskAttribute attribute = TaskAttribute::kSimple,
                                 uint64_t number = 0) {
    CommandOptions options = On(number);
    options.attribute = attribute;
    return bench_.Start(nexus, FromHex(kRead), options);
  }

  // Runs a task management function to its end, which must not take time.
  TaskManagementResult Manage(TaskManagement function, uint64_t lun = 0, TaskFilter filter = {}) {
    std::optional<TaskManagementResult> result;
    bench_.server().ManageTasks(one_, function, lun, std::move(filter),
                                [&](TaskManagementResult r) { result = r; });
    EXPECT_FALSE(result.has_value()) << "called within ManageTasks";
    const absl::Time before = bench_.world().now();
    bench_.world().RunUntil([&] { return result.has_value(); });
    EXPECT_EQ(bench_.world().now(), before);
    return *result;
  }

  Bench bench_{{{0, "slow:10,ram:1M"}, {1, "slow:10,ram:1M"}}};
  Nexus* one_ = bench_.Open("iqn.one");
  Nexus* two_ = bench_.Open("iqn.two");
};

TEST_F(AbortTest, AbortEndsATaskInEveryState) {
  Command prepared;
  ASSERT_TRUE(bench_.Prepare(&prepared, one_, FromHex(kWrite)));
  const auto running = Start(one_);
  const auto dormant = Start(one_, TaskAttribute::kOrdered);
  for (Command* command : {&prepared, running.get(), dormant.get()}) {
    bench_.server().Abort(&command->task());
    EXPECT_FALSE(command->ended()) << "called within Abort";
  }
  const absl::Time before = bench_.world().now();
  bench_.world().RunUntilIdle();
  EXPECT_EQ(bench_.world().now(), before);
  for (Command* command : {&prepared, running.get(), dormant.get()}) {
    EXPECT_TRUE(command->ended());
    EXPECT_EQ(command->answer().Summary(), "aborted");
    bench_.server().Abort(&command->task());  // nothing is left to abort
  }
  EXPECT_EQ(bench_.server().tasks_in_flight(), 0u);
  EXPECT_EQ(bench_.world().RunUntilIdle(), fabric::SimWorld::Outcome::kIdle);
  EXPECT_EQ(bench_.Do(one_, kTur).Summary(), "GOOD") << "no attention for what one does oneself";
}

TEST_F(AbortTest, ExecuteAndFailSeeThatATaskWasAborted) {
  Command executed, failed;
  ASSERT_TRUE(bench_.Prepare(&executed, one_, FromHex(kWrite)));
  ASSERT_TRUE(bench_.Prepare(&failed, one_, FromHex(kWrite)));
  bool done = false;
  bench_.server().ManageTasks(two_, TaskManagement::kClearTaskSet, 0, {},
                              [&](TaskManagementResult) { done = true; });
  bench_.Execute(&executed);
  EXPECT_TRUE(executed.ended());
  EXPECT_TRUE(executed.answer().aborted);
  bench_.server().Fail(&failed.task(), sense::kIncorrectAmountOfData);
  EXPECT_TRUE(failed.answer().aborted);
  bench_.world().RunUntilIdle();
  EXPECT_TRUE(done);
  EXPECT_FALSE(failed.ended()) << "Fail answers itself";
}

TEST_F(AbortTest, AnAbortedTaskLetsDormantOnesRun) {
  const auto running = Start(one_);
  const auto ordered = Start(two_, TaskAttribute::kOrdered);
  bench_.server().Abort(&running->task());
  bench_.world().RunFor(absl::Milliseconds(10));
  EXPECT_TRUE(ordered->ended());
  EXPECT_EQ(ordered->answer().Summary(), "GOOD");
}

TEST_F(AbortTest, AbortTaskSetTakesOnesOwnOfOneUnit) {
  const auto own = Start(one_);
  const auto later = Start(one_);
  later->task().order = 7;
  const auto elsewhere = Start(one_, TaskAttribute::kSimple, 1);
  const auto others = Start(two_);
  EXPECT_EQ(Manage(TaskManagement::kAbortTaskSet, 0, [](const Task& t) { return t.order < 7; }),
            TaskManagementResult::kComplete);
  EXPECT_TRUE(own->ended());
  EXPECT_TRUE(own->answer().aborted);
  for (const auto* command : {&later, &elsewhere, &others}) EXPECT_FALSE((*command)->ended());
  bench_.world().RunUntilIdle();
  for (const auto* command : {&later, &elsewhere, &others}) {
    EXPECT_EQ((*command)->answer().Summary(), "GOOD");
  }
  EXPECT_EQ(bench_.Do(two_, kTur).Summary(), "GOOD");
}

TEST_F(AbortTest, ClearTaskSetTellsTheOthersThatLostTasks) {
  Nexus* three = bench_.Open("iqn.three");
  const auto own = Start(one_);
  const auto others = Start(two_);
  const auto others_too = Start(two_, TaskAttribute::kOrdered);
  EXPECT_EQ(Manage(TaskManagement::kClearTaskSet), TaskManagementResult::kComplete);
  for (const auto* command : {&own, &others, &others_too}) {
    EXPECT_TRUE((*command)->ended());
    EXPECT_TRUE((*command)->answer().aborted);
  }
  EXPECT_EQ(bench_.Do(one_, kTur).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(two_, kTur).Summary(), "6/2f/00");
  EXPECT_EQ(bench_.Do(two_, kTur).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(three, kTur).Summary(), "GOOD");
}

TEST_F(AbortTest, LogicalUnitResetTakesBackStateAndTellsAll) {
  CommandOptions swp;
  swp.data_out = FromHex("00 00 00 00  0a 0a 06 10 08 00 00 00 ff ff 00 00");
  bench_.Do(one_, "15 10 00 00 10 00", swp);
  bench_.Do(two_, kTur);
  bench_.Do(one_, "1b 00 00 00 04 00");
  const auto elsewhere = Start(two_, TaskAttribute::kSimple, 1);
  Command others;
  ASSERT_TRUE(bench_.Prepare(&others, two_, FromHex("35 00 00 00 00 00 00 00 00 00")));
  EXPECT_EQ(Manage(TaskManagement::kLogicalUnitReset), TaskManagementResult::kComplete);
  EXPECT_TRUE(others.answer().aborted);
  EXPECT_FALSE(elsewhere->ended());
  EXPECT_EQ(bench_.Do(one_, kTur).Summary(), "6/29/03");
  EXPECT_EQ(bench_.Do(two_, kTur).Summary(), "6/29/03");
  EXPECT_EQ(bench_.Do(one_, kTur).Summary(), "GOOD");
  EXPECT_EQ(bench_.Do(one_, "1a 08 0a 00 ff 00").data,
            FromHex("0f 00 10 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"));
  EXPECT_EQ(bench_.Do(one_, kTur, On(1)).Summary(), "GOOD");
  bench_.world().RunUntilIdle();
  EXPECT_TRUE(elsewhere->ended());
  EXPECT_EQ(elsewhere->answer().Summary(), "GOOD");
}

TEST(BugTest, ALogicalUnitResetCanKeepTheOthersInTheDark) {
  if (!kBugsEnabled) GTEST_SKIP() << "built without defects";
  fabric::SimWorld world(1);
  DeviceServerOptions options{kBenchTarget, {}};
  options.bugs.Add(Bug::kLunResetNoUnitAttention);
  const auto server =
      *DeviceServer::Create(options, {{0, "", 512, false, std::make_shared<NullStore>(1 << 20)}});
  Nexus* nexuses[] = {server->OpenNexus({"iqn.a", {}, 1}, world.NewLoop()),
                      server->OpenNexus({"iqn.b", {}, 1}, world.NewLoop())};
  const auto attention_of = [&](Nexus* nexus) {
    Task task;
    task.nexus = nexus;
    if (server->Prepare(&task)) {
      EXPECT_EQ(server->Execute(&task), Execution::kEnded);
    }
    return task.result.sense_bytes == 0 ? 0 : task.result.sense_buffer[12];
  };
  for (Nexus* nexus : nexuses) EXPECT_EQ(attention_of(nexus), 0x29);
  server->ManageTasks(nexuses[0], TaskManagement::kLogicalUnitReset, 0, {},
                      [](TaskManagementResult) {});
  EXPECT_EQ(attention_of(nexuses[0]), 0x29);
  EXPECT_EQ(attention_of(nexuses[1]), 0);
  for (Nexus* nexus : nexuses) server->CloseNexus(nexus, [] {});
  world.RunUntilIdle();
}

TEST_F(AbortTest, TargetResetTakesAllUnits) {
  const auto here = Start(one_);
  const auto there = Start(two_, TaskAttribute::kSimple, 1);
  EXPECT_EQ(Manage(TaskManagement::kTargetReset, uint64_t{77} << 48),
            TaskManagementResult::kComplete);
  EXPECT_TRUE(here->answer().aborted);
  EXPECT_TRUE(there->answer().aborted);
  EXPECT_EQ(bench_.Do(two_, kTur, On(0)).Summary(), "6/29/03");
  EXPECT_EQ(bench_.Do(two_, kTur, On(1)).Summary(), "6/29/03");
}

TEST_F(AbortTest, UnknownUnitsAreNamed) {
  const auto command = Start(one_);
  for (const auto function : {TaskManagement::kAbortTaskSet, TaskManagement::kClearTaskSet,
                              TaskManagement::kLogicalUnitReset}) {
    EXPECT_EQ(Manage(function, uint64_t{5} << 48), TaskManagementResult::kLogicalUnitDoesNotExist);
  }
  EXPECT_FALSE(command->ended());
  bench_.world().RunUntilIdle();
}

TEST_F(AbortTest, NothingToAbortIsDoneAtOnce) {
  EXPECT_EQ(Manage(TaskManagement::kAbortTaskSet), TaskManagementResult::kComplete);
  EXPECT_EQ(Manage(TaskManagement::kLogicalUnitReset, kReportLunsWellKnownLun),
            TaskManagementResult::kComplete);
}

TEST_F(AbortTest, ClosingANexusEndsItsTasksFirst) {
  auto mine = Start(one_);
  const auto others = Start(two_);
  Command prepared;
  ASSERT_TRUE(bench_.Prepare(&prepared, one_, FromHex(kWrite), On(1)));
  bench_.Close(one_);
  EXPECT_TRUE(mine->answer().aborted);
  EXPECT_TRUE(prepared.ended());
  bench_.world().RunUntilIdle();
  EXPECT_EQ(others->answer().Summary(), "GOOD");
}

TEST_F(AbortTest, ClosingANexusWaitsForItsBackgroundFlush) {
  EXPECT_EQ(bench_.Do(one_, "35 02 00 00 00 00 00 00 00 00").Summary(), "GOOD");
  const absl::Time before = bench_.world().now();
  bench_.Close(one_);
  EXPECT_EQ(bench_.world().now() - before, absl::Milliseconds(10));
}

// A store that can't cancel: what runs ends, and the command goes no further.
TEST(AbortWithoutCancelTest, ACommandOfSeveralStepsStopsAfterTheOneThatRuns) {
  class Store final : public pushpull::target::Store {
   public:
    std::optional<absl::Status> Submit(Io* io) override {
      ++submitted;
      io->loop->StartTimer(absl::Milliseconds(5), [io] { FinishIo(io, absl::OkStatus()); });
      return std::nullopt;
    }
    uint64_t size_bytes() const override { return 1 << 20; }
    int submitted = 0;
  };
  auto store = std::make_shared<Store>();
  fabric::SimWorld world(1);
  const auto server = *DeviceServer::Create({kBenchTarget, {}}, {{0, "", 512, false, store}});
  Nexus* nexus = server->OpenNexus({"iqn.a", {}, 1}, world.NewLoop());
  Task task;
  task.nexus = nexus;
  EXPECT_FALSE(server->Prepare(&task)) << "unit attention";
  const auto verify = FromHex("2f 00 00 00 00 00 00 08 00 00");  // 1 MiB, in four chunks
  std::copy(verify.begin(), verify.end(), task.cdb.begin());
  bool ended = false;
  task.done = [&] { ended = true; };
  ASSERT_TRUE(server->Prepare(&task));
  ASSERT_EQ(server->Execute(&task), Execution::kPending);
  world.RunFor(absl::Milliseconds(7));
  EXPECT_EQ(store->submitted, 2);
  server->Abort(&task);
  world.RunFor(absl::Milliseconds(1));
  EXPECT_FALSE(ended) << "the memory is still in use";
  world.RunUntilIdle();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(task.result.aborted);
  EXPECT_EQ(store->submitted, 2);
  server->CloseNexus(nexus, [] {});
  world.RunUntilIdle();
}

TEST_F(AbortTest, TwoFunctionsMayWaitForOneTask) {
  const auto command = Start(one_);
  int done = 0;
  for (Nexus* nexus : {one_, two_}) {
    bench_.server().ManageTasks(nexus, TaskManagement::kClearTaskSet, 0, {},
                                [&](TaskManagementResult) {
                                  EXPECT_TRUE(command->ended());
                                  ++done;
                                });
  }
  bench_.world().RunUntilIdle();
  EXPECT_EQ(done, 2);
}

}  // namespace
}  // namespace pushpull::target
