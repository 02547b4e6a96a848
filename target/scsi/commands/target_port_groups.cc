#include "target/scsi/commands/target_port_groups.h"

#include <vector>

#include "base/bytes.h"
#include "target/scsi/commands/parameter_data.h"
#include "target/scsi/nexus.h"

namespace pushpull::target::commands {
namespace {

constexpr uint8_t kActiveOptimized = 0x0;
constexpr uint8_t kOnlyActiveOptimized = 0x01;  // AO_SUP
constexpr uint32_t kMaxListBytes = 1024;

// Also the port's relative identifier: the group has one port.
uint16_t GroupOf(const Task& task) { return task.nexus->id().target_portal_group_tag; }

// PARAMETER DATA FORMAT.
bool Extended(const Task& task) { return (task.cdb[1] & 0xe0) == 0x20; }

uint32_t Length(const Task& task) { return base::LoadBe32(&task.cdb[6]); }

}  // namespace

Prepared PrepareReportTargetPortGroups(const LogicalUnit& /*unit*/, const Task& task) {
  if ((task.cdb[1] & 0xe0) > 0x20) return InvalidField(1, 7);
  return DataIn(Length(task), 32);
}

Step ExecuteReportTargetPortGroups(LogicalUnit& unit, Task& task) {
  ParameterData data;
  data.Add32(0);
  if (unit.device().bugs.Has(Bug::kScsiPortGroupsMissing)) {
    return Reply(task, data.bytes(), Length(task));
  }
  if (Extended(task)) data.Add32(0x1000'0000);  // the format; transitions take no time
  data.Add8(kActiveOptimized);
  data.Add8(kOnlyActiveOptimized);
  data.Add16(GroupOf(task));
  data.AddZeros(3);  // no change of state yet
  data.Add8(1);      // TARGET PORT COUNT
  data.AddZeros(2);
  data.Add16(GroupOf(task));
  const size_t uncounted = unit.device().bugs.Has(Bug::kScsiPortGroupsLength) ? 0 : 4;
  data.Set32(0, static_cast<uint32_t>(data.size() - uncounted));
  return Reply(task, data.bytes(), Length(task));
}

Prepared PrepareSetTargetPortGroups(const LogicalUnit& /*unit*/, const Task& task) {
  if (Length(task) > kMaxListBytes) return InvalidField(6);
  return DataOut(Length(task));
}

// Only what is so may be asked for.
Step ExecuteSetTargetPortGroups(LogicalUnit& /*unit*/, Task& task) {
  constexpr size_t kHeader = 4, kDescriptor = 4;
  if (Length(task) == 0) return Step::Good();
  const std::vector<uint8_t> list = ParameterList(task);
  if (list.size() < Length(task) || list.size() < kHeader || list.size() % kDescriptor != 0) {
    return Step::Fail(sense::kParameterListLengthError);
  }
  for (size_t at = kHeader; at < list.size(); at += kDescriptor) {
    const auto byte = static_cast<uint16_t>(at);
    if ((list[at] & 0x0f) != kActiveOptimized) return Step::Fail(InvalidParameter(byte, 3));
    if (base::LoadBe16(&list[at + 2]) != GroupOf(task)) {
      return Step::Fail(InvalidParameter(static_cast<uint16_t>(byte + 2)));
    }
  }
  return Step::Good();
}

}  // namespace pushpull::target::commands
