#include "tools/endpoints/embedded_tcp.h"

#include <cstdint>
#include <utility>

#include "tools/endpoints/embedded_endpoint.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedTcpFactory(EmbeddedOptions options) {
  EmbeddedAuth auth = options.auth;
  return std::make_unique<EmbeddedFactory>(
      EmbeddedFactory::Form{.uri = "embedded:"}, std::move(auth),
      [options = std::move(options)](uint64_t /*seed*/) {
        return std::make_unique<RealEndpoint>(
            RealEndpoint::Options{.target = options, .host = "127.0.0.1"});
      });
}

}  // namespace pushpull::tools
