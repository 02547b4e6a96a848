#include "tools/suites/shared_target.h"

#include <utility>

namespace pushpull::tools {
namespace {

// The same endpoint under another owner. Its tap compares what both ends read of connections that
// it counts from 1, which is for one play only.
class Borrowed final : public conformance::Endpoint {
 public:
  explicit Borrowed(conformance::Endpoint* endpoint) : endpoint_(endpoint) {}

  fabric::Network* network() override { return endpoint_->network(); }
  fabric::RdmaNetwork* rdma() override { return endpoint_->rdma(); }
  fabric::Loop* loop() override { return endpoint_->loop(); }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return endpoint_->RunUntil(done, limit);
  }
  std::vector<fabric::Address> portals() override { return endpoint_->portals(); }
  initiator_sim::Hook hook() override { return endpoint_->hook(); }

 private:
  conformance::Endpoint* const endpoint_;
};

}  // namespace

SharedTarget::SharedTarget(std::unique_ptr<conformance::EndpointFactory> maker)
    : maker_(std::move(maker)) {}

SharedTarget::~SharedTarget() = default;

bool SharedTarget::Restart() {
  endpoint_.reset();
  auto made = maker_->Make(1);
  if (made.ok()) endpoint_ = *std::move(made);
  return endpoint_ != nullptr;
}

absl::StatusOr<std::unique_ptr<conformance::Endpoint>> SharedTarget::Make(uint64_t) {
  if (endpoint_ == nullptr && !Restart()) return absl::UnavailableError("there is no target");
  ++made_;
  return std::make_unique<Borrowed>(endpoint_.get());
}

}  // namespace pushpull::tools
