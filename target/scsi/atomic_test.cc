// Commands that read and write their blocks as one, alone and while others are at the same blocks.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

constexpr char kRead1[] = "28 00 00 00 00 01 00 00 01 00";
constexpr char kWrite1[] = "2a 00 00 00 00 01 00 00 01 00";
constexpr char kCompare1[] = "89 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00";
constexpr char kOr1[] = "8b 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00";
constexpr char kAtomic1[] = "9c 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00";

std::vector<uint8_t> Blocks(std::vector<uint8_t> values) {
  std::vector<uint8_t> data;
  for (const uint8_t value : values) data.insert(data.end(), 512, value);
  return data;
}

CommandOptions Out(std::vector<uint8_t> data, TaskAttribute attribute = TaskAttribute::kSimple) {
  CommandOptions options;
  options.data_out = std::move(data);
  options.attribute = attribute;
  return options;
}

// ---- COMPARE AND WRITE (SBC-3 §5.3) ------------------------------------------------------------

TEST(CompareAndWriteTest, WritesWhatComparesEqual) {
  Bench bench;
  Nexus* nexus = bench.Open();
  const Answer answer = bench.Do(nexus, FromHex(kCompare1), Out(Blocks({0, 7})));
  EXPECT_EQ(answer.Summary(), "GOOD");
  EXPECT_EQ(answer.transfer_bytes, 1024u);
  EXPECT_EQ(bench.Do(nexus, kRead1).data, Blocks({7}));
  EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 00 03 00").data, Blocks({0, 7, 0}));
  bench.Do(nexus, FromHex("89 08 00 00 00 00 00 00 00 00 00 00 00 03 00 00"),
           Out(Blocks({0, 7, 0, 1, 2, 3})));
  EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 00 03 00").data, Blocks({1, 2, 3}));
}

TEST(CompareAndWriteTest, MiscompareTellsTheOffsetOfTheFirstByte) {
  Bench bench;
  Nexus* nexus = bench.Open();
  const char* kCompare3 = "89 00 00 00 00 00 00 00 00 00 00 00 00 03 00 00";
  for (const size_t offset : {0, 1, 511, 512, 1300, 1535}) {
    std::vector<uint8_t> data = Blocks({0, 0, 0, 9, 9, 9});
    data[offset] ^= 0x40;
    data[1535] ^= 0x01;
    const Answer answer = bench.Do(nexus, FromHex(kCompare3), Out(data));
    EXPECT_EQ(answer.Summary(), "e/1d/00");
    ASSERT_EQ(answer.sense_data.size(), 18u);
    EXPECT_EQ(answer.sense_data[0], 0xf0) << "VALID";
    EXPECT_EQ(base::LoadBe32(&answer.sense_data[3]), offset);
    EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 00 03 00").data, Blocks({0, 0, 0}));
  }
  // D_SENSE: the information descriptor.
  bench.Do(nexus, FromHex("15 10 00 00 10 00"),
           Out(FromHex("00 00 00 00  0a 0a 06 10 00 00 00 00 ff ff 00 00")));
  std::vector<uint8_t> data = Blocks({0, 9});
  data[300] = 1;
  const Answer answer = bench.Do(nexus, FromHex(kCompare1), Out(data));
  ASSERT_EQ(answer.sense_data.size(), 20u);
  EXPECT_EQ(base::LoadBe64(&answer.sense_data[12]), 300u);
}

TEST(CompareAndWriteTest, RefusesBadFields) {
  Bench bench({{0, "ram:1M"}, {1, "ram:1M", 512, true}});
  Nexus* nexus = bench.Open();
  const struct {
    const char* cdb;
    size_t blocks;
    const char* result;
    uint64_t lun = 0;
  } kCases[] = {
      {"89 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00", 0, "GOOD"},
      {"89 00 00 00 00 00 00 00 07 ff 00 00 00 02 00 00", 4, "5/21/00"},
      {"89 00 ff ff ff ff ff ff ff ff 00 00 00 02 00 00", 4, "5/21/00"},
      {"89 20 00 00 00 00 00 00 00 01 00 00 00 01 00 00", 2, "5/24/00 cdb 1.7"},
      {"89 00 00 00 00 00 00 00 00 01 00 00 01 01 00 00", 2, "5/24/00 cdb 12.0"},
      {"89 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00", 3, "5/24/00 cdb 13"},
      {"89 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00", 2, "7/27/00", uint64_t{1} << 48},
  };
  for (const auto& c : kCases) {
    CommandOptions options = Out(std::vector<uint8_t>(c.blocks * 512));
    options.lun = c.lun;
    EXPECT_EQ(bench.Do(nexus, FromHex(c.cdb), options).Summary(), c.result) << c.cdb;
  }
}

// ---- ORWRITE, WRITE ATOMIC, WRITE AND VERIFY ---------------------------------------------------

