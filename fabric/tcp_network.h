// The real network: TCP over IPv4 and IPv6, on EpollLoops.

#ifndef FABRIC_TCP_NETWORK_H_
#define FABRIC_TCP_NETWORK_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "fabric/loop.h"
#include "fabric/resolver.h"
#include "fabric/stream.h"
#include "fabric/tcp_options.h"

namespace pushpull::fabric {

// All loops must be EpollLoops and outlive this. Destroying it while a name is being resolved waits
// for the resolver; connects that are under way go on.
//
// Connect: a literal or "localhost" is never looked up; any other name is, on a thread of its own.
// All its addresses are tried in turn.
class TcpNetwork final : public Network {
 public:
  explicit TcpNetwork(TcpOptions options = {});
  TcpNetwork(const TcpNetwork&) = delete;
  TcpNetwork& operator=(const TcpNetwork&) = delete;
  ~TcpNetwork() override;

  absl::StatusOr<std::unique_ptr<Listener>> Listen(Loop* loop, const Address& address,
                                                   AcceptHandler accept) override;
  void Connect(Loop* loop, const Address& address, ConnectHandler done) override;
  void Move(std::unique_ptr<Stream> stream, Loop* to,
            absl::AnyInvocable<void(std::unique_ptr<Stream>)> done) override;

 private:
  const TcpOptions options_;
  Resolver resolver_;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_NETWORK_H_
