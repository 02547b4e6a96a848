// One embedded target that all cases of a run share, as they do somebody's target.

#ifndef TOOLS_SUITES_SHARED_TARGET_H_
#define TOOLS_SUITES_SHARED_TARGET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conformance/runner/endpoint.h"

namespace pushpull::tools {

class SharedTarget final : public conformance::EndpointFactory {
 public:
  // `maker` makes the one endpoint whose target it is.
  explicit SharedTarget(std::unique_ptr<conformance::EndpointFactory> maker);
  ~SharedTarget() override;

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override;
  std::string uri() const override { return "shared:"; }
  std::string target_name() const override { return maker_->target_name(); }
  bool own_target() const override { return false; }
  bool virtual_time() const override { return maker_->virtual_time(); }
  bool rdma() const override { return maker_->rdma(); }

  // How many endpoints were made.
  size_t made() const { return made_; }
  // Instead of the target that there is a new one: a restart. False: it can't be made.
  bool Restart();

 private:
  const std::unique_ptr<conformance::EndpointFactory> maker_;
  std::unique_ptr<conformance::Endpoint> endpoint_;
  size_t made_ = 0;
};

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_SHARED_TARGET_H_
