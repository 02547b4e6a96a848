// The reference target in this process, over the simulated RDMA network: a run is its seed.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_ISER_H_
#define TOOLS_ENDPOINTS_EMBEDDED_ISER_H_

#include <cstddef>
#include <memory>

#include "conformance/runner/endpoint.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "target/iser/dialect.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

// Delays, batches and late Writes as the seed says.
fabric::SimRdmaOptions UnsteadyRdma();

struct EmbeddedIserOptions : EmbeddedOptions {
  target::IserDialect dialect = target::IserDialect::kRfc7145;
  fabric::SimRdmaOptions network = UnsteadyRdma();
  size_t target_loops = 1;  // that connections are spread over
};

// Its complaints also tell what the target has not given back: tasks, buffers and queue pairs when
// the last session has ended, and keys at its own end (a receive slot that is held keeps one, too).
std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedIserFactory(EmbeddedIserOptions options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_ISER_H_
