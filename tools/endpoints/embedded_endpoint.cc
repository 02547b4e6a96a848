#include "tools/endpoints/embedded_endpoint.h"

#include <future>

#include "base/status.h"
#include "tools/endpoints/real_loop.h"

namespace pushpull::tools {

SimulatedEndpoint::SimulatedEndpoint(uint64_t seed, size_t target_loops)
    : world_(seed), loop_(world_.NewLoop()) {
  for (size_t i = 0; i < target_loops; ++i) target_loops_.push_back(world_.NewLoop());
}

bool SimulatedEndpoint::ShutDown() {
  bool stopped = false;
  target_->Shutdown([&stopped] { stopped = true; });
  return RunUntil([&stopped] { return stopped; }, absl::Hours(1));
}

RealEndpoint::~RealEndpoint() {
  if (target_ == nullptr) return;
  std::promise<void> stopped;
  target_->Shutdown([this, &stopped] {
    target_.reset();
    stopped.set_value();
  });
  stopped.get_future().wait();
}

absl::Status RealEndpoint::Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) {
  PUSHPULL_ASSIGN_OR_RETURN(
      target_, MakeEmbeddedTarget(options_.target, {.seed = seed,
                                                    .chap = chap,
                                                    .network = &streams_,
                                                    .loops = {target_loop_.loop()},
                                                    .tap = cross_check_.target_tap(),
                                                    .iser = {.network = options_.target_rdma.get(),
                                                             .dialect = options_.dialect}}));
  absl::StatusOr<fabric::Address> address;
  target_loop_.Call([&] {
    const fabric::Address any_port{options_.host, 0};
    address = options_.rdma != nullptr ? target_->ListenIser(any_port) : target_->Listen(any_port);
  });
  if (!address.ok()) return address.status();
  portals_ = {*address};
  return absl::OkStatus();
}

bool RealEndpoint::RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) {
  return RunRealLoop(&loop_, done, limit);
}

absl::StatusOr<std::unique_ptr<conformance::Endpoint>> EmbeddedFactory::Start(
    uint64_t seed, const std::optional<EmbeddedChap>& chap) {
  std::unique_ptr<EmbeddedEndpoint> endpoint = make_(seed);
  PUSHPULL_RETURN_IF_ERROR(endpoint->Start(seed, chap));
  return std::unique_ptr<conformance::Endpoint>(std::move(endpoint));
}

}  // namespace pushpull::tools
