// UNMAP, WRITE SAME, GET LBA STATUS, and what units say of their provisioning.

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

struct Range {
  uint64_t lba;
  uint32_t blocks;
};

std::vector<uint8_t> UnmapList(const std::vector<Range>& ranges) {
  std::vector<uint8_t> list(8 + 16 * ranges.size(), 0);
  base::StoreBe16(&list[0], static_cast<uint16_t>(list.size() - 2));
  base::StoreBe16(&list[2], static_cast<uint16_t>(list.size() - 8));
  for (size_t i = 0; i < ranges.size(); ++i) {
    base::StoreBe64(&list[8 + 16 * i], ranges[i].lba);
    base::StoreBe32(&list[16 + 16 * i], ranges[i].blocks);
  }
  return list;
}

class ProvisioningTest : public testing::Test {
 protected:
  Answer Unmap(std::vector<uint8_t> list, uint64_t lun = 0) {
    std::vector<uint8_t> cdb = FromHex("42 00 00 00 00 00 00 00 00 00");
    base::StoreBe16(&cdb[7], static_cast<uint16_t>(list.size()));
    return Do(cdb, std::move(list), lun);
  }
  Answer Do(const std::vector<uint8_t>& cdb, std::vector<uint8_t> data = {}, uint64_t lun = 0) {
    CommandOptions options;
    options.lun = lun << 48;
    options.data_out = std::move(data);
    return bench_.Do(nexus_, cdb, options);
  }
  Answer Do(const char* cdb, std::vector<uint8_t> data = {}, uint64_t lun = 0) {
    return Do(FromHex(cdb), std::move(data), lun);
  }
  // Blocks 0 to `blocks` hold `value`.
  void Fill(uint8_t blocks, uint8_t value) {
    std::vector<uint8_t> cdb = FromHex("2a 00 00 00 00 00 00 00 00 00");
    cdb[8] = blocks;
    ASSERT_EQ(Do(cdb, std::vector<uint8_t>(blocks * size_t{512}, value)).Summary(), "GOOD");
  }
  // One letter a block of the first ones: "a" for all 1, "-" for zeros, "?" for what is mixed.
  std::string Map(uint8_t blocks) {
    std::vector<uint8_t> cdb = FromHex("28 00 00 00 00 00 00 00 00 00");
    cdb[8] = blocks;
    const Answer answer = Do(cdb);
    std::string map;
    for (size_t at = 0; at + 512 <= answer.data.size(); at += 512) {
      const uint8_t first = answer.data[at];
      const bool same = std::all_of(&answer.data[at], &answer.data[at] + 512,
                                    [&](uint8_t byte) { return byte == first; });
      map += !same ? '?' : first == 0 ? '-' : static_cast<char>('a' + first - 1);
    }
    return map;
  }
  std::string LbaStatus(const char* lba_and_room) {
    return base::Hex(Do(FromHex(std::string("9e 12 ") + lba_and_room + " 00 00")).data);
  }

  Bench bench_{{{0, "ram:1M"}, {1, "pattern:1M"}, {2, "null:1T"}, {3, "ram:1M", 512, true}}};
  Nexus* nexus_ = bench_.Open();
};

TEST_F(ProvisioningTest, UnmapsWhatIsListed) {
  Fill(16, 1);
  EXPECT_EQ(Unmap(UnmapList({{2, 3}, {9, 0}, {10, 1}, {3, 4}})).Summary(), "GOOD");
  EXPECT_EQ(Map(16), "aa-----aaa-aaaaa");
  EXPECT_EQ(Unmap(UnmapList({})).Summary(), "GOOD");
  EXPECT_EQ(Unmap({}).Summary(), "GOOD");
  EXPECT_EQ(Unmap(UnmapList({{0, 2048}})).Summary(), "GOOD") << "the whole unit";
  EXPECT_EQ(Map(16), std::string(16, '-'));
}

