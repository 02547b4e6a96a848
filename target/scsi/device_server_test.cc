// What is there, unit attentions, the order of tasks.

#include "target/scsi/device_server.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/scsi/nexus.h"
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

CommandOptions With(TaskAttribute attribute) {
  CommandOptions options;
  options.attribute = attribute;
  return options;
}

// ---- LUNs ------------------------------------------------------------------------------------

TEST(LunTest, BothAddressingMethodsAreUnderstood) {
  EXPECT_EQ(EncodeLun(0), 0u);
  EXPECT_EQ(EncodeLun(255), 0x00ff'0000'0000'0000u);
  EXPECT_EQ(EncodeLun(256), 0x4100'0000'0000'0000u);
  for (const uint16_t number : {0, 1, 255, 256, 0x3fff}) {
    EXPECT_EQ(DecodeLun(EncodeLun(number)), number);
    EXPECT_EQ(DecodeLun(0x4000'0000'0000'0000 | uint64_t{number} << 48), number);
  }
  for (const uint64_t lun : {uint64_t{0x0100'0000'0000'0000}, uint64_t{0x8000'0000'0000'0000},
                             kReportLunsWellKnownLun, uint64_t{1}, uint64_t{1} << 32}) {
    EXPECT_FALSE(DecodeLun(lun).has_value()) << std::hex << lun;
  }
}

TEST(CreateTest, RefusesOptionsThatContradict) {
  const auto create = [](std::vector<LogicalUnitOptions> units) {
    return std::string(
        DeviceServer::Create({kBenchTarget, {}}, std::move(units)).status().message());
  };
  const auto store = [](uint64_t bytes) { return std::make_shared<NullStore>(bytes); };
  EXPECT_EQ(create({{0, "", 512, false, store(512)}}), "");
  EXPECT_EQ(create({{3, "", 512, false, store(512)}, {3, "", 512, false, store(512)}}),
            "two logical units have the number 3");
  EXPECT_NE(create({{0, "", 520, false, store(5200)}}).find("use 512 or 4096"), std::string::npos);
  EXPECT_NE(create({{0, "", 4096, false, store(512)}}).find("multiple of the block size"),
            std::string::npos);
  EXPECT_NE(create({{0, "", 512, false, store(0)}}).find("not 0"), std::string::npos);
  EXPECT_NE(create({{0, "", 512, false, nullptr}}).find("no store"), std::string::npos);
  EXPECT_NE(create({{0x4000, "", 512, false, store(512)}}).find("16383"), std::string::npos);
  EXPECT_NE(create({{0, "a b", 512, false, store(512)}}).find("serial"), std::string::npos);
}

// ---- unit attentions -------------------------------------------------------------------------

TEST(UnitAttentionTest, EachUnitTellsANewNexusOnce) {
  Bench bench({{0, "ram:1M"}, {1, "ram:1M"}});
  Nexus* nexus = bench.Open("iqn.a", /*fresh=*/true);
  EXPECT_EQ(bench.Do(nexus, "12 00 00 00 24 00").Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, "a0 00 00 00 00 00 00 00 00 10 00 00").Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, kRead).Summary(), "6/29/00");
  EXPECT_EQ(bench.Do(nexus, kRead).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, "c1 00 00 00 00 00", On(1)).Summary(), "6/29/00");
  EXPECT_EQ(bench.Do(nexus, kTur, On(1)).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, kTur, On(5)).Summary(), "5/25/00");
}

