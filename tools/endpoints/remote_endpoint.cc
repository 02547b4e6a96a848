#include "tools/endpoints/remote_endpoint.h"

#include <utility>

#include "fabric/epoll_loop.h"
#include "fabric/rdma/verbs_network.h"
#include "fabric/tcp_network.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {
namespace {

fabric::TcpOptions SourceOptions(const std::string& bind) {
  fabric::TcpOptions options;
  if (!bind.empty()) options.source = fabric::Address{bind, 0};
  return options;
}

class RemoteEndpoint : public conformance::Endpoint {
 public:
  fabric::Loop* loop() override { return &loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return RunRealLoop(&loop_, done, limit);
  }
  std::vector<fabric::Address> portals() override { return portals_; }

 protected:
  explicit RemoteEndpoint(std::vector<fabric::Address> portals) : portals_(std::move(portals)) {}

 private:
  fabric::EpollLoop loop_;
  const std::vector<fabric::Address> portals_;
};

class RemoteTcpEndpoint final : public RemoteEndpoint {
 public:
  RemoteTcpEndpoint(std::vector<fabric::Address> portals, const std::string& bind)
      : RemoteEndpoint(std::move(portals)), network_(SourceOptions(bind)) {}

  fabric::Network* network() override { return &network_; }

 private:
  fabric::TcpNetwork network_;
};

class RemoteIserEndpoint final : public RemoteEndpoint {
 public:
  explicit RemoteIserEndpoint(std::vector<fabric::Address> portals)
      : RemoteEndpoint(std::move(portals)) {}

  fabric::RdmaNetwork* rdma() override { return &network_; }

 private:
  fabric::VerbsNetwork network_;
};

class RemoteFactory : public conformance::EndpointFactory {
 public:
  RemoteFactory(const std::vector<TargetUri>& uris, std::string bind)
      : uri_(uris[0]), bind_(std::move(bind)) {
    for (const TargetUri& uri : uris) portals_.push_back(uri.address);
  }

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t) override {
    if (rdma()) return std::unique_ptr<conformance::Endpoint>(new RemoteIserEndpoint(portals_));
    return std::unique_ptr<conformance::Endpoint>(new RemoteTcpEndpoint(portals_, bind_));
  }
  std::string uri() const override { return uri_.text; }
  std::string target_name() const override { return uri_.target_name; }
  bool own_target() const override { return false; }
  bool virtual_time() const override { return false; }
  bool rdma() const override { return uri_.kind == TargetUri::Kind::kIser; }

 private:
  const TargetUri uri_;
  const std::string bind_;
  std::vector<fabric::Address> portals_;
};

}  // namespace

std::unique_ptr<conformance::EndpointFactory> MakeRemoteFactory(const std::vector<TargetUri>& uris,
                                                                const std::string& bind) {
  return std::make_unique<RemoteFactory>(uris, bind);
}

}  // namespace pushpull::tools
