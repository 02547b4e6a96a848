// The PDUs of a captured connection, both ways, in the order in which they were whole.

#ifndef CONFORMANCE_CAPTURE_SESSION_TRACE_H_
#define CONFORMANCE_CAPTURE_SESSION_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "conformance/capture/capture.h"
#include "initiator_sim/pdu/digest.h"
#include "initiator_sim/player/tap.h"
#include "initiator_sim/session/session.h"

namespace pushpull::conformance {

struct CapturedPdu {
  initiator_sim::Direction direction = initiator_sim::Direction::kToTarget;
  // The frame after which all of it, and all before it, was there; and the one that its first byte
  // came in.
  uint64_t frame = 0;
  uint64_t first_frame = 0;
  absl::Time time;           // of `frame`
  size_t stream_offset = 0;  // in CapturedStream::bytes of its direction
  base::Bytes bytes;         // there
  initiator_sim::Digests digests;
  // Counted from 0, up by one wherever something before it, in either direction, isn't there.
  uint32_t part = 0;
};

struct SessionTrace {
  // Whose; must live as long as this.
  const CapturedConnection* connection = nullptr;
  std::vector<CapturedPdu> pdus;
  // Part 0 begins with the connection's first Login Request. Else where PDUs begin was guessed, and
  // so were the digests.
  bool from_start = false;
  // What the login came to, as far as it is there.
  initiator_sim::Session session;
  initiator_sim::ConnectionState state;
  // The connection's, and what was guessed or given up here.
  std::vector<std::string> remarks;

  // Nothing is missing from beginning to end.
  bool whole() const {
    return from_start && (pdus.empty() || pdus.back().part == 0) && incomplete == 0;
  }
  size_t incomplete = 0;  // PDUs of which only a piece is there
};

SessionTrace TraceSession(const CapturedConnection& connection);

// A PDU that a tap was told of.
struct ToldPdu {
  uint64_t frame = 0;  // of the capture
  size_t trace = 0;    // its index
  size_t pdu = 0;      // likewise, in the trace
};

// Tells a tap what was captured: the PDUs of all traces in the order of their frames, and the
// opening and end of the connections. A part of a trace that doesn't begin with the connection is a
// connection of its own, whose opening isn't told. `told`, unless null, gets each PDU in the order
// of the calls, by which monitor and wire log count frames.
void TellTap(const std::vector<SessionTrace>& traces, initiator_sim::Tap* tap,
             std::vector<ToldPdu>* told);

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_SESSION_TRACE_H_