// A login costs the same with one unit and with 16,384.
TEST(UnitAttentionTest, AUnitKnowsWhoUsedItAlone) {
  Bench bench({{0, "ram:1M"}, {1, "ram:1M"}, {2, "ram:1M"}});
  Nexus* one = bench.Open("iqn.2026-11.org.example:one");
  Nexus* two = bench.Open("iqn.2026-11.org.example:two", /*fresh=*/true);
  EXPECT_TRUE(two->known_to().empty());
  EXPECT_EQ(bench.Do(two, "12 00 00 00 60 00", On(1)).Summary(), "GOOD");
  EXPECT_EQ(two->known_to().size(), 1u);
  // What is to be told behind the first one.
  CommandOptions options = On(2);
  options.data_out = FromHex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00");
  EXPECT_EQ(bench.Do(one, "15 10 00 00 10 00", options).Summary(), "GOOD");
  EXPECT_EQ(two->known_to().size(), 2u);
  for (const char* due : {"6/29/00", "6/2a/01", "GOOD"}) {
    EXPECT_EQ(bench.Do(two, kTur, On(2)).Summary(), due);
  }
  // To whom it is pending that all was reset, another reset needs not be told.
  bool done = false;
  bench.server().ManageTasks(one, TaskManagement::kTargetReset, 0, {},
                             [&](TaskManagementResult) { done = true; });
  bench.world().RunUntil([&] { return done; });
  EXPECT_EQ(two->known_to().size(), 2u);
  EXPECT_EQ(bench.Do(two, kTur, On(0)).Summary(), "6/29/00");
  EXPECT_EQ(bench.Do(two, kTur, On(1)).Summary(), "6/29/00");
  EXPECT_EQ(bench.Do(two, kTur, On(2)).Summary(), "6/29/03");
}

// Who was there before isn't told of power: a reset says more.
TEST(UnitAttentionTest, AResetIsToldToWhoLostItsNexusToo) {
  Bench bench;
  Nexus* one = bench.Open("iqn.2026-11.org.example:one");
  bench.Close(bench.Open("iqn.2026-11.org.example:two"));
  Nexus* two = bench.Open("iqn.2026-11.org.example:two", /*fresh=*/true);
  bool done = false;
  bench.server().ManageTasks(one, TaskManagement::kLogicalUnitReset, 0, {},
                             [&](TaskManagementResult) { done = true; });
  bench.world().RunUntil([&] { return done; });
  EXPECT_EQ(bench.Do(two, kTur).Summary(), "6/29/03");
  EXPECT_EQ(bench.Do(two, kTur).Summary(), "GOOD");
}

TEST(UnitAttentionTest, RequestSenseTakesIt) {
  Bench bench;
  Nexus* nexus = bench.Open("iqn.a", /*fresh=*/true);
  const Answer answer = bench.Do(nexus, "03 01 00 00 fc 00");
  EXPECT_EQ(answer.Summary(), "GOOD");
  EXPECT_EQ(answer.data, FromHex("72 06 29 00 00 00 00 00"));
  EXPECT_EQ(bench.Do(nexus, kTur).Summary(), "GOOD");
}

TEST(UnitAttentionTest, ANexusThatComesBackIsToldOfItsLoss) {
  Bench bench;
  bench.Close(bench.Open("iqn.a", true));
  EXPECT_EQ(bench.Do(bench.Open("iqn.b", true), kTur).Summary(), "6/29/00");
  EXPECT_EQ(bench.Do(bench.Open("iqn.a", true), kTur).Summary(), "6/29/07");
  // Reinstatement: the old session still is being closed.
  EXPECT_EQ(bench.Do(bench.Open("iqn.a", true), kTur).Summary(), "6/29/07");
}

TEST(UnitAttentionTest, WhatTheTransportReportsComesOnce) {
  Bench bench;
  Nexus* nexus = bench.Open();
  bench.server().EstablishUnitAttention(nexus, 0, sense::kCommandsClearedByIscsi);
  bench.server().EstablishUnitAttention(nexus, 0, sense::kCommandsClearedByIscsi);
  bench.server().EstablishUnitAttention(nexus, uint64_t{9} << 48, sense::kCommandsClearedByIscsi);
  EXPECT_EQ(bench.Do(nexus, kTur).Summary(), "6/47/7f");
  EXPECT_EQ(bench.Do(nexus, kTur).Summary(), "GOOD");
}

