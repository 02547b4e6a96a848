// Registering for persistent reservations, by oneself and by others, and what is told of it.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/reservation_bench.h"

namespace pushpull::target {
namespace {

// ---- REGISTER ----------------------------------------------------------------------------------

TEST_F(ReservationsTest, RegisterAsksForTheRightKey) {
  EXPECT_EQ(In(0), "0000000000000000");
  EXPECT_EQ(Out(a_, kRegister, 1, kKeyA).Summary(), kConflict) << "not registered: no key";
  EXPECT_EQ(Out(a_, kRegister, 0, 0).Summary(), "GOOD") << "nothing to do";
  EXPECT_EQ(Generation(), 0u);
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyA).Summary(), "GOOD");
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyB).Summary(), kConflict) << "registered: its key";
  EXPECT_EQ(Out(a_, kRegister, kKeyA, kKeyB).Summary(), "GOOD");
  EXPECT_EQ(In(0),
            "00000002"
            "00000008" +
                K(kKeyB));
  EXPECT_EQ(Out(a_, kIgnore, 77, kKeyA).Summary(), "GOOD");
  EXPECT_EQ(Out(b_, kIgnore, 77, kKeyB).Summary(), "GOOD");
  EXPECT_EQ(In(0),
            "00000004"
            "00000010" +
                K(kKeyA) + K(kKeyB));
  EXPECT_EQ(Out(a_, kRegister, kKeyA, 0).Summary(), "GOOD");
  EXPECT_EQ(Out(b_, kIgnore, 0, 0).Summary(), "GOOD");
  EXPECT_EQ(In(0), "0000000600000000");
}

TEST_F(ReservationsTest, TwoMayHaveOneKey) {
  Out(a_, kRegister, 0, kKeyA);
  Out(b_, kRegister, 0, kKeyA);
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyA));
}

TEST_F(ReservationsTest, OnlyRegisteredNexusesWithTheirKeyMayAct) {
  Out(a_, kRegister, 0, kKeyA);
  for (const Action action : {kReserve, kRelease, kClear, kPreempt, kPreemptAndAbort, kMove}) {
    EXPECT_EQ(Out(b_, action, 0, kKeyA, kWe).Summary(),
              action == kMove ? "5/26/00 list 18" : kConflict);
    EXPECT_EQ(Out(a_, action, kKeyB, kKeyA, kWe).Summary(),
              action == kMove ? "5/26/00 list 18" : kConflict);
  }
  EXPECT_EQ(Generation(), 1u);
}

// ---- REGISTER AND MOVE, SPEC_I_PT: TransportIDs -----------------------------------------------

std::vector<uint8_t> TransportId(std::string name) {
  name.resize((std::max<size_t>(name.size() + 1, 20) + 3) / 4 * 4);
  std::vector<uint8_t> id = {0x45, 0, 0, static_cast<uint8_t>(name.size())};
  id.insert(id.end(), name.begin(), name.end());
  return id;
}

std::vector<uint8_t> MoveList(uint64_t key, uint64_t new_key, uint8_t flags, uint16_t port,
                              const std::vector<uint8_t>& id) {
  std::vector<uint8_t> list;
  Append64(&list, key);
  Append64(&list, new_key);
  list.resize(24);
  list[17] = flags;
  list[19] = static_cast<uint8_t>(port);
  list[23] = static_cast<uint8_t>(id.size());
  list.insert(list.end(), id.begin(), id.end());
  return list;
}

constexpr char kPortC[] = "iqn.2026-11.org.example:c,i,0x000000000000";

TEST_F(ReservationsTest, MovePassesTheReservationOn) {
  for (const uint8_t unregister : {0, 2}) {
    Reserved(kWe);
    const auto list = MoveList(kKeyA, kKeyC, unregister, 1, TransportId(kPortC));
    EXPECT_EQ(OutList(b_, kMove, 0, list).Summary(), kConflict) << "not the holder";
    EXPECT_EQ(OutList(a_, kMove, 0, list).Summary(), "GOOD");
    EXPECT_EQ(Keys(), (unregister != 0 ? "" : K(kKeyA)) + K(kKeyB) + K(kKeyC));
    EXPECT_EQ(In(1).substr(8), "00000010" + K(kKeyC) + "0000000000010000");
    EXPECT_EQ(Do(c_, kWrite), "GOOD");
    EXPECT_EQ(Do(a_, kWrite), kConflict);
    EXPECT_EQ(Out(c_, kClear, kKeyC).Summary(), "GOOD");
    Do(a_, kTestUnitReady);
    Do(b_, kTestUnitReady);
  }
  Reserved(kWear);
  EXPECT_EQ(OutList(a_, kMove, 0, MoveList(kKeyA, kKeyC, 0, 1, TransportId(kPortC))).Summary(),
            kConflict)
      << "all hold it";
}

