// The reference target in this process, over loopback TCP, each case with a target of its own.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_TCP_H_
#define TOOLS_ENDPOINTS_EMBEDDED_TCP_H_

#include <memory>

#include "conformance/runner/endpoint.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

// `config`: as MakeEmbeddedTarget takes it.
std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedTcpFactory(const target::BugSet& bugs,
                                                                     v1::TargetConfig config = {},
                                                                     EmbeddedAuth auth = {});

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_TCP_H_