TEST(UnitAttentionTest, ReportLunsClearsWhatItAnswers) {
  Bench bench;
  Nexus* nexus = bench.Open();
  bench.server().EstablishUnitAttention(nexus, 0, sense::kReportedLunsDataChanged);
  bench.Do(nexus, "a0 00 00 00 00 00 00 00 00 10 00 00");
  EXPECT_EQ(bench.Do(nexus, kTur).Summary(), "GOOD");
}

TEST(ModeSelectTest, ChangesForAllAndTellsTheOthers) {
  Bench bench;
  Nexus* one = bench.Open("iqn.one");
  Nexus* two = bench.Open("iqn.two");
  CommandOptions options;
  options.data_out = FromHex("00 00 00 00  0a 0a 06 10 08 00 00 00 ff ff 00 00");
  EXPECT_EQ(bench.Do(one, "15 10 00 00 10 00", options).Summary(), "GOOD");
  const Answer told = bench.Do(two, kTur);
  EXPECT_EQ(told.sense, "6/2a/01");
  EXPECT_EQ(told.sense_data, FromHex("72 06 2a 01 00 00 00 00")) << "D_SENSE";
  EXPECT_EQ(bench.Do(one, kTur).Summary(), "GOOD");
  const Answer bad = bench.Do(one, "12 00 80 00 60 00");
  EXPECT_EQ(bad.sense_data, FromHex("72 05 24 00 00 00 00 08  02 06 00 00 c0 00 02 00"));
  CommandOptions block;
  block.data_out.assign(512, 1);
  EXPECT_EQ(bench.Do(one, kWrite, block).sense, "7/27/00") << "SWP";
  EXPECT_EQ(bench.Do(one, "1a 08 0a 00 ff 00").data,
            FromHex("0f 00 90 00  0a 0a 06 10 08 00 00 00 ff ff 00 00"));
  EXPECT_EQ(bench.Do(one, "15 10 00 00 10 00", options).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(two, kTur).Summary(), "GOOD") << "nothing changed";
}

TEST(StartStopUnitTest, AStoppedUnitIsNotReadyForAnybody) {
  Bench bench;
  Nexus* one = bench.Open("iqn.one");
  Nexus* two = bench.Open("iqn.two");
  for (const char* stop : {"1b 00 00 00 00 00", "1b 00 00 00 04 00"}) {
    EXPECT_EQ(bench.Do(one, stop).Summary(), "GOOD");
    EXPECT_EQ(bench.Do(two, kTur).Summary(), "2/04/02");
    EXPECT_EQ(bench.Do(two, kRead).Summary(), "2/04/02");
    EXPECT_EQ(bench.Do(two, "12 00 00 00 24 00").Summary(), "GOOD");
    EXPECT_EQ(bench.Do(two, "03 00 00 00 12 00").data[2], 2);
    EXPECT_EQ(bench.Do(two, "1b 00 00 00 01 00").Summary(), "GOOD");
    EXPECT_EQ(bench.Do(one, kRead).Summary(), "GOOD");
  }
}

// ---- the order of tasks ----------------------------------------------------------------------

class OrderTest : public testing::Test {
 protected:
  // A command of one block that takes 10 ms once it runs.
  Command* Add(TaskAttribute attribute) {
    commands_.push_back(bench_.Start(nexus_, FromHex(kRead), With(attribute)));
    return commands_.back().get();
  }
  // After so many times 10 ms, which have ended: "110".
  std::string After(int steps) {
    bench_.world().RunFor(absl::Milliseconds(10) * steps);
    std::string ended;
    for (const auto& command : commands_) ended += command->ended() ? '1' : '0';
    return ended;
  }

  Bench bench_{{{0, "slow:10,ram:1M"}}};
  Nexus* nexus_ = bench_.Open();
  std::vector<std::unique_ptr<Command>> commands_;
};

TEST_F(OrderTest, SimpleTasksRunTogether) {
  for (int i = 0; i < 3; ++i) Add(TaskAttribute::kSimple);
  EXPECT_EQ(After(0), "000");
  EXPECT_EQ(After(1), "111");
}

