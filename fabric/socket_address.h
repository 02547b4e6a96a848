// Addresses as the kernel has them.

#ifndef FABRIC_SOCKET_ADDRESS_H_
#define FABRIC_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  int family() const { return storage.ss_family; }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  // An IPv4 address that a socket for both families sees as ::ffff:1.2.3.4 stands as 1.2.3.4.
  Address ToAddress() const;

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
    return a.ToAddress() == b.ToAddress();
  }
};

// A literal of either family (also "fe80::1%eth0"), "localhost" (127.0.0.1, then ::1), or "" (all
// addresses of the machine: :: for both families, then 0.0.0.0). Asks nobody; nothing for a name.
std::vector<SocketAddress> ParseAddress(const Address& address);

// Asks the system's resolver: may take seconds.
absl::StatusOr<std::vector<SocketAddress>> ResolveBlocking(const Address& address);

// What a socket is bound or connected to; an empty one (no host, port 0) if it isn't.
Address LocalAddress(int fd);
Address PeerAddress(int fd);

}  // namespace pushpull::fabric

#endif  // FABRIC_SOCKET_ADDRESS_H_