TEST_F(ReservationsTest, MoveIsTheHoldersAloneAndGivesAKey) {
  Reserved(kWero);
  const auto to = [](const char* port) {
    return TransportId(absl::StrCat("iqn.2026-11.org.example:", port, ",i,0x000000000000"));
  };
  EXPECT_EQ(OutList(b_, kMove, 0, MoveList(kKeyB, kKeyC, 0, 1, to("c"))).Summary(), kConflict)
      << "registered, but not the holder";
  EXPECT_EQ(OutList(a_, kMove, 0, MoveList(kKeyA, kKeyC, 0, 1, to("b"))).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyC)) << "B was registered, with another key";
  EXPECT_EQ(OutList(b_, kMove, 0, MoveList(kKeyB, kKeyA, 0, 1, to("a"))).Summary(), kConflict);
  EXPECT_EQ(OutList(b_, kMove, 0, MoveList(kKeyC, kKeyA, 2, 1, to("a"))).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyA)) << "and B is no longer";
}

// SPC-4 §7.6.4.6: multiples of 4, filled up with zeros.
TEST_F(ReservationsTest, FullStatusFillsTransportIdsUp) {
  for (size_t letters = 1; letters <= 9; ++letters) {
    Nexus* nexus = bench_.Open("iqn." + std::string(letters, 'n'));
    EXPECT_EQ(Out(nexus, kRegister, 0, kKeyA).Summary(), "GOOD");
    const std::vector<uint8_t> full = FromHex(In(3));
    constexpr size_t kId = 8 + 24;
    const size_t used = 4 + letters + 17 + 1;  // with ",i,0x", the ISID, the zero
    ASSERT_EQ(full.size(), kId + 4 + (used + 3) / 4 * 4) << letters;
    EXPECT_EQ(full[kId + 3], (used + 3) / 4 * 4);
    for (size_t i = used - 1; i < full.size() - kId - 4; ++i) EXPECT_EQ(full[kId + 4 + i], 0) << i;
    EXPECT_EQ(Out(nexus, kRegister, kKeyA, 0).Summary(), "GOOD");
  }
}

// RFC 7143 §4.2.7.2: names are compared in lower case, whoever writes them.
TEST_F(ReservationsTest, NamesAreTheSameInEitherCase) {
  Reserved(kWe);
  bench_.Close(a_);
  Nexus* again = bench_.Open("IQN.2026-11.org.Example:A");
  EXPECT_EQ(Do(again, kWrite), "GOOD") << "it is the holder";
  EXPECT_EQ(Out(again, kIgnore, 0, kKeyC).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyC) + K(kKeyB)) << "no registration more";
  const auto to_b = TransportId("iqn.2026-11.org.EXAMPLE:B,i,0x000000000000");
  EXPECT_EQ(OutList(again, kMove, 0, MoveList(kKeyC, kKeyA, 0, 1, to_b)).Summary(), "GOOD");
  EXPECT_EQ(Do(b_, kWrite), "GOOD");
  Nexus* shouting = bench_.Open("IQN.2026-11.ORG.EXAMPLE:D");
  EXPECT_EQ(Out(shouting, kIgnore, 0, kKeyC).Summary(), "GOOD");
  const auto full = FromHex(In(3, 0xff));
  const std::string text(full.begin(), full.end());
  EXPECT_NE(text.find("iqn.2026-11.org.example:b,i,0x"), std::string::npos);
  EXPECT_EQ(text.find("EXAMPLE"), std::string::npos) << text;
}

