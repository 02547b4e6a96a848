// Deliveries at random.

#ifndef FUZZ_REPLAY_RANDOM_DELIVERY_H_
#define FUZZ_REPLAY_RANDOM_DELIVERY_H_

#include "base/random.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// Replaces `delivery`, but for its source: a few cuts or many, waits, queue, slots and end.
void MakeRandomDelivery(const Trace& trace, base::Random* random, Delivery* delivery);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RANDOM_DELIVERY_H_
