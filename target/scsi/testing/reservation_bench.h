// Three nexuses and short ways to send what reserves.

#ifndef TARGET_SCSI_TESTING_RESERVATION_BENCH_H_
#define TARGET_SCSI_TESTING_RESERVATION_BENCH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {

inline constexpr char kConflict[] = "status 24";
inline constexpr char kTestUnitReady[] = "00 00 00 00 00 00";
inline constexpr char kRead[] = "28 00 00 00 00 00 00 00 01 00";
inline constexpr char kWrite[] = "2a 00 00 00 00 00 00 00 01 00";
inline constexpr char kReserve6[] = "16 00 00 00 00 00";
inline constexpr char kRelease6[] = "17 00 00 00 00 00";

inline constexpr uint64_t kKeyA = 0xa, kKeyB = 0xb, kKeyC = 0xc;

enum Action { kRegister, kReserve, kRelease, kClear, kPreempt, kPreemptAndAbort, kIgnore, kMove };
enum Type { kWe = 1, kEa = 3, kWero = 5, kEaro = 6, kWear = 7, kEaar = 8 };
inline constexpr Type kAllTypes[] = {kWe, kEa, kWero, kEaro, kWear, kEaar};

inline void Append64(std::vector<uint8_t>* list, uint64_t value) {
  list->resize(list->size() + 8);
  base::StoreBe64(&(*list)[list->size() - 8], value);
}

// Three nexuses, none registered.
class ReservationsTest : public testing::Test {
 protected:
  Answer Out(Nexus* nexus, Action action, uint64_t key, uint64_t second_key = 0, int type = 0,
             uint8_t flags = 0, std::vector<uint8_t> more = {}) {
    std::vector<uint8_t> list;
    Append64(&list, key);
    Append64(&list, second_key);
    list.resize(24);
    list[20] = flags;
    list.insert(list.end(), more.begin(), more.end());
    return OutList(nexus, action, type, std::move(list));
  }

  Answer OutList(Nexus* nexus, int action, int type, std::vector<uint8_t> list) {
    std::vector<uint8_t> cdb(10, 0);
    cdb[0] = 0x5f;
    cdb[1] = static_cast<uint8_t>(action);
    cdb[2] = static_cast<uint8_t>(type);
    base::StoreBe32(&cdb[5], static_cast<uint32_t>(list.size()));
    CommandOptions options;
    options.data_out = std::move(list);
    return bench_.Do(nexus, cdb, options);
  }

  std::string In(int action, int allocation = 0xff) {
    return base::Hex(bench_
                         .Do(reader_, FromHex(absl::StrFormat("5e %02x 00 00 00 00 00 00 %02x 00",
                                                              action, allocation)))
                         .data);
  }

  std::string Do(Nexus* nexus, std::string_view cdb) {
    CommandOptions options;
    options.data_out.assign(512, 1);
    return bench_.Do(nexus, cdb, options).Summary();
  }

  // A with a reservation, B registered, C not.
  void Reserved(Type type) {
    EXPECT_EQ(Out(a_, kRegister, 0, kKeyA).Summary(), "GOOD");
    EXPECT_EQ(Out(b_, kRegister, 0, kKeyB).Summary(), "GOOD");
    EXPECT_EQ(Out(a_, kReserve, kKeyA, 0, type).Summary(), "GOOD");
  }

  std::string Keys() { return In(0).substr(16); }
  uint32_t Generation() { return base::LoadBe32(FromHex(In(0)).data()); }

  Bench bench_;
  Nexus* a_ = bench_.Open("iqn.2026-11.org.example:a");
  Nexus* b_ = bench_.Open("iqn.2026-11.org.example:b");
  Nexus* c_ = bench_.Open("iqn.2026-11.org.example:c");
  Nexus* reader_ = bench_.Open("iqn.2026-11.org.example:reader");
};

inline std::string K(uint64_t key) { return absl::StrFormat("%016x", key); }

}  // namespace pushpull::target

#endif  // TARGET_SCSI_TESTING_RESERVATION_BENCH_H_
