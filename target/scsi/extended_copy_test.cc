// EXTENDED COPY within a unit and between units, and what is told of it.

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"
#include "target/store/lun_spec.h"
#include "target/store/store.h"

namespace pushpull::target {
namespace {

struct Segment {
  uint16_t from = 0, to = 0;
  uint16_t blocks = 0;
  uint64_t from_lba = 0, to_lba = 0;
};

struct Fields {
  uint8_t list_id = 1;
  uint8_t usage = 0;
  std::vector<std::vector<uint8_t>> cscds;
  std::vector<Segment> segments;
};

std::vector<uint8_t> List(const Fields& fields) {
  std::vector<uint8_t> list(16);
  list[0] = fields.list_id;
  list[1] = static_cast<uint8_t>(fields.usage << 3);
  base::StoreBe16(&list[2], static_cast<uint16_t>(fields.cscds.size() * 32));
  base::StoreBe32(&list[8], static_cast<uint32_t>(fields.segments.size() * 28));
  for (const auto& cscd : fields.cscds) list.insert(list.end(), cscd.begin(), cscd.end());
  for (const Segment& one : fields.segments) {
    std::vector<uint8_t> segment(28);
    segment[0] = 0x02;
    segment[3] = 24;
    base::StoreBe16(&segment[4], one.from);
    base::StoreBe16(&segment[6], one.to);
    base::StoreBe16(&segment[10], one.blocks);
    base::StoreBe64(&segment[12], one.from_lba);
    base::StoreBe64(&segment[20], one.to_lba);
    list.insert(list.end(), segment.begin(), segment.end());
  }
  return list;
}

// LUNs 0 and 1 of 512-byte blocks, 2 of 4096-byte ones, 3 write-protected, 4 slow: a second an I/O.
class ExtendedCopyTest : public testing::Test {
 protected:
  static constexpr uint64_t Lun(uint64_t number) { return number << 48; }

  Answer Do(const std::vector<uint8_t>& cdb, std::vector<uint8_t> data = {}, uint64_t lun = 0) {
    CommandOptions options;
    options.lun = Lun(lun);
    options.data_out = std::move(data);
    return bench_.Do(nexus_, cdb, options);
  }

  // The unit's NAA designator.
  std::vector<uint8_t> Cscd(uint64_t lun) {
    const auto page = Do(FromHex("12 01 83 00 ff 00"), {}, lun).data;
    std::vector<uint8_t> cscd(32);
    cscd[0] = 0xe4;
    std::copy_n(page.begin() + 4, 12, cscd.begin() + 4);
    return cscd;
  }

  std::string Copy(const std::vector<uint8_t>& list) {
    std::vector<uint8_t> cdb(16);
    cdb[0] = 0x83;
    base::StoreBe32(&cdb[10], static_cast<uint32_t>(list.size()));
    return Do(cdb, list).Summary();
  }
  std::string CopyOne(const Segment& segment) {
    return Copy(List({1, 0, {Cscd(0), Cscd(1)}, {segment}}));
  }

  // Block i holds the byte `first` + i.
  void Fill(uint8_t blocks, uint8_t first) {
    for (uint8_t i = 0; i < blocks; ++i) {
      Do({0x0a, 0, 0, i, 1, 0}, std::vector<uint8_t>(512, static_cast<uint8_t>(first + i)));
    }
  }
  std::string Map(uint8_t blocks, uint64_t lun = 0) {
    const auto data = Do({0x08, 0, 0, 0, blocks, 0}, {}, lun).data;
    std::string map;
    for (size_t at = 0; at < data.size(); at += 512) map += data[at] == 0 ? '.' : char(data[at]);
    return map;
  }

