// The TCP connections of a capture, from its segments. Internal to conformance/capture.

#ifndef CONFORMANCE_CAPTURE_CONNECTIONS_H_
#define CONFORMANCE_CAPTURE_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "conformance/capture/capture.h"
#include "conformance/capture/packet.h"
#include "conformance/capture/reassembly.h"

namespace pushpull::conformance {

class Connections {
 public:
  explicit Connections(const CaptureOptions& options) : options_(options) {}

  // RESOURCE_EXHAUSTED above max_bytes.
  absl::Status Add(const TcpSegment& segment, uint64_t frame, absl::Time time);

  // All that speak iSCSI, in the order of their first frames, into `capture`. The end of this.
  void Finish(Capture* capture);

 private:
  // Both ends in their order: side 0 is the lower.
  using Key = std::pair<Endpoint, Endpoint>;

  struct Side {
    explicit Side(const Reassembly::Limits& limits) : reassembly(limits) {}
    Reassembly reassembly;
    std::optional<uint32_t> syn;  // its sequence number
    bool sent_first_syn = false;  // the SYN that asks
  };
  struct Flow {
    Flow(const Key& k, const Reassembly::Limits& limits)
        : key(k), side{Side(limits), Side(limits)} {}
    Key key;
    Side side[2];
    std::optional<int> target;  // the side that is the target, once it is known
    bool ignored = false;       // not iSCSI: nothing is kept
    uint64_t first_frame = 0;
    absl::Time first_time;
    uint64_t reset_frame = 0;
    absl::Time reset_time;
    int reset_side = 0;
    uint64_t truncated_frames = 0;
  };

  Flow* FlowFor(const Key& key, const TcpSegment& segment, int side);
  bool IsTargetPort(uint16_t port) const;
  // By the ports, or by what came so far.
  void DecideByPort(Flow* flow) const;
  void DecideByContent(Flow* flow) const;
  void Ignore(Flow* flow);
  void AddTo(Capture* capture, Flow* flow);

  const CaptureOptions options_;
  std::map<Key, size_t> current_;  // in flows_
  std::deque<Flow> flows_;
  uint64_t held_bytes_ = 0;
  uint64_t left_out_ = 0;  // segments of connections beyond the limit
};

}  // namespace pushpull::conformance

#endif  // CONFORMANCE_CAPTURE_CONNECTIONS_H_
