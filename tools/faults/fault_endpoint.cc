#include "tools/faults/fault_endpoint.h"

#include <utility>
#include <vector>

#include "base/status.h"
#include "tools/faults/fault_stream.h"

namespace pushpull::faults {
namespace {

// Has no tap of its own: that of an embedded target compares what both ends read, and the proxy
// makes them read different bytes.
class FaultEndpoint final : public conformance::Endpoint {
 public:
  FaultEndpoint(std::unique_ptr<conformance::Endpoint> inner, std::shared_ptr<Planting> planting)
      : planting_(std::move(planting)),
        inner_(std::move(inner)),
        network_(inner_->network(), planting_.get()) {}

  fabric::Network* network() override { return &network_; }
  fabric::Loop* loop() override { return inner_->loop(); }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return inner_->RunUntil(done, limit);
  }
  std::vector<fabric::Address> portals() override { return inner_->portals(); }
  initiator_sim::Hook hook() override { return inner_->hook(); }

 private:
  const std::shared_ptr<Planting> planting_;
  const std::unique_ptr<conformance::Endpoint> inner_;
  FaultNetwork network_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<conformance::Endpoint>> FaultFactory::Make(uint64_t seed) {
  PUSHPULL_ASSIGN_OR_RETURN(std::unique_ptr<conformance::Endpoint> inner, inner_->Make(seed));
  planting_ = std::make_shared<Planting>(Planting{.fault = fault_, .only = only_});
  return std::unique_ptr<conformance::Endpoint>(
      std::make_unique<FaultEndpoint>(std::move(inner), planting_));
}

}  // namespace pushpull::faults
