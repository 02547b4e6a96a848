#include "target/scsi/commands/read_capacity.h"

#include <algorithm>

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

constexpr uint64_t kShortBytes = 8;
constexpr uint64_t kLongBytes = 32;

}  // namespace

Prepared PrepareReadCapacity10(const LogicalUnit& /*unit*/, const Task& task) {
  const bool pmi = (task.cdb[8] & 0x01) != 0;
  if (!pmi && base::LoadBe32(&task.cdb[2]) != 0) return InvalidField(2);
  return DataIn(kShortBytes, kShortBytes);
}

Step ExecuteReadCapacity10(LogicalUnit& unit, Task& task) {
  ParameterData data;
  // 0xffffffff: too large for this command, READ CAPACITY (16) knows.
  data.Add32(static_cast<uint32_t>(std::min<uint64_t>(unit.blocks() - 1, UINT32_MAX)));
  data.Add32(unit.block_size());
  return Reply(task, data.bytes(), kShortBytes);
}

Prepared PrepareReadCapacity16(const LogicalUnit& /*unit*/, const Task& task) {
  const bool pmi = (task.cdb[14] & 0x01) != 0;
  if (!pmi && base::LoadBe64(&task.cdb[2]) != 0) return InvalidField(2);
  return DataIn(base::LoadBe32(&task.cdb[10]), kLongBytes);
}

Step ExecuteReadCapacity16(LogicalUnit& unit, Task& task) {
  ParameterData data;
  data.Add64(unit.blocks() - 1);
  data.Add32(unit.block_size());
  data.Add8(0);  // no protection information
  data.Add8(unit.physical_exponent());
  const unsigned provisioning = unit.can_unmap() ? 0xc000 : 0;  // LBPME, LBPRZ
  data.Add16(static_cast<uint16_t>(provisioning | unit.lowest_aligned_lba()));
  data.AddZeros(kLongBytes - data.size());
  return Reply(task, data.bytes(), base::LoadBe32(&task.cdb[10]));
}

}  // namespace pushpull::target::commands
