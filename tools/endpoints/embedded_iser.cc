#include "tools/endpoints/embedded_iser.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "target/session/counters.h"
#include "target/target.h"
#include "tools/endpoints/cross_check.h"

namespace pushpull::tools {
namespace {

constexpr char kHost[] = "192.0.2.2";

class EmbeddedIserEndpoint : public conformance::Endpoint {
 public:
  EmbeddedIserEndpoint(const EmbeddedIserOptions& options, uint64_t seed)
      : options_(options),
        world_(seed),
        streams_(&world_, {}),
        rdma_(&world_, options.network),
        loop_(world_.NewLoop()),
        target_loop_(world_.NewLoop()) {}

  ~EmbeddedIserEndpoint() override { Stop(); }

  absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) {
    PUSHPULL_ASSIGN_OR_RETURN(target_,
                              MakeEmbeddedTarget(options_.bugs, seed, &streams_, {target_loop_},
                                                 cross_check_.target_tap(), options_.wrap_store,
                                                 {.network = &rdma_, .dialect = options_.dialect},
                                                 options_.config, chap));
    PUSHPULL_ASSIGN_OR_RETURN(const fabric::Address address, target_->ListenIser({kHost, 3260}));
    portals_ = {address};
    return absl::OkStatus();
  }

  fabric::RdmaNetwork* rdma() override { return &rdma_; }
  std::function<void(fabric::SimRdmaLog*)> watch_rdma() override {
    return [this](fabric::SimRdmaLog* log) { rdma_.set_log(log); };
  }
  fabric::Loop* loop() override { return loop_; }
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration limit) override {
    return world_.RunUntil(done, {.time = limit}) == fabric::SimWorld::Outcome::kDone;
  }
  std::vector<fabric::Address> portals() override { return portals_; }
  initiator_sim::Tap* tap() override { return &cross_check_; }

  std::vector<std::string> Complaints() override {
    Stop();
    std::vector<std::string> complaints = cross_check_.Complaints();
    complaints.insert(complaints.end(), kept_.begin(), kept_.end());
    return complaints;
  }

 private:
  void Stop() {
    if (target_ == nullptr) return;
    bool stopped = false;
    target_->Shutdown([&stopped] { stopped = true; });
    if (world_.RunUntil([&stopped] { return stopped; }, {.time = absl::Hours(1)}) !=
        fabric::SimWorld::Outcome::kDone) {
      kept_.push_back("the target doesn't end");
    }
    Keep("tasks", target_->Get(target::Count::kTasks));
    Keep("bytes of buffers", target_->Get(target::Count::kBufferBytes));
    target_.reset();
    Keep("keys", static_cast<int64_t>(rdma_.keys(kHost)));
  }
  void Keep(const char* what, int64_t count) {
    if (count != 0) kept_.push_back(absl::StrCat("the target ended, but kept ", count, " ", what));
  }

  const EmbeddedIserOptions& options_;
  CrossCheck cross_check_;
  fabric::SimWorld world_;
  fabric::SimNetwork streams_;  // nobody uses them
  fabric::SimRdmaNetwork rdma_;
  fabric::SimLoop* const loop_;
  fabric::SimLoop* const target_loop_;
  std::unique_ptr<target::Target> target_;
  std::vector<fabric::Address> portals_;
  std::vector<std::string> kept_;
};

class EmbeddedIserFactory : public conformance::EndpointFactory {
 public:
  explicit EmbeddedIserFactory(EmbeddedIserOptions options) : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Make(uint64_t seed) override {
    return Start(seed, options_.auth.Make());
  }
  const initiator_sim::ChapCredentials* chap() const override { return options_.auth.chap(); }
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> MakeWithChap(uint64_t seed) override {
    return Start(seed, options_.auth.MakeWithChap());
  }
  std::string uri() const override { return "embedded-iser:"; }
  std::string target_name() const override { return kEmbeddedTargetName; }
  bool own_target() const override { return true; }
  bool virtual_time() const override { return true; }
  bool rdma() const override { return true; }
  bool rdma_log() const override { return true; }

 private:
  absl::StatusOr<std::unique_ptr<conformance::Endpoint>> Start(
      uint64_t seed, const std::optional<EmbeddedChap>& chap) {
    auto endpoint = std::make_unique<EmbeddedIserEndpoint>(options_, seed);
    PUSHPULL_RETURN_IF_ERROR(endpoint->Start(seed, chap));
    return std::unique_ptr<conformance::Endpoint>(std::move(endpoint));
  }

  const EmbeddedIserOptions options_;
};

}  // namespace

fabric::SimRdmaOptions UnsteadyRdma() {
  fabric::SimRdmaOptions options = fabric::SimRdmaOptions::Both({
      .min_latency = absl::Microseconds(5),
      .max_latency = absl::Microseconds(200),
      .max_read_delay = absl::Microseconds(100),
      .late_write_percent = 20,
  });
  options.max_completion_delay = absl::Microseconds(50);
  options.random_batches = true;
  options.shuffle_completions = true;
  return options;
}

std::unique_ptr<conformance::EndpointFactory> MakeEmbeddedIserFactory(EmbeddedIserOptions options) {
  return std::make_unique<EmbeddedIserFactory>(std::move(options));
}

}  // namespace pushpull::tools
