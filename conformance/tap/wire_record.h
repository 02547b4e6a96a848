// A wire log as a message, for reports that are made later than the run.

#ifndef CONFORMANCE_TAP_WIRE_RECORD_H_
#define CONFORMANCE_TAP_WIRE_RECORD_H_

#include <cstddef>

#include "conformance/tap/wire_log.h"
#include "pushpull/v1/wire.pb.h"

namespace pushpull::conformance {

// Of each PDU at most the first `max_bytes`; of its fields as many lines as ToText has.
// `packets` (may be null) as WireTextOptions has them.
v1::WireRecord ToRecord(const WireLog& log, size_t max_bytes = 1024,
                        const PacketNumbers* packets = nullptr);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_TAP_WIRE_RECORD_H_
