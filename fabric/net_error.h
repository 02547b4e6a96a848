// What the operating system says when it can't connect or listen, as a status that says what to do.

#ifndef FABRIC_NET_ERROR_H_
#define FABRIC_NET_ERROR_H_

#include "absl/status/status.h"
#include "fabric/stream.h"

namespace pushpull::fabric {

// `error` is an errno value. `source` is the address to connect from, if one was asked for.
absl::Status ConnectError(int error, const Address& peer, const Address* source = nullptr);
absl::Status ListenError(int error, const Address& address);

}  // namespace pushpull::fabric

#endif  // FABRIC_NET_ERROR_H_
