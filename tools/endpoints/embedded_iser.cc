#include "tools/endpoints/embedded_iser.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_network.h"
#include "target/session/counters.h"
#include "tools/endpoints/embedded_endpoint.h"

namespace pushpull::tools {
namespace {

using target::Count;

constexpr char kHost[] = "192.0.2.2";
// A session whose connection was lost is kept for DefaultTime2Retain, which is an hour at the most.
constexpr absl::Duration kLongestSession = absl::Hours(2);

class EmbeddedIserEndpoint final : public SimulatedEndpoint {
 public:
  EmbeddedIserEndpoint(std::shared_ptr<const EmbeddedIserOptions> options, uint64_t seed)
      : SimulatedEndpoint(seed, options->target_loops),
        options_(std::move(options)),
        streams_(&world_, {}),
        rdma_(&world_, options_->network) {}

  ~EmbeddedIserEndpoint() override { Stop(); }

  absl::Status Start(uint64_t seed, const std::optional<EmbeddedChap>& chap) override {
    PUSHPULL_ASSIGN_OR_RETURN(
        target_,
        MakeEmbeddedTarget(*options_, {.seed = seed,
                                       .chap = chap,
                                       .network = &streams_,
                                       .loops = target_loops(),
                                       .tap = cross_check_.target_tap(),
                                       .iser = {.network = &rdma_, .dialect = options_->dialect}}));
    PUSHPULL_ASSIGN_OR_RETURN(const fabric::Address address, target_->ListenIser({kHost, 3260}));
    portals_ = {address};
    return absl::OkStatus();
  }

  fabric::RdmaNetwork* rdma() override { return &rdma_; }
  std::function<void(fabric::SimRdmaLog*)> watch_rdma() override {
    return [this](fabric::SimRdmaLog* log) { rdma_.set_log(log); };
  }

  std::vector<std::string> Complaints() override {
    LookWhileIdle();
    Stop();
    std::vector<std::string> complaints = SimulatedEndpoint::Complaints();
    complaints.insert(complaints.end(), kept_.begin(), kept_.end());
    return complaints;
  }

 private:
  // Without sessions, though the target lives. One that doesn't end is for its case to find.
  void LookWhileIdle() {
    if (target_ == nullptr) return;
    const auto idle = [this] {
      return target_->Get(Count::kConnections) == 0 && target_->Get(Count::kSessions) == 0;
    };
    if (!RunUntil(idle, kLongestSession)) return;
    LookForTasks("all sessions ended");
    Look("all sessions ended", "queue pairs", static_cast<int64_t>(rdma_.queue_pairs(kHost)));
  }
  void Stop() {
    if (target_ == nullptr) return;
    if (!ShutDown()) kept_.push_back("the target doesn't end");
    LookForTasks("the target ended");
    target_.reset();
    Look("the target ended", "keys", static_cast<int64_t>(rdma_.keys(kHost)));
  }
  void LookForTasks(const char* when) {
    Look(when, "tasks", target_->Get(Count::kTasks));
    Look(when, "bytes of buffers", target_->Get(Count::kBufferBytes));
  }
  void Look(const char* when, const char* what, int64_t count) {
    if (count != 0) kept_.push_back(absl::StrCat(when, ", but it kept ", count, " ", what));
  }

  const std::shared_ptr<const EmbeddedIserOptions> options_;
  fabric::SimNetwork streams_;  // nobody uses them
  fabric::SimRdmaNetwork rdma_;
  std::vector<std::string> kept_;
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
  EmbeddedAuth auth = options.auth;
  return std::make_unique<EmbeddedFactory>(
      EmbeddedFactory::Form{
          .uri = "embedded-iser:", .virtual_time = true, .rdma = true, .rdma_log = true},
      std::move(auth),
      [shared = std::make_shared<const EmbeddedIserOptions>(std::move(options))](uint64_t seed) {
        return std::make_unique<EmbeddedIserEndpoint>(shared, seed);
      });
}

}  // namespace pushpull::tools
