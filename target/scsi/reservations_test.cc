// Who may do what while somebody has reserved: persistent reservations, and those of RESERVE.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "target/scsi/command_table.h"
#include "target/scsi/reservation_rules.h"
#include "target/scsi/testing/reservation_bench.h"

namespace pushpull::target {
namespace {

// ---- what conflicts (SPC-4 §5.12.1) ----------------------------------------------------------

struct Allowed {
  bool other_registered;
  bool reads, writes;
};

// What the registered B and the unregistered C may do while A has reserved.
TEST_F(ReservationsTest, TypesKeepOthersFromReadingAndWriting) {
  for (const Type type : kAllTypes) {
    Reserved(type);
    const bool for_registrants = type >= kWero;
    const bool write_exclusive = type == kWe || type == kWero || type == kWear;
    for (Nexus* nexus : {a_, b_, c_}) {
      const bool free = nexus == a_ || (nexus == b_ && for_registrants);
      const auto due = [](bool allowed) { return allowed ? "GOOD" : kConflict; };
      const std::string who = absl::StrCat("type ", type,
                                           nexus == a_   ? " A"
                                           : nexus == b_ ? " B"
                                                         : " C");
      EXPECT_EQ(Do(nexus, kTestUnitReady), "GOOD") << who;
      EXPECT_EQ(Do(nexus, "25 00 00 00 00 00 00 00 00 00"), "GOOD") << who;
      EXPECT_EQ(Do(nexus, "1e 00 00 00 00 00"), "GOOD") << who << " allows removal";
      EXPECT_EQ(Do(nexus, "1b 00 00 00 01 00"), "GOOD") << who << " starts";
      for (const char* read : {kRead, "08 00 00 00 01 00", "1a 08 3f 00 ff 00",
                               "88 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
                               "a8 00 00 00 00 00 00 00 00 01 00 00"}) {
        EXPECT_EQ(Do(nexus, read), due(free || write_exclusive)) << who << " " << read;
      }
      for (const char* write : {kWrite, "0a 00 00 00 01 00", "35 00 00 00 00 00 00 00 00 00",
                                "8a 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00",
                                "aa 00 00 00 00 00 00 00 00 01 00 00", "1e 00 00 00 01 00"}) {
        EXPECT_EQ(Do(nexus, write), due(free)) << who << " " << write;
      }
    }
    Out(a_, kClear, kKeyA);
    Do(b_, kTestUnitReady);  // takes RESERVATIONS PREEMPTED
  }
}

// Every command is thought about; none is there twice.
TEST(ReservationRulesTest, EachCommandHasOne) {
  for (const CommandEntry& entry : AllCommands()) {
    int rules = 0;
    for (const ReservationRule& rule : AllReservationRules()) {
      const bool fits =
          rule.opcode == entry.opcode &&
          (!rule.service_action.has_value() || rule.service_action == entry.service_action);
      if (fits && rule.mask == 0) ++rules;
    }
    EXPECT_EQ(rules, 1) << entry.name;
    // What changes the medium is never a read.
    Task task;
    task.cdb[0] = entry.opcode;
    if ((entry.flags & kWritesMedium) != 0) {
      EXPECT_EQ(ReservationRuleOf(task).persistent, ReservationAccess::kWrites) << entry.name;
    }
  }
  Task task;
  task.cdb[0] = 0xc0;
  EXPECT_EQ(ReservationRuleOf(task).persistent, ReservationAccess::kWrites) << "unknown";
}

// ---- RESERVE, RELEASE --------------------------------------------------------------------------

TEST_F(ReservationsTest, ReserveOnceAndByOne) {
  for (const Type type : kAllTypes) {
    Reserved(type);
    EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, type).Summary(), "GOOD") << "once more";
    EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, type == kWe ? kEa : kWe).Summary(), kConflict);
    const bool all = type >= kWear;
    EXPECT_EQ(Out(b_, kReserve, kKeyB, 0, type).Summary(), all ? "GOOD" : kConflict);
    EXPECT_EQ(In(1).substr(8), "00000010" + K(all ? 0 : kKeyA) +
                                   absl::StrFormat("00000000"
                                                   "00%02x0000",
                                                   type));
    EXPECT_EQ(Generation() % 3, 2u) << "only registrations count";
    Out(a_, kClear, kKeyA);
    Do(b_, kTestUnitReady);
  }
}

