#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "target/scsi/testing/defect_rows.h"

namespace pushpull::target {
namespace {

constexpr char kReserveAgain[] = "5f 01 01 00 00 00 00 00 18 00";
constexpr char kReserveExclusive[] = "5f 01 03 00 00 00 00 00 18 00";
constexpr char kRelease[] = "5f 02 01 00 00 00 00 00 18 00";
constexpr char kReleaseExclusive[] = "5f 02 03 00 00 00 00 00 18 00";
constexpr char kUnregister[] = "5f 00 00 00 00 00 00 00 18 00";
constexpr char kReadReservation[] = "5e 01 00 00 00 00 00 00 ff 00";
constexpr char kWriteNothing[] = "2a 00 00 00 00 00 00 00 00 00";
constexpr char kUnmapNothing[] = "42 00 00 00 00 00 00 00 00 00";
constexpr char kReserve6[] = "16 00 00 00 00 00";
constexpr char kRelease6[] = "17 00 00 00 00 00";

std::string Ask(Ground& g, Nexus* nexus, const char* cdb) {
  return g.bench.Do(nexus, cdb).Summary();
}

void Reset(Bench& bench, Nexus* nexus) {
  bench.server().ManageTasks(nexus, TaskManagement::kLogicalUnitReset, 0, {},
                             [](TaskManagementResult) {});
  bench.world().RunUntilIdle();
}

// Past the unit attentions that are pending.
std::string AskUntilTold(Bench& bench, Nexus* nexus, const char* cdb) {
  std::string summary = bench.Do(nexus, cdb).Summary();
  while (summary.starts_with("6/")) summary = bench.Do(nexus, cdb).Summary();
  return summary;
}

// What A holds, to B.
std::string MoveToB(Ground& g) {
  std::vector<uint8_t> id = FromHex("45 00 00 00");
  for (const char c : std::string("iqn.2026-11.org.example:b,i,0x800000000002")) id.push_back(c);
  do id.push_back(0);
  while (id.size() % 4 != 0);
  id[3] = static_cast<uint8_t>(id.size() - 4);
  CommandOptions options;
  options.data_out = FromHex("00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 0b 00 00 00 01");
  options.data_out.resize(24);
  options.data_out[23] = static_cast<uint8_t>(id.size());
  options.data_out.insert(options.data_out.end(), id.begin(), id.end());
  std::vector<uint8_t> cdb = FromHex("5f 07 00 00 00 00 00 00 00 00");
  cdb[8] = static_cast<uint8_t>(options.data_out.size());
  return g.bench.Do(g.a, cdb, options).Summary();
}

const DefectRow kRows[] = {
    {Bug::kScsiReservationKeyUnchecked,
     [](BugSet bugs) {
       Ground g(bugs);
       return g.Out(g.a, kRelease, 0xc, 0) != kConflict;
     }},
    {Bug::kScsiReserveChangesType,
     [](BugSet bugs) {
       Ground g(bugs);
       return g.Out(g.a, kReserveAgain, 0xa, 0) != "GOOD" ||
              g.Out(g.a, kReserveExclusive, 0xa, 0) != kConflict;
     }},
    {Bug::kScsiReleaseByAnybody,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.b, kRelease, 0xb, 0);
       return Ask(g, g.b, kWriteNothing) != kConflict;
     }},
    {Bug::kScsiReleaseTypeUnchecked,
     [](BugSet bugs) {
       Ground g(bugs);
       return !g.Out(g.a, kReleaseExclusive, 0xa, 0).starts_with("5/26/04");
     }},
    {Bug::kScsiReleaseUntold,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, kRelease, 0xa, 0);
       g.Out(g.a, "5f 01 05 00 00 00 00 00 18 00", 0xa, 0);
       g.Out(g.a, "5f 02 05 00 00 00 00 00 18 00", 0xa, 0);
       return Ask(g, g.b, kTestUnitReady) != "6/2a/04";
     }},
    {Bug::kScsiUnregisterKeepsReservation,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, kUnregister, 0xa, 0);
       return Ask(g, g.b, kWriteNothing) != "GOOD";
     }},
    {Bug::kScsiResetEndsPersistent,
     [](BugSet bugs) {
       Ground g(bugs);
       Reset(g.bench, g.b);
       return AskUntilTold(g.bench, g.b, kWriteNothing) != kConflict;
     }},
    {Bug::kScsiPreemptAbortsNothing,
     [](BugSet bugs) {
       Ground g(bugs);
       const auto read = g.bench.Start(g.a, FromHex("28 00 00 00 00 00 00 00 01 00"));
       g.Out(g.b, "5f 05 01 00 00 00 00 00 18 00", 0xb, 0xa);
       g.bench.world().RunUntil([&] { return read->ended(); });
       return !read->answer().aborted;
     }},
    {Bug::kScsiReservationReadsWritesOnly,
     [](BugSet bugs) {
       Ground g(bugs);
       return Ask(g, g.b, kUnmapNothing) != kConflict;
     }},
    {Bug::kScsiReservationKeepsCapacityOff,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.b, kUnregister, 0xb, 0);
       g.Out(g.a, kRelease, 0xa, 0);
       g.Out(g.a, kReserveExclusive, 0xa, 0);
       return Ask(g, g.b, "25 00 00 00 00 00 00 00 00 00") != "GOOD";
     }},
    {Bug::kScsiKeyListCut,
     [](BugSet bugs) {
       Ground g(bugs);
       const Answer keys = g.bench.Do(g.a, "5e 00 00 00 00 00 00 00 08 00");
       return base::LoadBe32(&keys.data.at(4)) != 16;
     }},
    {Bug::kScsiReservationUnreported,
     [](BugSet bugs) {
       Ground g(bugs);
       return g.bench.Do(g.a, kReadReservation).data.size() != 24;
     }},
    {Bug::kScsiRelease6ByAnybody,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do(kReserve6);
       disk.bench.Do(disk.b, kRelease6);
       return disk.bench.Do(disk.b, kTestUnitReady).Summary() != kConflict;
     }},
    {Bug::kScsiRelease6Conflicts,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do(kReserve6);
       return disk.bench.Do(disk.b, kRelease6).Summary() != "GOOD";
     }},
    {Bug::kScsiReserve6SurvivesReset,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do(kReserve6);
       Reset(disk.bench, disk.b);
       return AskUntilTold(disk.bench, disk.b, kTestUnitReady) != "GOOD";
     }},
    {Bug::kScsiReserve6SurvivesSession,
     [](BugSet bugs) {
       Disk disk(bugs);
       disk.Do(kReserve6);
       disk.bench.Close(disk.a);
       return disk.bench.Do(disk.b, kTestUnitReady).Summary() != "GOOD";
     }},
    {Bug::kScsiMoveKeepsReservation,
     [](BugSet bugs) {
       Ground g(bugs);
       return MoveToB(g) != "GOOD" || g.bench.Do(g.b, kWriteNothing).Summary() != "GOOD";
     }},
    {Bug::kScsiAllRegistrantsEndEarly,
     [](BugSet bugs) {
       Ground g(bugs);
       Nexus* const c = g.bench.Open("iqn.2026-11.org.example:c");
       g.Out(g.a, kRelease, 0xa, 0);
       g.Out(g.a, "5f 01 08 00 00 00 00 00 18 00", 0xa, 0);
       g.Out(g.a, kUnregister, 0xa, 0);
       return g.bench.Do(c, kWriteNothing).Summary() != kConflict;
     }},
    {Bug::kScsiReservationListUnchecked,
     [](BugSet bugs) {
       Ground g(bugs);
       CommandOptions options;
       options.data_out.resize(28);
       options.data_out[7] = 0xa;
       return g.bench.Do(g.a, FromHex("5f 00 00 00 00 00 00 00 1c 00"), options).Summary() !=
              "5/1a/00";
     }},
    {Bug::kScsiReservationTypeUnchecked,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, kRelease, 0xa, 0);
       return !g.Out(g.a, "5f 01 02 00 00 00 00 00 18 00", 0xa, 0).starts_with("5/24/00");
     }},
    {Bug::kScsiPreemptOfNobody,
     [](BugSet bugs) {
       Ground g(bugs);
       return g.Out(g.b, "5f 04 01 00 00 00 00 00 18 00", 0xb, 0xc) != kConflict;
     }},
    {Bug::kScsiStrangerReserves,
     [](BugSet bugs) {
       Ground g(bugs);
       Nexus* const c = g.bench.Open("iqn.2026-11.org.example:c");
       return g.Out(c, "5f 03 00 00 00 00 00 00 18 00", 0, 0) != kConflict;
     }},
    {Bug::kScsiClearUntold,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Clear();
       return Ask(g, g.b, kTestUnitReady) != "6/2a/03";
     }},
    {Bug::kScsiUnregisterUntold,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, kRelease, 0xa, 0);
       g.Out(g.a, "5f 01 05 00 00 00 00 00 18 00", 0xa, 0);
       g.Out(g.a, kUnregister, 0xa, 0);
       return Ask(g, g.b, kTestUnitReady) != "6/2a/04";
     }},
    {Bug::kScsiReserve6BesideRegistrations,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Out(g.a, kRelease, 0xa, 0);
       g.Out(g.b, kUnregister, 0xb, 0);
       return Ask(g, g.b, kReserve6) != kConflict;
     }},
    {Bug::kScsiRegistrationBesideReserve6,
     [](BugSet bugs) {
       Ground g(bugs);
       g.Clear();
       AskUntilTold(g.bench, g.a, kReserve6);
       AskUntilTold(g.bench, g.b, "12 00 00 00 05 00");
       g.bench.Do(g.b, "03 00 00 00 12 00");
       return g.Out(g.b, "5f 06 00 00 00 00 00 00 18 00", 0, 0xb) != kConflict;
     }},
};

}  // namespace

std::span<const DefectRow> ReservationDefects() { return kRows; }

}  // namespace pushpull::target
