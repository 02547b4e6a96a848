#include "tools/endpoints/embedded_tcp.h"

#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "fabric/epoll_loop.h"
#include "fabric/tcp_network.h"
#include "target/target.h"
#include "tools/endpoints/cross_check.h"
#include "tools/endpoints/embedded_target.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {
namespace {

class EmbeddedTcpEndpoint : public conformance::Endpoint {
 public:
  ~EmbeddedTcpEndpoint() override {
    if (target_ == nullptr) return;
    std::promise<void> stopped;
    target_->Shutdown([this, &stopped] {
      target_.reset();
      stopped.set_value();
    });
    stopped.get_future().wait();
  }

  absl::Status Start(const target::BugSet& bugs, const v1::TargetConfig& config, uint64_t seed,
                     const std::optional<EmbeddedChap>& chap) {
    PUSHPULL_ASSIGN_OR_RETURN(target_,
                              MakeEmbeddedTarget(bugs, seed, &network_, {target_loop_.loop()},
                                                 cross_check_.target_tap(), {}, {}, config, chap));
    absl::StatusOr<fabric::Address> address;
    target_loop_.Call([&] { address = target_->Listen({"127.0.0.1", 0}); });
    if (!address.ok()) return address.status();
    portals_ = {*address};
    return absl::OkStatus();
  }

  fabric::Network* network() override { return &network_; }
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
  fabric::TcpNetwork network_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
};

class EmbeddedTcpFactory : public conformance::EndpointFactory {
 public:
  EmbeddedTcpFactory(const target::BugSet& bugs, v1::TargetConfig config, EmbeddedAuth auth)
      : bugs_(bugs), config_(std::move(config)), auth_(std::move(auth)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override {
    return Start(seed, auth_.Make());
  }
  const initiator_sim::ChapCredentials* chap() const override { return auth_.chap(); }
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> MakeWithChap(uint64_t seed) override {
    return Start(seed, auth_.MakeWithChap());
  }
  std::string uri() const override { return "embedded:"; }
  std::string target_name() const override { return kEmbeddedTargetName; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return false; }

 private:
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Start(
      uint64_t seed, const std::optional<EmbeddedChap>& chap) {
    auto endpoint = std::make_unique<EmbeddedTcpEndpoint>();
    PUSHPULL_RETURN_IF_ERROR(endpoint->Start(bugs_, config_, seed, chap));
    return std::unique_ptr<conformance::Endpoint>(std::move(endpoint));
  }

  const target::BugSet bugs_;
  const v1::TargetConfig config_;
  const EmbeddedAuth auth_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedTcpFactory(const target::BugSet& bugs,
                                                                     v1::TargetConfig config,
                                                                     EmbeddedAuth auth) {
  return std::make_unique<EmbeddedTcpFactory>(bugs, std::move(config), std::move(auth));
}

}  // namespace pushpull::tools
