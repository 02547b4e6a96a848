// A real queue pair with its connection manager's identifier and its completion queues: what a
// connection owns, on no loop yet.

#ifndef FABRIC_RDMA_VERBS_QUEUE_PAIR_H_
#define FABRIC_RDMA_VERBS_QUEUE_PAIR_H_

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/work.h"

namespace pushpull::fabric {

// An identifier on an event channel of its own, so that both go to any loop, and nobody else's
// events come there. Its descriptor doesn't block.
class VerbsId {
 public:
  static absl::StatusOr<std::unique_ptr<VerbsId>> Create();
  // Takes over an identifier that came with a request, also where this fails.
  static absl::StatusOr<std::unique_ptr<VerbsId>> Adopt(rdma_cm_id* id);
  VerbsId(const VerbsId&) = delete;
  VerbsId& operator=(const VerbsId&) = delete;
  ~VerbsId();

  rdma_cm_id* get() const { return id_; }
  int fd() const { return channel_->fd; }
  // The next event that is there, or null. It must be acknowledged (rdma_ack_cm_event) before
  // anything is destroyed.
  rdma_cm_event* NextEvent();

 private:
  VerbsId(rdma_event_channel* channel, rdma_cm_id* id) : channel_(channel), id_(id) {}

  rdma_event_channel* const channel_;
  rdma_cm_id* const id_;
};

class VerbsQueuePair {
 public:
  // Takes `id`, whose device is known, if it succeeds.
  static absl::StatusOr<std::unique_ptr<VerbsQueuePair>> Create(std::unique_ptr<VerbsId>& id,
                                                                VerbsDomains& domains,
                                                                const RdmaQueueOptions& queues);
  VerbsQueuePair(const VerbsQueuePair&) = delete;
  VerbsQueuePair& operator=(const VerbsQueuePair&) = delete;
  // The device touches no memory any more.
  ~VerbsQueuePair();

  // Who hears of asynchronous errors from now on; null for nobody.
  void SetSink(VerbsAsyncSink* sink);

  VerbsId& id() { return *id_; }
  rdma_cm_id* cm() const { return id_->get(); }
  const std::shared_ptr<VerbsDomain>& domain() const { return domain_; }
  const RdmaLimits& limits() const { return limits_; }
  const RdmaQueueOptions& options() const { return options_; }
  int completion_fd() const { return channel_->fd; }

  // All that is refused without a look at the device.
  absl::Status CheckReceives(std::span<const RdmaReceive> receives) const;
  absl::Status CheckSends(std::span<const RdmaWork> works) const;
  // Not OK: the device refuses what it shouldn't; it may have taken some.
  absl::Status PostReceives(std::span<const RdmaReceive> receives);
  absl::Status PostSends(std::span<const RdmaWork> works);

  // Takes what the completion channel says, and asks for the next event. What completes after this
  // makes one; what has completed before must be polled.
  void Rearm();
  // At most as many as there is room for.
  size_t Poll(std::span<RdmaCompletion> completions);

  // Once the queue pair is in the error state: what is drained was completed.
  void BeginDrain();
  bool drained() const { return drain_seen_ && receives_done_ == receives_.size_posted(); }
  // The device gives up what it has; then the same for all that it never completed.
  void DestroyQueues();
  size_t Abandon(std::span<RdmaCompletion> completions);

 private:
  class SinkHolder;
  struct Posted {
    uint64_t id;
    RdmaOp op;
  };
  // By number.
  template <typename T>
  class Ring {
   public:
    explicit Ring(size_t capacity) : places_(capacity) {}
    uint64_t size_posted() const { return posted_; }
    void Push(const T& value) { places_[posted_++ % places_.size()] = value; }
    const T& operator[](uint64_t number) const { return places_[number % places_.size()]; }

   private:
    std::vector<T> places_;
    uint64_t posted_ = 0;
  };

  VerbsQueuePair(std::shared_ptr<VerbsDomain> domain, const RdmaQueueOptions& queues);
  absl::Status MakeQueues(rdma_cm_id* cm);
  size_t PollOne(ibv_cq* cq, std::span<RdmaCompletion> completions);
  bool Translate(const ibv_wc& wc, bool receive, RdmaCompletion* completion);
  void FillSend(const RdmaWork& work, size_t n);
  void NoteBound(std::weak_ptr<VerbsMemoryWindow> window);

  std::unique_ptr<VerbsId> id_;
  const std::shared_ptr<VerbsDomain> domain_;
  const RdmaQueueOptions options_;
  const RdmaLimits limits_;
  const std::unique_ptr<SinkHolder> sink_;
  ibv_comp_channel* channel_ = nullptr;
  ibv_cq* receive_cq_ = nullptr;
  ibv_cq* send_cq_ = nullptr;
  ibv_qp* qp_ = nullptr;
  unsigned int receive_events_ = 0;  // taken and not acknowledged
  unsigned int send_events_ = 0;

  Ring<Posted> sends_;
  Ring<uint64_t> receives_;
  uint64_t sends_done_ = 0;  // and their place is free
  uint64_t receives_done_ = 0;
  bool receives_first_ = false;
  bool draining_ = false;
  bool drain_seen_ = false;

  std::vector<std::weak_ptr<VerbsMemoryWindow>> bound_;  // some of them have ended
  size_t look_at_bound_ = 64;

  // Made once, filled with each post.
  std::vector<ibv_send_wr> send_wrs_;
  std::vector<ibv_recv_wr> receive_wrs_;
  std::vector<ibv_sge> segments_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_QUEUE_PAIR_H_