TEST_F(ReservationsTest, ReleaseByTheHolder) {
  for (const Type type : kAllTypes) {
    Reserved(type);
    const bool all = type >= kWear;
    EXPECT_EQ(Out(a_, kRelease, kKeyA, 0, type == kWe ? kEa : kWe).Summary(), "5/26/04");
    if (!all) {
      EXPECT_EQ(Out(b_, kRelease, kKeyB, 0, type).Summary(), "GOOD") << "without an effect";
      EXPECT_EQ(In(1).substr(8, 8), "00000010");
    }
    EXPECT_EQ(Out(a_, kRelease, kKeyA, 0, type).Summary(), "GOOD");
    EXPECT_EQ(In(1).substr(8), "00000000");
    EXPECT_EQ(Do(c_, kWrite), "GOOD") << "C isn't told: it isn't registered";
    EXPECT_EQ(Do(b_, kTestUnitReady), type >= kWero ? "6/2a/04" : "GOOD") << type;
    EXPECT_EQ(Do(a_, kTestUnitReady), "GOOD");
    Out(a_, kClear, kKeyA);
    Do(b_, kTestUnitReady);
  }
}

TEST_F(ReservationsTest, UnregisteringTheHolderReleases) {
  for (const Type type : kAllTypes) {
    Reserved(type);
    EXPECT_EQ(Out(a_, kRegister, kKeyA, 0).Summary(), "GOOD");
    const bool all = type >= kWear;
    EXPECT_EQ(In(1).substr(8, 8), all ? "00000010" : "00000000") << type;
    const bool told = type == kWero || type == kEaro;
    EXPECT_EQ(Do(b_, kTestUnitReady), told ? "6/2a/04" : "GOOD") << type;
    EXPECT_EQ(Out(b_, kRegister, kKeyB, 0).Summary(), "GOOD");
    EXPECT_EQ(In(1).substr(8), "00000000") << "the last registrant went";
  }
}

// ---- nexuses and sessions
// ------------------------------------------------------------------------

// RFC7143-4.4.3.2-a, E.2-a: the reservation is the port's, not the session's.
TEST_F(ReservationsTest, OutlivesItsSession) {
  Reserved(kWe);
  bench_.Close(a_);
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyB));
  EXPECT_EQ(Do(b_, kWrite), kConflict);
  Nexus* other_port = bench_.Open("iqn.2026-11.org.example:a", false, {0x80, 1, 2, 3, 4, 5});
  EXPECT_EQ(Do(other_port, kWrite), kConflict);
  Nexus* again = bench_.Open("iqn.2026-11.org.example:a");
  EXPECT_EQ(Do(again, kWrite), "GOOD");
  EXPECT_EQ(Out(again, kRelease, kKeyA, 0, kWe).Summary(), "GOOD");
}

TEST_F(ReservationsTest, ResetsDoNotEndIt) {
  Reserved(kWe);
  bool done = false;
  bench_.server().ManageTasks(b_, TaskManagement::kLogicalUnitReset, 0, {},
                              [&](TaskManagementResult) { done = true; });
  bench_.world().RunUntil([&] { return done; });
  EXPECT_EQ(Do(c_, kWrite), "6/29/03") << "resets are told first";
  EXPECT_EQ(Do(c_, kWrite), kConflict);
}

// SAM-5 §5.3.3: other unit attentions wait.
TEST_F(ReservationsTest, ConflictComesBeforeOtherUnitAttentions) {
  Reserved(kWe);
  Out(b_, kPreempt, kKeyB, kKeyA, kWe);
  EXPECT_EQ(Do(a_, kWrite), kConflict);
  EXPECT_EQ(Do(a_, kRead), "6/2a/05");
  EXPECT_EQ(Do(a_, kRead), "GOOD");
}