TEST_F(ProvisioningTest, ListsThatAreWrongUnmapNothing) {
  Fill(8, 1);
  const std::string beyond = "5/21/00";
  EXPECT_EQ(Unmap(UnmapList({{0, 1}, {2047, 2}})).Summary(), beyond);
  EXPECT_EQ(Unmap(UnmapList({{0, 1}, {UINT64_MAX, 2}})).Summary(), beyond);
  EXPECT_EQ(Unmap(UnmapList({{0, 1}, {2049, 0}})).Summary(), beyond);
  EXPECT_EQ(Unmap(UnmapList({{0, 1}, {2048, 0}})).Summary(), "GOOD");
  EXPECT_EQ(Unmap(std::vector<uint8_t>(7)).Summary(), "5/1a/00");
  EXPECT_EQ(Unmap(UnmapList(std::vector<Range>(257, {0, 1}))).Summary(), "5/26/00 list 2");
  EXPECT_EQ(Unmap(UnmapList(std::vector<Range>(256, {0, 1}))).Summary(), "GOOD");
  EXPECT_EQ(Map(8), "-aaaaaaa");
  EXPECT_EQ(Do("42 01 00 00 00 00 00 00 00 00").Summary(), "5/24/00 cdb 1.0") << "ANCHOR";
}

TEST_F(ProvisioningTest, TotalOfBlocksHasALimit) {
  const std::vector<Range> most = {{0, 0x40000}, {0x50000, 0x40000}};
  EXPECT_EQ(Unmap(UnmapList(most), 2).Summary(), "GOOD");
  EXPECT_EQ(Unmap(UnmapList({most[0], most[1], {0, 1}}), 2).Summary(), "5/26/00 list 48");
  EXPECT_EQ(Unmap(UnmapList({{0, 0x7fffffff}}), 2).Summary(), "5/26/00 list 16");
}

TEST_F(ProvisioningTest, DescriptorsThatAreNotThereAreIgnored) {
  Fill(8, 1);
  std::vector<uint8_t> list = UnmapList({{0, 1}, {2, 1}});
  base::StoreBe16(&list[2], 31);  // the second isn't whole
  EXPECT_EQ(Unmap(list).Summary(), "GOOD");
  EXPECT_EQ(Map(4), "-aaa");
  base::StoreBe16(&list[2], 320);  // more than came
  EXPECT_EQ(Unmap(list).Summary(), "GOOD");
  EXPECT_EQ(Map(4), "-a-a");
  // Less data came than the CDB says.
  list = UnmapList({{4, 1}, {5, 1}});
  list.resize(24);
  EXPECT_EQ(Do("42 00 00 00 00 00 00 00 28 00", list).Summary(), "GOOD");
  EXPECT_EQ(Map(8), "-a-a-aaa");
}

TEST_F(ProvisioningTest, UnitsThatCannotSaySo) {
  // pattern: neither commands nor promises.
  EXPECT_EQ(Unmap(UnmapList({{0, 1}}), 1).Summary(), "5/20/00");
  EXPECT_EQ(Do("9e 12 00 00 00 00 00 00 00 00 00 00 00 20 00 00", {}, 1).Summary(),
            "5/24/00 cdb 1.4");
  EXPECT_EQ(Do("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", {}, 1).data[14], 0);
  EXPECT_EQ(base::Hex(Do("12 01 b2 00 ff 00", {}, 1).data), "00b2000400000000");
  EXPECT_EQ(base::Hex(base::Bytes(Do("12 01 b0 00 ff 00", {}, 1).data).subspan(20, 16)),
            std::string(32, '0'));
  EXPECT_EQ(base::Hex(Do("a3 0c 01 42 00 00 00 00 00 ff 00 00", {}, 1).data), "00010000");
  EXPECT_EQ(base::Hex(Do("a3 0c 02 9e 00 12 00 00 00 ff 00 00", {}, 1).data), "00010000");
  EXPECT_EQ(Do("41 08 00 00 00 00 00 00 01 00", {}, 1).Summary(), "5/24/00 cdb 1.3");
  EXPECT_EQ(Do("41 00 00 00 00 00 00 00 01 00", {}, 1).Summary(), "7/27/00");
  // A write-protected ram: is thin all the same.
  EXPECT_EQ(Unmap(UnmapList({{0, 1}}), 3).Summary(), "7/27/00");
  EXPECT_EQ(Do("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", {}, 3).data[14], 0xc0);
}

