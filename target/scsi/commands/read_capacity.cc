#include "target/scsi/commands/read_capacity.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/result.h"
#include "target/scsi/commands/blocks.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kShortBytes = 8;
constexpr uint64_t kLongBytes = 32;

// With PMI the block that is told isn't below the one that was asked about, so that this one must
// be there (SBC-2 §5.10; obsolete since).
base::Result<void, Sense> CheckLba(const LogicalUnit& unit, bool pmi, uint64_t lba) {
  if (pmi) return CheckWithin(unit, {.lba = lba, .blocks = 1});
  if (lba != 0) return InvalidField(2);
  return {};
}

uint64_t LongAllocation(const LogicalUnit& unit, const Task& task) {
  if (unit.device().bugs.Has(Bug::kScsiCapacity16Uncut)) return kLongBytes;
  return base::LoadBe32(&task.cdb[10]);
}

}  // namespace

Prepared PrepareReadCapacity10(const LogicalUnit& unit, const Task& task) {
  const bool pmi = (task.cdb[8] & 0x01) != 0;
  PUSHPULL_TRY(CheckLba(unit, pmi, base::LoadBe32(&task.cdb[2])));
  return DataIn(kShortBytes, kShortBytes);
}

Step ExecuteReadCapacity10(LogicalUnit& unit, Task& task) {
  ParameterData data;
  const uint64_t last = unit.blocks() - (unit.device().bugs.Has(Bug::kScsiCapacityIsCount) ? 0 : 1);
  // 0xffffffff: too large for this command, READ CAPACITY (16) knows.
  data.Add32(static_cast<uint32_t>(std::min<uint64_t>(last, UINT32_MAX)));
  data.Add32(unit.block_size());
  return Reply(task, data.bytes(), kShortBytes);
}

Prepared PrepareReadCapacity16(const LogicalUnit& unit, const Task& task) {
  const bool pmi = (task.cdb[14] & 0x01) != 0;
  PUSHPULL_TRY(CheckLba(unit, pmi, base::LoadBe64(&task.cdb[2])));
  return DataIn(LongAllocation(unit, task), kLongBytes);
}

Step ExecuteReadCapacity16(LogicalUnit& unit, Task& task) {
  ParameterData data;
  data.Add64(unit.blocks() - 1);
  data.Add32(unit.block_size());
  data.Add8(0);  // no protection information
  data.Add8(unit.physical_exponent());
  const bool untold = unit.device().bugs.Has(Bug::kScsiProvisioningUntold);
  const unsigned provisioning = unit.can_unmap() && !untold ? 0xc000 : 0;  // LBPME, LBPRZ
  data.Add16(static_cast<uint16_t>(provisioning | unit.lowest_aligned_lba()));
  data.AddZeros(kLongBytes - data.size());
  return Reply(task, data.bytes(), LongAllocation(unit, task));
}

}  // namespace pushpull::target::commands
