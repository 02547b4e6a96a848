// All commands, in one table.

#ifndef TARGET_SCSI_COMMAND_TABLE_H_
#define TARGET_SCSI_COMMAND_TABLE_H_

#include <span>

#include "base/result.h"
#include "target/scsi/command.h"
#include "target/scsi/sense.h"
#include "target/scsi/task.h"

namespace pushpull::target {

// By ascending operation code and service action.
std::span<const CommandEntry> AllCommands();

// The row for a CDB. Null where the kind of unit doesn't have the command.
const CommandEntry* FindCommand(const Task& task, UnitKinds kind);

// Why there is none, or the unit doesn't have it: the operation code, or only the service action.
Sense MissingCommandSense(const Task& task, UnitKinds kind);

// Bits of the CDB that must be 0, CONTROL's NACA among them (SPC-4 §4.2.5.1, SAM-5 §5.2).
base::Result<void, Sense> CheckUsage(const CommandEntry& entry, const Task& task);

// The service action of a CDB whose operation code has them (SPC-4 §4.2.5.2).
uint16_t ServiceActionOf(const Task& task);

}  // namespace pushpull::target

#endif  // TARGET_SCSI_COMMAND_TABLE_H_
