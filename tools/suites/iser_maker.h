// The iSER that transports_test.cc compares TCP with: another in each of its builds.

#ifndef TOOLS_SUITES_ISER_MAKER_H_
#define TOOLS_SUITES_ISER_MAKER_H_

#include <memory>

#include "conformance/runner/endpoint.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

// Its targets' stores go through `wrap`.
std::unique_ptr<conformance::EndpointFactory> MakeIserFactory(WrapStore wrap);

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_ISER_MAKER_H_
