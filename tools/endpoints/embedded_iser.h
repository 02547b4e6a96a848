// The reference target in this process, over the simulated RDMA network: a run is its seed.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_ISER_H_
#define TOOLS_ENDPOINTS_EMBEDDED_ISER_H_

#include <memory>

#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "pushpull/v1/target_config.pb.h"
#include "target/bugs/bugs.h"
#include "target/iser/dialect.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

// Delays, batches and late Writes as the seed says.
fabric::SimRdmaOptions UnsteadyRdma();

struct EmbeddedIserOptions {
  target::BugSet bugs;
  target::IserDialect dialect = target::IserDialect::kRfc7145;
  fabric::SimRdmaOptions network = UnsteadyRdma();
  WrapStore wrap_store;
  EmbeddedAuth auth = {};
  v1::TargetConfig config;  // its limits and LUNs, as MakeEmbeddedTarget takes them
};

// Its complaints also tell what the target has not given back when its end came: keys, tasks,
// buffers.
std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedIserFactory(EmbeddedIserOptions options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_ISER_H_
