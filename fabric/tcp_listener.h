// A listening socket on an EpollLoop: TCP, or what it is given.

#ifndef FABRIC_TCP_LISTENER_H_
#define FABRIC_TCP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "fabric/epoll_loop.h"
#include "fabric/stream.h"
#include "fabric/tcp_options.h"

namespace pushpull::fabric {

// On the loop's thread. Of `options` all but the source.
absl::StatusOr<std::unique_ptr<Listener>> TcpListen(EpollLoop* loop, const Address& address,
                                                    const TcpOptions& options,
                                                    Network::AcceptHandler accept);

// The same of a listening, non-blocking stream socket of any family, which it takes. Null and
// errno.
std::unique_ptr<Listener> ListenOn(EpollLoop* loop, int fd, const TcpOptions& options,
                                   Network::AcceptHandler accept);

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_LISTENER_H_
