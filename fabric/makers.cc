#include "fabric/makers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/sim_network.h"
#include "fabric/sim_options.h"
#include "fabric/sim_world.h"
#include "fabric/stream.h"
#include "fabric/tcp_network.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class RealMaker final : public Maker {
 public:
  explicit RealMaker(std::string host) : host_(std::move(host)) {}

  Loop* loop() override { return &loop_; }
  Loop* other_loop() override { return other_.loop(); }
  Network* network() override { return network_.get(); }
  void DestroyNetwork() override { network_.reset(); }
  Address any_port() const override { return {host_, 0}; }
  void RunUntil(absl::FunctionRef<bool()> done) override { loop_.RunUntil(done); }
  void Settle() override {
    for (int turns = 0; turns < 20; ++turns) {
      bool turned = false;
      loop_.Post([&] { turned = true; });
      loop_.RunUntil([&] { return turned; });
    }
  }
  size_t many_bytes() const override { return 4 << 20; }

 private:
  const std::string host_;
  EpollLoop loop_;
  LoopThread other_;
  std::unique_ptr<TcpNetwork> network_ = std::make_unique<TcpNetwork>();
};

class SimMaker final : public Maker {
 public:
  SimMaker(uint64_t seed, const SimOptions& options, size_t many_bytes)
      : world_(seed),
        network_(std::make_unique<SimNetwork>(&world_, options)),
        many_bytes_(many_bytes),
        calls_without_need_(options.spurious_wake_percent > 0) {}

  Loop* loop() override { return loop_; }
  Loop* other_loop() override { return other_; }
  Network* network() override { return network_.get(); }
  void DestroyNetwork() override { network_.reset(); }
  Address any_port() const override { return {"192.0.2.2", 0}; }
  void RunUntil(absl::FunctionRef<bool()> done) override {
    ASSERT_EQ(world_.RunUntil(done), SimWorld::Outcome::kDone);
  }
  void Settle() override { ASSERT_EQ(world_.RunUntilIdle(), SimWorld::Outcome::kIdle); }
  size_t many_bytes() const override { return many_bytes_; }
  bool calls_without_need() const override { return calls_without_need_; }

 private:
  SimWorld world_;
  SimLoop* const loop_ = world_.NewLoop();
  SimLoop* const other_ = world_.NewLoop();
  std::unique_ptr<SimNetwork> network_;
  const size_t many_bytes_;
  const bool calls_without_need_;
};

bool HasIpv6Loopback() {
  EpollLoop loop;
  TcpNetwork network;
  return network.Listen(&loop, {"::1", 0}, [](std::unique_ptr<Stream>) {}).ok();
}

// Everything at once.
SimOptions Hostile() {
  SimOptions options = SimOptions::Both({.random_reads = true,
                                         .read_block_percent = 40,
                                         .random_writes = true,
                                         .write_block_percent = 40,
                                         .buffer_bytes = 1000,
                                         .max_latency = absl::Milliseconds(5)});
  options.spurious_wake_percent = 20;
  return options;
}

}  // namespace

std::vector<MakerKind> AllMakers() {
  std::vector<MakerKind> makers;
  makers.push_back({"Tcp4", [] { return std::make_unique<RealMaker>("127.0.0.1"); }});
  if (HasIpv6Loopback()) {
    makers.push_back({"Tcp6", [] { return std::make_unique<RealMaker>("::1"); }});
  }
  makers.push_back(
      {"Sim", [] { return std::make_unique<SimMaker>(1, SimOptions{}, size_t{1} << 20); }});
  makers.push_back({"SimSlow", [] {
                      return std::make_unique<SimMaker>(
                          2,
                          SimOptions::Both({.min_latency = absl::Milliseconds(20),
                                            .max_latency = absl::Milliseconds(200)}),
                          size_t{1} << 20);
                    }});
  makers.push_back({"SimBytewise", [] {
                      return std::make_unique<SimMaker>(
                          3,
                          SimOptions::Both({.max_read_bytes = 1,
                                            .read_block_percent = 100,
                                            .max_write_bytes = 1,
                                            .write_block_percent = 100,
                                            .buffer_bytes = 5000}),
                          10'000);
                    }});
  for (uint64_t seed = 4; seed < 8; ++seed) {
    makers.push_back({"SimHostile" + std::to_string(seed),
                      [seed] { return std::make_unique<SimMaker>(seed, Hostile(), 50'000); }});
  }
  return makers;
}

}  // namespace pushpull::fabric