TEST_F(OrderTest, OrderedWaitsForOlderAndLaterOnesWaitForIt) {
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kUntagged);
  Add(TaskAttribute::kOrdered);
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kOrdered);
  EXPECT_EQ(After(1), "110000");
  EXPECT_EQ(After(1), "111000");
  EXPECT_EQ(After(1), "111110");
  EXPECT_EQ(After(1), "111111");
}

TEST_F(OrderTest, HeadOfQueueRunsAtOnceAndHoldsTheOthers) {
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kOrdered);
  EXPECT_EQ(After(0), "00");
  bench_.world().RunFor(absl::Milliseconds(5));
  Add(TaskAttribute::kHeadOfQueue);
  Add(TaskAttribute::kSimple);
  bench_.world().RunFor(absl::Milliseconds(5));
  EXPECT_EQ(After(0), "1000");
  bench_.world().RunFor(absl::Milliseconds(5));
  EXPECT_EQ(After(0), "1010");
  EXPECT_EQ(After(1), "1110");
  EXPECT_EQ(After(1), "1111");
}

TEST_F(OrderTest, HeadOfQueueHoldsLaterSimpleOnes) {
  Add(TaskAttribute::kHeadOfQueue);
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kHeadOfQueue);
  EXPECT_EQ(After(1), "101");
  EXPECT_EQ(After(1), "111");
}

TEST_F(OrderTest, ATaskThatGathersItsDataHoldsAnOrderedOne) {
  Command write;
  ASSERT_TRUE(bench_.Prepare(&write, nexus_, FromHex(kWrite)));
  Add(TaskAttribute::kOrdered);
  EXPECT_EQ(After(100), "0");
  bench_.server().Fail(&write.task(), sense::kIncorrectAmountOfData);
  EXPECT_EQ(write.answer().Summary(), "b/0c/0d");
  EXPECT_EQ(After(1), "1");
}

TEST_F(OrderTest, TheOtherNexusWaitsToo) {
  Add(TaskAttribute::kOrdered);
  Nexus* other = bench_.Open("iqn.other", true);
  EXPECT_EQ(After(1), "1");
  Add(TaskAttribute::kOrdered);
  bench_.Do(other, "03 00 00 00 12 00");  // it waits, and takes the unit attention
  EXPECT_EQ(After(0), "11");
}

// A write whose data doesn't come: it has its place among the tasks of its own nexus.
TEST_F(OrderTest, WhoSendsNoDataHoldsNobodyElse) {
  Nexus* other = bench_.Open("iqn.other");
  Command ordered, urgent;
  for (auto& [write, attribute] : {std::pair(&ordered, TaskAttribute::kOrdered),
                                   std::pair(&urgent, TaskAttribute::kHeadOfQueue)}) {
    ASSERT_TRUE(bench_.Prepare(write, other, FromHex(kWrite), With(attribute)));
  }
  commands_.push_back(bench_.Start(other, FromHex(kRead)));
  Add(TaskAttribute::kSimple);
  Add(TaskAttribute::kOrdered);
  EXPECT_EQ(After(1), "010");
  EXPECT_EQ(After(1), "011");
  bench_.server().Fail(&urgent.task(), sense::kIncorrectAmountOfData);
  // Ready at last, it waits for what was ready before, and holds what comes later.
  Add(TaskAttribute::kSimple);
  bench_.Execute(&ordered);
  Add(TaskAttribute::kSimple);
  EXPECT_EQ(After(0), "01100");
  EXPECT_FALSE(ordered.ended());
  EXPECT_EQ(After(1), "01110");
  EXPECT_TRUE(ordered.ended());
  EXPECT_EQ(After(1), "11111");
}

TEST_F(OrderTest, AcaNeedsAnAca) {
  const auto command = bench_.Start(nexus_, FromHex(kTur), With(TaskAttribute::kAca));
  EXPECT_EQ(command->answer().Summary(), "5/49/00");
}

}  // namespace
}  // namespace pushpull::target
