#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/rdma/sim_rdma_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class SimRdmaMaker final : public RdmaMaker {
 public:
  SimRdmaMaker(uint64_t seed, const SimRdmaOptions& options)
      : world_(seed), network_(std::make_unique<SimRdmaNetwork>(&world_, options)) {}

  Loop* loop() override { return loop_; }
  Loop* other_loop() override { return other_; }
  RdmaNetwork* network() override { return network_.get(); }
  void DestroyNetwork() override { network_.reset(); }
  Address any_port() const override { return {"192.0.2.2", 0}; }
  void RunUntil(absl::FunctionRef<bool()> done) override {
    ASSERT_EQ(world_.RunUntil(done), SimWorld::Outcome::kDone);
  }
  void Settle() override { ASSERT_EQ(world_.RunUntilIdle(), SimWorld::Outcome::kIdle); }

 private:
  SimWorld world_;
  SimLoop* const loop_ = world_.NewLoop();
  SimLoop* const other_ = world_.NewLoop();
  std::unique_ptr<SimRdmaNetwork> network_;
};

// Everything at once.
SimRdmaOptions Hostile() {
  SimRdmaOptions options = SimRdmaOptions::Both({.max_latency = absl::Milliseconds(5),
                                                 .max_read_delay = absl::Milliseconds(8),
                                                 .late_write_percent = 60,
                                                 .max_write_delay = absl::Milliseconds(10)});
  options.max_completion_delay = absl::Milliseconds(3);
  options.random_batches = true;
  options.shuffle_completions = true;
  return options;
}

}  // namespace

std::vector<RdmaMakerKind> AllRdmaMakers() {
  std::vector<RdmaMakerKind> makers;
  makers.push_back({"Sim", [] { return std::make_unique<SimRdmaMaker>(1, SimRdmaOptions{}); }});
  makers.push_back({"SimSlow", [] {
                      return std::make_unique<SimRdmaMaker>(
                          2, SimRdmaOptions::Both({.min_latency = absl::Milliseconds(20),
                                                   .max_latency = absl::Milliseconds(200)}));
                    }});
  makers.push_back({"SimOneByOne", [] {
                      SimRdmaOptions options;
                      options.max_batch = 1;
                      options.fill_private_data = false;
                      return std::make_unique<SimRdmaMaker>(3, options);
                    }});
  for (uint64_t seed = 4; seed < 20; ++seed) {
    makers.push_back({"SimHostile" + std::to_string(seed),
                      [seed] { return std::make_unique<SimRdmaMaker>(seed, Hostile()); }});
  }
  return makers;
}

}  // namespace pushpull::fabric
