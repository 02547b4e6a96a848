// What all endpoints share whose target lives in this process: the target, the comparison of both
// readers, and who makes them.

#ifndef TOOLS_ENDPOINTS_EMBEDDED_ENDPOINT_H_
#define TOOLS_ENDPOINTS_EMBEDDED_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "conformance/runner/endpoint.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"
#include "fabric/tcp_network.h"
#include "initiator_sim/player/player.h"
#include "initiator_sim/player/tap.h"
#include "target/iser/dialect.h"
#include "target/target.h"
#include "tools/endpoints/cross_check.h"
#include "tools/endpoints/embedded_target.h"
#include "tools/endpoints/target_hooks.h"

namespace pushpull::tools {

class EmbeddedEndpoint : public conformance::Endpoint {
 public:
  // Once, before all else: makes the target, which then listens.
  virtual absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) = 0;

  std::vector<fabric::Address> portals() override { return portals_; }
  initiator_sim::Hook hook() override { return HookOfTarget(target_.get(), loop()); }
  initiator_sim::Tap* tap() override { return &cross_check_; }
  std::vector<std::string> Complaints() override { return cross_check_.Complaints(); }

 protected:
  CrossCheck cross_check_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
};

// In virtual time. Those that derive from it have the network, and Stop() before it ends.
class SimulatedEndpoint : public EmbeddedEndpoint {
 public:
  fabric::Loop* loop() override { return loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return world_.RunUntil(done, {.time = limit}) == fabric::SimWorld::Outcome::kDone;
  }

 protected:
  // The target's connections are spread over so many loops.
  SimulatedEndpoint(uint64_t seed, size_t target_loops);

  // Shuts the target down. False: it doesn't end.
  bool ShutDown();
  const std::vector<fabric::Loop*>& target_loops() const { return target_loops_; }

  fabric::SimWorld world_;

 private:
  fabric::SimLoop* const loop_;
  std::vector<fabric::Loop*> target_loops_;
};

// On this machine's network or device, the target on a thread of its own.
class RealEndpoint final : public EmbeddedEndpoint {
 public:
  struct Options {
    EmbeddedOptions target;
    std::string host;  // where it listens
    // iSER instead of TCP, where there are both.
    std::unique_ptr<fabric::RdmaNetwork> rdma = nullptr;
    std::unique_ptr<fabric::RdmaNetwork> target_rdma = nullptr;
    target::IserDialect dialect = target::IserDialect::kRfc7145;
  };

  explicit RealEndpoint(Options options) : options_(std::move(options)) {}
  ~RealEndpoint() override;

  absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) override;
  fabric::Network* network() override { return options_.rdma == nullptr ? &streams_ : nullptr; }
  fabric::RdmaNetwork* rdma() override { return options_.rdma.get(); }
  fabric::Loop* loop() override { return &loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override;

 private:
  fabric::EpollLoop loop_;
  fabric::LoopThread target_loop_;
  fabric::TcpNetwork streams_;
  const Options options_;
};

class EmbeddedFactory final : public conformance::EndpointFactory {
 public:
  struct Form {
    std::string uri;
    bool virtual_time = false;
    bool rdma = false;
    bool rdma_log = false;
  };
  using MakeEndpoint = std::function<std::unique_ptr<EmbeddedEndpoint>(uint64_t seed)>;

  EmbeddedFactory(Form form, EmbeddedAuth auth, MakeEndpoint make)
      : form_(std::move(form)), auth_(std::move(auth)), make_(std::move(make)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override {
    return Start(seed, auth_.Make());
  }
  const initiator_sim::ChapCredentials* chap() const override { return auth_.chap(); }
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> MakeWithChap(uint64_t seed) override {
    return Start(seed, auth_.MakeWithChap());
  }
  std::string uri() const override { return form_.uri; }
  std::string target_name() const override { return kEmbeddedTargetName; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return form_.virtual_time; }
  bool rdma() const override { return form_.rdma; }
  bool rdma_log() const override { return form_.rdma_log; }
  std::vector<std::string> hooks() const override { return TargetHookNames(); }

 private:
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Start(
      uint64_t seed, const std::optional<EmbeddedChap>& chap);

  const Form form_;
  const EmbeddedAuth auth_;
  const MakeEndpoint make_;
};

}  // namespace pushpull::tools

#endif  // TOOLS_ENDPOINTS_EMBEDDED_ENDPOINT_H_
