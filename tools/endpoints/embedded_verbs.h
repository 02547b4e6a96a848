// The reference target in this process, over an RDMA device of this machine.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_VERBS_H_
#define TOOLS_ENDPOINTS_EMBEDDED_VERBS_H_

#include <memory>
#include <string>

#include "conformance/runner/endpoint.h"
#include "target/iser/dialect.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

struct EmbeddedVerbsOptions : EmbeddedOptions {
  std::string host;  // an address that has a device
  target::IserDialect dialect = target::IserDialect::kRfc7145;
};

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedVerbsFactory(
    EmbeddedVerbsOptions options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_VERBS_H_
