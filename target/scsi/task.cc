#include "target/scsi/task.h"

#include "base/check.h"

namespace pushpull::target {

Task::~Task() { CHECK(!in_task_set()) << "a task must end before its memory goes"; }

void Task::Reset() {
  CHECK(!in_task_set()) << "a task must end before it is used again";
  nexus = nullptr;
  lun = 0;
  attribute = TaskAttribute::kSimple;
  cdb.fill(0);
  cdb_bytes = 16;
  order = 0;
  data = {};
  mover = nullptr;
  medium = {};
  direction = DataDirection::kNone;
  transfer_bytes = 0;
  result.aborted = false;
  result.status = ScsiStatus::kGood;
  result.data_in_bytes = 0;
  result.sense_bytes = 0;
}

}  // namespace pushpull::target
