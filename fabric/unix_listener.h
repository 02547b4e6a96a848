// A listening Unix socket, for those on this machine who may open its file.

#ifndef FABRIC_UNIX_LISTENER_H_
#define FABRIC_UNIX_LISTENER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "fabric/epoll_loop.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// Makes a socket at `path` that its owner alone may open (mode 0600). One that nobody listens on
// any more, as a process that was killed leaves it, is replaced; a file of another kind is not. The
// listener takes the file away at its end, if it still is its own. Streams and listener have no
// address. On the loop's thread.
//
// kAlreadyExists: somebody listens there. kInvalidArgument: no such path can be. Else what the
// system says. Messages say what to do.
absl::StatusOr<std::unique_ptr<Listener>> UnixListen(EpollLoop* loop, const std::string& path,
                                                     Network::AcceptHandler accept);

}  // namespace pushpull::fabric

#endif  // FABRIC_UNIX_LISTENER_H_
