// CLEAR, PREEMPT and PREEMPT AND ABORT: who loses what, and who is told.

#include <memory>
#include <string>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/reservation_bench.h"

namespace pushpull::target {
namespace {

// ---- CLEAR, PREEMPT
// ------------------------------------------------------------------------------

TEST_F(ReservationsTest, ClearTakesAllAndTellsTheOthers) {
  Reserved(kWe);
  EXPECT_EQ(Out(b_, kClear, kKeyB).Summary(), "GOOD");
  EXPECT_EQ(In(0), "0000000300000000");
  EXPECT_EQ(In(1), "0000000300000000");
  EXPECT_EQ(Do(a_, kTestUnitReady), "6/2a/03");
  EXPECT_EQ(Do(a_, kTestUnitReady), "GOOD");
  EXPECT_EQ(Do(b_, kTestUnitReady), "GOOD") << "B did it";
  EXPECT_EQ(Do(c_, kTestUnitReady), "GOOD") << "C wasn't registered";
}

TEST_F(ReservationsTest, PreemptTakesTheHoldersPlace) {
  for (const Type type : {kWe, kEa, kWero, kEaro}) {
    for (const Type next : kAllTypes) {
      Reserved(type);
      Out(c_, kRegister, 0, kKeyC);
      EXPECT_EQ(Out(b_, kPreempt, kKeyB, kKeyA, next).Summary(), "GOOD");
      EXPECT_EQ(Keys(), K(kKeyB) + K(kKeyC));
      EXPECT_EQ(In(1).substr(8), "00000010" + K(next >= kWear ? 0 : kKeyB) +
                                     absl::StrFormat("0000000000%02x0000", next));
      EXPECT_EQ(Do(a_, kTestUnitReady), "6/2a/05");
      EXPECT_EQ(Do(b_, kTestUnitReady), "GOOD") << "B did it";
      EXPECT_EQ(Do(c_, kTestUnitReady), type == next ? "GOOD" : "6/2a/04") << type << next;
      EXPECT_EQ(Out(b_, kClear, kKeyB).Summary(), "GOOD");
      Do(c_, kTestUnitReady);
    }
  }
}

TEST_F(ReservationsTest, PreemptByTheHolderChangesTheType) {
  Reserved(kWe);
  EXPECT_EQ(Out(a_, kPreempt, kKeyA, kKeyA, kEaro).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyB));
  EXPECT_EQ(In(1).substr(8), "00000010" + K(kKeyA) + "0000000000060000");
  EXPECT_EQ(Do(a_, kTestUnitReady), "GOOD");
  EXPECT_EQ(Do(b_, kTestUnitReady), "6/2a/04");
}

TEST_F(ReservationsTest, PreemptRemovesRegistrations) {
  Reserved(kWe);
  Out(c_, kRegister, 0, kKeyB);  // the same as B's
  EXPECT_EQ(Out(a_, kPreempt, kKeyA, 0x99, kWe).Summary(), kConflict) << "nobody's key";
  EXPECT_EQ(Out(a_, kPreempt, kKeyA, 0, kWe).Summary(), "5/26/00 list 8");
  EXPECT_EQ(Generation(), 3u) << "nothing happened";
  EXPECT_EQ(Out(a_, kPreempt, kKeyA, kKeyB, kEa).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyA));
  EXPECT_EQ(In(1).substr(8), "00000010" + K(kKeyA) + "0000000000010000") << "the type stays";
  EXPECT_EQ(Do(a_, kTestUnitReady), "GOOD");
  EXPECT_EQ(Do(b_, kTestUnitReady), "6/2a/05");
  EXPECT_EQ(Do(c_, kTestUnitReady), "6/2a/05");
}

TEST_F(ReservationsTest, PreemptOfAllRegistrants) {
  Reserved(kWear);
  EXPECT_EQ(Out(b_, kPreempt, kKeyB, kKeyA, kEa).Summary(), "GOOD") << "only a registration goes";
  EXPECT_EQ(In(1).substr(8), "00000010" + K(0) + "0000000000070000");
  EXPECT_EQ(Do(a_, kTestUnitReady), "6/2a/05");
  Out(a_, kRegister, 0, kKeyA);
  EXPECT_EQ(Out(b_, kPreempt, kKeyB, 0, kEa).Summary(), "GOOD") << "all others go";
  EXPECT_EQ(Keys(), K(kKeyB));
  EXPECT_EQ(In(1).substr(8), "00000010" + K(kKeyB) + "0000000000030000");
  EXPECT_EQ(Do(a_, kTestUnitReady), "6/2a/05");
  EXPECT_EQ(Do(b_, kTestUnitReady), "GOOD");
}

