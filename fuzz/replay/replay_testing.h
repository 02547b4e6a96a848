// What the tests of the replay share: traces and deliveries.

#ifndef FUZZ_REPLAY_REPLAY_TESTING_H_
#define FUZZ_REPLAY_REPLAY_TESTING_H_

#include <string>

#include "base/random.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"

namespace pushpull::replay {

// Of a scenario in text format, which must be a right one.
Trace TraceOf(const std::string& scenario);

// Five PDUs: with two AHSs and immediate data, with unsolicited data, without any, refused by the
// placer, and with data that stays in the slot. 461 bytes without digests.
Trace MixedTrace(bool header_digest, bool data_digest);

// Up to `pdus` well-formed PDUs of any kind with right digests, and with `corrupt` a few bits
// turned, bytes lost or repeated. Digests, login PDUs and limits are random too.
Trace RandomTrace(base::Random* random, size_t pdus, bool corrupt);

// Cuts, waits, queue and slots at random.
Delivery RandomDelivery(const Trace& trace, Source source, base::Random* random);

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_REPLAY_TESTING_H_
