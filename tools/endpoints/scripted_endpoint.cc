#include "tools/endpoints/scripted_endpoint.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fabric/epoll_loop.h"
#include "fabric/tcp_network.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {
namespace {

class ScriptedEndpoint final : public conformance::Endpoint {
 public:
  explicit ScriptedEndpoint(std::vector<fabric::Address> listen)
      : listen_(std::move(listen)), network_(fabric::TcpOptions()) {}

  fabric::Network* network() override { return &network_; }
  fabric::Loop* loop() override { return &loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return RunRealLoop(&loop_, done, limit);
  }
  std::vector<fabric::Address> portals() override { return listen_; }

 private:
  fabric::EpollLoop loop_;
  const std::vector<fabric::Address> listen_;
  fabric::TcpNetwork network_;
};

class ScriptedFactory final : public conformance::EndpointFactory {
 public:
  explicit ScriptedFactory(std::vector<fabric::Address> listen) : listen_(std::move(listen)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t) override {
    return std::unique_ptr<conformance::Endpoint>(new ScriptedEndpoint(listen_));
  }
  std::string uri() const override { return absl::StrCat("tcp://", listen_[0].ToString()); }
  std::string target_name() const override { return ""; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return false; }

 private:
  const std::vector<fabric::Address> listen_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeScriptedFactory(
    std::vector<fabric::Address> listen) {
  return std::make_unique<ScriptedFactory>(std::move(listen));
}

}  // namespace pushpull::tools
