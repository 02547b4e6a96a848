// How the simulated network behaves, and what it counts.

#ifndef FABRIC_SIM_OPTIONS_H_
#define FABRIC_SIM_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// What befalls one direction once `at_byte` bytes of it have arrived (which its reader still gets).
struct SimFault {
  enum class Kind : uint8_t {
    kNone,
    kReset,  // both ends are reset
    kEnd,    // the reader sees the end; what is written further is swallowed
    kStall,  // nothing arrives any more, and nobody is told; the writer blocks when all is full
  };
  Kind kind = Kind::kNone;
  uint64_t at_byte = 0;
};

// The bytes that go one way.
struct SimDirection {
  // Reads: one TryRead gives so much at most, and a random share of what it could where
  // `random_reads`. 1: one byte at a time.
  size_t max_read_bytes = SIZE_MAX;
  bool random_reads = false;
  // One TryRead never gives bytes of two TryWrites: who cuts his writes cuts the peer's reads.
  bool reads_stop_at_writes = false;
  // How often a TryRead that gave bytes is followed by one that answers kWouldBlock though there
  // may be more (`readable` then comes as always). 100: between any two reads.
  uint32_t read_block_percent = 0;

  // Offsets in all that goes this way, ascending: no TryRead gives bytes of both sides of one, and
  // each answers kWouldBlock once when the reader has come there (twice where it stands twice).
  std::vector<uint64_t> read_cuts = {};
  // From an arrival to the call of `readable`: what arrives meanwhile is read with it.
  absl::Duration read_delay = absl::ZeroDuration();

  // Writes, in the same way.
  size_t max_write_bytes = SIZE_MAX;
  bool random_writes = false;
  uint32_t write_block_percent = 0;

  // Written and not yet read. More is not taken: back-pressure. At least 1.
  size_t buffer_bytes = 256 * 1024;

  // From a write to its arrival, drawn for each write; order is kept.
  absl::Duration min_latency = absl::ZeroDuration();
  absl::Duration max_latency = absl::ZeroDuration();

  SimFault fault = {};
};

struct SimOptions {
  SimDirection to_acceptor;   // what the connecting end writes
  SimDirection to_connector;  // what the accepting end writes

  // A reset takes away what has arrived and was not read yet. (Linux leaves it; others don't.)
  bool reset_discards_unread = false;
  // How often a handler is called once more without need.
  uint32_t spurious_wake_percent = 0;
  // The address that those who connect seem to have.
  std::string connector_host = "192.0.2.1";

  // The same for both directions.
  static SimOptions Both(const SimDirection& direction) {
    SimOptions options;
    options.to_acceptor = options.to_connector = direction;
    return options;
  }
};

// One direction's, since the connection began.
struct SimCounters {
  uint64_t writes = 0;  // TryWrites that took bytes
  uint64_t bytes_written = 0;
  uint64_t blocked_writes = 0;
  uint64_t reads = 0;  // TryReads that gave bytes
  uint64_t bytes_read = 0;
  uint64_t blocked_reads = 0;
  uint64_t read_sizes_hash = 0;  // of the sequence of reads' sizes
};

struct SimConnectionRecord {
  Address connector;
  Address acceptor;
  SimCounters to_acceptor;
  SimCounters to_connector;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_OPTIONS_H_