TEST_F(ReservationsTest, MoveRefusesBadLists) {
  Reserved(kWe);
  const auto good = TransportId(kPortC);
  auto initiator = good;
  initiator[0] = 0x05;
  auto longer = good;
  longer[3] = static_cast<uint8_t>(longer[3] + 4);
  auto odd = good;
  odd[3] = static_cast<uint8_t>(odd[3] - 1);
  auto unended = TransportId("n,i,0x000000000000");
  unended.back() = unended[22] = 'x';
  std::vector<uint8_t> too_short(4 + 16);
  too_short[0] = 0x45;
  too_short[3] = 16;
  auto wrong_length = MoveList(kKeyA, kKeyC, 0, 1, good);
  wrong_length[23] = static_cast<uint8_t>(wrong_length[23] + 1);
  const struct {
    std::vector<uint8_t> list;
    const char* result;
  } kCases[] = {
      {MoveList(kKeyA, 0, 0, 1, good), "5/26/00 list 8"},
      {MoveList(kKeyA, kKeyC, 1, 1, good), "5/26/00 list 17.0"},  // nothing is persisted here
      {MoveList(kKeyA, kKeyC, 0, 2, good), "5/26/00 list 18"},
      {MoveList(kKeyA, kKeyC, 0, 1, initiator), "5/26/00 list 24"},
      {MoveList(kKeyA, kKeyC, 0, 1, longer), "5/1a/00"},
      {MoveList(kKeyA, kKeyC, 0, 1, odd), "5/26/00 list 26"},
      {MoveList(kKeyA, kKeyC, 0, 1, {}), "5/1a/00"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId("iqn.2026-11.org.example:c")), "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId("iqn.2026-11.org.example:c,i,0x00")),
       "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId("iqn.2026-11.org.example:a,i,0x000000000000")),
       "5/26/00 list 24"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId(",i,0x000000000000")), "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId("iqn.2026-11.org.example:c,i,0x0000000000000")),
       "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId("iqn.2026-11.org.example:c,i,0x00000000000g")),
       "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, TransportId(std::string(224, 'n') + ",i,0x000000000000")),
       "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, unended), "5/26/00 list 28"},
      {MoveList(kKeyA, kKeyC, 0, 1, {0x45, 0, 0, 0}), "5/26/00 list 26"},
      {MoveList(kKeyA, kKeyC, 0, 1, too_short), "5/26/00 list 26"},
      {wrong_length, "5/1a/00"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(OutList(a_, kMove, 0, c.list).Summary(), c.result) << base::Hex(c.list);
  }
  EXPECT_EQ(Generation(), 2u);
  const auto longest = TransportId(std::string(223, 'n') + ",i,0x000000000000");
  EXPECT_EQ(OutList(a_, kMove, 0, MoveList(kKeyA, kKeyC, 0, 1, longest)).Summary(), "GOOD");
}

TEST_F(ReservationsTest, SpecInitiatorPortsRegistersOthersToo) {
  const auto with_length = [](std::vector<uint8_t> ids) {
    std::vector<uint8_t> more(4);
    base::StoreBe32(more.data(), static_cast<uint32_t>(ids.size()));
    more.insert(more.end(), ids.begin(), ids.end());
    return more;
  };
  const auto more = with_length(TransportId("IQN.2026-11.org.example:C,i,0X000000000000"));
  EXPECT_EQ(Out(a_, kIgnore, 0, kKeyA, 0, 0x08, more).Summary(), "5/26/00 list 20.3");
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyA, 0, 0x08, {0, 0, 0, 9}).Summary(), "5/1a/00");
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyA, 0, 0x08).Summary(), "5/1a/00");
  EXPECT_EQ(Out(a_, kRegister, 0, kKeyA, 0, 0x08, more).Summary(), "GOOD");
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyA));
  EXPECT_EQ(Out(c_, kReserve, kKeyA, 0, kWe).Summary(), "GOOD") << "C is registered";
  EXPECT_EQ(Out(a_, kRegister, kKeyA, kKeyB, 0, 0x08, more).Summary(), "5/26/00 list 20.3");
  EXPECT_EQ(Out(b_, kRegister, 0, kKeyB, 0, 0x08, more).Summary(), kConflict) << "C is already";
  EXPECT_EQ(Keys(), K(kKeyA) + K(kKeyA)) << "then nobody is registered";
}

// RFC7143-4.4.2-c: the port is its initiator's name, ",i,0x" and the ISID, ended by a zero.
TEST_F(ReservationsTest, FullStatusNamesThePorts) {
  Reserved(kWe);
  Out(a_, kRegister, kKeyA, kKeyA, 0, 0x04);  // ALL_TG_PT
  const auto id_of = [](char last) {
    std::string name = absl::StrCat("iqn.2026-11.org.example:", std::string(1, last));
    name += ",i,0x000000000000";
    name.resize(44);
    return "4500002c" + base::Hex(base::AsBytes(name));
  };
  EXPECT_EQ(In(3),
            "00000003"
            "00000090" +
                K(kKeyA) +
                "00000000"
                "0301"
                "00000000"
                "0001"
                "00000030" +
                id_of('a') + K(kKeyB) +
                "00000000"
                "0000"
                "00000000"
                "0001"
                "00000030" +
                id_of('b'));
}

