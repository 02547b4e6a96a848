// Changes of reservations that wait until they are saved: nobody else does.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "target/scsi/reservation_state.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

// Saves when it is told to.
class LateDisk final : public ReservationStore {
 public:
  absl::Status Save(const ReservationState& state) override {
    saved.push_back(state);
    return fails ? absl::DataLossError("EIO") : absl::OkStatus();
  }
  bool has_thread() const override { return true; }
  void RunOnThread(absl::AnyInvocable<void()> job) override { jobs.push_back(std::move(job)); }

  void RunAll() {
    for (auto& job : std::exchange(jobs, {})) job();
  }

  bool fails = false;
  std::vector<absl::AnyInvocable<void()>> jobs;
  std::vector<ReservationState> saved;
};

class ReservationSavingTest : public testing::Test {
 protected:
  ReservationSavingTest() {
    BenchUnit unit{0, "ram:1M"};
    unit.reservations = disk_;
    bench_ = std::make_unique<Bench>(std::vector<BenchUnit>{unit});
    a_ = bench_->Open("iqn.2026-11.org.example:a");
    b_ = bench_->Open("iqn.2026-11.org.example:b");
  }

  std::unique_ptr<Command> Out(Nexus* nexus, int action, uint8_t key, uint8_t second, int type) {
    CommandOptions options;
    options.data_out.resize(24);
    options.data_out[7] = key;
    options.data_out[15] = second;
    options.data_out[20] = action == 0 ? 0x01 : 0;  // APTPL
    std::vector<uint8_t> cdb = FromHex("5f 00 00 00 00 00 00 00 18 00");
    cdb[1] = static_cast<uint8_t>(action);
    cdb[2] = static_cast<uint8_t>(type);
    return bench_->Start(nexus, cdb, options);
  }
  std::string End(Command& command) {
    disk_->RunAll();
    bench_->world().RunUntilIdle();
    EXPECT_TRUE(command.ended());
    return command.answer().Summary();
  }
  std::string Do(Nexus* nexus, const char* cdb) { return bench_->Do(nexus, cdb).Summary(); }

  std::shared_ptr<LateDisk> disk_ = std::make_shared<LateDisk>();
  std::unique_ptr<Bench> bench_;
  Nexus* a_ = nullptr;
  Nexus* b_ = nullptr;
};

constexpr char kRead[] = "28 00 00 00 00 00 00 00 01 00";
constexpr char kConflict[] = "status 24";
constexpr char kReadKeys[] = "5e 00 00 00 00 00 00 00 08 00";

TEST_F(ReservationSavingTest, OthersGoOnMeanwhile) {
  const auto registers = Out(a_, 0, 0, 5, 0);
  bench_->world().RunUntilIdle();
  EXPECT_FALSE(registers->ended()) << "it isn't saved yet";
  EXPECT_EQ(Do(a_, kRead), "GOOD");
  EXPECT_EQ(bench_->Do(b_, kReadKeys).data, std::vector<uint8_t>(8)) << "and isn't so yet";
  EXPECT_EQ(End(*registers), "GOOD");
  ASSERT_EQ(disk_->saved.size(), 1u);
  EXPECT_EQ(bench_->Do(b_, kReadKeys).data, FromHex("00 00 00 01 00 00 00 08"));
}

TEST_F(ReservationSavingTest, ComeInTheirOrder) {
  const auto registers = Out(a_, 0, 0, 5, 0);
  const auto second = Out(b_, 0, 0, 6, 0);
  const auto reserves = Out(b_, 1, 6, 0, 3);
  const auto six = bench_->Start(a_, FromHex("16 00 00 00 00 00"));
  EXPECT_FALSE(six->ended());
  EXPECT_EQ(End(*registers), "GOOD");
  EXPECT_EQ(second->answer().Summary(), "GOOD");
  EXPECT_EQ(reserves->answer().Summary(), "GOOD");
  EXPECT_EQ(six->answer().Summary(), kConflict);
  EXPECT_EQ(Do(a_, kRead), kConflict);
}

TEST_F(ReservationSavingTest, WhatFailsIsNotSo) {
  disk_->fails = true;
  const auto registers = Out(a_, 0, 0, 5, 0);
  EXPECT_EQ(End(*registers), "4/44/00");
  EXPECT_EQ(bench_->Do(b_, kReadKeys).data, std::vector<uint8_t>(8));
}

// It is done all the same, and whom it concerns is told.
TEST_F(ReservationSavingTest, AnAbortedOneEndsWhenItIsSaved) {
  EXPECT_EQ(End(*Out(a_, 0, 0, 5, 0)), "GOOD");
  EXPECT_EQ(End(*Out(b_, 0, 0, 6, 0)), "GOOD");
  const auto preempts = Out(b_, 4, 6, 5, 1);
  bench_->server().Abort(&preempts->task());
  bench_->world().RunUntilIdle();
  EXPECT_FALSE(preempts->ended());
  disk_->RunAll();
  bench_->world().RunUntilIdle();
  EXPECT_TRUE(preempts->answer().aborted);
  EXPECT_EQ(Do(a_, "00 00 00 00 00 00"), "6/2a/05");
}

// SAM-5 §6.3.3: a reset ends reservations of RESERVE, also of one that is on its way.
TEST_F(ReservationSavingTest, AResetComesBehindAReserveThatWaits) {
  const auto six = bench_->Start(a_, FromHex("16 00 00 00 00 00"));
  bool reset = false;
  bench_->server().ManageTasks(b_, TaskManagement::kLogicalUnitReset, 0, {},
                               [&](TaskManagementResult) { reset = true; });
  bench_->world().RunUntilIdle();
  disk_->RunAll();
  bench_->world().RunUntilIdle();
  EXPECT_TRUE(reset);
  EXPECT_TRUE(six->answer().aborted);
  EXPECT_EQ(Do(b_, kRead), "6/29/03");
  EXPECT_EQ(Do(b_, kRead), "GOOD");
}

// SAM-5 §6.3.5: a nexus that is gone holds nothing, though its RESERVE was carried out afterwards.
TEST_F(ReservationSavingTest, ASessionMayEndMeanwhile) {
  const auto six = bench_->Start(a_, FromHex("16 00 00 00 00 00"));
  bool closed = false;
  bench_->server().CloseNexus(a_, [&] { closed = true; });
  bench_->world().RunUntilIdle();
  EXPECT_FALSE(closed);
  disk_->RunAll();
  bench_->world().RunUntilIdle();
  EXPECT_TRUE(closed);
  EXPECT_TRUE(six->answer().aborted);
  EXPECT_EQ(Do(b_, kRead), "GOOD");
  bench_->Forget(a_);
}

}  // namespace
}  // namespace pushpull::target