TEST_F(ReservationsTest, PreemptWithoutAReservationReservesNothing) {
  Out(a_, kRegister, 0, kKeyA);
  Out(b_, kRegister, 0, kKeyB);
  EXPECT_EQ(Out(b_, kPreempt, kKeyB, kKeyA, kWe).Summary(), "GOOD");
  EXPECT_EQ(In(1).substr(8), "00000000");
  EXPECT_EQ(Keys(), K(kKeyB));
  EXPECT_EQ(Out(b_, kPreempt, kKeyB, kKeyB, kWe).Summary(), "GOOD") << "itself";
  EXPECT_EQ(Keys(), "");
}

std::unique_ptr<Command> ReserveOut(Bench* bench, Nexus* nexus, const char* cdb, uint64_t key,
                                    uint64_t second) {
  CommandOptions options;
  Append64(&options.data_out, key);
  Append64(&options.data_out, second);
  options.data_out.resize(24);
  return bench->Start(nexus, FromHex(cdb), options);
}

// SPC-4 §5.12.11.5
TEST(PreemptAndAbortTest, EndsTheCommandsOfWhoWasPreempted) {
  Bench bench({{0, "slow:1000,ram:1M"}});
  Nexus* a = bench.Open("iqn.2026-11.org.example:a");
  Nexus* b = bench.Open("iqn.2026-11.org.example:b");
  for (const bool abort : {false, true}) {
    EXPECT_TRUE(ReserveOut(&bench, a, "5f 06 00 00 00 00 00 00 18 00", 0, kKeyA)->ended());
    EXPECT_TRUE(ReserveOut(&bench, b, "5f 06 00 00 00 00 00 00 18 00", 0, kKeyB)->ended());
    const auto of_a = bench.Start(a, FromHex(kRead));
    const auto of_b = bench.Start(b, FromHex(kRead));
    const auto preempt = ReserveOut(
        &bench, b, abort ? "5f 05 01 00 00 00 00 00 18 00" : "5f 04 01 00 00 00 00 00 18 00", kKeyB,
        kKeyA);
    EXPECT_EQ(preempt->ended(), !abort) << "it waits for what it ends";
    bench.world().RunUntil([&] { return preempt->ended(); });
    EXPECT_EQ(preempt->answer().Summary(), "GOOD");
    EXPECT_EQ(of_a->ended(), abort);
    EXPECT_FALSE(of_b->ended());
    bench.world().RunUntil([&] { return of_a->ended() && of_b->ended(); });
    EXPECT_EQ(of_a->answer().Summary(), abort ? "aborted" : "GOOD");
    EXPECT_EQ(of_b->answer().Summary(), "GOOD");
    EXPECT_EQ(bench.Do(a, kTestUnitReady).Summary(), "6/2a/05");
  }
}

// A preempt that is aborted while it waits ends when what it waits for has.
TEST(PreemptAndAbortTest, CanBeAbortedItself) {
  Bench bench({{0, "slow:1000,ram:1M"}});
  Nexus* a = bench.Open("iqn.2026-11.org.example:a");
  Nexus* b = bench.Open("iqn.2026-11.org.example:b");
  ReserveOut(&bench, a, "5f 06 00 00 00 00 00 00 18 00", 0, kKeyA);
  ReserveOut(&bench, b, "5f 06 00 00 00 00 00 00 18 00", 0, kKeyB);
  const auto of_a = bench.Start(a, FromHex(kRead));
  const auto preempt = ReserveOut(&bench, b, "5f 05 01 00 00 00 00 00 18 00", kKeyB, kKeyA);
  bench.server().Abort(&preempt->task());
  bench.world().RunUntil([&] { return preempt->ended(); });
  EXPECT_EQ(preempt->answer().Summary(), "aborted");
  EXPECT_TRUE(of_a->ended());
}

}  // namespace
}  // namespace pushpull::target
