// The reference target in this process, over the simulated network: a run is its seed.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_SIM_H_
#define TOOLS_ENDPOINTS_EMBEDDED_SIM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "fabric/sim_options.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

struct EmbeddedSimOptions : EmbeddedOptions {
  // How bytes travel. By default they are cut and delayed as the seed says.
  fabric::SimOptions network = fabric::SimOptions::Both({
      .random_reads = true,
      .read_block_percent = 20,
      .random_writes = true,
      .write_block_percent = 20,
      .min_latency = absl::Microseconds(5),
      .max_latency = absl::Microseconds(200),
  });
  // The same for each connection by its number, from 0; empty: `network` for all.
  std::function<fabric::SimOptions(size_t connection)> network_of = {};
  // Called when an endpoint ends, with what went over each of its connections.
  std::function<void(const fabric::SimConnectionRecord&)> on_connection = {};
};

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedSimFactory(EmbeddedSimOptions options);

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_SIM_H_
