// On the device whose address PUSHPULL_RDMA_ADDRESS is (as `pushpull softroce` sets it).

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/check.h"
#include "tools/endpoints/embedded_verbs.h"
#include "tools/suites/iser_maker.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeIserFactory(WrapStore wrap) {
  const char* const host = std::getenv("PUSHPULL_RDMA_ADDRESS");
  CHECK(host != nullptr) << "PUSHPULL_RDMA_ADDRESS is not set: run this by `pushpull softroce`";
  EmbeddedVerbsOptions options;
  options.host = host;
  options.wrap_store = std::move(wrap);
  return MakeEmbeddedVerbsFactory(std::move(options));
}

}  // namespace pushpull::tools
