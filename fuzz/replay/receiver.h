// Who receives: our own machine, a whole session, a plug-in. One receiver plays many deliveries of
// one trace; what it makes of them must not depend on the delivery.

#ifndef FUZZ_REPLAY_RECEIVER_H_
#define FUZZ_REPLAY_RECEIVER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fuzz/replay/delivery.h"
#include "fuzz/replay/trace.h"
#include "pushpull/v1/event.pb.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::replay {

// What one delivery came to, small enough for millions of them.
struct Outcome {
  // Of all events in order and whole (EventDigest): equal digests stand for equal logs.
  uint64_t events_digest = 0;
  // Of the sequence of spans that the receiver took, and of its waits: how many deliveries were
  // really distinct for it. 0 where that isn't known.
  uint64_t spans_digest = 0;
  uint32_t events = 0;
  // The receiver broke a promise that doesn't depend on comparison: it crashed, hung, leaked a
  // slot, got nowhere. A finding even where every delivery does it; the log says how.
  bool fault = false;
};

class Receiver {
 public:
  virtual ~Receiver() = default;

  virtual std::string name() const = 0;  // "rx", "session", "plugin libfoo.so"

  // The deliveries to come are of this trace, which lives until the next Open or the end.
  // INVALID_ARGUMENT or UNIMPLEMENTED: the receiver can't take this trace (another direction), and
  // what would do; replay goes on with the next one. Anything else ends the run.
  virtual absl::Status Open(const Trace& trace) = 0;

  // By which the open trace can be delivered. The first one's whole delivery is the reference.
  virtual std::vector<Source> sources() const = 0;
  // Whether pushed and pulled deliveries of the open trace must have equal logs. Where not, pushed
  // ones are compared among themselves.
  virtual bool push_equals_pull() const { return false; }
  // Whether a delivery always comes to the same. Where not, a difference counts only if it shows
  // again each time.
  virtual bool steady() const { return true; }
  // Whether it has the PDU queue that a delivery sizes.
  virtual bool has_queue() const { return true; }

  // Begins with a fresh connection each time. An error is our environment's; what the receiver did
  // wrong is in the outcome. The hot path: no log is built.
  virtual absl::StatusOr<Outcome> Play(const Delivery& delivery) = 0;
  // The same once more, with all events. Logs are equal exactly where the outcomes'
  // events_digest are.
  virtual absl::StatusOr<v1::EventLog> PlayForLog(const Delivery& delivery) = 0;
  // What a receiver that died in the last PlayForLog() had printed, in lines; empty where it
  // didn't. Not part of what is compared.
  virtual std::string last_words() const { return {}; }

  // What plays this delivery of the open trace again, where that isn't the trace itself.
  virtual std::optional<v1::Scenario> ScenarioOf(const Delivery& /*delivery*/) const {
    return std::nullopt;
  }
};

}  // namespace pushpull::replay

#endif  // FUZZ_REPLAY_RECEIVER_H_
