// Named defects of how a command is read, apart from the code that reads it.

#ifndef TARGET_SCSI_DEFECTS_H_
#define TARGET_SCSI_DEFECTS_H_

#include "target/bugs/bugs.h"
#include "target/scsi/command_table.h"
#include "target/scsi/task.h"

namespace pushpull::target {

// Whether it is a READ or a WRITE of blocks.
bool IsReadOrWrite(const Task& task);

// Makes of a command that came what a target with these defects takes it for.
void SpoilByDefects(const BugSet& bugs, UnitKinds kind, Task* task);

}  // namespace pushpull::target

#endif  // TARGET_SCSI_DEFECTS_H_
