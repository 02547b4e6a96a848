#include "tools/endpoints/embedded_sim.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "target/target.h"
#include "tools/endpoints/cross_check.h"

namespace pushpull::tools {
namespace {

class EmbeddedSimEndpoint : public conformance::Endpoint {
 public:
  EmbeddedSimEndpoint(const EmbeddedSimOptions& options, uint64_t seed)
      : options_(options),
        world_(seed),
        network_(&world_, options.network),
        loop_(world_.NewLoop()),
        target_loop_(world_.NewLoop()) {
    if (options.network_of) network_.set_options_of(options.network_of);
  }

  ~EmbeddedSimEndpoint() override {
    if (target_ != nullptr) {
      bool stopped = false;
      target_->Shutdown([&stopped] { stopped = true; });
      world_.RunUntil([&stopped] { return stopped; }, {.time = absl::Hours(1)});
      target_.reset();
    }
    if (!options_.on_connection) return;
    for (size_t i = 0; i < network_.connections(); ++i) {
      options_.on_connection(network_.connection(i));
    }
  }

  absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) {
    PUSHPULL_ASSIGN_OR_RETURN(target_,
                              MakeEmbeddedTarget(options_.bugs, seed, &network_, {target_loop_},
                                                 cross_check_.target_tap(), options_.wrap_store, {},
                                                 options_.config, chap));
    PUSHPULL_ASSIGN_OR_RETURN(const fabric::Address address, target_->Listen({"192.0.2.2", 3260}));
    portals_ = {address};
    return absl::OkStatus();
  }

  fabric::Network* network() override { return &network_; }
  fabric::Loop* loop() override { return loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return world_.RunUntil(done, {.time = limit}) == fabric::SimWorld::Outcome::kDone;
  }
  std::vector<fabric::Address> portals() override { return portals_; }
  initiator_sim::Tap* tap() override { return &cross_check_; }
  std::vector<std::string> Complaints() override { return cross_check_.Complaints(); }

 private:
  const EmbeddedSimOptions& options_;
  CrossCheck cross_check_;
  fabric::SimWorld world_;
  fabric::SimNetwork network_;
  fabric::SimLoop* const loop_;
  fabric::SimLoop* const target_loop_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
};

class EmbeddedSimFactory : public conformance::EndpointFactory {
 public:
  explicit EmbeddedSimFactory(EmbeddedSimOptions options) : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override {
    return Start(seed, options_.auth.Make());
  }
  const initiator_sim::ChapCredentials* chap() const override { return options_.auth.chap(); }
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> MakeWithChap(uint64_t seed) override {
    return Start(seed, options_.auth.MakeWithChap());
  }
  std::string uri() const override { return "embedded-sim:"; }
  std::string target_name() const override { return kEmbeddedTargetName; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return true; }

 private:
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Start(
      uint64_t seed, const std::optional<EmbeddedChap>& chap) {
    auto endpoint = std::make_unique<EmbeddedSimEndpoint>(options_, seed);
    PUSHPULL_RETURN_IF_ERROR(endpoint->Start(seed, chap));
    return std::unique_ptr<conformance::Endpoint>(std::move(endpoint));
  }

  const EmbeddedSimOptions options_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedSimFactory(EmbeddedSimOptions options) {
  return std::make_unique<EmbeddedSimFactory>(std::move(options));
}

}  // namespace pushpull::tools
