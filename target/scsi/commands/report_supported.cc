#include "target/scsi/commands/report_supported.h"

#include <array>

#include "base/bytes.h"
#include "target/scsi/command_table.h"
#include "target/scsi/commands/parameter_data.h"

namespace pushpull::target::commands {
namespace {

// SPC-4 §6.35.1, REPORTING OPTIONS.
enum ReportingOptions : uint8_t {
  kAll = 0,
  kWithoutServiceAction = 1,
  kWithServiceAction = 2,
  kEither = 3,
};

constexpr uint64_t kTimeoutsBytes = 12;

ReportingOptions OptionsOf(const Task& task) {
  return static_cast<ReportingOptions>(task.cdb[2] & 0x07);
}
bool WithTimeouts(const Task& task) { return (task.cdb[2] & 0x80) != 0; }
uint8_t RequestedOpcode(const Task& task) { return task.cdb[3]; }
uint16_t RequestedServiceAction(const Task& task) { return base::LoadBe16(&task.cdb[4]); }
uint32_t AllocationLength(const Task& task) { return base::LoadBe32(&task.cdb[6]); }

bool HasServiceActions(const LogicalUnit& unit, uint8_t opcode) {
  for (const CommandEntry& entry : AllCommands()) {
    if (entry.opcode == opcode && unit.Has(entry)) {
      return entry.service_action.has_value();
    }
  }
  return false;
}

const CommandEntry* Find(const LogicalUnit& unit, uint8_t opcode, uint16_t service_action) {
  constexpr uint8_t kRead10 = 0x28;
  if (opcode == kRead10 && unit.device().bugs.Has(Bug::kScsiCommandUnreported)) return nullptr;
  for (const CommandEntry& entry : AllCommands()) {
    if (entry.opcode == opcode && unit.Has(entry) &&
        entry.service_action.value_or(service_action) == service_action) {
      return &entry;
    }
  }
  const bool says_so = unit.device().bugs.Has(Bug::kScsiReportsWhatIsNot);
  return says_so ? AllCommands().data() : nullptr;
}

// SPC-4 §6.35.4: no command is timed here.
void AddTimeouts(ParameterData* data) {
  data->Add16(kTimeoutsBytes - 2);
  data->AddZeros(10);
}

ParameterData AllSupported(const LogicalUnit& unit, bool with_timeouts) {
  ParameterData data;
  data.Add32(0);
  for (const CommandEntry& entry : AllCommands()) {
    if (!unit.Has(entry)) continue;
    data.Add8(entry.opcode);
    data.Add8(0);
    data.Add16(entry.service_action.value_or(0));
    data.Add8(0);
    data.Add8(static_cast<uint8_t>((with_timeouts ? 0x02 : 0) |
                                   (entry.service_action.has_value() ? 0x01 : 0)));
    data.Add16(entry.cdb_bytes);
    if (with_timeouts) AddTimeouts(&data);
  }
  data.Set32(0, static_cast<uint32_t>(data.size() - 4));
  return data;
}

ParameterData OneCommand(const CommandEntry* entry, bool with_timeouts) {
  constexpr uint8_t kNotSupported = 1;
  constexpr uint8_t kAsInTheStandard = 3;
  ParameterData data;
  data.Add8(0);
  data.Add8(static_cast<uint8_t>((with_timeouts && entry != nullptr ? 0x80 : 0) |
                                 (entry == nullptr ? kNotSupported : kAsInTheStandard)));
  data.Add16(entry == nullptr ? 0 : entry->cdb_bytes);
  if (entry == nullptr) return data;
  std::array<uint8_t, Task::kMaxCdbBytes> usage = entry->usage;
  usage[0] = entry->opcode;
  constexpr uint8_t kVariableLength = 0x7f;
  if (entry->opcode == kVariableLength) {
    usage[7] = static_cast<uint8_t>(entry->cdb_bytes - 8);
    base::StoreBe16(&usage[8], *entry->service_action);
  } else if (entry->service_action.has_value()) {
    usage[1] = static_cast<uint8_t>((usage[1] & 0xe0) | *entry->service_action);
  }
  data.Add(base::Bytes(usage).first(entry->cdb_bytes));
  if (with_timeouts) AddTimeouts(&data);
  return data;
}

}  // namespace

Prepared PrepareReportOperationCodes(const LogicalUnit& unit, const Task& task) {
  const uint8_t options = OptionsOf(task);
  if (options > kEither) return InvalidField(2, 2);
  const bool has_actions = HasServiceActions(unit, RequestedOpcode(task));
  const bool known = Find(unit, RequestedOpcode(task), 0) != nullptr || has_actions;
  // SPC-4 §6.35.1: the option must suit the operation code.
  if (options == kWithoutServiceAction && has_actions) return InvalidField(3);
  if (options == kWithServiceAction && known && !has_actions) return InvalidField(3);
  const uint64_t most = 4 + AllCommands().size() * (8 + kTimeoutsBytes);
  return DataIn(AllocationLength(task), most);
}

Step ExecuteReportOperationCodes(LogicalUnit& unit, Task& task) {
  const CommandEntry* entry = nullptr;
  const bool has_actions = HasServiceActions(unit, RequestedOpcode(task));
  if (has_actions || RequestedServiceAction(task) == 0 || OptionsOf(task) != kEither) {
    entry = Find(unit, RequestedOpcode(task), RequestedServiceAction(task));
  }
  const ParameterData data = OptionsOf(task) == kAll ? AllSupported(unit, WithTimeouts(task))
                                                     : OneCommand(entry, WithTimeouts(task));
  return Reply(task, data.bytes(), AllocationLength(task));
}

Prepared PrepareReportTaskManagement(const LogicalUnit& /*unit*/, const Task& task) {
  return DataIn(AllocationLength(task), 16);
}

Step ExecuteReportTaskManagement(LogicalUnit& /*unit*/, Task& task) {
  const bool extended = (task.cdb[2] & 0x80) != 0;
  ParameterData data;
  // ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET.
  data.Add8(0x80 | 0x40 | 0x10 | 0x08 | 0x02);
  data.Add8(0);
  data.Add8(0);
  data.Add8(extended ? 12 : 0);
  if (extended) data.AddZeros(12);
  return Reply(task, data.bytes(), AllocationLength(task));
}

}  // namespace pushpull::target::commands
