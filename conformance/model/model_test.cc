#include "conformance/model/model.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "conformance/model/sense.h"
#include "conformance/model/turn.h"
#include "gtest/gtest.h"

namespace pushpull::conformance::model {
namespace {

constexpr uint64_t kLun = 0;

std::vector<uint8_t> Hex(const char* text) { return *base::ParseHex(text); }

class ModelTest : public testing::Test {
 protected:
  ModelTest() {
    for (size_t nexus = 0; nexus < 2; ++nexus) {
      model_.Open(nexus);
      Do(nexus, "00 00 00 00 00 00");
    }
  }

  Expected Do(size_t nexus, const char* cdb, std::vector<uint8_t> data = {}, uint64_t lun = kLun) {
    return model_.Do({nexus, lun, Hex(cdb), std::move(data)});
  }
  Sense SenseOf(size_t nexus, const char* cdb, std::vector<uint8_t> data = {}, uint64_t lun = 0) {
    return Do(nexus, cdb, std::move(data), lun).outcomes.front().sense;
  }

  Model model_{{{.number = 0, .blocks = 64, .serial = "S"}},
               {{"iqn.2026-11.org.example:a", {}}, {"iqn.2026-11.org.example:b", {}}}};
};

std::vector<uint8_t> List(uint64_t key, uint64_t second) {
  std::vector<uint8_t> list(24);
  Put(&list, 0, key, 8);
  Put(&list, 8, second, 8);
  return list;
}

TEST_F(ModelTest, KeepsWhatIsWritten) {
  const std::vector<uint8_t> block(512, 7);
  EXPECT_TRUE(Do(0, "2a 00 00 00 00 3f 00 00 01 00", block).IsGood());
  EXPECT_EQ(Do(1, "28 00 00 00 00 3f 00 00 01 00").data_in, block);
  EXPECT_EQ(SenseOf(0, "28 00 00 00 00 3f 00 00 02 00"), kOutOfRange);
  EXPECT_EQ(Do(0, "9e 12 00 00 00 00 00 00 00 00 00 00 00 ff 00 00").data_in,
            Hex("00 00 00 24 00 00 00 00  00 00 00 00 00 00 00 00 00 00 00 3f 01 00 00 00 "
                "00 00 00 00 00 00 00 3f 00 00 00 01 00 00 00 00"));
}

TEST_F(ModelTest, TellsAllFaultsAndChangesNothing) {
  const Expected both = Do(0, "2a 01 00 00 00 40 00 00 01 00", std::vector<uint8_t>(512, 7));
  EXPECT_TRUE(both.Allows({Status::kCheckCondition, kBadCdb}));
  EXPECT_TRUE(both.Allows({Status::kCheckCondition, kOutOfRange}));
  EXPECT_FALSE(both.Allows({Status::kGood, {}}));
  EXPECT_EQ(both.data_out_bytes, 0u);
}

TEST_F(ModelTest, ComparesBeforeItWrites) {
  std::vector<uint8_t> data(1024, 0);
  data[600] = 1;
  EXPECT_TRUE(Do(0, "89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", data).IsGood());
  Sense sense = kMiscompare;
  sense.information = 88;
  EXPECT_EQ(SenseOf(0, "89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", data), sense);
}

TEST_F(ModelTest, KeepsOthersOffWhatIsReserved) {
  EXPECT_TRUE(Do(0, "5f 00 00 00 00 00 00 00 18 00", List(0, 1)).IsGood());
  EXPECT_TRUE(Do(0, "5f 01 01 00 00 00 00 00 18 00", List(1, 0)).IsGood());
  EXPECT_EQ(Do(1, "2a 00 00 00 00 00 00 00 00 00").outcomes.front().status,
            Status::kReservationConflict);
  EXPECT_TRUE(Do(1, "28 00 00 00 00 00 00 00 00 00").IsGood());
  EXPECT_EQ(Do(1, "16 00 00 00 00 00").outcomes.front().status, Status::kReservationConflict);
  EXPECT_TRUE(Do(1, "5f 06 00 00 00 00 00 00 18 00", List(0, 2)).IsGood());
  EXPECT_TRUE(Do(1, "5f 04 03 00 00 00 00 00 18 00", List(2, 1)).IsGood());
  EXPECT_EQ(SenseOf(0, "1a 00 01 00 ff 00"), Sense{}) << "a conflict comes first";
  EXPECT_EQ(SenseOf(0, "00 00 00 00 00 00"), kRegistrationsPreempted);
  EXPECT_EQ(Do(1, "5e 00 00 00 00 00 00 00 ff 00").data_in,
            Hex("00 00 00 03 00 00 00 08 00 00 00 00 00 00 00 02"));
}

TEST_F(ModelTest, ResetTakesBackAndTellsAll) {
  EXPECT_TRUE(Do(0, "16 00 00 00 00 00").IsGood());
  EXPECT_EQ(Do(1, "00 00 00 00 00 00").outcomes.front().status, Status::kReservationConflict);
  EXPECT_TRUE(model_.ResetUnit(kLun));
  EXPECT_FALSE(model_.ResetUnit(uint64_t{1} << 48));
  EXPECT_EQ(SenseOf(1, "00 00 00 00 00 00"), kUnitReset);
  EXPECT_EQ(SenseOf(0, "00 00 00 00 00 00"), kUnitReset);
  EXPECT_TRUE(Do(1, "00 00 00 00 00 00").IsGood());
}

TEST_F(ModelTest, ModeSelectTellsTheOthers) {
  // D_SENSE.
  const auto page = Hex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00");
  EXPECT_TRUE(Do(0, "15 10 00 00 10 00", page).IsGood());
  EXPECT_EQ(SenseOf(1, "00 00 00 00 00 00"), kModeChanged);
  EXPECT_TRUE(Do(0, "00 00 00 00 00 00").IsGood());
  const auto fixed = Hex("00 00 00 00 0a 0a 06 00 00 00 00 00 ff ff 00 00");
  EXPECT_EQ(SenseOf(0, "15 10 00 00 10 00", fixed), kBadList);
}

// SBC-3 §5.11: the fields of a CDB of 16 bytes, eight bytes later and behind a service action.
TEST_F(ModelTest, KnowsCdbsOf32Bytes) {
  const std::vector<uint8_t> block(512, 7);
  const std::string head = "7f 00 00 00 00 00 00 18 00 ";
  const std::string tail = " 00 00 00 00 00 00 00 00 3f 01 02 03 04 05 06 07 08 00 00 00 01";
  const auto with = [&](const char* action) { return head + action + tail; };
  EXPECT_TRUE(Do(0, with("0b 08").c_str(), block).IsGood());
  EXPECT_EQ(Do(1, with("09 10").c_str()).data_in, block);
  EXPECT_EQ(SenseOf(0, with("08 00").c_str()), kBadCdb) << "no such service action";
  EXPECT_EQ(SenseOf(0, with("09 20").c_str()), kBadCdb) << "protected";
  EXPECT_EQ(SenseOf(0, (head + "09").c_str()), kBadCdb) << "cut";
}

TEST_F(ModelTest, SanitizesAllAndRefusesMeanwhile) {
  EXPECT_TRUE(Do(0, "48 81 00 00 00 00 00 00 06 00", Hex("82 00 00 02 0f f0")).IsGood());
  EXPECT_EQ(SenseOf(1, "28 00 00 00 00 3f 00 00 01 00"), kSanitizing);
  EXPECT_TRUE(Do(1, "12 00 00 00 24 00").IsGood());
  EXPECT_EQ(Do(1, "03 00 00 00 04 00").data_in, Hex("70 00 02 00"));
  model_.Settle();
  const std::vector<uint8_t> data = Do(1, "28 00 00 00 00 3f 00 00 01 00").data_in;
  EXPECT_EQ(data[510], 0xf0) << "inverted once";
  EXPECT_EQ(data[511], 0x0f);
  EXPECT_EQ(SenseOf(0, "48 01 00 00 00 00 00 00 06 00", Hex("00 00 00 02 0f f0")), kBadList);
  EXPECT_EQ(SenseOf(0, "48 01 00 00 00 00 00 00 04 00", Hex("01 00 00 00")), kBadCdb);
  EXPECT_EQ(SenseOf(0, "48 03 00 00 00 00 00 00 00 00"), kBadCdb) << "nothing is encrypted";
  EXPECT_TRUE(Do(0, "48 02 00 00 00 00 00 00 00 00").IsGood());
  EXPECT_EQ(Do(1, "28 00 00 00 00 3f 00 00 01 00").data_in, std::vector<uint8_t>(512));
}

TEST_F(ModelTest, CopiesAndTellsOfItOnce) {
  EXPECT_TRUE(Do(0, "2a 00 00 00 00 02 00 00 01 00", std::vector<uint8_t>(512, 7)).IsGood());
  // The unit itself, "PUSHPULLS": three blocks from 1 to 2, which overlap.
  const std::vector<uint8_t> list =
      Hex("05 00 00 20 00 00 00 00 00 00 00 1c 00 00 00 00"
          "e4 00 00 00 02 01 00 09 50 55 53 48 50 55 4c 4c 53 00 00 00 00 00 00 00 00 00 00 00"
          "00 00 02 00"
          "02 00 00 18 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 02");
  const char* copy = "83 00 00 00 00 00 00 00 00 00 00 00 00 4c 00 00";
  const char* status = "84 00 05 00 00 00 00 00 00 00 00 00 00 ff 00 00";
  EXPECT_TRUE(Do(0, copy, list).IsGood());
  EXPECT_EQ(Do(0, "28 00 00 00 00 03 00 00 01 00").data_in[0], 7);
  EXPECT_EQ(Do(0, "28 00 00 00 00 02 00 00 01 00").data_in[0], 0);
  EXPECT_EQ(SenseOf(1, status), kBadCdb) << "another nexus has none";
  EXPECT_EQ(Do(0, status).data_in, Hex("00 00 00 08 01 00 01 01 00 00 00 01"));
  EXPECT_EQ(SenseOf(0, status), kBadCdb);
  auto beyond = list;
  beyond[75] = 62;
  EXPECT_EQ(SenseOf(0, copy, beyond), kCopyAborted);
  auto unnamed = list;
  unnamed[32] = 0;
  EXPECT_EQ(SenseOf(0, copy, unnamed), kCscdNotReachable);
  EXPECT_EQ(SenseOf(0, copy, Hex("05 00")), kListLength);
}

// SAM-5 §8.7: the order of arrival, but for HEAD OF QUEUE.
TEST_F(ModelTest, KeepsTheOrderOfAttributes) {
  const auto write = [](uint8_t value, uint8_t attribute) {
    return Command{0, kLun, Hex("2a 00 00 00 00 00 00 00 01 00"), std::vector<uint8_t>(512, value),
                   attribute};
  };
  const auto read = [](uint8_t attribute) {
    return Command{0, kLun, Hex("28 00 00 00 00 00 00 00 01 00"), {}, attribute};
  };
  constexpr uint8_t kSimple = 1, kOrdered = 2, kHead = 3;
  ASSERT_TRUE(model_.IsCalm(0, kLun));
  const auto ordered = model_.DoTogether({write(1, kSimple), read(kOrdered)}, {1, 0});
  EXPECT_EQ(ordered[1].data_in[0], 1) << "it waits for what is older";
  const auto simple = model_.DoTogether({write(2, kSimple), read(kSimple)}, {1, 0});
  EXPECT_EQ(simple[1].data_in[0], 1);
  const auto head = model_.DoTogether({write(3, kOrdered), read(kHead), read(kSimple)}, {2, 0, 1});
  EXPECT_EQ(head[1].data_in[0], 2) << "before all";
  EXPECT_EQ(head[2].data_in[0], 3);
}

TEST_F(ModelTest, RefusesAca) {
  const Expected refused = model_.Do({0, kLun, Hex("00 00 00 00 00 00"), {}, 4});
  EXPECT_EQ(refused.outcomes.front().sense, kInvalidMessage);
  EXPECT_TRUE(model_.Do({0, kLun, Hex("00 00 00 00 00 00"), {}, 2}).IsGood()) << "ORDERED";
}

TEST_F(ModelTest, AnswersWhereNoUnitIs) {
  constexpr uint64_t kNowhere = uint64_t{5} << 48;
  EXPECT_EQ(SenseOf(0, "28 00 00 00 00 00 00 00 01 00", {}, kNowhere), kNoSuchUnit);
  EXPECT_EQ(Do(0, "12 00 00 00 24 00", {}, kNowhere).data_in.front(), 0x7f);
  EXPECT_EQ(Do(0, "a0 00 00 00 00 00 00 00 00 ff 00 00", {}, kNowhere).data_in.size(), 16u);
}

}  // namespace
}  // namespace pushpull::conformance::model
