#include "target/scsi/defects.h"

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
}

}  // namespace

void SpoilByDefects(const BugSet& bugs, UnitKinds kind, Task* task) {
  SpoilAddress(bugs, task);
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
