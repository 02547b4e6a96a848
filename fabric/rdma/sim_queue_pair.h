// One end of a simulated connection: its queues, what it requests, what it answers, what its
// handler is told.
//
// All of it happens in two kinds of events, so that a batch costs no more of them than one request:
// the engine takes requests from the send queue to the peer and their answers back; the delivery
// calls the handler.

#ifndef FABRIC_RDMA_SIM_QUEUE_PAIR_H_
#define FABRIC_RDMA_SIM_QUEUE_PAIR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/bytes.h"
#include "base/random.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_domain.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/rdma/sim_ring.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// Of a network, and of what outlives it.
struct SimRdmaTrace {
  SimRdmaLog* log = nullptr;
  uint64_t operations = 0;
};

// What both ends of a connection share.
struct SimRdmaLink {
  SimRdmaLink(const SimRdmaOptions& options, base::Random random, size_t number)
      : options(options), random(random), number(number) {}

  const SimRdmaOptions options;
  base::Random random;
  const size_t number;
  std::shared_ptr<SimRdmaTrace> trace;
  std::shared_ptr<SimRdmaRecord> record;
  bool dropped = false;
  absl::Time dropped_at;
};

class SimQueuePair : public std::enable_shared_from_this<SimQueuePair> {
 public:
  enum class State : uint8_t {
    kIdle,        // not connected yet
    kConnecting,  // the active end has asked
    kAccepting,   // the passive end has answered, and isn't sure yet
    kEstablished,
    kFlushed,  // it has ended; the handler isn't told all of it yet
    kOver,     // and now it is; or it was refused
    kDestroyed,
  };

  SimQueuePair(SimWorld* world, SimLoop* loop, std::shared_ptr<SimDomain> domain,
               const RdmaQueueOptions& queues);
  SimQueuePair(const SimQueuePair&) = delete;
  SimQueuePair& operator=(const SimQueuePair&) = delete;

  // ---- what its owner does ----
  absl::Status PostReceives(std::span<const RdmaReceive> receives);
  absl::Status PostSends(std::span<const RdmaWork> works);
  void Disconnect();
  void MoveTo(SimLoop* loop, absl::AnyInvocable<void()> done);
  // No call comes any more, and no memory is touched.
  void Destroy();

  // ---- what the connection manager does ----
  void Begin(State state, RdmaHandler* handler, std::shared_ptr<SimRdmaLink> link, bool active);
  void SetPeer(const std::shared_ptr<SimQueuePair>& peer, uint8_t initiator_depth,
               uint8_t responder_resources, uint8_t rnr_retry_count);
  void SetAddresses(const Address& local, const Address& peer) {
    local_ = local;
    peer_address_ = peer;
  }
  // What OnEstablished will give.
  void SetPrivateData(base::Bytes private_data) {
    private_data_.assign(private_data.begin(), private_data.end());
  }
  void BecomeEstablished();
  void BecomeRefused(RdmaRefusal::Kind kind, int reason, base::Bytes private_data);
  // The peer's disconnect request, or its machine's.
  void BecomeDisconnected();
  // Whether what the queue says can go on, after something that isn't in it has changed.
  void Wake() { ScheduleEngine(world_->now()); }
  void SetStarved(bool starved);
  // Faults: of both ends.
  void DropLink();
  void DisconnectBoth();
  // The link has fallen: this end waits no longer than it has to.
  void LoseLink();
  void set_timeout(absl::Duration timeout) { timeout_ = timeout; }

  State state() const { return state_; }
  SimLoop* loop() const { return loop_; }
  const std::shared_ptr<SimDomain>& domain() const { return domain_; }
  const RdmaLimits& limits() const { return limits_; }
  const Address& local() const { return local_; }
  const Address& peer_address() const { return peer_address_; }
  const std::shared_ptr<SimRdmaLink>& link() const { return link_; }
  bool world_is_gone() const { return world_life_.expired(); }

 private:
  // A request in the send queue, from its post until its completion was seen.
  struct Send {
    enum class Stage : uint8_t { kUnderWay, kReading, kAnswered };
    RdmaOp op;
    bool signalled;
    bool fence;
    bool inline_data;
    Stage stage;
    RdmaStatus status;
    RdmaRights rights;
    uint32_t segments;
    uint64_t id;
    uint64_t length;
    uint64_t remote_address;
    uint32_t remote_key;
    uint32_t invalidate_key;
    uint32_t window_key;  // kBindWindow: the new one
    uint32_t memory_key;
    base::MutableBytes bound;
    absl::Time due;  // of the arrival, the look at the memory, the answer
  };
  struct Receive {
    uint64_t id;
    uint32_t segments;
    uint64_t length;
  };
  struct SendCompletion {
    RdmaCompletion completion;
    uint64_t number;  // in the send queue: it and those before it have left
  };
  // The next of the link's faults to befall, for each kind of count.
  struct FaultCounts {
    uint64_t messages = 0;
    uint64_t sends = 0;
    uint64_t accesses = 0;
  };
  // What the link's faults make of a request.
  struct Twist {
    bool stop = false;      // the connection is no more what it was
    bool refuse = false;    // kRemoteAccess
    bool starve = false;    // kStarve
    bool truncate = false;  // kTruncateSend
    bool claim = false;     // kByteLen
    bool invalidate = false;
    uint64_t length = 0;
    uint32_t byte_len = 0;
    uint32_t key = 0;
  };
  enum class Taken : uint8_t { kYes, kNotReady, kFailed };

