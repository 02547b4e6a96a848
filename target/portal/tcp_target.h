// The reference target for real use: TCP, and iSER where it is given RDMA, with loops on threads of
// its own.
//
//   auto target = TcpTarget::Create(options, /*threads=*/2);
//   auto address = (*target)->Listen({"127.0.0.1", 0});   // accepts from now on
//   ...
//   (*target)->Stop();                                     // also done by the destructor

#ifndef TARGET_PORTAL_TCP_TARGET_H_
#define TARGET_PORTAL_TCP_TARGET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/busy_poll.h"
#include "fabric/epoll_loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/stream.h"
#include "fabric/tcp_network.h"
#include "target/target.h"

namespace pushpull::target {

// All functions from any thread but the target's own.
class TcpTarget {
 public:
  // `threads`: 0 for one for each processor, at most 16. `rdma`, of EpollLoops, may be null.
  static absl::StatusOr<std::unique_ptr<TcpTarget>> Create(
      TargetOptions options, uint32_t threads, std::unique_ptr<fabric::RdmaNetwork> rdma = nullptr);
  TcpTarget(const TcpTarget&) = delete;
  TcpTarget& operator=(const TcpTarget&) = delete;
  ~TcpTarget() { Stop(); }

  // The address with the port that was chosen. May be called for several addresses.
  absl::StatusOr<fabric::Address> Listen(const fabric::Address& address);
  // Where there is `rdma`. As Target::ListenIser().
  absl::StatusOr<fabric::Address> ListenIser(const fabric::Address& address);
  // EpollLoop::SetBusyPoll() of all its loops.
  void SetBusyPoll(fabric::BusyPoll busy_poll);
  std::vector<fabric::Address> addresses() const { return target_->addresses(); }
  int64_t Get(Count count) const { return target_->Get(count); }
  Target& target() { return *target_; }

  // Target::Stop(): ends in order, and waits for that. Its threads run on, with nothing to do,
  // until Stop(): who asks the target in other threads may go on till then.
  void StopInOrder(absl::Duration timeout);
  // Closes all connections and waits until nothing is left. Then no thread of it runs any more.
  void Stop();

 private:
  TcpTarget();

  fabric::TcpNetwork network_;
  std::vector<std::unique_ptr<fabric::LoopThread>> threads_;
  std::unique_ptr<fabric::RdmaNetwork> rdma_;  // its loops outlive it
  std::unique_ptr<Target> target_;
  bool shut_down_ = false;
  bool stopped_ = false;
};

}  // namespace pushpull::target

#endif  // TARGET_PORTAL_TCP_TARGET_H_