TEST_F(ProvisioningTest, WriteSameWritesItsBlockManyTimes) {
  Fill(8, 1);
  const std::vector<uint8_t> block(512, 2);
  const Answer answer = Do("41 00 00 00 00 02 00 00 03 00", block);
  EXPECT_EQ(answer.Summary(), "GOOD");
  EXPECT_EQ(answer.transfer_bytes, 512u);
  EXPECT_EQ(Map(8), "aabbbaaa");
  EXPECT_EQ(Do("93 00 00 00 00 00 00 00 00 06 00 00 00 01 00 00", block).Summary(), "GOOD");
  EXPECT_EQ(Map(8), "aabbbaba");
  // More than a piece of memory: 600 KiB.
  EXPECT_EQ(Do("93 00 00 00 00 00 00 00 00 01 00 00 04 b0 00 00", block).Summary(), "GOOD");
  EXPECT_EQ(Map(200), "a" + std::string(199, 'b'));
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 00 00 00 00 00 28"),
            "000000240000000000000000000000000000"
            "04b10000000000000000000004b10000034f01000000");
}

TEST_F(ProvisioningTest, WriteSameOfNoBlocksGoesToTheEnd) {
  Fill(8, 1);
  EXPECT_EQ(Do("41 00 00 00 00 04 00 00 00 00", std::vector<uint8_t>(512, 3)).Summary(), "GOOD");
  EXPECT_EQ(Map(8), "aaaacccc");
  const Answer at_end = Do("41 00 00 00 08 00 00 00 00 00", {});
  EXPECT_EQ(at_end.Summary(), "GOOD");
  EXPECT_EQ(at_end.transfer_bytes, 0u);
  EXPECT_EQ(Do("41 00 00 00 00 00 00 00 00 00", {}, 2).Summary(), "5/24/00 cdb 7") << "1 TiB";
  EXPECT_EQ(Do("93 00 00 00 00 00 00 00 00 00 00 00 40 01 00 00", {}, 2).Summary(),
            "5/24/00 cdb 10");
  EXPECT_EQ(Do("93 01 00 00 00 00 00 00 00 00 00 00 40 00 00 00", {}, 2).Summary(), "GOOD");
}

TEST_F(ProvisioningTest, WriteSameUnmapsZerosAlone) {
  Fill(16, 1);
  EXPECT_EQ(Do("41 08 00 00 00 02 00 00 02 00", std::vector<uint8_t>(512, 0)).Summary(), "GOOD");
  EXPECT_EQ(
      Do("93 08 00 00 00 00 00 00 00 05 00 00 00 02 00 00", std::vector<uint8_t>(512, 4)).Summary(),
      "GOOD");
  // No data: zeros. Unmapped, and written.
  const Answer none = Do("93 09 00 00 00 00 00 00 00 08 00 00 00 01 00 00");
  EXPECT_EQ(none.Summary(), "GOOD");
  EXPECT_EQ(none.direction, DataDirection::kNone);
  EXPECT_EQ(Do("93 01 00 00 00 00 00 00 00 0a 00 00 00 01 00 00").Summary(), "GOOD");
  EXPECT_EQ(Map(16), "aa--adda-a-aaaaa");
  // Blocks 2, 3 and 8 have no space; block 10 has.
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 00 00 00 00 00 68"),
            "0000006400000000"
            "00000000000000000000000200000000"
            "00000000000000020000000201000000"
            "00000000000000040000000400000000"
            "00000000000000080000000101000000"
            "00000000000000090000000700000000"
            "0000000000000010000007f001000000");
  EXPECT_EQ(Do("41 10 00 00 00 00 00 00 01 00").Summary(), "5/24/00 cdb 1.4") << "ANCHOR";
  EXPECT_EQ(Do("41 01 00 00 00 00 00 00 01 00").Summary(), "5/24/00 cdb 1.0") << "NDOB is (16)'s";
}

TEST_F(ProvisioningTest, WriteSameWithoutItsBlockWritesNothing) {
  Fill(4, 1);
  EXPECT_EQ(Do("41 00 00 00 00 00 00 00 02 00", std::vector<uint8_t>(511, 9)).Summary(), "GOOD");
  EXPECT_EQ(Map(4), "aaaa");
}

