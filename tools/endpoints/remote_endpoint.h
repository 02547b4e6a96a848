// Somebody's target, reached over TCP, or over RDMA by any device that this machine has.

#ifndef TOOLS_ENDPOINTS_REMOTE_ENDPOINT_H_
#define TOOLS_ENDPOINTS_REMOTE_ENDPOINT_H_

#include <memory>
#include <string>
#include <vector>

#include "conformance/runner/endpoint.h"
#include "tools/endpoints/uri.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeRemoteFactory(const std::vector<TargetUri>& uris,
                                                                const std::string& bind);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_REMOTE_ENDPOINT_H_
