// The reference target in this process, over loopback TCP, each case with a target of its own.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_TCP_H_
#define TOOLS_ENDPOINTS_EMBEDDED_TCP_H_

#include <memory>

#include "conformance/runner/endpoint.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedTcpFactory(EmbeddedOptions options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_TCP_H_
