// What came of a session, task by task: what its cuts must not change.
//
// Left out is what may differ between two right deliveries: sequence numbers, tags that the target
// gives, R2Ts and how data is spread over PDUs, the order across tasks, pings of the target, how a
// connection's end looks. (The monitor judges those.) The transport doesn't show either.

#ifndef FUZZ_REPLAY_SESSION_TASKS_H_
#define FUZZ_REPLAY_SESSION_TASKS_H_

#include <string>
#include <vector>

#include "conformance/tap/wire_log.h"
#include "pushpull/v1/event.pb.h"

namespace pushpull::replay {

struct SessionEvent {
  v1::Event event;
  // What it is about: "c1 task 3: SCSI Command cdb 0x2800...", or a connection's name.
  std::string subject;
  // Whether chance may bring it or not, where nobody rules the network and the target's pace. Of a
  // task: it has no answer, and may have none, as its connection ended, or a task management
  // request or a logout came before the answer. Of what belongs to no task: the target ended the
  // connection, and what it says before that may be lost (RFC 9293 §3.10.7.1).
  bool excused = false;
};

struct SessionEvents {
  std::vector<SessionEvent> tasks;
  std::vector<SessionEvent> others;

  v1::EventLog Log() const;
};

// An event of kind "task" for each task in the order of the requests that began them, sessions in
// the order of their first connections:
//   text   "c1 task 3: SCSI Command cdb 0x2800...: SCSI Response status CHECK_CONDITION (0x2)"
//   data   what it read, in place; sense; text of all its responses; the echo of a ping
// Then, for each connection, "async" and "reject" for what belongs to no task, and "ended" where
// the target ended it without a logout.
SessionEvents TasksOf(const conformance::WireLog& log);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SESSION_TASKS_H_
