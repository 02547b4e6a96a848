// One direction of a simulated connection: what is written, in flight, arrived, and how it is cut.
// It knows no time and calls nobody; sim_connection.h does.

#ifndef FABRIC_SIM_PIPE_H_
#define FABRIC_SIM_PIPE_H_

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "absl/time/time.h"
#include "base/random.h"
#include "fabric/byte_queue.h"
#include "fabric/sim_options.h"

namespace pushpull::fabric {

class SimPipe {
 public:
  // `counters` outlive it.
  SimPipe(const SimDirection& options, base::Random random, SimCounters* counters);

  // The writer's end. Bytes taken, 0 if it blocks.
  size_t Write(std::span<const iovec> buffers);
  // Whether the last Write that blocked did so without need.
  bool HasRoom() const { return queue_.size() < options_.buffer_bytes; }

  // The way. Marks up to `size` bytes in flight as arrived.
  void Arrive(size_t size);
  // A random part of what is in flight is lost, from its end on. Nothing is written after this.
  void LoseSomeInFlight();
  void LoseAllInFlight();
  size_t in_flight() const { return queue_.size() - arrived_; }
  uint64_t total_arrived() const { return total_arrived_; }
  absl::Duration DrawLatency();

  // The reader's end. Bytes given, 0 if it blocks.
  size_t Read(std::span<const iovec> buffers);
  bool HasArrived() const { return arrived_ > 0; }
  // Whether a read, also one of the end, has to block once though something is there.
  bool TakeReadHold();
  void DiscardArrived();
  void CountBlockedRead() { ++counters_->blocked_reads; }

  const SimDirection& options() const { return options_; }

 private:
  size_t Draw(size_t most, bool random);
  // Cuts of the script at which the reader stands each make it wait once.
  void WaitAtCut();
  void DropFront(size_t size);

  const SimDirection options_;
  base::Random random_;
  SimCounters* const counters_;
  ByteQueue queue_;     // arrived, then in flight
  size_t arrived_ = 0;  // and not yet read
  uint64_t total_arrived_ = 0;
  std::deque<size_t> writes_;  // what is left of each write in the queue, if reads stop at writes
  uint64_t total_read_ = 0;
  size_t next_cut_ = 0;   // in options_.read_cuts
  size_t cut_holds_ = 0;  // reads that have to block where the reader stands
  bool read_hold_ = false;
  bool write_hold_ = false;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_SIM_PIPE_H_
