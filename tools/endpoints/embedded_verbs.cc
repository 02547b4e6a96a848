#include "tools/endpoints/embedded_verbs.h"

#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status.h"
#include "fabric/epoll_loop.h"
#include "fabric/rdma/verbs_network.h"
#include "fabric/tcp_network.h"
#include "target/target.h"
#include "tools/endpoints/cross_check.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {
namespace {

class EmbeddedVerbsEndpoint : public conformance::Endpoint {
 public:
  ~EmbeddedVerbsEndpoint() override {
    if (target_ == nullptr) return;
    std::promise<void> stopped;
    target_->Shutdown([this, &stopped] {
      target_.reset();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

  absl::Status Start(const EmbeddedVerbsOptions& options, uint64_t seed) {
    PUSHPULL_ASSIGN_OR_RETURN(
        target_, MakeEmbeddedTarget({}, seed, &streams_, {target_loop_.loop()},
                                    cross_check_.target_tap(), options.wrap_store,
                                    {.network = &target_rdma_, .dialect = options.dialect}));
    absl::StatusOr<fabric::Address> address;
    target_loop_.Call([&] { address = target_->ListenIser({options.host, 0}); });
    if (!address.ok()) return address.status();
    portals_ = {*address};
    return absl::OkStatus();
  }

  fabric::RdmaNetwork* rdma() override { return &rdma_; }
  fabric::Loop* loop() override { return &loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return RunRealLoop(&loop_, done, limit);
  }
  std::vector<fabric::Address> portals() override { return portals_; }
  initiator_sim::Tap* tap() override { return &cross_check_; }
  std::vector<std::string> Complaints() override { return cross_check_.Complaints(); }

 private:
  CrossCheck cross_check_;
  fabric::EpollLoop loop_;
  fabric::LoopThread target_loop_;
  fabric::TcpNetwork streams_;  // nobody uses them
  fabric::VerbsNetwork rdma_;
  fabric::VerbsNetwork target_rdma_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
};

class EmbeddedVerbsFactory : public conformance::EndpointFactory {
 public:
  explicit EmbeddedVerbsFactory(EmbeddedVerbsOptions options) : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override {
    auto endpoint = std::make_unique<EmbeddedVerbsEndpoint>();
    PUSHPULL_RETURN_IF_ERROR(endpoint->Start(options_, seed));
    return std::unique_ptr<conformance::Endpoint>(std::move(endpoint));
  }
  std::string uri() const override { return "embedded over verbs"; }
  std::string target_name() const override { return kEmbeddedTargetName; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return false; }
  bool rdma() const override { return true; }

 private:
  const EmbeddedVerbsOptions options_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedVerbsFactory(
    EmbeddedVerbsOptions options) {
  return std::make_unique<EmbeddedVerbsFactory>(std::move(options));
}

}  // namespace pushpull::tools
