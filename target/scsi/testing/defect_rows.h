// What shows the named defects of the device server: grounds to try them on, and rows of a defect
// with what shows it.

#ifndef TARGET_SCSI_TESTING_DEFECT_ROWS_H_
#define TARGET_SCSI_TESTING_DEFECT_ROWS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "target/bugs/bugs.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {

inline constexpr char kConflict[] = "status 24";
inline constexpr char kTestUnitReady[] = "00 00 00 00 00 00";
inline constexpr char kReadKeys[] = "5e 00 00 00 00 00 00 00 ff 00";

// A server with a slow unit, and two initiators, of which A has reserved (Write Exclusive).
struct Ground {
  explicit Ground(BugSet bugs) : bench({{0, "slow:1000,ram:1M"}}, 1, bugs) {
    Out(a, "5f 06 00 00 00 00 00 00 18 00", 0, 0xa);
    Out(b, "5f 06 00 00 00 00 00 00 18 00", 0, 0xb);
    Out(a, "5f 01 01 00 00 00 00 00 18 00", 0xa, 0);
  }

  std::string Out(Nexus* nexus, const char* cdb, uint64_t key, uint64_t second) {
    CommandOptions options;
    options.data_out.resize(24);
    base::StoreBe64(&options.data_out[0], key);
    base::StoreBe64(&options.data_out[8], second);
    return bench.Do(nexus, FromHex(cdb), options).Summary();
  }

  std::unique_ptr<Command> Compare(Nexus* nexus, std::vector<uint8_t> data) {
    CommandOptions options;
    options.data_out = std::move(data);
    return bench.Start(nexus, FromHex("89 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00"), options);
  }

  std::string Clear() { return Out(a, "5f 03 00 00 00 00 00 00 18 00", 0xa, 0); }

  Bench bench;
  Nexus* a = bench.Open("iqn.2026-11.org.example:a", false, {0x80, 0, 0, 0, 0, 1});
  Nexus* b = bench.Open("iqn.2026-11.org.example:b", false, {0x80, 0, 0, 0, 0, 2});
};

// A disk of 2048 blocks, and two initiators.
struct Disk {
  explicit Disk(BugSet bugs) : bench({{0, "ram:1M"}}, 1, bugs) {}

  Answer Do(const char* cdb, std::vector<uint8_t> data = {}) {
    CommandOptions options;
    options.data_out = std::move(data);
    return bench.Do(a, FromHex(cdb), options);
  }
  // Blocks 0 to 3 with this in each byte.
  void Fill(uint8_t value) {
    Do("2a 00 00 00 00 00 00 00 04 00", std::vector<uint8_t>(2048, value));
  }
  // Byte `at` from block 0 on.
  int Byte(size_t at) { return Do("28 00 00 00 00 00 00 00 04 00").data.at(at); }
  std::string Reset() {
    bench.server().ManageTasks(a, TaskManagement::kLogicalUnitReset, 0, {},
                               [](TaskManagementResult) {});
    bench.world().RunUntilIdle();
    return Do("12 00 00 00 05 00").Summary();
  }

  // Block 0 to block 1, with list identifier 5Ah and this type of segment.
  Answer Copy(uint8_t segment_type) {
    std::vector<uint8_t> list =
        FromHex("5a 00 00 20 00 00 00 00 00 00 00 1c 00 00 00 00 e4 00 00 00");
    const std::vector<uint8_t> page = Do("12 01 83 00 ff 00").data;
    list.insert(list.end(), page.begin() + 4, page.begin() + 4 + 28);
    const std::vector<uint8_t> segment = FromHex("00 00 00 18 00 00 00 00 00 00 00 01");
    list.insert(list.end(), segment.begin(), segment.end());
    list.resize(76);
    list[44] = list[45] = list[46] = list[47] = 0;
    list[48] = segment_type;
    list[75] = 1;
    return Do("83 00 00 00 00 00 00 00 00 00 00 00 00 4c 00 00", list);
  }

  Bench bench;
  Nexus* a = bench.Open("iqn.2026-11.org.example:a");
  Nexus* b = bench.Open("iqn.2026-11.org.example:b");
};

inline std::vector<uint8_t> Blocks(size_t count, uint8_t value) {
  return std::vector<uint8_t>(count * 512, value);
}

struct DefectRow {
  Bug bug;
  std::function<bool(BugSet)> shows;
};

// Of reservations, and of commands, attributes and absent units.
std::span<const DefectRow> ReservationDefects();
std::span<const DefectRow> CommandDefects();

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TESTING_DEFECT_ROWS_H_
