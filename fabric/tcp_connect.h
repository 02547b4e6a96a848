// Connecting a TCP socket without blocking, to the first of several addresses that answers.

#ifndef FABRIC_TCP_CONNECT_H_
#define FABRIC_TCP_CONNECT_H_

#include <optional>
#include <vector>

#include "fabric/epoll_loop.h"
#include "fabric/socket_address.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

struct TcpConnectRequest {
  Address peer;  // as the caller named it, for messages
  std::vector<SocketAddress> candidates;
  std::optional<Address> source;
  std::optional<SocketAddress> source_address;
  Network::ConnectHandler done;
};

// On the loop's thread. `done` runs later or within this call; not at all if the loop is destroyed.
void TcpConnect(EpollLoop* loop, TcpConnectRequest request);

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_CONNECT_H_
