// What a message costs on the simulated fabric, with nobody above it.
//
//   bazel run --config=bench //fabric/rdma:sim_rdma_benchmark

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/rdma/work.h"
#include "fabric/sim_world.h"

namespace pushpull::fabric {
namespace {

// Sends back as many messages as it has received.
class Echo final : public RdmaHandler {
 public:
  Echo(std::unique_ptr<RdmaConnection> c, size_t bytes)
      : connection(std::move(c)), bytes_(2 * kSlots * kSlotBytes) {
    memory_ = *connection->domain()->Register(bytes_, RdmaRights::kLocal);
    for (size_t i = 0; i < kSlots; ++i) {
      slots_.push_back(memory_->Segment(i * kSlotBytes, kSlotBytes));
      out_.push_back(memory_->Segment((kSlots + i) * kSlotBytes, bytes));
    }
    for (size_t i = 0; i < kSlots; ++i) {
      receives_.push_back({.id = i, .segments = {&slots_[i], 1}});
      works_.push_back({.op = RdmaOp::kSend, .signalled = i % 16 == 15, .segments = {&out_[i], 1}});
    }
    connection->PostReceives(receives_).IgnoreError();
  }
  ~Echo() {
    connection.reset();
    memory_.reset();
  }

  void Send(size_t count) { connection->PostSends(std::span(works_).last(count)).IgnoreError(); }

  void OnEstablished(const RdmaPeer& /*peer*/) override {}
  void OnRefused(const RdmaRefusal& /*refusal*/) override {}
  void OnDisconnected(RdmaEnd /*end*/) override {}
  void OnCompletions(std::span<const RdmaCompletion> completions) override {
    again_.clear();
    for (const RdmaCompletion& completion : completions) {
      if (completion.op == RdmaOp::kReceive) again_.push_back(receives_[completion.id]);
    }
    if (again_.empty()) return;
    received += again_.size();
    connection->PostReceives(again_).IgnoreError();
    Send(again_.size());
  }

  std::unique_ptr<RdmaConnection> connection;
  uint64_t received = 0;

 private:
  static constexpr size_t kSlots = 64;
  static constexpr size_t kSlotBytes = 8192;

  std::vector<uint8_t> bytes_;
  std::unique_ptr<RdmaMemory> memory_;
  std::vector<RdmaSegment> slots_;
  std::vector<RdmaSegment> out_;
  std::vector<RdmaReceive> receives_;
  std::vector<RdmaReceive> again_;
  std::vector<RdmaWork> works_;
};

constexpr RdmaQueueOptions kQueues = {.max_sends = 256};

void BM_SimSends(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  const auto bytes = static_cast<size_t>(state.range(1));
  SimWorld world(1);
  SimRdmaNetwork network(&world);
  SimLoop* const loop = world.NewLoop();
  std::unique_ptr<Echo> server;
  std::unique_ptr<Echo> client;
  auto listener = *network.Listen(loop, {"a", 1}, [&](std::unique_ptr<RdmaRequest> request) {
    request->Open(loop, kQueues, [&](auto connection) {
      server = std::make_unique<Echo>(*std::move(connection), bytes);
      server->connection->Establish({}, server.get());
    });
  });
  network.Open(loop, {"a", 1}, kQueues, [&](auto connection) {
    client = std::make_unique<Echo>(*std::move(connection), bytes);
    client->connection->Establish({}, client.get());
  });
  world.RunUntilIdle();
  client->Send(batch);
  for (auto _ : state) {
    const uint64_t until = client->received + 1000;
    if (world.RunUntil([&] { return client->received >= until; }) != SimWorld::Outcome::kDone) {
      state.SkipWithError("the messages are lost");
      break;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(client->received + server->received));
}
BENCHMARK(BM_SimSends)->ArgNames({"batch", "bytes"})->ArgsProduct({{1, 16, 64}, {76, 4172}});

}  // namespace
}  // namespace pushpull::fabric
