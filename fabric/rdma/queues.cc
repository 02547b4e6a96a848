#include "fabric/rdma/queues.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace pushpull::fabric {
namespace {

// RDMA has no longer messages.
constexpr uint64_t kMaxMessage = uint64_t{1} << 31;

absl::Status CheckSegments(size_t segments, uint32_t limit, const char* option) {
  if (segments <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(segments, " segments; the queue takes ", limit,
                                                 ": raise RdmaQueueOptions::", option));
}

absl::Status CheckRoom(size_t more, uint64_t outstanding, uint32_t limit, const char* queue) {
  if (outstanding <= limit && more <= limit - outstanding) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the ", queue, " queue is full"));
}

absl::Status CheckWork(const RdmaLimits& limits, const RdmaWork& work) {
  absl::Status status =
      CheckSegments(work.segments.size(), limits.max_send_segments, "max_send_segments");
  if (!status.ok()) return status;
  const uint64_t length = TotalLength(work.segments);
  if (length > kMaxMessage) return absl::InvalidArgumentError("a message of more than 2^31 bytes");
  if (work.inline_data && length > limits.max_inline_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(length, " inline bytes; the queue takes ",
                                                   limits.max_inline_bytes,
                                                   ": raise RdmaQueueOptions::max_inline_bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t TotalLength(std::span<const RdmaSegment> segments) {
  uint64_t total = 0;
  for (const RdmaSegment& segment : segments) total += segment.length;
  return total;
}

absl::Status CheckQueues(const RdmaDeviceLimits& device, const RdmaQueueOptions& queues) {
  if (std::max(queues.max_sends, queues.max_receives) > device.max_work) {
    return absl::InvalidArgumentError(
        absl::StrCat("queues of ", queues.max_sends, " and ", queues.max_receives,
                     " requests; the device has at most ", device.max_work));
  }
  if (!queues.fewer_segments &&
      std::max(queues.max_send_segments, queues.max_receive_segments) > device.max_segments) {
    return absl::InvalidArgumentError(
        absl::StrCat("requests of ", queues.max_send_segments, " and ", queues.max_receive_segments,
                     " segments; the device takes at most ", device.max_segments));
  }
  return absl::OkStatus();
}

RdmaLimits LimitsOf(const RdmaDeviceLimits& device, const RdmaQueueOptions& queues) {
  return {.max_sends = std::max(queues.max_sends, 1u),
          .max_receives = std::max(queues.max_receives, 1u),
          .max_send_segments = std::min(queues.max_send_segments, device.max_segments),
          .max_receive_segments = std::min(queues.max_receive_segments, device.max_segments),
          .max_inline_bytes = queues.max_inline_bytes};
}

absl::Status CheckReceives(const RdmaLimits& limits, std::span<const RdmaReceive> receives,
                           uint64_t outstanding) {
  for (const RdmaReceive& receive : receives) {
    absl::Status status =
        CheckSegments(receive.segments.size(), limits.max_receive_segments, "max_receive_segments");
    if (!status.ok()) return status;
  }
  return CheckRoom(receives.size(), outstanding, limits.max_receives, "receive");
}

absl::Status CheckSends(const RdmaLimits& limits, std::span<const RdmaWork> works,
                        uint64_t outstanding) {
  for (const RdmaWork& work : works) {
    absl::Status status = CheckWork(limits, work);
    if (!status.ok()) return status;
  }
  return CheckRoom(works.size(), outstanding, limits.max_sends, "send");
}

}  // namespace pushpull::fabric
