// What came of a session, task by task: what its cuts must not change.
//
// Left out is what may differ between two right deliveries: sequence numbers, tags that the target
// gives, R2Ts and how data is spread over PDUs, the order across tasks, pings of the target, how a
// connection's end looks. (The monitor judges those.) The transport doesn't show either.

#ifndef FUZZ_REPLAY_SESSION_TASKS_H_
#define FUZZ_REPLAY_SESSION_TASKS_H_

#include "conformance/tap/wire_log.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

// An event of kind "task" for each task in the order of the requests that began them, sessions in
// the order of their first connections:
//   text   "c1 task 3: SCSI Command cdb 0x2800...: SCSI Response status CHECK_CONDITION (0x2)"
//   data   what it read, in place; sense; text of all its responses; the echo of a ping
// Then, for each connection, "async" and "reject" for what belongs to no task, and "ended" where
// the target ended it without a logout.
v1::EventLog TasksOf(const conformance::WireLog& log);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SESSION_TASKS_H_
