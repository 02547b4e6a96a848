#include "target/scsi/commands/read_defect_data.h"

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

constexpr uint8_t kListAndFormat = 0x1f;  // REQ_PLIST, REQ_GLIST, DEFECT LIST FORMAT
constexpr uint8_t kFormat = 0x07;
constexpr uint8_t kReservedFormat = 0x07;

bool IsTwelve(const Task& task) { return task.cdb[0] == 0xb7; }

uint8_t Request(const Task& task) { return task.cdb[IsTwelve(task) ? 1 : 2] & kListAndFormat; }

uint64_t AllocationLength(const Task& task) {
  return IsTwelve(task) ? base::LoadBe32(&task.cdb[6]) : base::LoadBe16(&task.cdb[7]);
}

}  // namespace

Prepared PrepareReadDefectData(const LogicalUnit& /*unit*/, const Task& task) {
  if ((Request(task) & kFormat) == kReservedFormat) return InvalidField(IsTwelve(task) ? 1 : 2, 2);
  return DataIn(AllocationLength(task), 8);
}

// Both lists are empty, in any format.
Step ExecuteReadDefectData(LogicalUnit& /*unit*/, Task& task) {
  ParameterData data;
  data.Add8(0);
  data.Add8(Request(task));  // PLISTV, GLISTV, DEFECT LIST FORMAT, in the same places
  data.AddZeros(IsTwelve(task) ? 6 : 2);
  return Reply(task, data.bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
