#include <memory>
#include <utility>

#include "tools/endpoints/embedded_iser.h"
#include "tools/suites/iser_maker.h"

namespace pushpull::tools {

std::unique_ptr<conformance::EndpointFactory> MakeIserFactory(WrapStore wrap) {
  EmbeddedIserOptions options;
  options.wrap_store = std::move(wrap);
  return MakeEmbeddedIserFactory(std::move(options));
}

}  // namespace pushpull::tools
