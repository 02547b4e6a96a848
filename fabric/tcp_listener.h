// A listening TCP socket on an EpollLoop.

#ifndef FABRIC_TCP_LISTENER_H_
#define FABRIC_TCP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "fabric/epoll_loop.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// On the loop's thread.
absl::StatusOr<std::unique_ptr<Listener>> TcpListen(EpollLoop* loop, const Address& address,
                                                    int backlog, Network::AcceptHandler accept);

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_LISTENER_H_
