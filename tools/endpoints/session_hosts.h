// The targets that `pushpull replay --via` plays sessions against.

#ifndef TOOLS_ENDPOINTS_SESSION_HOSTS_H_
#define TOOLS_ENDPOINTS_SESSION_HOSTS_H_

#include <memory>

#include "conformance/runner/endpoint.h"
#include "fuzz/replay/session_host.h"
#include "target/bugs/bugs.h"

namespace pushpull::tools {

// The reference target over the simulated network: both directions are cut in the reader's reads,
// exactly. Each play has a target of its own, and the same seed.
std::unique_ptr<replay::SessionHost> MakeSimSessionHost(const target::BugSet& bugs);

// Any target over TCP: what the initiator writes is cut, with a short pause at each cut and
// TCP_NODELAY. That is the best that can be done from here: the target's reads may still find both
// pieces at once.
std::unique_ptr<replay::SessionHost> MakeWriteCutSessionHost(
    std::unique_ptr<conformance::EndpointFactory> factory);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_SESSION_HOSTS_H_