// ---- RESERVE (6), RELEASE (6) (SPC-2 §5.5.1) ----------------------------------------------------

TEST_F(ReservationsTest, ReserveUnitKeepsTheOthersOff) {
  EXPECT_EQ(Do(a_, kReserve6), "GOOD");
  EXPECT_EQ(Do(a_, kReserve6), "GOOD") << "once more";
  EXPECT_EQ(Do(a_, kWrite), "GOOD");
  EXPECT_EQ(Do(b_, kReserve6), kConflict);
  EXPECT_EQ(Do(b_, kTestUnitReady), kConflict);
  EXPECT_EQ(Do(b_, kRead), kConflict);
  EXPECT_EQ(Do(b_, "12 00 00 00 60 00"), "GOOD");
  EXPECT_EQ(Do(b_, "03 00 00 00 12 00"), "GOOD");
  EXPECT_EQ(Do(b_, "a0 00 00 00 00 00 00 00 00 10 00 00"), "GOOD");
  EXPECT_EQ(Do(b_, kRelease6), "GOOD") << "without an effect";
  EXPECT_EQ(Do(b_, kRead), kConflict);
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyA).Summary(), kConflict) << "even from who reserved";
  EXPECT_EQ(bench_.Do(a_, "5e 00 00 00 00 00 00 00 08 00").Summary(), kConflict);
  EXPECT_EQ(Do(a_, kRelease6), "GOOD");
  EXPECT_EQ(Do(b_, kRead), "GOOD");
}

TEST_F(ReservationsTest, ReserveUnitEndsWithItsNexusAndWithResets) {
  Do(a_, kReserve6);
  bench_.Close(a_);
  EXPECT_EQ(Do(b_, kReserve6), "GOOD");
  bool done = false;
  bench_.server().ManageTasks(c_, TaskManagement::kLogicalUnitReset, 0, {},
                              [&](TaskManagementResult) { done = true; });
  bench_.world().RunUntil([&] { return done; });
  Do(c_, kTestUnitReady);
  EXPECT_EQ(Do(c_, kRead), "GOOD");
}

TEST_F(ReservationsTest, ReserveUnitBetweenARegistrationAndItsData) {
  CommandOptions options;
  options.data_out =
      FromHex("00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 01  00 00 00 00 00 00 00 00");
  Command late;
  ASSERT_TRUE(bench_.Prepare(&late, a_, FromHex("5f 00 00 00 00 00 00 00 18 00"), options));
  EXPECT_EQ(Do(a_, kReserve6), "GOOD");
  bench_.Execute(&late);
  bench_.world().RunUntil([&] { return late.ended(); });
  EXPECT_EQ(late.answer().Summary(), kConflict);
  EXPECT_EQ(Do(a_, kRelease6), "GOOD");
  EXPECT_EQ(Do(b_, kRead), "GOOD");
}

// SPC-4 §5.12.3: CRH.
TEST_F(ReservationsTest, ReserveUnitWhereThereAreRegistrations) {
  Out(a_, kRegister, 0, kKeyA);
  Out(b_, kRegister, 0, kKeyB);
  EXPECT_EQ(Do(a_, kReserve6), kConflict) << "registered, but nothing reserved";
  Out(a_, kReserve, kKeyA, 0, kWe);
  EXPECT_EQ(Do(a_, kReserve6), "GOOD") << "the holder";
  EXPECT_EQ(Do(a_, kRelease6), "GOOD");
  EXPECT_EQ(Do(b_, kReserve6), kConflict);
  EXPECT_EQ(Do(b_, kRead), "GOOD") << "the persistent one is as it was";
  Out(a_, kPreempt, kKeyA, kKeyA, kWero);
  Do(b_, kTestUnitReady);
  EXPECT_EQ(Do(b_, kReserve6), "GOOD");
  EXPECT_EQ(Do(b_, kRelease6), "GOOD");
  EXPECT_EQ(Do(c_, kReserve6), kConflict);
}

}  // namespace
}  // namespace pushpull::target
