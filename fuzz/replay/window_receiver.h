// The account of slots and CmdSN window as a receiver: what a session that answers a turn late
// makes of a trace, as far as SessionWindow decides it.

#ifndef FUZZ_REPLAY_WINDOW_RECEIVER_H_
#define FUZZ_REPLAY_WINDOW_RECEIVER_H_

#include <memory>

#include "fuzz/replay/receiver.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {

// Behind the receive machine stands a session of one connection, that pledged just as many slots as
// the trace has commands. In each turn (what one operation brought) it takes all PDUs that came,
// tells its window, then answers them. Commands that were promised room have it in every
// delivery, and at the end the account is whole again: all else is a fault.
//
// Traces in the full feature phase, of an initiator that keeps to the window and has no more than
// one immediate task management request and one other immediate PDU under way.
std::unique_ptr<Receiver> MakeWindowReceiver(const target::BugSet& bugs = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_WINDOW_RECEIVER_H_
