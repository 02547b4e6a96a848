#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "target/scsi/testing/defect_rows.h"

namespace pushpull::target {
namespace {

constexpr char kInvalidField[] = "5/24/00";
constexpr char kReadBeyond[] = "28 00 00 00 08 00 00 00 01 00";

// Two descriptors: block 0, and block 2.
std::vector<uint8_t> UnmapList() {
  std::vector<uint8_t> list = FromHex("00 26 00 20 00 00 00 00");
  list.resize(40);
  list[19] = 1;
  list[31] = 2;
  list[35] = 1;
  return list;
}

Answer DoAs(Disk& disk, TaskAttribute attribute, const char* cdb) {
  CommandOptions options;
  options.attribute = attribute;
  return disk.bench.Do(disk.a, FromHex(cdb), options);
}

// The control page with D_SENSE or SWP, besides what can't be changed.
std::string SetControl(Disk& disk, uint8_t byte_2, uint8_t byte_4) {
  std::vector<uint8_t> list = FromHex("00 00 00 00 0a 0a 02 10 00 00 00 00 ff ff 00 00");
  list[6] |= byte_2;
  list[8] |= byte_4;
  return disk.Do("15 10 00 00 10 00", list).Summary();
}

const DefectRow kRows[] = {
    {Bug::kScsiCdb6LbaShifted,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("0a 00 00 02 01 00", Blocks(1, 7));
       return disk.Byte(1024) != 7;
     }},
    {Bug::kScsiCdb12LengthShort,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("aa 00 00 00 00 01 00 00 00 02 00 00", Blocks(2, 7));
       return disk.Byte(1024) != 7;
     }},
    {Bug::kScsiAddressWraps,
     [](BugSet bugs) {
       Disk disk(bugs);
       return disk.Do("88 00 ff ff ff ff ff ff ff ff 00 00 00 02 00 00").Summary() != "5/21/00";
     }},
    {Bug::kScsiAddressCut,
     [](BugSet bugs) {
       Disk disk(bugs);
       return disk.Do("88 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00").Summary() != "5/21/00";
     }},
    {Bug::kScsiLunsShareBlocks,
     [](BugSet bugs) {
       Bench bench({{0, "ram:1M"}, {1, "ram:1M"}}, 1, bugs);
       Nexus* const nexus = bench.Open("iqn.2026-11.org.example:a");
       CommandOptions options;
       options.data_out = Blocks(1, 7);
       bench.Do(nexus, FromHex("2a 00 00 00 00 00 00 00 01 00"), options);
       CommandOptions other;
       other.lun = uint64_t{1} << 48;
       return bench.Do(nexus, FromHex("28 00 00 00 00 00 00 00 01 00"), other).data.at(0) == 7;
     }},
    {Bug::kScsiWritesForgotten,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("2a 00 00 00 00 02 00 00 01 00", Blocks(1, 7));
       return disk.Byte(1024) != 7;
     }},
    {Bug::kScsiWriteSameOneMore,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("41 00 00 00 00 00 00 00 02 00", Blocks(1, 7));
       return disk.Byte(1024) != 0;
     }},
    {Bug::kScsiWriteOfNothingRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("2a 00 00 00 00 00 00 00 00 00").Summary() != "GOOD";
     }},
    {Bug::kScsiVerifyTakesData,
     [](BugSet bugs) {
       return Disk(bugs).Do("2f 00 00 00 00 00 00 00 02 00").transfer_bytes != 0;
     }},
    {Bug::kScsiVerifyFirstBlockOnly,
     [](BugSet bugs) {
       Disk disk(bugs);
       std::vector<uint8_t> data = Blocks(2, 0);
       data[600] = 1;
       return disk.Do("2f 02 00 00 00 00 00 00 02 00", data).Summary() == "GOOD";
     }},
    {Bug::kScsiCompareFirstBlockOnly,
     [](BugSet bugs) {
       std::vector<uint8_t> data = Blocks(4, 0);
       data[600] = 1;
       return Disk(bugs).Do("89 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00", data).Summary() ==
              "GOOD";
     }},
    {Bug::kScsiCompareWritesFirstOnly,
     [](BugSet bugs) {
       Disk disk(bugs);
       std::vector<uint8_t> data = Blocks(4, 0);
       data[1536] = 7;
       disk.Do("89 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00", data);
       return disk.Byte(512) != 7;
     }},
    {Bug::kScsiUnmapFirstOnly,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("42 00 00 00 00 00 00 00 28 00", UnmapList());
       return disk.Byte(1024) != 0;
     }},
    {Bug::kScsiUnmapBetween,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("42 00 00 00 00 00 00 00 28 00", UnmapList());
       return disk.Byte(512) != 1;
     }},
    {Bug::kScsiUnmapEmptyRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("42 00 00 00 00 00 00 00 00 00").Summary() != "GOOD";
     }},
    {Bug::kScsiProvisioningUntold,
     [](BugSet bugs) {
       return Disk(bugs).Do("9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00").data.at(14) != 0xc0;
     }},
    {Bug::kScsiSyncBeyondTheEnd,
     [](BugSet bugs) {
       return Disk(bugs).Do("35 00 00 00 08 00 00 00 01 00").Summary() != "5/21/00";
     }},
    {Bug::kScsiDSenseIgnored,
     [](BugSet bugs) {
       Disk disk(bugs);
       SetControl(disk, 0x04, 0);
       return disk.Do(kReadBeyond).sense_data.at(0) != 0x72;
     }},
    {Bug::kScsiDescIgnored,
     [](BugSet bugs) { return Disk(bugs).Do("03 01 00 00 ff 00").data.at(0) != 0x72; }},
    {Bug::kScsiWriteProtectUntold,
     [](BugSet bugs) {
       Disk disk(bugs);
       SetControl(disk, 0, 0x08);
       return disk.Do("1a 08 0a 00 ff 00").data.at(2) != 0x90;
     }},
    {Bug::kScsiWriteProtectIgnored,
     [](BugSet bugs) {
       Disk disk(bugs);
       SetControl(disk, 0, 0x08);
       disk.Fill(1);
       return disk.Byte(0) != 0;
     }},
    {Bug::kScsiModeSelectTakesAll,
     [](BugSet bugs) {
       return Disk(bugs).Do("15 10 00 00 08 00", FromHex("00 00 00 00 3e 02 00 00")).Summary() ==
              "GOOD";
     }},
    {Bug::kScsiOrderedIsSimple,
     [](BugSet bugs) {
       // A slow write, and behind it an ordered command that takes no time.
       Bench bench({{0, "slow:1000,ram:1M"}}, 1, bugs);
       Nexus* const nexus = bench.Open("iqn.2026-11.org.example:a");
       CommandOptions slow;
       slow.data_out = Blocks(1, 1);
       const auto write = bench.Start(nexus, FromHex("2a 00 00 00 00 00 00 00 01 00"), slow);
       CommandOptions ordered;
       ordered.attribute = TaskAttribute::kOrdered;
       const auto ready = bench.Start(nexus, FromHex(kTestUnitReady), ordered);
       bench.world().RunUntil([&] { return ready->ended(); });
       const bool waited = write->ended();
       bench.world().RunUntil([&] { return write->ended(); });
       return !waited;
     }},
    {Bug::kScsiFailedOrderedBlocks,
     [](BugSet bugs) {
       Disk disk(bugs);
       DoAs(disk, TaskAttribute::kOrdered, kReadBeyond);
       const auto ready = disk.bench.Start(disk.a, FromHex(kTestUnitReady));
       disk.bench.world().RunUntilIdle();
       const bool ended = ready->ended();
       disk.Reset();
       return !ended;
     }},
    {Bug::kScsiHeadOfQueueRefused,
     [](BugSet bugs) {
       Disk disk(bugs);
       return DoAs(disk, TaskAttribute::kHeadOfQueue, kTestUnitReady).Summary() != "GOOD";
     }},
    {Bug::kScsiAbsentUnitIsDisk,
     [](BugSet bugs) {
       Disk disk(bugs);
       CommandOptions options;
       options.lun = EncodeLun(9);
       return disk.bench.Do(disk.a, FromHex("12 00 00 00 24 00"), options).data.at(0) != 0x7f;
     }},
    {Bug::kScsiPageListedNotThere,
     [](BugSet bugs) {
       Disk disk(bugs);
       const std::vector<uint8_t> pages = disk.Do("12 01 00 00 ff 00").data;
       for (size_t i = 4; i < pages.size(); ++i) {
         std::vector<uint8_t> cdb = FromHex("12 01 00 00 ff 00");
         cdb[2] = pages[i];
         if (disk.bench.Do(disk.a, cdb).Summary() != "GOOD") return true;
       }
       return false;
     }},
    {Bug::kScsiPageLengthCountsHeader,
     [](BugSet bugs) {
       const std::vector<uint8_t> page = Disk(bugs).Do("12 01 80 00 ff 00").data;
       return base::LoadBe16(&page.at(2)) + 4u != page.size();
     }},
    {Bug::kScsiDesignatorLength,
     [](BugSet bugs) {
       const std::vector<uint8_t> page = Disk(bugs).Do("12 01 83 04 00 00").data;
       size_t at = 4;
       while (at + 4 <= page.size()) at += size_t{4} + page[at + 3];
       return at != page.size();
     }},
    {Bug::kScsiModePageLength,
     [](BugSet bugs) { return Disk(bugs).Do("1a 08 1c 00 ff 00").data.at(5) != 10; }},
    {Bug::kScsiLunListPadded,
     [](BugSet bugs) {
       return Disk(bugs).Do("a0 00 00 00 00 00 00 00 00 ff 00 00").data.size() != 16;
     }},
    {Bug::kScsiLunListOtherBytes,
     [](BugSet bugs) {
       Bench bench({{3, "ram:1M"}}, 1, bugs);
       Nexus* const nexus = bench.Open("iqn.2026-11.org.example:a");
       return bench.Do(nexus, "a0 00 00 00 00 00 00 00 00 ff 00 00").data.at(9) != 3;
     }},
    {Bug::kScsiAttentionAtReportLuns,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Reset();
       return disk.Do("a0 00 00 00 00 00 00 00 00 ff 00 00").Summary() != "GOOD";
     }},
    {Bug::kScsiLbaStatusBeyond,
     [](BugSet bugs) {
       return Disk(bugs).Do("9e 12 00 00 00 00 00 00 08 00 00 00 00 18 00 00").Summary() !=
              "5/21/00";
     }},
    {Bug::kScsiLimitsUnchecked,
     [](BugSet bugs) {
       Bench bench({{0, "ram:16M"}}, 1, bugs);
       Nexus* const a = bench.Open("iqn.2026-11.org.example:a");
       const std::string summary =
           bench.Do(a, "88 00 00 00 00 00 00 00 00 00 00 00 40 01 00 00").Summary();
       return !summary.starts_with(kInvalidField);
     }},
    {Bug::kScsiCompareOfNothingRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("89 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00").Summary() != "GOOD";
     }},
    {Bug::kScsiPageWithoutEvpd,
     [](BugSet bugs) {
       return !Disk(bugs).Do("12 00 83 00 ff 00").Summary().starts_with(kInvalidField);
     }},
    {Bug::kScsiAbsentPageAnswered,
     [](BugSet bugs) {
       Disk disk(bugs);
       return !disk.Do("12 01 5a 00 ff 00").Summary().starts_with(kInvalidField) ||
              !disk.Do("1a 00 14 00 ff 00").Summary().starts_with(kInvalidField);
     }},
    {Bug::kScsiLunLowBytesIgnored,
     [](BugSet bugs) {
       Disk disk(bugs);
       CommandOptions options;
       options.lun = 1;
       return disk.bench.Do(disk.a, FromHex(kTestUnitReady), options).Summary() != "5/25/00";
     }},
    {Bug::kScsiPortGroupsMissing,
     [](BugSet bugs) {
       return Disk(bugs).Do("a3 0a 00 00 00 00 00 00 00 ff 00 00").data.size() < 16;
     }},
    {Bug::kScsiCopyOfNothingRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("83 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00").Summary() != "GOOD";
     }},
};

}  // namespace

std::span<const DefectRow> CommandDefects() { return kRows; }

}  // namespace pushpull::target