TEST_F(ReservationsTest, Capabilities) {
  EXPECT_EQ(In(2), "00081c90ea010000");
  EXPECT_EQ(In(2, 4), "00081c90");
}

// ---- fields -------------------------------------------------------------------------------------

TEST_F(ReservationsTest, RefusesBadFields) {
  Out(a_, kRegister, 0, kKeyA);
  EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, 0).Summary(), "5/24/00 cdb 2.3");
  for (const int type : {2, 4, 9, 15}) {
    EXPECT_EQ(Out(a_, kPreempt, kKeyA, kKeyA, type).Summary(), "5/24/00 cdb 2.3");
  }
  EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, 0x10 | kWe).Summary(), "5/24/00 cdb 2.7");
  EXPECT_EQ(Out(a_, kRegister, kKeyA, kKeyA, 0xff).Summary(), "GOOD") << "not looked at";
  EXPECT_EQ(Out(a_, kRegister, kKeyA, kKeyA, 0, 0x01).Summary(), "5/26/00 list 20.0");
  EXPECT_EQ(OutList(a_, 8, 0, std::vector<uint8_t>(24)).Summary(), "5/24/00 cdb 1.4");
  EXPECT_EQ(OutList(a_, kRegister, 0, std::vector<uint8_t>(23)).Summary(), "5/1a/00");
  EXPECT_EQ(OutList(a_, kRegister, 0, std::vector<uint8_t>(25)).Summary(), "5/1a/00");
  EXPECT_EQ(OutList(a_, kRegister, 0, {}).Summary(), "5/1a/00");
  EXPECT_EQ(OutList(a_, kRegister, 0, std::vector<uint8_t>(8193)).Summary(), "5/24/00 cdb 5");
  EXPECT_EQ(OutList(a_, kRegister, 0, std::vector<uint8_t>(8192)).Summary(), "5/1a/00");
  CommandOptions options;
  options.data_out.assign(24, 0);
  options.data_out[7] = kKeyA;
  EXPECT_EQ(bench_.Do(a_, FromHex("5f 00 00 00 00 00 00 00 19 00"), options).Summary(), "5/1a/00");
  EXPECT_EQ(bench_.Do(a_, FromHex("5f 00 00 00 00 00 00 00 18 00"), options).Summary(), "GOOD");
  options.data_out.assign(23, 0);
  EXPECT_EQ(bench_.Do(a_, FromHex("5f 00 00 00 00 00 00 00 18 00"), options).Summary(), "5/1a/00")
      << "less came than was said";
}

TEST_F(ReservationsTest, RegistrationsHaveABound) {
  Out(a_, kRegister, 0, kKeyA);
  std::string last;
  int registered = 1;
  for (int i = 0; i < 2000 && last != "5/55/04"; i += 20) {
    Nexus* nexus = bench_.Open(absl::StrCat("iqn.2026-11.org.example:n", i));
    std::vector<uint8_t> ids(4);
    for (int j = 1; j < 20; ++j) {
      const auto id =
          TransportId(absl::StrFormat("iqn.2026-11.org.example:n%d,i,0x00000000%04x", i, j));
      ids.insert(ids.end(), id.begin(), id.end());
    }
    base::StoreBe32(ids.data(), static_cast<uint32_t>(ids.size() - 4));
    last = Out(nexus, kRegister, 0, kKeyB, 0, 0x08, ids).Summary();
    if (last == "GOOD") registered += 20;
  }
  EXPECT_EQ(last, "5/55/04");
  EXPECT_EQ(registered, 1021);
  // Of 1,024 each is used.
  for (const char* name : {"x", "y", "z"}) {
    EXPECT_EQ(Out(bench_.Open(name), kRegister, 0, kKeyC).Summary(), "GOOD") << name;
  }
  EXPECT_EQ(Out(bench_.Open("w"), kRegister, 0, kKeyC).Summary(), "5/55/04");
  EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, kWe).Summary(), "GOOD");
  const auto move = [this](const std::string& to) {
    return OutList(a_, kMove, 0, MoveList(kKeyA, kKeyC, 0, 1, TransportId(to))).Summary();
  };
  EXPECT_EQ(move("w,i,0x000000000000"), "5/55/04");
  EXPECT_EQ(move("x,i,0x000000000000"), "GOOD") << "it has a registration";
}

}  // namespace
}  // namespace pushpull::target
