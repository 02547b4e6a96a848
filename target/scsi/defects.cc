#include "target/scsi/defects.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "target/scsi/commands/blocks.h"

namespace pushpull::target {
namespace {

void SpoilAddress(const BugSet& bugs, Task* task) {
  uint8_t* const cdb = task->cdb.data();
  const uint8_t code = cdb[0];
  if (commands::IsVariableLength(*task) && bugs.Has(Bug::kScsiCdb32LbaLow)) cdb[19] = 0;
  if ((code == 0x08 || code == 0x0a) && bugs.Has(Bug::kScsiCdb6LbaShifted)) {
    cdb[3] = cdb[2];
    cdb[2] = cdb[1] & 0x1f;
    cdb[1] = 0;
  }
  if ((code == 0xa8 || code == 0xaa) && bugs.Has(Bug::kScsiCdb12LengthShort)) {
    base::StoreBe32(cdb + 6, base::LoadBe16(cdb + 7));
  }
  const bool long_address = code == 0x88 || code == 0x8a || code == 0x8f || code == 0x93;
  if (long_address && bugs.Has(Bug::kScsiAddressWraps)) {
    const uint64_t lba = base::LoadBe64(cdb + 2);
    if (lba + base::LoadBe32(cdb + 10) < lba) base::StoreBe64(cdb + 2, 0);
  }
  if (long_address && bugs.Has(Bug::kScsiAddressCut)) base::StoreBe32(cdb + 2, 0);
}

void SpoilPage(const BugSet& bugs, Task* task) {
  uint8_t* const cdb = task->cdb.data();
  constexpr uint8_t kInquiry = 0x12, kModeSense6 = 0x1a, kModeSense10 = 0x5a;
  if (cdb[0] == kInquiry && (cdb[1] & 1) == 0 && bugs.Has(Bug::kScsiPageWithoutEvpd)) cdb[2] = 0;
  if (!bugs.Has(Bug::kScsiAbsentPageAnswered)) return;
  constexpr uint8_t kEnclosure = 0x14, kAll = 0x3f;
  if (cdb[0] == kInquiry && cdb[2] < 0x80) cdb[2] = 0;
  const bool mode_sense = cdb[0] == kModeSense6 || cdb[0] == kModeSense10;
  if (mode_sense && (cdb[2] & 0x3f) == kEnclosure) cdb[2] |= kAll;
}

void SpoilReservation(const BugSet& bugs, Task* task) {
  uint8_t* const cdb = task->cdb.data();
  constexpr uint8_t kPersistentReserveOut = 0x5f, kReserve = 1;
  constexpr uint16_t kTypes = 0x01ea;  // 1, 3 and 5 to 8
  const bool there = ((kTypes >> (cdb[2] & 0x0f)) & 1) != 0;
  if (cdb[0] == kPersistentReserveOut && cdb[1] == kReserve && !there &&
      bugs.Has(Bug::kScsiReservationTypeUnchecked)) {
    cdb[2] = 1;
  }
}

}  // namespace

bool IsReadOrWrite(const Task& task) {
  constexpr std::array<uint8_t, 8> kCodes = {0x08, 0x0a, 0x28, 0x2a, 0x88, 0x8a, 0xa8, 0xaa};
  return std::find(kCodes.begin(), kCodes.end(), task.cdb[0]) != kCodes.end();
}

void SpoilByDefects(const BugSet& bugs, UnitKinds kind, Task* task) {
  SpoilAddress(bugs, task);
  SpoilPage(bugs, task);
  SpoilReservation(bugs, task);
  constexpr uint8_t kCompareAndWrite = 0x89;
  if (task->cdb[0] == kCompareAndWrite && task->cdb[13] == 0 &&
      bugs.Has(Bug::kScsiCompareOfNothingRefused)) {
    task->cdb[1] |= 0xe0;  // WRPROTECT, which isn't there
  }
  constexpr uint8_t kSanitize = 0x48;
  if (task->cdb[0] == kSanitize && FindCommand(*task, kind) == nullptr &&
      bugs.Has(Bug::kScsiSanitizeActionIgnored)) {
    task->cdb[1] = (task->cdb[1] & 0xe0) | 0x02;  // BLOCK ERASE, with IMMED as it was
  }
  if (task->attribute == TaskAttribute::kOrdered && bugs.Has(Bug::kScsiOrderedIsSimple)) {
    task->attribute = TaskAttribute::kSimple;
  }
}

}  // namespace pushpull::target
