#include "target/scsi/commands/report_luns.h"

#include <algorithm>

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/lun.h"

namespace pushpull::target::commands {
namespace {

// SPC-4 §6.33, SELECT REPORT.
enum SelectReport : uint8_t {
  kLogicalUnits = 0x00,
  kWellKnownUnits = 0x01,
  kAll = 0x02,
};

uint32_t AllocationLength(const Task& task) { return base::LoadBe32(&task.cdb[6]); }

}  // namespace

Prepared PrepareReportLuns(const LogicalUnit& unit, const Task& task) {
  if (task.cdb[2] > kAll) return InvalidField(2);
  return DataIn(AllocationLength(task), 8 + 8 * (unit.device().units.size() + 2));
}

Step ExecuteReportLuns(LogicalUnit& unit, Task& task) {
  const BugSet& bugs = unit.device().bugs;
  const uint8_t select = bugs.Has(Bug::kScsiSelectReportIgnored) ? uint8_t{0} : task.cdb[2];
  ParameterData data;
  data.AddZeros(8);
  if (select != kLogicalUnits) data.Add64(kReportLunsWellKnownLun);
  if (select != kWellKnownUnits) {
    const int off = bugs.Has(Bug::kScsiLunListOtherBytes) ? 16 : 0;
    for (const uint16_t number : unit.device().units) data.Add64(EncodeLun(number) >> off);
  }
  data.Set32(0, static_cast<uint32_t>(data.size() - 8));
  if (bugs.Has(Bug::kScsiLunListPadded)) data.AddZeros(8);
  if (bugs.Has(Bug::kScsiLunListCut)) {
    const uint64_t sent = std::min<uint64_t>(AllocationLength(task), data.size());
    data.Set32(0, static_cast<uint32_t>(std::max<uint64_t>(sent, 8) - 8));
  }
  unit.ClearUnitAttention(task.nexus, sense::kReportedLunsDataChanged);
  return Reply(task, data.bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
