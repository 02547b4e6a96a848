#include "tools/endpoints/embedded_sim.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "base/status.h"
#include "fabric/sim_network.h"
#include "tools/endpoints/embedded_endpoint.h"

namespace pushpull::tools {
namespace {

class EmbeddedSimEndpoint final : public SimulatedEndpoint {
 public:
  EmbeddedSimEndpoint(std::shared_ptr<const EmbeddedSimOptions> options, uint64_t seed)
      : SimulatedEndpoint(seed, /*target_loops=*/1),
        options_(std::move(options)),
        network_(&world_, options_->network) {
    if (options_->network_of) network_.set_options_of(options_->network_of);
  }

  ~EmbeddedSimEndpoint() override {
    if (target_ != nullptr) {
      ShutDown();
      target_.reset();
    }
    if (!options_->on_connection) return;
    for (size_t i = 0; i < network_.connections(); ++i) {
      options_->on_connection(network_.connection(i));
    }
  }

  absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) override {
    PUSHPULL_ASSIGN_OR_RETURN(target_,
                              MakeEmbeddedTarget(*options_, {.seed = seed,
                                                             .chap = chap,
                                                             .network = &network_,
                                                             .loops = target_loops(),
                                                             .tap = cross_check_.target_tap()}));
    PUSHPULL_ASSIGN_OR_RETURN(const fabric::Address address, target_->Listen({"192.0.2.2", 3260}));
    portals_ = {address};
    return absl::OkStatus();
  }

  fabric::Network* network() override { return &network_; }

 private:
  const std::shared_ptr<const EmbeddedSimOptions> options_;
  fabric::SimNetwork network_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedSimFactory(EmbeddedSimOptions options) {
  EmbeddedAuth auth = options.auth;
  return std::make_unique<EmbeddedFactory>(
      EmbeddedFactory::Form{.uri = "embedded-sim:", .virtual_time = true}, std::move(auth),
      [shared = std::make_shared<const EmbeddedSimOptions>(std::move(options))](uint64_t seed) {
        return std::make_unique<EmbeddedSimEndpoint>(shared, seed);
      });
}

}  // namespace pushpull::tools
