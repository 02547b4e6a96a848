// How the simulated RDMA fabric behaves, what it counts, and what it tells of each operation.

#ifndef FABRIC_RDMA_SIM_RDMA_OPTIONS_H_
#define FABRIC_RDMA_SIM_RDMA_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// What befalls the requests of one direction, once.
struct SimRdmaFault {
  enum class Kind : uint8_t {
    // `at` counts Sends, Reads and Writes, before the one that it befalls.
    kDropLink,    // nothing arrives any more in either direction, and nobody is told
    kDisconnect,  // both ends are disconnected, as if each by the other
    // `at` counts Sends.
    kTruncateSend,  // only `value` bytes of it arrive
    kByteLen,       // its receive completes with byte_len `value`, whatever came
    kStarve,        // its first `value` attempts find no receive, though there may be one
    kInvalidate,    // it becomes a Send with invalidate of the key `value`
    // `at` counts Reads and Writes.
    kRemoteAccess,  // it fails with a remote access error
  };
  Kind kind = Kind::kDropLink;
  uint64_t at = 0;
  uint64_t value = 0;
};

// The requests that one end makes. (Their answers go the other way with the other's latency.)
struct SimRdmaDirection {
  // From a request's turn to its arrival, drawn for each; order is kept.
  absl::Duration min_latency = absl::ZeroDuration();
  absl::Duration max_latency = absl::ZeroDuration();
  // From a Read's arrival until the memory is looked at: later Sends and Writes of the same end may
  // overtake it, unless they are fenced.
  absl::Duration min_read_delay = absl::ZeroDuration();
  absl::Duration max_read_delay = absl::ZeroDuration();
  // How many of the Writes are seen late, in pieces and in any order: each piece up to so much
  // later, but before the next Send of the same end is received, or its next Read done.
  uint32_t late_write_percent = 0;
  absl::Duration max_write_delay = absl::Milliseconds(1);
  std::vector<SimRdmaFault> faults = {};
};

struct SimRdmaOptions {
  SimRdmaDirection to_acceptor;   // what the connecting end requests
  SimRdmaDirection to_connector;  // what the accepting end requests

  // From a completion to its handler's call: what completes meanwhile comes in the same call.
  absl::Duration min_completion_delay = absl::ZeroDuration();
  absl::Duration max_completion_delay = absl::ZeroDuration();
  // Completions in one call: at most so many, and a random share of them where `random_batches`.
  uint32_t max_batch = UINT32_MAX;
  bool random_batches = false;
  // Receives and other completions come in a random order between both; else those first in one
  // call that came last in the one before.
  bool shuffle_completions = false;

  // How long a request waits that found no receive.
  absl::Duration rnr_timer = absl::Milliseconds(1);
  // Until a request without answer fails with kRetryExceeded, all its retries together.
  absl::Duration retry_timeout = absl::Seconds(4);
  // Private data arrives filled up with zeros to the longest there can be, as on InfiniBand.
  bool fill_private_data = true;
  // The address that those who connect seem to have.
  std::string connector_host = "192.0.2.1";
  RdmaDeviceLimits device = {.max_work = 1 << 15,
                             .max_segments = 32,
                             .max_read_segments = 32,
                             .max_initiator_depth = 16,
                             .max_responder_resources = 16,
                             .windows = true};

  // The same for both directions.
  static SimRdmaOptions Both(const SimRdmaDirection& direction) {
    SimRdmaOptions options;
    options.to_acceptor = options.to_connector = direction;
    return options;
  }
};

// One direction's, since the connection began.
struct SimRdmaCounters {
  uint64_t sends = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t send_bytes = 0;
  uint64_t read_bytes = 0;
  uint64_t write_bytes = 0;
  uint64_t rnr_naks = 0;
};

struct SimRdmaRecord {
  Address connector;
  Address acceptor;
  bool established = false;
  SimRdmaCounters to_acceptor;
  SimRdmaCounters to_connector;
};

// One operation, at the moment in which it is done (a Write that is seen late: in which it is
// accepted).
struct SimRdmaOperation {
  uint64_t order = 0;  // counts all operations of a network
  absl::Time time;
  size_t connection = 0;
  bool to_acceptor = false;  // the connecting end requested it
  RdmaOp op = RdmaOp::kSend;
  RdmaStatus status = RdmaStatus::kSuccess;  // as the end that requested it will see it
  // kRead, kWrite: what it touched. kSendWithInvalidate, kBindWindow, kInvalidate: the key alone.
  uint32_t key = 0;
  uint64_t address = 0;
  uint64_t length = 0;  // also of a Send
  // kRead, kWrite: the region of the key (of its window), and where in it; empty if there is none.
  base::MutableBytes region = {};
  uint64_t offset = 0;
  // A Send's: the `id` of the receive that took it, and how often it found none before.
  uint64_t receive_id = 0;
  uint32_t not_ready = 0;
};

class SimRdmaLog {
 public:
  // Must not use the fabric.
  virtual void OnOperation(const SimRdmaOperation& operation) = 0;

 protected:
  ~SimRdmaLog() = default;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_RDMA_OPTIONS_H_
