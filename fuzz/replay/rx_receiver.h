// The reference target's receive machine as a receiver (`--via rx`).

#ifndef FUZZ_REPLAY_RX_RECEIVER_H_
#define FUZZ_REPLAY_RX_RECEIVER_H_

#include <memory>

#include "fuzz/replay/receiver.h"
#include "target/bugs/bugs.h"

namespace pushpull::replay {

// Plays hundreds of thousands to millions of deliveries a second: between deliveries of a trace
// nothing is allocated but what the machine itself needs. Whatever the last delivery left in memory
// is overwritten before the next, so that no byte can seem to have come that didn't.
//
// Pushed deliveries exist where the trace has no digests, and equal pulled ones where it has no
// tail (target/rx/transport_traits.h): a message that ends too early is an error where a stream
// would wait for more.
//
// `bugs`: defects on demand, of the area "receive machine".
std::unique_ptr<Receiver> MakeRxReceiver(const target::BugSet& bugs = {});

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RX_RECEIVER_H_
