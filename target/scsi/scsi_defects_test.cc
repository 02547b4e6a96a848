// Each defect on demand of the device server shows, and without it the server is right.

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "target/bugs/bugs.h"
#include "target/scsi/reservations.h"
#include "target/scsi/testing/bench.h"
#include "target/scsi/testing/defect_rows.h"

namespace pushpull::target {
namespace {

#if PUSHPULL_BUGS

class CountingStore final : public ReservationStore {
 public:
  absl::Status Save(const ReservationState&) override {
    ++saved;
    return absl::OkStatus();
  }
  int saved = 0;
};

const DefectRow kRows[] = {
    {Bug::kScsiLastBlockRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("28 00 00 00 07 ff 00 00 01 00").Summary() != "GOOD";
     }},
    {Bug::kScsiLbaRangeSenseKey,
     [](BugSet bugs) {
       return Disk(bugs).Do("28 00 00 00 08 00 00 00 01 00").Summary() != "5/21/00";
     }},
    {Bug::kScsiCompareWritesAlways,
     [](BugSet bugs) {
       Disk disk(bugs);
       std::vector<uint8_t> data = Blocks(2, 7);
       disk.Do("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", data);
       return disk.Byte(0) != 0;
     }},
    {Bug::kScsiCompareWritesWhatItCompared,
     [](BugSet bugs) {
       Disk disk(bugs);
       std::vector<uint8_t> data = Blocks(2, 0);
       data[512] = 7;
       disk.Do("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", data);
       return disk.Byte(0) != 7;
     }},
    {Bug::kScsiOrWriteOverwrites,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("8b 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00", Blocks(1, 2));
       return disk.Byte(0) != 3;
     }},
    {Bug::kScsiAtomicWriteCut,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("9c 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00", Blocks(2, 2));
       return disk.Byte(512) != 2;
     }},
    {Bug::kScsiVerifyComparesNothing,
     [](BugSet bugs) {
       return Disk(bugs).Do("2f 02 00 00 00 00 00 00 01 00", Blocks(1, 2)).Summary() == "GOOD";
     }},
    {Bug::kScsiVerifyOneBlockOnly,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("2a 00 00 00 00 01 00 00 01 00", Blocks(1, 2));
       return disk.Do("2f 06 00 00 00 00 00 00 02 00", Blocks(1, 0)).Summary() == "GOOD";
     }},
    {Bug::kScsiVerifyWritesNothing,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("2e 00 00 00 00 00 00 00 01 00", Blocks(1, 2));
       return disk.Byte(0) != 2;
     }},
    {Bug::kScsiWriteSameOnce,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("41 00 00 00 00 00 00 00 03 00", Blocks(1, 2));
       return disk.Byte(1024) != 2;
     }},
    {Bug::kScsiWriteSameNdobOnes,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("93 01 00 00 00 00 00 00 00 00 00 00 00 01 00 00");
       return disk.Byte(0) != 0;
     }},
    {Bug::kScsiUnmapDoesNothing,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("42 00 00 00 00 00 00 00 18 00",
               FromHex("00 16 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00"));
       return disk.Byte(0) != 0;
     }},
    {Bug::kScsiUnmapRangeUnchecked,
     [](BugSet bugs) {
       return Disk(bugs)
                  .Do("42 00 00 00 00 00 00 00 18 00",
                      FromHex("00 16 00 10 00 00 00 00 00 00 00 00 00 00 08 00 00 00 00 01 00 00 "
                              "00 00"))
                  .Summary() != "5/21/00";
     }},
    {Bug::kScsiLbaStatusFromZero,
     [](BugSet bugs) {
       return Disk(bugs).Do("9e 12 00 00 00 00 00 00 00 03 00 00 00 18 00 00").data.at(15) != 3;
     }},
    {Bug::kScsiPrefetchRefused,
     [](BugSet bugs) {
       return Disk(bugs).Do("34 00 00 00 00 00 00 00 04 00").Summary() != "GOOD";
     }},
    {Bug::kScsiSanitizeStopsShort,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("48 02 00 00 00 00 00 00 00 00");
       return disk.Byte(0) != 0;
     }},
    {Bug::kScsiSanitizePatternOnce,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("48 01 00 00 00 00 00 00 06 00", FromHex("01 00 00 02 0f f0"));
       return disk.Byte(511) != 0xf0;
     }},
    {Bug::kScsiSanitizeActionIgnored,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Fill(1);
       disk.Do("48 1e 00 00 00 00 00 00 00 00");
       return disk.Byte(0) != 1;
     }},
    {Bug::kScsiSanitizeRefusesInquiry,
     [](BugSet bugs) {
       Disk disk(bugs);
       const auto sanitize = disk.bench.Start(disk.a, FromHex("48 02 00 00 00 00 00 00 00 00"));
       const bool refused = disk.Do("12 00 00 00 05 00").Summary() != "GOOD";
       disk.bench.world().RunUntil([&] { return sanitize->ended(); });
       return refused;
     }},
    {Bug::kScsiCapacityIsCount,
     [](BugSet bugs) {
       return base::LoadBe32(Disk(bugs).Do("25 00 00 00 00 00 00 00 00 00").data.data()) != 2047;
     }},
    {Bug::kScsiCapacity16Uncut,
     [](BugSet bugs) {
       return Disk(bugs).Do("9e 10 00 00 00 00 00 00 00 00 00 00 00 08 00 00").transfer_bytes != 8;
     }},
    {Bug::kScsiStopIgnored,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("1b 00 00 00 00 00");
       return disk.Do(kTestUnitReady).Summary() != "2/04/02";
     }},
    {Bug::kScsiWriteSameZeroNothing,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("93 00 00 00 00 00 00 00 07 ff 00 00 00 00 00 00", Blocks(1, 2));
       return disk.Do("28 00 00 00 07 ff 00 00 01 00").data.at(0) != 2;
     }},
    {Bug::kScsiReadSixZeroNothing,
     [](BugSet bugs) { return Disk(bugs).Do("08 00 00 00 00 00").transfer_bytes != 256 * 512; }},
    {Bug::kScsiVerifyBeyondTheEnd,
     [](BugSet bugs) {
       return Disk(bugs).Do("2f 00 00 00 08 00 00 00 01 00").Summary() != "5/21/00";
     }},
    {Bug::kScsiModeDefaultsFollow,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("15 10 00 00 10 00", FromHex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00"));
       return disk.Do("1a 08 8a 00 ff 00").data.at(6) != 2;
     }},
    {Bug::kScsiModeChangeableAsCurrent,
     [](BugSet bugs) { return Disk(bugs).Do("1a 08 4a 00 ff 00").data.at(6) != 4; }},
    {Bug::kScsiLunListCut,
     [](BugSet bugs) {
       return Disk(bugs).Do("a0 00 02 00 00 00 00 00 00 10 00 00").data.at(3) != 16;
     }},
    {Bug::kScsiSelectReportIgnored,
     [](BugSet bugs) {
       return Disk(bugs).Do("a0 00 01 00 00 00 00 00 00 10 00 00").data.at(8) != 0xc1;
     }},
    {Bug::kScsiReportsWhatIsNot,
     [](BugSet bugs) {
       return Disk(bugs).Do("a3 0c 01 d7 00 00 00 00 00 ff 00 00").data.at(1) != 1;
     }},
    {Bug::kScsiResetToldLast,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("15 10 00 00 10 00", FromHex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00"));
       disk.Reset();
       return disk.bench.Do(disk.b, kTestUnitReady).Summary() != "6/29/03";
     }},
    {Bug::kScsiCopyLeavesLast,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("2a 00 00 00 00 00 00 00 01 00", Blocks(1, 2));
       disk.Copy(0x02);
       return disk.Byte(512) != 2;
     }},
    {Bug::kScsiCopySegmentIgnored,
     [](BugSet bugs) { return Disk(bugs).Copy(0xbe).Summary() != "5/26/09"; }},
    {Bug::kScsiCopyParametersLength,
     [](BugSet bugs) {
       const auto data = Disk(bugs).Do("84 03 00 00 00 00 00 00 00 00 00 00 00 ff 00 00").data;
       return data.at(3) != data.size() - 4;
     }},
    {Bug::kScsiCopySegmentsUncounted,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Copy(0x02);
       return disk.Do("84 00 5a 00 00 00 00 00 00 00 00 00 00 ff 00 00").data.at(6) != 1;
     }},
    {Bug::kScsiCdb32LbaLow,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do(
           "7f 00 00 00 00 00 00 18 00 0b 00 00 00 00 00 00 00 00 00 02"
           "00 00 00 00 00 00 00 00 00 00 00 01",
           Blocks(1, 5));
       return disk.Byte(1024) != 5;
     }},
    {Bug::kScsiAllocationLengthIgnored,
     [](BugSet bugs) { return Disk(bugs).Do("12 00 00 00 05 00").transfer_bytes != 5; }},
    {Bug::kScsiModeDataLength,
     [](BugSet bugs) { return Disk(bugs).Do("1a 08 08 00 01 00").data.at(0) != 23; }},
    {Bug::kScsiModeSelectTellsItself,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("15 10 00 00 10 00", FromHex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00"));
       return disk.Do(kTestUnitReady).Summary() != "GOOD";
     }},
    {Bug::kScsiModeSelectTellsNobody,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("15 10 00 00 10 00", FromHex("00 00 00 00 0a 0a 06 10 00 00 00 00 ff ff 00 00"));
       return disk.bench.Do(disk.b, kTestUnitReady).Summary() != "6/2a/01";
     }},
    {Bug::kScsiCommandUnreported,
     [](BugSet bugs) {
       return Disk(bugs).Do("a3 0c 01 28 00 00 00 00 00 ff 00 00").data.at(1) != 3;
     }},
    {Bug::kScsiPortGroupsLength,
     [](BugSet bugs) {
       return Disk(bugs).Do("a3 0a 00 00 00 00 00 00 00 ff 00 00").data.at(3) != 12;
     }},
    {Bug::kScsiAttentionAtInquiry, [](BugSet bugs) { return Disk(bugs).Reset() != "GOOD"; }},
    {Bug::kScsiAttentionLostAtInquiry,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Reset();
       return disk.Do(kTestUnitReady).Summary() != "6/29/03";
     }},
    {Bug::kScsiReservationLetsRead,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, "5f 02 01 00 00 00 00 00 18 00", 0xa, 0);
       g.Out(g.a, "5f 01 03 00 00 00 00 00 18 00", 0xa, 0);
       return g.bench.Do(g.b, "28 00 00 00 00 00 00 00 00 00").Summary() != kConflict;
     }},
    {Bug::kScsiRegistrantsKeptOut,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, "5f 02 01 00 00 00 00 00 18 00", 0xa, 0);
       g.Out(g.a, "5f 01 05 00 00 00 00 00 18 00", 0xa, 0);
       return g.bench.Do(g.b, "2a 00 00 00 00 00 00 00 00 00").Summary() != "GOOD";
     }},
    {Bug::kScsiReserve6Ignored,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do("16 00 00 00 00 00");
       return disk.bench.Do(disk.b, kTestUnitReady).Summary() != kConflict;
     }},
    {Bug::kReservationLostWithSession,
     [](BugSet bugs) {
       Ground g(bugs);
       g.bench.Close(g.a);
       return g.bench.Do(g.b, "2a 00 00 00 00 00 00 00 00 00").Summary() != kConflict;
     }},
    {Bug::kTransportIdWithoutIsid,
     [](BugSet bugs) {
       Ground g(bugs);
       const auto full = g.bench.Do(g.a, "5e 03 00 00 00 00 00 00 ff 00").data;
       return base::AsText(full).find(":a,i,0x800000000001") == std::string_view::npos;
     }},
    {Bug::kScsiReservationMissesWrite16,
     [](BugSet bugs) {
       Ground g(bugs);
       const char* write = "8a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";
       return g.bench.Do(g.b, write).Summary() != kConflict;
     }},
    {Bug::kScsiClearKeepsRegistrations,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Clear();
       return g.bench.Do(g.a, kReadKeys).data.size() != 8;
     }},
    {Bug::kScsiPreemptTellsItself,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.b, "5f 04 01 00 00 00 00 00 18 00", 0xb, 0xa);
       return g.bench.Do(g.b, kTestUnitReady).Summary() != "GOOD" ||
              g.bench.Do(g.a, kTestUnitReady).Summary() != "6/2a/05";
     }},
    {Bug::kScsiGenerationNotCounted,
     [](BugSet bugs) {
       Ground g(bugs);
       return base::LoadBe32(g.bench.Do(g.a, kReadKeys).data.data()) != 2;
     }},
    {Bug::kScsiGenerationCountsReserve,
     [](BugSet bugs) {
       Ground g(bugs);
       return base::LoadBe32(g.bench.Do(g.a, kReadKeys).data.data()) != 2;
     }},
    {Bug::kScsiReservationNotSaved,
     [](BugSet bugs) {
       const auto store = std::make_shared<CountingStore>();
       Reservations reservations(store, {}, bugs);
       RegisterRequest request;
       request.new_key = 1;
       request.persist = true;
       reservations.Register({"iqn.2026-11.org.example:a", {}, 1}, request);
       return store->saved != 1;
     }},
    {Bug::kScsiCompareNotAtomic,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Clear();
       g.bench.Do(g.b, kTestUnitReady);
       std::vector<uint8_t> data(1024);
       data[512] = 1;
       const auto one = g.Compare(g.a, data);
       const auto two = g.Compare(g.b, data);
       g.bench.world().RunUntil([&] { return one->ended() && two->ended(); });
       return two->answer().Summary() != "e/1d/00";
     }},
    {Bug::kScsiMiscompareAtBlock,
     [](BugSet bugs) {
       Ground g(bugs);
       std::vector<uint8_t> data(1024);
       data[9] = 1;
       const auto one = g.Compare(g.a, data);
       g.bench.world().RunUntil([&] { return one->ended(); });
       return base::LoadBe32(&one->answer().sense_data.at(3)) != 9;
     }},
};

std::vector<DefectRow> AllRows() {
  std::vector<DefectRow> rows(std::begin(kRows), std::end(kRows));
  for (const auto& more : {ReservationDefects(), CommandDefects()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

TEST(ScsiDefectsTest, EachShowsAndNothingElseDoes) {
  for (const DefectRow& row : AllRows()) {
    BugSet bugs;
    EXPECT_FALSE(row.shows(bugs)) << "without " << BugName(row.bug);
    bugs.Add(row.bug);
    EXPECT_TRUE(row.shows(bugs)) << BugName(row.bug);
  }
}

TEST(ScsiDefectsTest, EachOfScsiIsHere) {
  const std::vector<DefectRow> rows = AllRows();
  for (const BugInfo& info : AllBugs()) {
    if (!info.name.starts_with("scsi_")) continue;
    const bool here =
        std::ranges::any_of(rows, [&](const DefectRow& row) { return row.bug == info.bug; });
    EXPECT_TRUE(here) << info.name;
  }
}

#endif  // PUSHPULL_BUGS

}  // namespace
}  // namespace pushpull::target
