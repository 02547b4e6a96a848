// A connection of a real RDMA device on an EpollLoop.

#ifndef FABRIC_RDMA_VERBS_CONNECTION_H_
#define FABRIC_RDMA_VERBS_CONNECTION_H_

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/bytes.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/verbs_domain.h"
#include "fabric/rdma/verbs_queue_pair.h"
#include "fabric/rdma/work.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class VerbsConnection final : public RdmaConnection, private VerbsAsyncSink {
 public:
  // `asked`: what the peer asked for, on the passive side; else null. On the loop's thread.
  VerbsConnection(EpollLoop* loop, std::unique_ptr<VerbsQueuePair> queue_pair,
                  const RdmaPeer* asked);
  ~VerbsConnection() override;

  void Establish(const RdmaConnectOptions& options, RdmaHandler* handler) override;
  absl::Status PostReceives(std::span<const RdmaReceive> receives) override;
  absl::Status PostSends(std::span<const RdmaWork> works) override;
  void Disconnect() override;
  void MoveTo(Loop* loop, absl::AnyInvocable<void()> done) override;
  const std::shared_ptr<RdmaDomain>& domain() const override { return domain_; }
  const RdmaLimits& limits() const override { return limits_; }
  Address local() const override { return local_; }
  Address peer() const override { return peer_; }

 private:
  enum class State : uint8_t { kIdle, kConnecting, kAccepting, kEstablished, kEnding, kOver };

  struct ManagerWatcher final : EpollLoop::Watcher {
    explicit ManagerWatcher(VerbsConnection* connection) : connection(connection) {}
    void OnReadable() override { connection->OnManager(); }
    void OnWritable() override {}
    VerbsConnection* const connection;
  };
  struct CompletionWatcher final : EpollLoop::Watcher {
    explicit CompletionWatcher(VerbsConnection* connection) : connection(connection) {}
    void OnReadable() override { connection->OnCompletionEvent(); }
    void OnWritable() override {}
    VerbsConnection* const connection;
  };

  void StartWatching();
  void StopWatching();
  void OnManager();
  // These return false if this was destroyed meanwhile.
  bool OnManagerEvent(rdma_cm_event* event);
  bool OnEstablishedEvent(const rdma_conn_param& param);
  bool TellEstablished(base::Bytes private_data);
  bool Refuse(RdmaRefusal::Kind kind, int reason, base::Bytes private_data);

  void OnCompletionEvent();
  void PollLater();
  void PollNow();
  bool PollSome();  // whether there was something
  bool Deliver(std::span<RdmaCompletion> completions);
  bool Finish();  // as PollSome()
  absl::Status CheckLate(size_t more) const;
  void BeginEnd(RdmaEnd end);
  void StartDrainTimer();
  void OnAsyncEvent(ibv_event_type event) override;  // on another thread
  void OnAsyncEventHere(ibv_event_type event);
  bool busy() const { return queue_pair_->options().polling == RdmaPolling::kBusy; }
  // Runs `task` on the loop unless this is destroyed before.
  void PostHere(void (VerbsConnection::*task)());
  void CheckThread() const;

  EpollLoop* loop_;
  std::unique_ptr<VerbsQueuePair> queue_pair_;  // null once it was refused
  const std::shared_ptr<RdmaDomain> domain_;
  const RdmaLimits limits_;
  const Address local_;
  const Address peer_;
  const bool active_;
  std::vector<uint8_t> asked_data_;
  RdmaPeer asked_;

  State state_ = State::kIdle;
  RdmaHandler* handler_ = nullptr;
  RdmaPeer depths_;
  RdmaEnd end_ = RdmaEnd::kDisconnected;
  ManagerWatcher manager_watcher_{this};
  CompletionWatcher completion_watcher_{this};
  EpollLoop::WatchId manager_watch_ = 0;
  EpollLoop::WatchId completion_watch_ = 0;
  Timer timer_;  // to establish; then to drain
  bool give_up_draining_ = false;
  bool poll_posted_ = false;
  std::vector<RdmaCompletion> batch_;
  size_t early_ = 0;  // of the batch: came before the connection manager said established
  std::vector<RdmaCompletion> late_;  // of what was posted behind the end
  // Expires when this is destroyed: told by handlers that do so, and by tasks. Those of a loop that
  // it has left find it expired, too.
  std::shared_ptr<const void> life_ = std::make_shared<const char>();
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_CONNECTION_H_
