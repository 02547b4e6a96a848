// What the peer's requests do at this end.

#include <algorithm>
#include <cstdint>
#include <span>

#include "absl/time/time.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_copy.h"
#include "fabric/rdma/sim_queue_pair.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

SimQueuePair::Taken SimQueuePair::TakeSend(const SimQueuePair& from, const Send& send,
                                           uint64_t number, const Twist& twist, RdmaStatus* status,
                                           uint64_t* receive_id) {
  if (twist.starve || !HasReceive()) return Taken::kNotReady;
  const Receive& receive = receives_.front();
  const std::span<const RdmaSegment> to(
      receive_segments_.data() + receives_.place(receives_.begin()) * limits_.max_receive_segments,
      receive.segments);
  *receive_id = receive.id;
  RdmaCompletion completion = {.id = receive.id};
  // All that the peer wrote before its Send is seen with it.
  if (domain_->has_late_writes()) domain_->ShowLateWrites(number_, absl::InfiniteFuture());

  const uint64_t length = twist.truncate ? std::min(send.length, twist.length) : send.length;
  const bool invalidates = twist.invalidate || send.op == RdmaOp::kSendWithInvalidate;
  const uint32_t key = twist.invalidate ? twist.key : send.invalidate_key;
  if (length > receive.length) {
    completion.status = RdmaStatus::kLocalLength;
    *status = RdmaStatus::kRemoteInvalidRequest;
  } else if (!std::all_of(to.begin(), to.end(), [&](const RdmaSegment& segment) {
               return segment.length == 0 || domain_->AllowsLocal(segment);
             })) {
    completion.status = RdmaStatus::kLocalProtection;
    *status = RdmaStatus::kRemoteOperation;
  } else if (invalidates && !domain_->Invalidate(key, number_)) {
    completion.status = RdmaStatus::kRemoteInvalidRequest;
    *status = RdmaStatus::kRemoteAccess;
  }
  if (completion.status != RdmaStatus::kSuccess) {
    CompleteReceive(completion);
    return Taken::kFailed;
  }

  const RdmaSegment inline_segment = {const_cast<uint8_t*>(from.inline_bytes_.data()) +
                                          from.sends_.place(number) * from.limits_.max_inline_bytes,
                                      static_cast<uint32_t>(send.length), 0};
  CopySegments(send.inline_data ? std::span(&inline_segment, 1) : from.Segments(number), to,
               length);
  completion.byte_len = twist.claim ? twist.byte_len : static_cast<uint32_t>(length);
  completion.invalidated = invalidates;
  completion.invalidated_key = invalidates ? key : 0;
  CompleteReceive(completion);
  return Taken::kYes;
}

void SimQueuePair::CompleteReceive(const RdmaCompletion& completion) {
  receives_.Pop();
  receive_completions_.Push() = completion;
  ScheduleDelivery();
}

void SimQueuePair::FailAsResponder() {
  if (state_ == State::kEstablished) Fail(RdmaEnd::kFailed);
}

}  // namespace pushpull::fabric