TEST(OrWriteTest, SetsBits) {
  Bench bench;
  Nexus* nexus = bench.Open();
  bench.Do(nexus, FromHex(kWrite1), Out(Blocks({0x81})));
  EXPECT_EQ(bench.Do(nexus, FromHex(kOr1), Out(Blocks({0x18}))).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 00 03 00").data, Blocks({0, 0x99, 0}));
  // 600 KiB: three chunks.
  bench.Do(nexus, FromHex("41 00 00 00 00 00 00 04 b0 00"), Out(Blocks({0x01})));
  std::vector<uint8_t> data(1200 * 512), due(1200 * 512);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<uint8_t>(i / 512 + i % 7 * 16);
    due[i] = data[i] | 1;
  }
  const auto cdb = FromHex("8b 08 00 00 00 00 00 00 00 00 00 00 04 b0 00 00");
  EXPECT_EQ(bench.Do(nexus, cdb, Out(data)).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 04 b0 00").data, due);
  EXPECT_EQ(bench.Do(nexus, FromHex(kOr1), Out({})).Summary(), "GOOD") << "nothing came";
  EXPECT_EQ(bench.Do(nexus, "8b 00 00 00 00 00 00 00 08 00 00 00 00 01 00 00").Summary(),
            "5/21/00");
}

TEST(WriteAtomicTest, WritesAllOrNothing) {
  Bench bench({{0, "ram:64M"}, {1, "null:1G"}});
  Nexus* nexus = bench.Open();
  EXPECT_EQ(bench.Do(nexus, FromHex(kAtomic1), Out(Blocks({5}))).Summary(), "GOOD");
  EXPECT_EQ(bench.Do(nexus, kRead1).data, Blocks({5}));
  const auto two = FromHex("9c 00 00 00 00 00 00 00 00 01 00 00 00 02 00 00");
  EXPECT_EQ(bench.Do(nexus, two, Out(Blocks({6}))).Summary(), "5/24/00 cdb 12");
  EXPECT_EQ(bench.Do(nexus, kRead1).data, Blocks({5}));
  EXPECT_EQ(bench.Do(nexus, "9c 00 00 00 00 00 00 00 00 01 00 00 40 01 00 00").Summary(),
            "5/24/00 cdb 12");
  EXPECT_EQ(bench.Do(nexus, "9c 00 00 00 00 00 00 00 00 01 00 08 00 01 00 00").Summary(),
            "5/24/00 cdb 11.3")
      << "no boundaries";
  CommandOptions other;
  other.lun = uint64_t{1} << 48;
  EXPECT_EQ(bench.Do(nexus, FromHex(kAtomic1), other).Summary(), "5/20/00") << "can't promise it";
}

TEST(WriteAndVerifyTest, WritesAndComparesInEverySize) {
  Bench bench;
  Nexus* nexus = bench.Open();
  const char* kCdbs[] = {"2e %s 00 00 00 01 00 00 02 00", "ae %s 00 00 00 01 00 00 00 02 00 00",
                         "8e %s 00 00 00 00 00 00 00 01 00 00 00 02 00 00"};
  uint8_t value = 0;
  for (const std::string cdb : kCdbs) {
    for (const char* flags : {"00", "02", "12"}) {
      std::string text = cdb;
      text.replace(text.find("%s"), 2, flags);
      ++value;
      EXPECT_EQ(bench.Do(nexus, FromHex(text), Out(Blocks({value, 9}))).Summary(), "GOOD") << text;
      EXPECT_EQ(bench.Do(nexus, kRead1).data, Blocks({value})) << text;
    }
  }
  EXPECT_EQ(bench.Do(nexus, "2e 04 00 00 00 01 00 00 02 00").Summary(), "5/24/00 cdb 1.2");
  EXPECT_EQ(bench.Do(nexus, "2e 00 00 00 08 00 00 00 01 00").Summary(), "5/21/00");
}

// ---- against others
// ------------------------------------------------------------------------------

class ExclusionTest : public testing::Test {
 protected:
  std::unique_ptr<Command> Start(Nexus* nexus, const char* cdb, std::vector<uint8_t> data = {},
                                 TaskAttribute attribute = TaskAttribute::kSimple) {
    return bench_.Start(nexus, FromHex(cdb), Out(std::move(data), attribute));
  }
  void Run(const Command& command) {
    bench_.world().RunUntil([&] { return command.ended(); });
  }

  Bench bench_{{{0, "slow:1000,ram:1M"}}};  // each I/O takes a second
  Nexus* a_ = bench_.Open("iqn.2026-11.org.example:a");
  Nexus* b_ = bench_.Open("iqn.2026-11.org.example:b");
};

TEST_F(ExclusionTest, OfTwoThatCompareOneWins) {
  for (int i = 0; i < 5; ++i) {
    bench_.Do(a_, FromHex(kWrite1), Out(Blocks({0})));
    const auto one = Start(a_, kCompare1, Blocks({0, 1}));
    const auto two = Start(b_, kCompare1, Blocks({0, 2}));
    Run(*one);
    Run(*two);
    EXPECT_EQ(one->answer().Summary(), "GOOD");
    EXPECT_EQ(two->answer().Summary(), "e/1d/00");
    EXPECT_EQ(bench_.Do(a_, kRead1).data, Blocks({1}));
  }
}

TEST_F(ExclusionTest, NoWriteComesBetween) {
  for (const char* exclusive : {kCompare1, kOr1}) {
    bench_.Do(a_, FromHex(kWrite1), Out(Blocks({0})));
    const bool compares = exclusive == kCompare1;
    const auto before = Start(b_, kWrite1, Blocks({0x10}));
    const auto one = Start(a_, exclusive, compares ? Blocks({0x10, 1}) : Blocks({1}));
    const auto read = Start(b_, kRead1);
    const auto after = Start(b_, kWrite1, Blocks({0x20}));
    const auto elsewhere = Start(b_, "2a 00 00 00 00 02 00 00 01 00", Blocks({3}));
    Run(*before);
    Run(*elsewhere);
    EXPECT_FALSE(one->ended());
    EXPECT_FALSE(read->ended()) << "it would see neither, or a part";
    Run(*one);
    EXPECT_EQ(one->answer().Summary(), "GOOD");
    EXPECT_FALSE(after->ended());
    Run(*read);
    EXPECT_EQ(read->answer().data, Blocks({static_cast<uint8_t>(compares ? 1 : 0x11)}));
    Run(*after);
    EXPECT_EQ(bench_.Do(a_, kRead1).data, Blocks({0x20}));
  }
}

TEST_F(ExclusionTest, HeadOfQueueWaitsForWhatRunsAlone) {
  const auto first = Start(a_, kWrite1, Blocks({4}));
  const auto waits = Start(a_, kCompare1, Blocks({4, 5}));
  const auto urgent =
      Start(b_, "2a 00 00 00 00 02 00 00 01 00", Blocks({6}), TaskAttribute::kHeadOfQueue);
  Run(*urgent);
  EXPECT_FALSE(waits->ended()) << "it is behind the HEAD OF QUEUE";
  Run(*waits);
  EXPECT_TRUE(first->ended());
  EXPECT_EQ(waits->answer().Summary(), "GOOD");
  const auto runs = Start(a_, kCompare1, Blocks({5, 7}));
  const auto after = Start(b_, kWrite1, Blocks({8}), TaskAttribute::kHeadOfQueue);
  Run(*runs);
  EXPECT_EQ(runs->answer().Summary(), "GOOD");
  EXPECT_FALSE(after->ended());
  Run(*after);
  EXPECT_EQ(bench_.Do(a_, kRead1).data, Blocks({8}));
}

TEST_F(ExclusionTest, OfOneThatIsAbortedNobodyWaits) {
  const auto runs = Start(a_, kCompare1, Blocks({0, 1}));
  const auto waits = Start(b_, kCompare1, Blocks({0, 2}));
  const auto write = Start(b_, kWrite1, Blocks({3}));
  bench_.server().Abort(&waits->task());
  bench_.server().Abort(&runs->task());
  Run(*write);
  EXPECT_EQ(runs->answer().Summary(), "aborted");
  EXPECT_EQ(waits->answer().Summary(), "aborted");
  EXPECT_EQ(bench_.Do(a_, kRead1).data, Blocks({3}));
}

TEST_F(ExclusionTest, WhatItsOwnTaskSetHoldsHoldsNobody) {
  const auto runs = Start(b_, kWrite1, Blocks({4}));
  const auto waits = Start(a_, kCompare1, Blocks({4, 5}));
  Command urgent;  // without its data
  ASSERT_TRUE(bench_.Prepare(&urgent, a_, FromHex("2a 00 00 00 00 02 00 00 01 00"),
                             Out(Blocks({6}), TaskAttribute::kHeadOfQueue)));
  Run(*runs);
  const auto read = Start(b_, kRead1);
  Run(*read);
  EXPECT_TRUE(read->ended());
  EXPECT_FALSE(waits->ended());
  bench_.Execute(&urgent);
  Run(*waits);
  EXPECT_EQ(waits->answer().Summary(), "GOOD");
}

TEST_F(ExclusionTest, WhatHasNotItsDataHoldsNobody) {
  Command prepared;
  ASSERT_TRUE(bench_.Prepare(&prepared, a_, FromHex(kCompare1), Out(Blocks({0, 1}))));
  const auto write = Start(b_, kWrite1, Blocks({3}));
  Run(*write);
  EXPECT_EQ(write->answer().Summary(), "GOOD");
  bench_.Execute(&prepared);
  Run(prepared);
  EXPECT_EQ(prepared.answer().Summary(), "e/1d/00");
}

}  // namespace
}  // namespace pushpull::target
