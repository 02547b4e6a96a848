// What a queue pair's queues hold, and what they refuse: the same for every maker.

#ifndef FABRIC_RDMA_QUEUES_H_
#define FABRIC_RDMA_QUEUES_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

// kInvalidArgument: the device can't have such queues.
absl::Status CheckQueues(const RdmaDeviceLimits& device, const RdmaQueueOptions& queues);
RdmaLimits LimitsOf(const RdmaDeviceLimits& device, const RdmaQueueOptions& queues);

// Whether all of it may be posted to a queue that holds `outstanding` already; else as PostReceives
// and PostSends of RdmaConnection say.
absl::Status CheckReceives(const RdmaLimits& limits, std::span<const RdmaReceive> receives,
                           uint64_t outstanding);
absl::Status CheckSends(const RdmaLimits& limits, std::span<const RdmaWork> works,
                        uint64_t outstanding);

uint64_t TotalLength(std::span<const RdmaSegment> segments);

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_QUEUES_H_
