// The real RDMA network: rdma-core's connection manager and verbs, on EpollLoops. Any device will
// do: InfiniBand, RoCE (soft-RoCE, too: rxe), iWARP (siw).

#ifndef FABRIC_RDMA_VERBS_NETWORK_H_
#define FABRIC_RDMA_VERBS_NETWORK_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/resolver.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

class VerbsDomains;

struct VerbsOptions {
  // How many requests wait to be heard of; the kernel bounds it.
  int backlog = 1024;
  // To find the way to a peer: each of the two steps that this takes.
  absl::Duration resolve_timeout = absl::Seconds(5);
};

// All loops must be EpollLoops and outlive this. Destroying it while a name is being resolved waits
// for the resolver; what is under way goes on.
//
// A listener on "" hears of requests on all devices of the machine. Private data is padded by the
// kernel on all but iWARP. There is no way to look at one's own operations' or the peer's accesses.
class VerbsNetwork final : public RdmaNetwork {
 public:
  explicit VerbsNetwork(const VerbsOptions& options = {});
  ~VerbsNetwork() override;

  absl::StatusOr<std::unique_ptr<RdmaListener>> Listen(Loop* loop, const Address& address,
                                                       RequestHandler handler) override;
  void Open(Loop* loop, const Address& address, const RdmaQueueOptions& queues,
            OpenHandler done) override;

 private:
  const VerbsOptions options_;
  const std::shared_ptr<VerbsDomains> domains_;
  Resolver resolver_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_VERBS_NETWORK_H_
