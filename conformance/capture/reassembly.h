// One direction of a TCP connection: segments in any order become a stream. libtins does the
// ordering; this keeps account of which frame brought what, and of what never came. Internal to
// conformance/capture.

#ifndef CONFORMANCE_CAPTURE_REASSEMBLY_H_
#define CONFORMANCE_CAPTURE_REASSEMBLY_H_

#include <tins/tcp_ip/data_tracker.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/bytes.h"
#include "conformance/capture/capture.h"

namespace pushpull::conformance {

class Reassembly {
 public:
  struct Limits {
    size_t waiting_bytes;
    size_t waiting_segments;
  };
  explicit Reassembly(const Limits& limits) : limits_(limits) {}

  struct Segment {
    uint32_t seq = 0;         // of the first byte of `payload`
    base::Bytes payload;      // what was captured
    size_t payload_size = 0;  // what was sent
    bool fin = false;
    uint64_t frame = 0;
    absl::Time time;
  };

  // The SYN. Without one, the first segment is where the stream begins.
  void Start(uint32_t first_seq);
  void Add(const Segment& segment);
  // No more will come: what still waits becomes part of the stream, with gaps.
  void Finish();

  // Stream and waiting segments together.
  size_t held_bytes() const { return stream_.bytes.size() + waiting_bytes_; }
  const CapturedStream& stream() const { return stream_; }
  CapturedStream TakeStream() { return std::move(stream_); }

 private:
  struct Waiting {
    uint64_t end;
    uint64_t frame;
    absl::Time time;
  };

  // Takes what libtins has put in order, and says which frame brought each byte.
  void Collect();
  void AddPiece(size_t begin, const Waiting& from);
  // Goes on behind what is missing: up to the next segment that waits, or to `at_most`.
  void SkipTo(uint64_t at_most, bool truncated);
  void PassTruncated();
  uint32_t SeqAt(uint64_t position) const { return first_seq_ + static_cast<uint32_t>(position); }

  Limits limits_;
  CapturedStream stream_;
  Tins::TCPIP::DataTracker tracker_;
  bool started_ = false;
  uint32_t first_seq_ = 0;
  // Positions count from first_seq_, what is missing included.
  uint64_t next_ = 0;
  std::map<uint64_t, Waiting> waiting_;  // by begin; none begins at or before next_
  size_t waiting_bytes_ = 0;
  std::map<uint64_t, uint64_t> truncated_;  // begin and end of what the snap length cut
  std::optional<uint64_t> fin_;
  uint64_t fin_frame_ = 0;
  absl::Time fin_time_;
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_REASSEMBLY_H_
