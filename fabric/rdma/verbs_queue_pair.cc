#include "fabric/rdma/verbs_queue_pair.h"

#include <fcntl.h>
#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "fabric/rdma/queues.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {
namespace {

// Acknowledging takes a lock, so it's done for many at a time.
constexpr unsigned int kMostUnacknowledged = 256;
constexpr int kPollAtOnce = 32;

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

RdmaStatus StatusOf(ibv_wc_status status) {
  switch (status) {
    case IBV_WC_SUCCESS:
      return RdmaStatus::kSuccess;
    case IBV_WC_LOC_LEN_ERR:
      return RdmaStatus::kLocalLength;
    case IBV_WC_LOC_QP_OP_ERR:
    case IBV_WC_LOC_EEC_OP_ERR:
      return RdmaStatus::kLocalOperation;
    case IBV_WC_LOC_PROT_ERR:
      return RdmaStatus::kLocalProtection;
    case IBV_WC_WR_FLUSH_ERR:
      return RdmaStatus::kFlushed;
    case IBV_WC_MW_BIND_ERR:
      return RdmaStatus::kWindowBind;
    case IBV_WC_BAD_RESP_ERR:
      return RdmaStatus::kBadResponse;
    case IBV_WC_LOC_ACCESS_ERR:
      return RdmaStatus::kLocalAccess;
    case IBV_WC_REM_INV_REQ_ERR:
      return RdmaStatus::kRemoteInvalidRequest;
    case IBV_WC_REM_ACCESS_ERR:
      return RdmaStatus::kRemoteAccess;
    case IBV_WC_REM_OP_ERR:
      return RdmaStatus::kRemoteOperation;
    case IBV_WC_RETRY_EXC_ERR:
      return RdmaStatus::kRetryExceeded;
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return RdmaStatus::kRnrRetryExceeded;
    default:
      return RdmaStatus::kOther;
  }
}

ibv_wr_opcode OpcodeOf(RdmaOp op) {
  switch (op) {
    case RdmaOp::kSendWithInvalidate:
      return IBV_WR_SEND_WITH_INV;
    case RdmaOp::kRead:
      return IBV_WR_RDMA_READ;
    case RdmaOp::kWrite:
      return IBV_WR_RDMA_WRITE;
    case RdmaOp::kBindWindow:
      return IBV_WR_BIND_MW;
    case RdmaOp::kInvalidate:
      return IBV_WR_LOCAL_INV;
    default:
      return IBV_WR_SEND;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<VerbsId>> VerbsId::Create() {
  rdma_event_channel* channel = rdma_create_event_channel();
  if (channel == nullptr) return VerbsError(errno, "cannot reach the RDMA connection manager");
  SetNonBlocking(channel->fd);
  rdma_cm_id* id = nullptr;
  if (rdma_create_id(channel, &id, nullptr, RDMA_PS_TCP) != 0) {
    const int error = errno;
    rdma_destroy_event_channel(channel);
    return VerbsError(error, "cannot make an RDMA identifier");
  }
  return std::unique_ptr<VerbsId>(new VerbsId(channel, id));
}

absl::StatusOr<std::unique_ptr<VerbsId>> VerbsId::Adopt(rdma_cm_id* id) {
  rdma_event_channel* channel = rdma_create_event_channel();
  if (channel == nullptr || rdma_migrate_id(id, channel) != 0) {
    const int error = errno;
    rdma_reject(id, nullptr, 0);
    rdma_destroy_id(id);
    if (channel != nullptr) rdma_destroy_event_channel(channel);
    return VerbsError(error, "cannot take an RDMA connection request");
  }
  SetNonBlocking(channel->fd);
  return std::unique_ptr<VerbsId>(new VerbsId(channel, id));
}

VerbsId::~VerbsId() {
  rdma_destroy_id(id_);
  rdma_destroy_event_channel(channel_);
}

rdma_cm_event* VerbsId::NextEvent() {
  rdma_cm_event* event = nullptr;
  return rdma_get_cm_event(channel_, &event) == 0 ? event : nullptr;
}

class VerbsQueuePair::SinkHolder final : public VerbsAsyncSink {
 public:
  void Set(VerbsAsyncSink* sink) {
    const std::lock_guard lock(mutex_);
    sink_ = sink;
  }
  void OnAsyncEvent(ibv_event_type event) override {
    const std::lock_guard lock(mutex_);
    if (sink_ != nullptr) sink_->OnAsyncEvent(event);
  }

 private:
  std::mutex mutex_;
  VerbsAsyncSink* sink_ = nullptr;  // guarded by mutex_
};

absl::StatusOr<std::unique_ptr<VerbsQueuePair>> VerbsQueuePair::Create(
    std::unique_ptr<VerbsId>& id, VerbsDomains& domains, const RdmaQueueOptions& queues) {
  if (id->get()->verbs == nullptr) return VerbsError(ENODEV, "no RDMA device for this address");
  auto domain = domains.Get(id->get()->verbs);
  if (!domain.ok()) return domain.status();
  absl::Status status = CheckQueues((*domain)->limits(), queues);
  if (!status.ok()) return status;
  std::unique_ptr<VerbsQueuePair> queue_pair(new VerbsQueuePair(*std::move(domain), queues));
  status = queue_pair->MakeQueues(id->get());
  if (!status.ok()) return status;
  queue_pair->id_ = std::move(id);
  return queue_pair;
}

VerbsQueuePair::VerbsQueuePair(std::shared_ptr<VerbsDomain> domain, const RdmaQueueOptions& queues)
    : domain_(std::move(domain)),
      options_(queues),
      limits_(LimitsOf(domain_->limits(), queues)),
      sink_(std::make_unique<SinkHolder>()),
      sends_(limits_.max_sends + 1),  // and the drain
      receives_(limits_.max_receives),
      send_wrs_(limits_.max_sends),
      receive_wrs_(limits_.max_receives),
      segments_(std::max<size_t>({size_t{limits_.max_sends} * limits_.max_send_segments,
                                  size_t{limits_.max_receives} * limits_.max_receive_segments,
                                  size_t{1}})) {}

absl::Status VerbsQueuePair::MakeQueues(rdma_cm_id* cm) {
  ibv_context* const context = domain_->context();
  channel_ = ibv_create_comp_channel(context);
  if (channel_ == nullptr) return VerbsError(errno, "cannot make a completion channel");
  SetNonBlocking(channel_->fd);
  receive_cq_ =
      ibv_create_cq(context, static_cast<int>(limits_.max_receives), sink_.get(), channel_, 0);
  if (receive_cq_ == nullptr) return VerbsError(errno, "cannot make a completion queue");
  send_cq_ =
      ibv_create_cq(context, static_cast<int>(limits_.max_sends + 1), sink_.get(), channel_, 0);
  if (send_cq_ == nullptr) return VerbsError(errno, "cannot make a completion queue");
  ibv_qp_init_attr attributes = {};
  attributes.qp_context = sink_.get();
  attributes.send_cq = send_cq_;
  attributes.recv_cq = receive_cq_;
  attributes.cap = {.max_send_wr = limits_.max_sends + 1,
                    .max_recv_wr = limits_.max_receives,
                    .max_send_sge = std::max(limits_.max_send_segments, 1u),
                    .max_recv_sge = std::max(limits_.max_receive_segments, 1u),
                    .max_inline_data = limits_.max_inline_bytes};
  attributes.qp_type = IBV_QPT_RC;
  if (rdma_create_qp(cm, domain_->pd(), &attributes) != 0) {
    return VerbsError(errno, "cannot make a queue pair");
  }
  qp_ = cm->qp;
  return absl::OkStatus();
}

void VerbsQueuePair::DestroyQueues() {
  for (const std::weak_ptr<VerbsMemoryWindow>& one : bound_) {
    if (const std::shared_ptr<VerbsMemoryWindow> window = one.lock()) window->End();
  }
  bound_.clear();
  if (std::exchange(qp_, nullptr) != nullptr) rdma_destroy_qp(cm());
}

void VerbsQueuePair::NoteBound(std::weak_ptr<VerbsMemoryWindow> window) {
  // Those that are gone: each time that they may be half of all.
  if (bound_.size() >= look_at_bound_) {
    std::erase_if(bound_, [](const auto& one) { return one.expired(); });
    look_at_bound_ = std::max<size_t>(2 * bound_.size(), 64);
  }
  bound_.push_back(std::move(window));
}

VerbsQueuePair::~VerbsQueuePair() {
  DestroyQueues();
  if (receive_cq_ != nullptr) {
    if (receive_events_ > 0) ibv_ack_cq_events(receive_cq_, receive_events_);
    ibv_destroy_cq(receive_cq_);
  }
  if (send_cq_ != nullptr) {
    if (send_events_ > 0) ibv_ack_cq_events(send_cq_, send_events_);
    ibv_destroy_cq(send_cq_);
  }
  if (channel_ != nullptr) ibv_destroy_comp_channel(channel_);
}

void VerbsQueuePair::SetSink(VerbsAsyncSink* sink) { sink_->Set(sink); }

absl::Status VerbsQueuePair::CheckReceives(std::span<const RdmaReceive> receives) const {
  return fabric::CheckReceives(limits_, receives, receives_.size_posted() - receives_done_);
}

absl::Status VerbsQueuePair::CheckSends(std::span<const RdmaWork> works) const {
  // (The drain is one more.)
  return fabric::CheckSends(
      limits_, works, std::min<uint64_t>(sends_.size_posted() - sends_done_, limits_.max_sends));
}

absl::Status VerbsQueuePair::PostReceives(std::span<const RdmaReceive> receives) {
  if (receives.empty()) return absl::OkStatus();
  ibv_sge* segment = segments_.data();
  for (size_t i = 0; i < receives.size(); ++i) {
    ibv_recv_wr& wr = receive_wrs_[i];
    wr = {.wr_id = receives_.size_posted(),
          .next = i + 1 < receives.size() ? &receive_wrs_[i + 1] : nullptr,
          .sg_list = segment,
          .num_sge = static_cast<int>(receives[i].segments.size())};
    for (const RdmaSegment& from : receives[i].segments) {
      *segment++ = {reinterpret_cast<uintptr_t>(from.address), from.length, from.local_key};
    }
    receives_.Push(receives[i].id);
  }
  ibv_recv_wr* bad = nullptr;
  const int error = ibv_post_recv(qp_, receive_wrs_.data(), &bad);
  return error == 0 ? absl::OkStatus() : VerbsError(error, "ibv_post_recv");
}

void VerbsQueuePair::FillSend(const RdmaWork& work, size_t n) {
  ibv_send_wr& wr = send_wrs_[n];
  wr.wr_id = sends_.size_posted();
  wr.next = nullptr;
  wr.invalidate_rkey = 0;  // devices look at it in others, too
  wr.opcode = OpcodeOf(work.op);
  wr.send_flags = (work.signalled ? IBV_SEND_SIGNALED : 0) | (work.fence ? IBV_SEND_FENCE : 0) |
                  (work.inline_data ? IBV_SEND_INLINE : 0);
  switch (work.op) {
    case RdmaOp::kRead:
    case RdmaOp::kWrite:
      wr.wr.rdma.remote_addr = work.remote_address;
      wr.wr.rdma.rkey = work.remote_key;
      break;
    case RdmaOp::kSendWithInvalidate:
    case RdmaOp::kInvalidate:
      wr.invalidate_rkey = work.invalidate_key;
      // rdma-core's provider for siw looks for it here; others don't look here.
      wr.wr.rdma.rkey = work.invalidate_key;
      break;
    case RdmaOp::kBindWindow:
      NoteBound(domain_->FillBind(work, &wr));
      break;
    default:
      break;
  }
  sends_.Push({work.id, work.op});
}

absl::Status VerbsQueuePair::PostSends(std::span<const RdmaWork> works) {
  if (works.empty()) return absl::OkStatus();
  ibv_sge* segment = segments_.data();
  for (size_t i = 0; i < works.size(); ++i) {
    FillSend(works[i], i);
    if (i > 0) send_wrs_[i - 1].next = &send_wrs_[i];
    send_wrs_[i].sg_list = segment;
    send_wrs_[i].num_sge = static_cast<int>(works[i].segments.size());
    for (const RdmaSegment& from : works[i].segments) {
      *segment++ = {reinterpret_cast<uintptr_t>(from.address), from.length, from.local_key};
    }
  }
  ibv_send_wr* bad = nullptr;
  const int error = ibv_post_send(qp_, send_wrs_.data(), &bad);
  return error == 0 ? absl::OkStatus() : VerbsError(error, "ibv_post_send");
}

void VerbsQueuePair::Rearm() {
  ibv_cq* cq = nullptr;
  void* context = nullptr;
  while (ibv_get_cq_event(channel_, &cq, &context) == 0) {
    unsigned int& events = cq == receive_cq_ ? receive_events_ : send_events_;
    if (++events == kMostUnacknowledged) ibv_ack_cq_events(cq, std::exchange(events, 0));
  }
  ibv_req_notify_cq(receive_cq_, 0);
  ibv_req_notify_cq(send_cq_, 0);
}

size_t VerbsQueuePair::Poll(std::span<RdmaCompletion> completions) {
  // Neither keeps the other from being heard.
  receives_first_ = !receives_first_;
  const size_t first = PollOne(receives_first_ ? receive_cq_ : send_cq_, completions);
  return first + PollOne(receives_first_ ? send_cq_ : receive_cq_, completions.subspan(first));
}

size_t VerbsQueuePair::PollOne(ibv_cq* cq, std::span<RdmaCompletion> completions) {
  size_t count = 0;
  while (count < completions.size()) {
    ibv_wc wcs[kPollAtOnce];
    const int most = static_cast<int>(std::min<size_t>(completions.size() - count, kPollAtOnce));
    const int polled = ibv_poll_cq(cq, most, wcs);
    for (int i = 0; i < polled; ++i) {
      if (Translate(wcs[i], cq == receive_cq_, &completions[count])) ++count;
    }
    if (polled < most) break;
  }
  return count;
}

bool VerbsQueuePair::Translate(const ibv_wc& wc, bool receive, RdmaCompletion* completion) {
  *completion = {.status = StatusOf(wc.status), .vendor_error = wc.vendor_err};
  if (wc.status == IBV_WC_SUCCESS) completion->vendor_error = 0;
  if (!receive) {
    sends_done_ = wc.wr_id + 1;
    if (draining_ && sends_done_ == sends_.size_posted()) {
      drain_seen_ = true;
      return false;
    }
    completion->id = sends_[wc.wr_id].id;
    completion->op = sends_[wc.wr_id].op;
    return true;
  }
  receives_done_ = wc.wr_id + 1;
  completion->id = receives_[wc.wr_id];
  completion->op = RdmaOp::kReceive;
  if (wc.status != IBV_WC_SUCCESS) return true;
  completion->byte_len = wc.byte_len;
  completion->invalidated = (wc.wc_flags & domain_->invalidated_flags()) != 0;
  if (completion->invalidated) completion->invalidated_key = wc.invalidated_rkey;
  return true;
}

// Requests that went well and weren't to be signalled leave no trace: one behind them tells that
// all before it are done.
void VerbsQueuePair::BeginDrain() {
  ibv_qp_attr attributes = {};
  attributes.qp_state = IBV_QPS_ERR;
  ibv_modify_qp(qp_, &attributes, IBV_QP_STATE);
  ibv_send_wr wr = {};
  wr.wr_id = sends_.size_posted();
  wr.opcode = IBV_WR_SEND;
  wr.send_flags = IBV_SEND_SIGNALED;
  sends_.Push({0, RdmaOp::kSend});
  draining_ = true;
  ibv_send_wr* bad = nullptr;
  ibv_post_send(qp_, &wr, &bad);
}

size_t VerbsQueuePair::Abandon(std::span<RdmaCompletion> completions) {
  size_t count = 0;
  while (count < completions.size() && receives_done_ < receives_.size_posted()) {
    completions[count++] = {
        .id = receives_[receives_done_++], .op = RdmaOp::kReceive, .status = RdmaStatus::kFlushed};
  }
  const uint64_t drain = sends_.size_posted() - 1;
  while (count < completions.size() && sends_done_ < drain) {
    const Posted& send = sends_[sends_done_++];
    completions[count++] = {.id = send.id, .op = send.op, .status = RdmaStatus::kFlushed};
  }
  drain_seen_ = sends_done_ >= drain;
  return count;
}

}  // namespace pushpull::fabric
