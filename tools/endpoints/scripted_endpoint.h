// Where scripted targets listen for an initiator that is to be tested: TCP of this machine.

#ifndef TOOLS_ENDPOINTS_SCRIPTED_ENDPOINT_H_
#define TOOLS_ENDPOINTS_SCRIPTED_ENDPOINT_H_

#include <memory>
#include <vector>

#include "conformance/runner/endpoint.h"
#include "fabric/stream.h"

namespace pushpull::tools {

// Port 0: the kernel chooses, for each script anew.
std::unique_ptr<conformance::EndpointFactory> MakeScriptedFactory(
    std::vector<fabric::Address> listen);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_SCRIPTED_ENDPOINT_H_