  // ---- sim_requester.cc: the send queue's way ----
  void RunEngine();
  void ScheduleEngine(absl::Time due);
  bool Issue();
  bool Arrive(SimQueuePair& peer);
  bool ArriveMessage(SimQueuePair& peer, Send& send);
  void Answer(Send& send, RdmaStatus status);
  RdmaStatus DoLocal(const Send& send);
  RdmaStatus DoWrite(SimQueuePair& peer, const Send& send, bool refuse);
  bool LookAtMemory(SimQueuePair& peer);
  bool Retire();
  void NotReady(Send& send);
  void ParkOrRetry();
  void WatchSilence();
  absl::Time NextDue() const;
  void WriteLate(SimQueuePair& peer, uint64_t address, base::Bytes data);
  std::span<const RdmaSegment> Segments(uint64_t number) const;
  bool AllowsSegments(const Send& send, uint64_t number) const;
  Twist Befall(const Send& send);
  const SimRdmaDirection& direction() const {
    return active_ ? link_->options.to_acceptor : link_->options.to_connector;
  }
  const SimRdmaDirection& other_direction() const {
    return active_ ? link_->options.to_connector : link_->options.to_acceptor;
  }
  SimRdmaCounters& counters() const {
    return active_ ? link_->record->to_acceptor : link_->record->to_connector;
  }
  absl::Time Later(absl::Duration min, absl::Duration max) const;
  void Log(const Send& send, RdmaStatus status, base::MutableBytes region, uint64_t receive_id,
           uint32_t not_ready = 0) const;

  // ---- sim_responder.cc: what the peer's requests do here ----
  bool CanReceive() const {
    // What comes before the connection manager's last message stands for it.
    return (state_ == State::kEstablished || state_ == State::kAccepting) && !link_->dropped;
  }
  bool HasReceive() const { return !starved_ && !receives_.empty(); }
  // `status`: as the peer will see it, where this isn't kNotReady.
  Taken TakeSend(const SimQueuePair& from, const Send& send, uint64_t number, const Twist& twist,
                 RdmaStatus* status, uint64_t* receive_id);
  void CompleteReceive(const RdmaCompletion& completion);
  void FailAsResponder();

  // ---- sim_queue_pair.cc ----
  void AcceptSend(const RdmaWork& work);
  void Flush();
  void Fail(RdmaEnd end);
  void FinishSomeUnderWay();
  void TellPeerOfEnd();
  void CompleteSend(uint64_t number, RdmaStatus status);
  void ScheduleDelivery();
  void Deliver();
  size_t FillBatch();

  SimWorld* const world_;
  const std::weak_ptr<const void> world_life_;
  SimLoop* loop_;
  bool moving_ = false;  // MoveTo() isn't done
  const std::shared_ptr<SimDomain> domain_;
  const RdmaLimits limits_;
  const uint32_t max_batch_;
  const SimWorld::Lane engine_lane_;
  const SimWorld::Lane delivery_lane_;
  const SimWorld::Lane wire_lane_;
  const SimDomain::User number_;

  State state_ = State::kIdle;
  bool active_ = false;
  RdmaHandler* handler_ = nullptr;
  std::shared_ptr<SimRdmaLink> link_;
  std::weak_ptr<SimQueuePair> peer_;
  Address local_;
  Address peer_address_;
  uint8_t initiator_depth_ = 0;
  uint8_t responder_resources_ = 0;
  uint32_t rnr_retry_count_ = 7;
  absl::Duration timeout_;

  // The send queue: [begin, retired_) have been answered and aren't seen yet, [retired_, arrived_)
  // were executed by the peer or wait for their look at its memory, [arrived_, issued_) are under
  // way, the rest waits.
  SimRing<Send> sends_;
  uint64_t retired_ = 0;
  uint64_t arrived_ = 0;
  uint64_t issued_ = 0;
  std::vector<RdmaSegment> send_segments_;
  std::vector<uint8_t> inline_bytes_;
  uint32_t reads_ = 0;             // issued and not retired
  std::vector<uint64_t> looking_;  // Reads that wait for their look at the memory, in order
  bool stopped_ = false;           // one has failed: nothing behind it is executed
  absl::Time last_arrival_ = absl::InfinitePast();
  absl::Time last_look_ = absl::InfinitePast();
  absl::Time last_answer_ = absl::InfinitePast();
  uint32_t not_ready_ = 0;  // attempts of the request at arrived_
  absl::Time retry_at_ = absl::InfinitePast();
  bool parked_ = false;  // until the peer has posted a receive
  absl::Time silent_until_ = absl::InfiniteFuture();
  FaultCounts counts_;
  uint64_t starved_attempts_ = 0;
  bool engine_now_ = false;  // an event of now is scheduled
  SimWorld::EventId engine_timer_ = 0;
  absl::Time engine_due_ = absl::InfiniteFuture();

  // The receive queue.
  SimRing<Receive> receives_;
  std::vector<RdmaSegment> receive_segments_;
  uint32_t receives_unseen_ = 0;  // posted and their completion not seen
  bool starved_ = false;

  // What the handler will be told.
  bool delivery_scheduled_ = false;
  bool tell_established_ = false;
  bool announced_ = false;  // it was told that it is established
  bool tell_refused_ = false;
  RdmaRefusal refusal_;
  std::vector<uint8_t> private_data_;
  RdmaEnd end_ = RdmaEnd::kDisconnected;
  bool receives_first_ = false;
  SimRing<RdmaCompletion> receive_completions_;
  SimRing<SendCompletion> send_completions_;
  std::vector<RdmaCompletion> batch_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_QUEUE_PAIR_H_
