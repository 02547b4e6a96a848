// What chance decides in a session over a real network: two right deliveries may differ in it.

#ifndef FUZZ_REPLAY_SESSION_CHANCE_H_
#define FUZZ_REPLAY_SESSION_CHANCE_H_

#include "fuzz/replay/session_tasks.h"

namespace pushpull::replay {

// `now`, and where it differs from `reference` by chance alone, as that has it:
//   - a task that has an answer in one of them only, and may have none (SessionEvent::excused), or
//     whose request was still being sent when that was so;
//   - where there is such a task, whether a task management request still found it;
//   - what belongs to no task, of connections that the target ended in both.
// That a task is answered otherwise, or a connection ended in one only, stays a difference.
SessionEvents WithoutChance(const SessionEvents& reference, SessionEvents now);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_SESSION_CHANCE_H_
