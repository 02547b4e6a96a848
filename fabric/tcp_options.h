// What a TcpNetwork is to be like.

#ifndef FABRIC_TCP_OPTIONS_H_
#define FABRIC_TCP_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "fabric/stream.h"

namespace pushpull::fabric {

struct TcpOptions {
  // Where connections come from: an IP address of this machine; port 0 lets the kernel choose.
  std::optional<Address> source;
  // How many connections wait to be accepted; the kernel bounds it (net.core.somaxconn).
  int backlog = 4096;
  // So many of the process's descriptors, but no more than a quarter, are not for connections that
  // listeners accept: further ones are closed at once, and not left to wait for nothing.
  uint32_t kept_descriptors = 0;
  // On the listener's loop. `turned_away`: such a connection was closed; else there are
  // descriptors again, an eighth of them.
  std::function<void(bool turned_away)> on_descriptors = {};
};

}  // namespace pushpull::fabric

#endif  // FABRIC_TCP_OPTIONS_H_