  Bench bench_{{{0, "ram:8M"},
                {1, "ram:1M"},
                {2, "ram:1M", 4096},
                {3, "ram:1M", 512, true},
                {4, "slow:1000,ram:8M"}}};
  Nexus* nexus_ = bench_.Open("iqn.2026-11.org.example:a");
};

TEST_F(ExtendedCopyTest, CopiesBlocks) {
  Fill(4, 'a');
  EXPECT_EQ(CopyOne({0, 0, 2, 1, 6}), "GOOD");
  EXPECT_EQ(Map(8), "abcd..bc");
  EXPECT_EQ(CopyOne({0, 1, 3, 0, 2}), "GOOD");
  EXPECT_EQ(Map(6, 1), "..abc.");
  EXPECT_EQ(CopyOne({1, 0, 2, 3, 0}), "GOOD");
  EXPECT_EQ(Map(8), "bccd..bc");
  EXPECT_EQ(CopyOne({0, 0, 0, 0, 0}), "GOOD") << "nothing";
}

TEST_F(ExtendedCopyTest, CopiesWhatOverlaps) {
  Fill(6, 'a');
  EXPECT_EQ(CopyOne({0, 0, 4, 0, 1}), "GOOD");
  EXPECT_EQ(Map(6), "aabcdf");
  EXPECT_EQ(CopyOne({0, 0, 4, 2, 0}), "GOOD");
  EXPECT_EQ(Map(6), "bcdfdf");
  // In several chunks: each byte of 3 MiB moves up by a block.
  std::vector<uint8_t> data(6144 * 512);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i / 512 * 7 + i % 3);
  Do(FromHex("2a 00 00 00 00 00 00 18 00 00"), data);
  EXPECT_EQ(CopyOne({0, 0, 6144, 0, 1}), "GOOD");
  EXPECT_EQ(Do(FromHex("28 00 00 00 00 01 00 18 00 00")).data, data);
}

TEST_F(ExtendedCopyTest, RefusesBeforeItCopiesAnything) {
  Fill(1, 'a');
  const std::vector<uint8_t> zero = Cscd(0);
  auto other_type = zero, group = zero, null = zero, tape = zero, unknown = zero, block = zero;
  other_type[0] = 0xe0;
  group[1] = 0x40;
  null[1] = 0x20;
  tape[1] = 0x01;
  unknown[12] ^= 1;
  block[30] = 0x10;
  const Segment good{0, 0, 1, 0, 4};
  const struct {
    std::vector<uint8_t> list;
    const char* result;
  } kCases[] = {
      {List({1, 1, {zero}, {good}}), "5/26/00 list 1.4"},
      {List({1, 3, {zero}, {good}}), "5/26/00 list 0"},
      {List({1, 0, {other_type}, {good}}), "5/26/07"},
      {List({1, 0, {group}, {good}}), "5/26/00 list 17.7"},
      {List({1, 0, {null}, {good}}), "a/0d/02"},
      {List({1, 0, {tape}, {good}}), "5/26/00 list 17.4"},
      {List({1, 0, {unknown}, {good}}), "a/0d/02"},
      {List({1, 0, {block}, {good}}), "5/26/00 list 45"},
      {List({1, 0, {zero}, {good, {0, 1, 1, 0, 4}}}), "a/0d/02"},
      {List({1, 0, {zero}, {good, {0, 0, 2, 16383, 4}}}), "a/00/00"},
      {List({1, 0, {zero}, {good, {0, 0, 2, 0, UINT64_MAX}}}), "a/00/00"},
      {List({1, 0, {zero, Cscd(2)}, {good, {0, 1, 1, 0, 4}}}), "a/00/00"},
      {List({1, 0, {zero, Cscd(3)}, {good, {0, 1, 1, 0, 4}}}), "a/0d/01"},
      {List({1, 0, std::vector(17, zero), {good}}), "5/26/06"},
      {List({1, 0, {zero}, std::vector(17, good)}), "5/26/08"},
      {List({1, 0, std::vector(17, zero), std::vector(17, good)}), "5/1a/00"},
      {std::vector<uint8_t>(15), "5/1a/00"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Copy(c.list), c.result) << base::Hex(c.list);
  auto list = List({1, 0, {zero}, {good}});
  for (const size_t size : {17, 47, 48, 75}) {
    EXPECT_EQ(Copy({list.begin(), list.begin() + static_cast<int>(size)}), "5/1a/00") << size;
  }
  list[48] = 0x03;
  EXPECT_EQ(Copy(list), "5/26/09");
  list[48] = 0x02;
  list[51] = 23;
  EXPECT_EQ(Copy(list), "5/26/00 list 50");
  list[15] = 1;
  EXPECT_EQ(Copy(list), "5/26/0b");
  EXPECT_EQ(Copy(std::vector<uint8_t>()), "GOOD");
  EXPECT_EQ(Map(5), "a....");
}

TEST_F(ExtendedCopyTest, RespectsReservationsOfOtherUnits) {
  Nexus* other = bench_.Open("iqn.2026-11.org.example:b");
  CommandOptions options;
  options.lun = Lun(1);
  ASSERT_EQ(bench_.Do(other, FromHex("16 00 00 00 00 00"), options).Summary(), "GOOD");
  EXPECT_EQ(CopyOne({0, 1, 1, 0, 0}), "a/0d/01");
  EXPECT_EQ(CopyOne({1, 0, 1, 0, 0}), "a/0d/01");
  EXPECT_EQ(CopyOne({0, 0, 1, 0, 1}), "GOOD");
}

// Neither is read nor written: what is there is about to go.
TEST_F(ExtendedCopyTest, KeepsOffAnotherUnitThatIsSanitized) {
  Fill(1, 'a');
  ASSERT_EQ(Do(FromHex("48 82 00 00 00 00 00 00 00 00"), {}, 4).Summary(), "GOOD");
  EXPECT_EQ(Copy(List({1, 0, {Cscd(0), Cscd(4)}, {{0, 1, 1, 0, 0}}})), "a/0d/01");
  EXPECT_EQ(Copy(List({1, 0, {Cscd(0), Cscd(4)}, {{1, 0, 1, 0, 0}}})), "a/0d/01");
  bench_.world().RunFor(absl::Seconds(10));
  EXPECT_EQ(Copy(List({1, 0, {Cscd(0), Cscd(4)}, {{0, 1, 1, 0, 0}}})), "GOOD");
}

TEST_F(ExtendedCopyTest, EndsWhenAnotherUnitIsSanitizedMeanwhile) {
  CommandOptions options;
  options.data_out = List({1, 0, {Cscd(0), Cscd(4)}, {{0, 1, 8192, 0, 0}}});
  std::vector<uint8_t> cdb(16);
  cdb[0] = 0x83;
  base::StoreBe32(&cdb[10], static_cast<uint32_t>(options.data_out.size()));
  const auto copy = bench_.Start(nexus_, cdb, options);
  ASSERT_EQ(Do(FromHex("48 82 00 00 00 00 00 00 00 00"), {}, 4).Summary(), "GOOD");
  bench_.world().RunUntil([&] { return copy->ended(); });
  EXPECT_EQ(copy->answer().Summary(), "a/0d/01");
}

// A medium whose writes are slower than all else.
class LateWrites final : public Store {
 public:
  std::optional<absl::Status> Submit(Io* io) override {
    if (io->op != Io::Op::kWrite) return behind_->Submit(io);
    io->loop->StartTimer(absl::Seconds(1), [this, io] { FinishIo(io, *behind_->Submit(io)); });
    return std::nullopt;
  }
  uint64_t size_bytes() const override { return behind_->size_bytes(); }
  bool can_unmap() const override { return true; }

 private:
  std::unique_ptr<Store> behind_ = *MakeStore(*ParseLunSpec("ram:1M", 512));
};

// LUN 0 of 'c', LUN 1 of zeros on such a medium.
class CopyBesideTest : public testing::Test {
 protected:
  CopyBesideTest() {
    BenchUnit late;
    late.number = 1;
    late.store = std::make_shared<LateWrites>();
    bench_ = std::make_unique<Bench>(std::vector<BenchUnit>{{0, "ram:1M"}, late});
    one_ = bench_->Open("iqn.2026-11.org.example:a");
    two_ = bench_->Open("iqn.2026-11.org.example:b");
    CommandOptions write;
    write.data_out.assign(512, 'c');
    EXPECT_EQ(bench_->Do(one_, FromHex("0a 00 00 00 01 00"), write).Summary(), "GOOD");
  }

  std::vector<uint8_t> Cscd(uint64_t lun) {
    CommandOptions at;
    at.lun = lun << 48;
    const auto page = bench_->Do(one_, FromHex("12 01 83 00 ff 00"), at).data;
    std::vector<uint8_t> bytes(32);
    bytes[0] = 0xe4;
    std::copy_n(page.begin() + 4, 12, bytes.begin() + 4);
    return bytes;
  }
  // Block 0 of LUN 0 to block 0 of LUN 1.
  std::unique_ptr<Command> Copy() {
    CommandOptions options;
    options.data_out = List({1, 0, {Cscd(0), Cscd(1)}, {{0, 1, 1, 0, 0}}});
    std::vector<uint8_t> cdb = FromHex("83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    cdb[13] = static_cast<uint8_t>(options.data_out.size());
    return bench_->Start(one_, cdb, options);
  }
  // Of zeros, and of 'w' instead, at a block of LUN 1.
  std::unique_ptr<Command> CompareAndWrite(uint8_t lba = 0) {
    CommandOptions options;
    options.lun = uint64_t{1} << 48;
    options.data_out.resize(1024);
    std::fill(options.data_out.begin() + 512, options.data_out.end(), 'w');
    std::vector<uint8_t> cdb = FromHex("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00");
    cdb[9] = lba;
    return bench_->Start(two_, cdb, options);
  }
  void Run(const Command& command) {
    bench_->world().RunUntil([&] { return command.ended(); });
  }
  uint8_t Byte() {
    CommandOptions at;
    at.lun = uint64_t{1} << 48;
    return bench_->Do(two_, FromHex("08 00 00 00 01 00"), at).data.at(0);
  }

  std::unique_ptr<Bench> bench_;
  Nexus* one_ = nullptr;
  Nexus* two_ = nullptr;
};

// SBC-3 §5.3: between a comparison and its write nobody writes, from another unit neither.
TEST_F(CopyBesideTest, ACopyWaitsForACompareAndWrite) {
  const auto compare = CompareAndWrite();
  const auto copy = Copy();
  Run(*compare);
  EXPECT_FALSE(copy->ended());
  Run(*copy);
  EXPECT_EQ(compare->answer().Summary(), "GOOD");
  EXPECT_EQ(copy->answer().Summary(), "GOOD");
  EXPECT_EQ(Byte(), 'c') << "it was written over what had not been read";
}

TEST_F(CopyBesideTest, ACompareAndWriteWaitsForACopysWrite) {
  const auto copy = Copy();
  const auto compare = CompareAndWrite();
  Run(*copy);
  EXPECT_FALSE(compare->ended());
  Run(*compare);
  EXPECT_EQ(compare->answer().Summary(), "e/1d/00");
  EXPECT_EQ(Byte(), 'c');
}

TEST_F(CopyBesideTest, OtherBlocksAreFree) {
  const auto copy = Copy();
  const auto elsewhere = CompareAndWrite(1);
  const auto before = bench_->world().now();
  Run(*copy);
  Run(*elsewhere);
  EXPECT_EQ(bench_->world().now() - before, absl::Seconds(1)) << "one behind the other";
}

TEST_F(CopyBesideTest, ACopyThatWaitsCanBeAborted) {
  const auto compare = CompareAndWrite();
  const auto copy = Copy();
  bench_->server().Abort(&copy->task());
  Run(*copy);
  EXPECT_TRUE(copy->answer().aborted);
  Run(*compare);
  EXPECT_EQ(Byte(), 'w');
}

// What was copied before a sanitize operation began is gone when it has ended.
TEST(ExtendedCopyAndSanitizeTest, NoWriteComesAfterTheSanitizeOperation) {
  BenchUnit late;
  late.number = 1;
  late.store = std::make_shared<LateWrites>();
  Bench bench({{0, "ram:1M"}, late});
  Nexus* one = bench.Open("iqn.2026-11.org.example:a");
  Nexus* two = bench.Open("iqn.2026-11.org.example:b");
  CommandOptions write;
  write.data_out.assign(512, 'a');
  ASSERT_EQ(bench.Do(one, FromHex("0a 00 00 00 01 00"), write).Summary(), "GOOD");
  CommandOptions options;
  const auto cscd = [&](uint64_t lun) {
    CommandOptions at;
    at.lun = lun << 48;
    const auto page = bench.Do(one, FromHex("12 01 83 00 ff 00"), at).data;
    std::vector<uint8_t> bytes(32);
    bytes[0] = 0xe4;
    std::copy_n(page.begin() + 4, 12, bytes.begin() + 4);
    return bytes;
  };
  options.data_out = List({1, 0, {cscd(0), cscd(1)}, {{0, 1, 1, 0, 0}}});
  std::vector<uint8_t> cdb = FromHex("83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
  cdb[13] = static_cast<uint8_t>(options.data_out.size());
  const auto copy = bench.Start(one, cdb, options);
  CommandOptions at;
  at.lun = uint64_t{1} << 48;
  const auto sanitize = bench.Start(two, FromHex("48 02 00 00 00 00 00 00 00 00"), at);
  bench.world().RunUntil([&] { return sanitize->ended(); });
  EXPECT_TRUE(copy->ended()) << "it was waited for";
  EXPECT_EQ(copy->answer().Summary(), "GOOD");
  EXPECT_EQ(sanitize->answer().Summary(), "GOOD");
  bench.world().RunUntilIdle();
  EXPECT_EQ(bench.Do(two, FromHex("08 00 00 00 01 00"), at).data, std::vector<uint8_t>(512));
}

TEST_F(ExtendedCopyTest, EndsWhenTheUnitIsReservedMeanwhile) {
  CommandOptions options;
  options.data_out = List({1, 0, {Cscd(0), Cscd(4)}, {{0, 1, 8192, 0, 0}}});
  std::vector<uint8_t> cdb(16);
  cdb[0] = 0x83;
  base::StoreBe32(&cdb[10], static_cast<uint32_t>(options.data_out.size()));
  const auto copy = bench_.Start(nexus_, cdb, options);
  Nexus* other = bench_.Open("iqn.2026-11.org.example:b");
  CommandOptions reserve;
  reserve.lun = Lun(4);
  ASSERT_EQ(bench_.Do(other, FromHex("16 00 00 00 00 00"), reserve).Summary(), "GOOD");
  EXPECT_FALSE(copy->ended());
  bench_.world().RunUntil([&] { return copy->ended(); });
  EXPECT_EQ(copy->answer().Summary(), "a/0d/01");
}

TEST_F(ExtendedCopyTest, LetsOthersInBetween) {
  CommandOptions options;
  options.data_out = List({1, 0, {Cscd(0)}, {8, {0, 0, 8192, 0, 8192}}});  // 32 MiB
  std::vector<uint8_t> cdb(16);
  cdb[0] = 0x83;
  base::StoreBe32(&cdb[10], static_cast<uint32_t>(options.data_out.size()));
  const auto copy = bench_.Start(nexus_, cdb, options);
  EXPECT_FALSE(copy->ended()) << "all of it at once";
  EXPECT_EQ(Do(FromHex("28 00 00 00 00 00 00 00 01 00")).Summary(), "GOOD");
  EXPECT_FALSE(copy->ended()) << "before a read of the same loop";
  bench_.world().RunUntil([&] { return copy->ended(); });
  EXPECT_EQ(copy->answer().Summary(), "GOOD");
}

TEST_F(ExtendedCopyTest, ResultsAreThereForWhoCopied) {
  EXPECT_EQ(Do(FromHex("84 00 01 00 00 00 00 00 00 00 00 00 00 ff 00 00")).Summary(),
            "5/24/00 cdb 2");
  CopyOne({0, 0, 4, 0, 8});
  const auto status = FromHex("84 00 01 00 00 00 00 00 00 00 00 00 00 ff 00 00");
  EXPECT_EQ(base::Hex(Do(status).data), "000000080100010100000002");
  EXPECT_EQ(Do(status).Summary(), "5/24/00 cdb 2") << "it is told once (SPC-4 §6.24)";
  Copy(List({7, 2, {Cscd(0)}, {{0, 0, 1, 0, 8}}}));
  EXPECT_EQ(Do(FromHex("84 00 07 00 00 00 00 00 00 00 00 00 00 ff 00 00")).Summary(),
            "5/24/00 cdb 2")
      << "to be discarded";
  const auto parameters = Do(FromHex("84 03 00 00 00 00 00 00 00 00 00 00 00 ff 00 00")).data;
  EXPECT_EQ(base::Hex(parameters),
            "0000002a"
            "01000000"
            "0010"
            "0010"
            "000003c0"
            "01fffe00"
            "000000000000000000000000"
            "0000"
            "00ff"
            "ff"
            "09"
            "0000"
            "000000"
            "0202e4");
}

// SPC-4 §6.24: what makes an earlier result go.
TEST_F(ExtendedCopyTest, ResultsGo) {
  const auto status = FromHex("84 00 01 00 00 00 00 00 00 00 00 00 00 ff 00 00");
  Nexus* other = bench_.Open("iqn.2026-11.org.example:b");
  CopyOne({0, 0, 4, 0, 8});
  EXPECT_EQ(bench_.Do(other, status).Summary(), "5/24/00 cdb 2") << "another nexus has none";
  const Segment beyond{0, 0, 1, UINT64_MAX, 0};
  for (const auto& [usage, segment] : {std::pair(2, Segment{}), std::pair(0, beyond)}) {
    CopyOne({0, 0, 4, 0, 8});
    Copy(List({1, static_cast<uint8_t>(usage), {Cscd(0)}, {segment}}));
    EXPECT_EQ(Do(status).Summary(), "5/24/00 cdb 2")
        << "another copy has its name, usage " << usage;
  }
  CopyOne({0, 0, 4, 0, 8});
  bool done = false;
  bench_.server().ManageTasks(other, TaskManagement::kLogicalUnitReset, Lun(0), {},
                              [&](TaskManagementResult) { done = true; });
  bench_.world().RunUntil([&] { return done; });
  EXPECT_EQ(Do(FromHex("00 00 00 00 00 00")).Summary(), "6/29/03");
  EXPECT_EQ(Do(status).Summary(), "5/24/00 cdb 2") << "the unit was reset";
}

}  // namespace
}  // namespace pushpull::target
