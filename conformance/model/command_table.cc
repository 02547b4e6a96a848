#include "conformance/model/command_table.h"

#include <cstdlib>

#include "conformance/model/families.h"

namespace pushpull::conformance::model {
namespace {

constexpr auto kNothing = Against::kNothing;
constexpr auto kExclusive = Against::kExclusive;
constexpr auto kAny = Against::kAny;
constexpr uint8_t kWritesMedium = kMedium | kWrites;
constexpr uint8_t kAnswersAlways = kSaysSo | kDespiteReserve | kEverywhere | kWellKnown;

// PERSISTENT RESERVE.
constexpr char kIn[] = "1f 00 00 00 00 00 ff ff 00";
constexpr char kOut[] = "1f ff 00 00 ff ff ff ff 00";
// Of READ and WRITE: DPO, FUA; of WRITE AND VERIFY and VERIFY: BYTCHK (its bit 2 is VERIFY's alone,
// DPO isn't supported).
constexpr char kMove10[] = "18 ff ff ff ff 1f ff ff 00";
constexpr char kMove12[] = "18 ff ff ff ff ff ff ff ff 1f 00";
constexpr char kMove16[] = "18 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00";
constexpr char kCheck12[] = "16 ff ff ff ff ff ff ff ff 1f 00";
constexpr char kCheck16[] = "16 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00";
constexpr char kWriteCheck12[] = "12 ff ff ff ff ff ff ff ff 1f 00";
constexpr char kWriteCheck16[] = "12 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00";
// IMMED.
constexpr char kCache10[] = "02 ff ff ff ff 1f ff ff 00";
constexpr char kCache16[] = "02 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00";

// With 32 bytes; what is about protection information (20 to 27) isn't looked at.
constexpr char kMove32[] =
    "00 00 00 00 00 1f ff ff ff 18 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 ff ff ff ff";
constexpr char kCheck32[] =
    "00 00 00 00 00 1f ff ff ff 16 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 ff ff ff ff";
constexpr char kWriteCheck32[] =
    "00 00 00 00 00 1f ff ff ff 12 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 ff ff ff ff";
constexpr char kSame32[] =
    "00 00 00 00 00 1f ff ff ff 09 00 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 00 ff ff ff ff";
// RECEIVE COPY RESULTS, as SPC-3 has it: a list identifier in all.
constexpr char kCopyResults[] = "1f ff 00 00 00 00 00 00 00 ff ff ff ff 00 00";

// By operation code.
constexpr Row kRows[] = {
    {0x00, -1, "00 00 00 00 00", kMedium | kWellKnown, kNothing, TestUnitReady},
    {0x03, -1, "01 00 00 ff 00", kAnswersAlways, kNothing, RequestSense},
    {0x08, -1, "1f ff ff ff 00", kMedium, kExclusive, Read},
    {0x0a, -1, "1f ff ff ff 00", kWritesMedium, kAny, Write},
    {0x12, -1, "01 ff ff ff 00", kAnswersAlways, kNothing, Inquiry},
    {0x15, -1, "11 00 00 ff 00", 0, kAny, ModeSelect},
    {0x16, -1, "00 00 00 00 00", kDespiteReserve, kNothing, Reserve},
    {0x17, -1, "00 00 00 00 00", kDespiteReserve, kNothing, Release},
    {0x1a, -1, "08 ff ff ff 00", 0, kExclusive, ModeSense},
    {0x1b, -1, "01 00 00 05 00", 0, kAny, StartStop},
    {0x1e, -1, "00 00 00 03 00", 0, kAny, PreventAllow},
    {0x25, -1, "00 ff ff ff ff 00 00 01 00", 0, kNothing, ReadCapacity10},
    {0x28, -1, kMove10, kMedium, kExclusive, Read},
    {0x2a, -1, kMove10, kWritesMedium, kAny, Write},
    {0x2e, -1, "12 ff ff ff ff 1f ff ff 00", kWritesMedium, kAny, WriteAndVerify},
    {0x2f, -1, "16 ff ff ff ff 1f ff ff 00", kMedium, kExclusive, Verify},
    {0x34, -1, kCache10, kMedium, kExclusive, NoTransfer},
    {0x35, -1, kCache10, 0, kAny, NoTransfer},
    {0x37, -1, "00 1f 00 00 00 00 ff ff 00", kMedium, kExclusive, ReadDefectData},
    {0x41, -1, "08 ff ff ff ff 1f ff ff 00", kWritesMedium, kAny, WriteSame},
    {0x42, -1, "00 00 00 00 00 1f ff ff 00", kWritesMedium | kThin, kAny, Unmap},
    {0x48, 0x01, "bf 00 00 00 00 00 ff ff 00", kWritesMedium, kAny, Sanitize},
    {0x48, 0x02, "bf 00 00 00 00 00 00 00 00", kWritesMedium, kAny, Sanitize},
    {0x48, 0x1f, "bf 00 00 00 00 00 00 00 00", 0, kAny, Sanitize},
    {0x55, -1, "11 00 00 00 00 00 ff ff 00", 0, kAny, ModeSelect},
    {0x5a, -1, "18 ff ff 00 00 00 ff ff 00", 0, kExclusive, ModeSense},
    {0x5e, 0x00, kIn, 0, kNothing, PersistentReserveIn},
    {0x5e, 0x01, kIn, 0, kNothing, PersistentReserveIn},
    {0x5e, 0x02, kIn, 0, kNothing, PersistentReserveIn},
    {0x5e, 0x03, kIn, 0, kNothing, PersistentReserveIn},
    {0x5f, 0x00, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x01, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x02, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x03, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x04, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x05, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x06, kOut, 0, kNothing, PersistentReserveOut},
    {0x5f, 0x07, kOut, 0, kNothing, PersistentReserveOut},
    {0x7f, 0x09, kMove32, kMedium, kExclusive, Read},
    {0x7f, 0x0a, kCheck32, kMedium, kExclusive, Verify},
    {0x7f, 0x0b, kMove32, kWritesMedium, kAny, Write},
    {0x7f, 0x0c, kWriteCheck32, kWritesMedium, kAny, WriteAndVerify},
    {0x7f, 0x0d, kSame32, kWritesMedium, kAny, WriteSame},
    {0x83, 0x00, "1f 00 00 00 00 00 00 00 00 ff ff ff ff 00 00", kMedium, kAny, ExtendedCopy},
    {0x84, 0x00, kCopyResults, 0, kAny, ReceiveCopyStatus},
    {0x84, 0x03, kCopyResults, 0, kAny, ReceiveCopyParameters},
    {0x88, -1, kMove16, kMedium, kExclusive, Read},
    {0x89, -1, "18 ff ff ff ff ff ff ff ff 00 00 00 ff 1f 00", kWritesMedium, kAny,
     CompareAndWrite},
    {0x8a, -1, kMove16, kWritesMedium, kAny, Write},
    {0x8b, -1, kMove16, kWritesMedium, kAny, OrWrite},
    {0x8e, -1, kWriteCheck16, kWritesMedium, kAny, WriteAndVerify},
    {0x8f, -1, kCheck16, kMedium, kExclusive, Verify},
    {0x90, -1, kCache16, kMedium, kExclusive, NoTransfer},
    {0x91, -1, kCache16, 0, kAny, NoTransfer},
    {0x93, -1, "09 ff ff ff ff ff ff ff ff ff ff ff ff 1f 00", kWritesMedium, kAny, WriteSame},
    {0x9c, -1, "18 ff ff ff ff ff ff ff ff 00 00 ff ff 1f 00", kWritesMedium | kAtomic, kAny,
     WriteAtomic},
    {0x9e, 0x10, "1f ff ff ff ff ff ff ff ff ff ff ff ff 01 00", 0, kNothing, ReadCapacity16},
    {0x9e, 0x12, "1f ff ff ff ff ff ff ff ff ff ff ff ff 00 00", kMedium | kThin, kExclusive,
     GetLbaStatus},
    {0xa0, -1, "00 ff 00 00 00 ff ff ff ff 00 00", kAnswersAlways, kNothing, ReportLuns},
    {0xa3, 0x0a, "ff 00 00 00 00 ff ff ff ff 00 00", 0, kNothing, ReportPortGroups},
    {0xa3, 0x0c, "1f 87 ff ff ff ff ff ff ff 00 00", 0, kExclusive, ReportOperationCodes},
    {0xa3, 0x0d, "1f 80 00 00 00 ff ff ff ff 00 00", 0, kExclusive, ReportTaskManagement},
    {0xa4, 0x0a, "1f 00 00 00 00 ff ff ff ff 00 00", 0, kAny, SetPortGroups},
    {0xa8, -1, kMove12, kMedium, kExclusive, Read},
    {0xaa, -1, kMove12, kWritesMedium, kAny, Write},
    {0xae, -1, kWriteCheck12, kWritesMedium, kAny, WriteAndVerify},
    {0xaf, -1, kCheck12, kMedium, kExclusive, Verify},
    {0xb7, -1, "1f ff ff ff ff ff ff ff ff 00 00", kMedium, kExclusive, ReadDefectData},
};

}  // namespace

std::vector<uint8_t> Row::Usage() const {
  std::vector<uint8_t> bytes = {opcode};
  char* end = nullptr;
  for (const char* at = usage; *at != '\0'; at = end) {
    bytes.push_back(static_cast<uint8_t>(std::strtoul(at, &end, 16)));
  }
  return bytes;
}

std::span<const Row> AllRows() { return kRows; }

const Row* FindRow(const std::vector<uint8_t>& cdb, bool* has_others) {
  *has_others = false;
  const uint64_t action = cdb[0] == kVariableLength ? Number(cdb, 8, 2) : cdb[1] & 0x1fu;
  for (const Row& row : kRows) {
    if (row.opcode != cdb[0]) continue;
    if (row.action < 0 || static_cast<uint64_t>(row.action) == action) return &row;
    *has_others = true;
  }
  return nullptr;
}

bool Has(const UnitTraits& unit, const Row& row) {
  return ((row.flags & kThin) == 0 || unit.thin) &&
         ((row.flags & kAtomic) == 0 || unit.atomic_writes);
}

}  // namespace pushpull::conformance::model