// What a command does of its own goes by slices: a loop that serves others isn't held up.
TEST(SlicesTest, LetOthersInBetween) {
  const struct {
    const char* cdb;
    std::vector<uint8_t> data;
    const char* what;
  } kCases[] = {
      {"93 00 00 00 00 00 00 00 00 00 00 00 40 00 00 00", std::vector<uint8_t>(512, 1), "writes"},
      {"93 08 00 00 00 00 00 00 00 00 00 00 40 00 00 00", std::vector<uint8_t>(512), "unmaps"},
      {"42 00 00 00 00 00 00 00 28 00", UnmapList({{0, 4096}, {4096, 16384 - 4096}}), "UNMAP"},
  };
  for (const auto& c : kCases) {
    Bench bench({{0, "ram:64M"}});
    Nexus* nexus = bench.Open();
    CommandOptions fill;
    fill.data_out = std::vector<uint8_t>(512, 2);
    ASSERT_EQ(bench.Do(nexus, "41 00 00 00 00 00 00 40 00 00", fill).Summary(), "GOOD") << c.what;
    CommandOptions options;
    options.data_out = c.data;
    const auto slow = bench.Start(nexus, FromHex(c.cdb), options);
    EXPECT_FALSE(slow->ended()) << c.what << ": all of it at once";
    EXPECT_EQ(bench.Do(nexus, "28 00 00 00 00 00 00 00 01 00").Summary(), "GOOD");
    EXPECT_FALSE(slow->ended()) << c.what << ": before a read of the same loop";
    bench.world().RunUntil([&] { return slow->ended(); });
    EXPECT_EQ(slow->answer().Summary(), "GOOD");
    const uint8_t left = c.data.size() == 512 ? c.data[0] : 0;
    for (const char* read : {"28 00 00 00 00 00 00 00 01 00", "28 00 00 00 3f ff 00 00 01 00"}) {
      EXPECT_EQ(bench.Do(nexus, read).data, std::vector<uint8_t>(512, left)) << c.what;
    }
    EXPECT_EQ(bench.Do(nexus, "28 00 00 00 40 00 00 00 01 00").data, std::vector<uint8_t>(512))
        << c.what << ": what is behind it";
  }
}

TEST(SlicesTest, EndWhenTheTaskIsAborted) {
  Bench bench({{0, "ram:64M"}});
  Nexus* nexus = bench.Open();
  CommandOptions options;
  options.data_out = std::vector<uint8_t>(512, 1);
  const auto slow =
      bench.Start(nexus, FromHex("93 00 00 00 00 00 00 00 00 00 00 00 40 00 00 00"), options);
  bench.server().Abort(&slow->task());
  bench.world().RunUntil([&] { return slow->ended(); });
  EXPECT_TRUE(slow->answer().aborted);
  EXPECT_EQ(bench.Do(nexus, "28 00 00 00 3f ff 00 00 01 00").data[0], 0);
}

TEST_F(ProvisioningTest, LbaStatusIsCutToTheRoom) {
  Fill(4, 1);
  ASSERT_EQ(Unmap(UnmapList({{1, 1}})).Summary(), "GOOD");
  const std::string first = "00000000000000000000000100000000";
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 00 00 00 00 00 18"), "0000001400000000" + first);
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 00 00 00 00 00 27"), "0000001400000000" + first);
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 00 00 00 00 00 0c"), "000000140000000000000000");
  EXPECT_EQ(LbaStatus("00 00 00 00 00 00 07 ff 00 00 00 ff"),
            "000000140000000000000000000007ff0000000101000000");
  EXPECT_EQ(Do("9e 12 00 00 00 00 00 00 08 00 00 00 00 20 00 00").Summary(), "5/21/00");
  EXPECT_EQ(Do("9e 12 00 00 00 00 00 00 00 00 00 00 00 20 01 00").Summary(), "5/24/00 cdb 14.0");
  // 2^31 blocks in one run.
  EXPECT_EQ(base::Hex(Do("9e 12 00 00 00 00 00 00 00 01 00 00 00 ff 00 00", {}, 2).data),
            "000000140000000000000000000000017fffffff01000000");
}

TEST_F(ProvisioningTest, StoppedUnitsRefuse) {
  ASSERT_EQ(Do("1b 00 00 00 00 00").Summary(), "GOOD");
  EXPECT_EQ(Unmap(UnmapList({{0, 1}})).Summary(), "2/04/02");
  EXPECT_EQ(Do("41 00 00 00 00 00 00 00 01 00").Summary(), "2/04/02");
  EXPECT_EQ(Do("9e 12 00 00 00 00 00 00 00 00 00 00 00 20 00 00").Summary(), "2/04/02");
}

}  // namespace
}  // namespace pushpull::target
