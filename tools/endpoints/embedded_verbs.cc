#include "tools/endpoints/embedded_verbs.h"

#include <cstdint>
#include <utility>

#include "fabric/rdma/verbs_network.h"
#include "tools/endpoints/embedded_endpoint.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedVerbsFactory(
    EmbeddedVerbsOptions options) {
  EmbeddedAuth auth = options.auth;
  return std::make_unique<EmbeddedFactory>(
      EmbeddedFactory::Form{.uri = "embedded over verbs", .rdma = true}, std::move(auth),
      [options = std::move(options)](uint64_t /*seed*/) {
        return std::make_unique<RealEndpoint>(
            RealEndpoint::Options{.target = options,
                                  .host = options.host,
                                  .rdma = std::make_unique<fabric::VerbsNetwork>(),
                                  .target_rdma = std::make_unique<fabric::VerbsNetwork>(),
                                  .dialect = options.dialect});
      });
}

}  // namespace pushpull::tools
