// Endpoints with a proxy before them.

#ifndef TOOLS_FAULTS_FAULT_ENDPOINT_H_
#define TOOLS_FAULTS_FAULT_ENDPOINT_H_

#include <memory>
#include <string>

#include "conformance/runner/endpoint.h"
#include "tools/faults/meddler.h"

namespace pushpull::faults {

// Plants `fault` into each endpoint of another factory. One endpoint at a time.
class FaultFactory final : public conformance::EndpointFactory {
 public:
  // Both outlive it. `only`: as Planting.
  FaultFactory(conformance::EndpointFactory* inner, const Fault* fault, size_t only)
      : inner_(inner), fault_(fault), only_(only) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override;
  std::string uri() const override { return inner_->uri(); }
  std::string target_name() const override { return inner_->target_name(); }
  bool own_target() const override { return inner_->own_target(); }
  bool virtual_time() const override { return inner_->virtual_time(); }

  // Of the last endpoint that was made.
  const Planting& planting() const { return *planting_; }

 private:
  conformance::EndpointFactory* const inner_;
  const Fault* const fault_;
  const size_t only_;
  std::shared_ptr<Planting> planting_ = std::make_shared<Planting>();
};

}  // namespace pushpull::faults

#endif  // TOOLS_FAULTS_FAULT_ENDPOINT_H_
