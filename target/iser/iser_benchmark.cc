// What serving a command over iSER costs: the whole target on the simulated RDMA fabric, with an
// initiator that keeps so many commands under way. `ours` is the time in the target's own code, for
// one command, without the fabric and the initiator.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "benchmark/benchmark.h"
#include "fabric/rdma/sim_rdma_network.h"
#include "fabric/sim_network.h"
#include "fabric/sim_world.h"
#include "target/iser/header.h"
#include "target/iser/timed_rdma.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"
#include "target/store/ram_store.h"
#include "target/target.h"

namespace pushpull::target {
namespace {

constexpr uint32_t kBytes = 4096;
constexpr uint32_t kSlots = 64;
constexpr size_t kSlotBytes = 28 + 48 + 8192;
constexpr uint64_t kStoreBytes = 1 << 20;

enum class Kind : uint8_t { kRead, kSolicitedWrite, kImmediateWrite };

// Sends commands as their responses come.
class Client final : private fabric::RdmaHandler {
 public:
  Client(std::unique_ptr<fabric::RdmaConnection> connection, Kind kind, uint32_t depth)
      : connection_(std::move(connection)), kind_(kind), depth_(depth) {
    const auto& domain = connection_->domain();
    in_memory_ = *domain->Register(in_, fabric::RdmaRights::kLocal);
    out_memory_ = *domain->Register(out_, fabric::RdmaRights::kLocal);
    buffer_memory_ = *domain->Register(
        buffer_, fabric::RdmaRights::kRemoteRead | fabric::RdmaRights::kRemoteWrite);
    for (uint32_t slot = 0; slot < kSlots; ++slot) Post(slot);
    const uint8_t private_data[] = {0xc0, 0, 0, 0};
    connection_->Establish({.private_data = private_data}, this);
  }

  uint64_t done = 0;
  bool failed = false;

 private:
  void OnEstablished(const fabric::RdmaPeer& /*peer*/) override {
    LoginRequest request;
    request.transit = true;
    request.current_stage = Stage::kLoginOperationalNegotiation;
    request.next_stage = Stage::kFullFeaturePhase;
    request.initiator_task_tag = 1;
    request.isid = {0x80, 0, 0, 0, 0, 1};
    request.cmd_sn = cmd_sn_;
    std::string text;
    for (const char* key : {"InitiatorName=iqn.2026-11.org.example:i",
                            "TargetName=iqn.2026-11.org.pushpull:reference", "SessionType=Normal",
                            "RDMAExtensions=Yes", "InitialR2T=No", "ImmediateData=Yes"}) {
      text.append(key).push_back('\0');
    }
    Send(0, {}, request.Encode(), base::AsBytes(text));
  }
  void OnRefused(const fabric::RdmaRefusal& /*refusal*/) override { failed = true; }
  void OnDisconnected(fabric::RdmaEnd /*end*/) override { failed = true; }
  void OnCompletions(std::span<const fabric::RdmaCompletion> completions) override {
    for (const fabric::RdmaCompletion& completion : completions) {
      if (completion.op != fabric::RdmaOp::kReceive) continue;
      if (completion.status != fabric::RdmaStatus::kSuccess) continue;
      OnPdu(BhsView(&in_[completion.id * kSlotBytes + kIserHeaderBytes]));
      Post(static_cast<uint32_t>(completion.id));
    }
  }
  void OnPdu(BhsView bhs) {
    if (bhs.opcode() == Opcode::kLoginResponse) {
      failed = LoginResponse::Decode(bhs).status_class != 0;
      for (uint32_t tag = 0; tag < depth_; ++tag) SendCommand(tag);
      return;
    }
    if (bhs.opcode() != Opcode::kScsiResponse) return;
    // The first one takes the unit attention condition.
    failed |= done > depth_ && ScsiResponse::Decode(bhs).status != 0;
    ++done;
    SendCommand(bhs.initiator_task_tag());
  }
  void SendCommand(uint32_t tag) {
    ScsiCommand command;
    command.read = kind_ == Kind::kRead;
    command.write = !command.read;
    command.initiator_task_tag = tag;
    command.cmd_sn = cmd_sn_++;
    command.expected_data_transfer_length = kBytes;
    command.cdb[0] = command.read ? 0x28 : 0x2a;
    base::StoreBe32(&command.cdb[2], cmd_sn_ % (kStoreBytes / kBytes) * (kBytes / 512));
    base::StoreBe16(&command.cdb[7], kBytes / 512);
    const IserBuffer buffer{buffer_memory_->remote_key(),
                            buffer_memory_->remote_address() + tag * size_t{kBytes}};
    IserControl control;
    if (kind_ == Kind::kRead) control.read = buffer;
    if (kind_ == Kind::kSolicitedWrite) control.write = buffer;
    const base::Bytes data =
        kind_ == Kind::kImmediateWrite ? base::Bytes(buffer_).first(kBytes) : base::Bytes();
    Send(tag, control, command.Encode(), data);
  }
  void Send(uint32_t slot, const IserControl& control, Bhs bhs, base::Bytes data) {
    SetDataSegmentLength(bhs, static_cast<uint32_t>(data.size()));
    uint8_t* const first = &out_[slot * kSlotBytes];
    const IserHeaderBytes header = BuildIserHeader(control);
    uint8_t* to = std::ranges::copy(header, first).out;
    to = std::ranges::copy(bhs, to).out;
    to = std::ranges::copy(data, to).out;
    const fabric::RdmaSegment segment =
        out_memory_->Segment(slot * kSlotBytes, static_cast<size_t>(to - first));
    connection_->PostSend({.segments = {&segment, 1}}).IgnoreError();
  }
  void Post(uint32_t slot) {
    const fabric::RdmaSegment segment = in_memory_->Segment(slot * kSlotBytes, kSlotBytes);
    connection_->PostReceive({.id = slot, .segments = {&segment, 1}}).IgnoreError();
  }

  const std::unique_ptr<fabric::RdmaConnection> connection_;
  const Kind kind_;
  const uint32_t depth_;
  uint32_t cmd_sn_ = 1;
  std::vector<uint8_t> in_ = std::vector<uint8_t>(kSlots * kSlotBytes);
  std::vector<uint8_t> out_ = std::vector<uint8_t>(kSlots * kSlotBytes);
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kSlots * kBytes);
  std::unique_ptr<fabric::RdmaMemory> in_memory_, out_memory_, buffer_memory_;
};

void Serve(benchmark::State& state, Kind kind) {
  fabric::SimWorld world(1);
  fabric::SimNetwork streams(&world, {});
  fabric::SimRdmaNetwork rdma(&world);
  Stopwatch watch;
  TimedNetwork timed(&rdma, &watch);
  TimedLoop loop(world.NewLoop(), &watch);
  TargetOptions options;
  options.iser_dialect = IserDialect::kLinux;
  options.logical_units.emplace_back();
  options.logical_units.back().store = *RamStore::Create(kStoreBytes);
  auto target = *Target::Create(std::move(options), &streams, {&loop}, &timed);
  const fabric::Address address = *target->ListenIser({"192.0.2.2", 3260});
  std::unique_ptr<Client> client;
  rdma.Open(world.NewLoop(), address, {.max_sends = kSlots, .max_receives = kSlots},
            [&](auto opened) {
              client = std::make_unique<Client>(*std::move(opened), kind,
                                                static_cast<uint32_t>(state.range(0)));
            });
  const auto run = [&](uint64_t commands) {
    const uint64_t until = (client == nullptr ? 0 : client->done) + commands;
    return world.RunUntil([&] {
      return client != nullptr && (client->failed || client->done >= until);
    }) == fabric::SimWorld::Outcome::kDone &&
           !client->failed;
  };
  bool good = run(1000);
  const double before = watch.nanoseconds();
  const uint64_t first = client->done;
  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t cpu_begin = std::clock();
  for (auto _ : state) {
    good = good && run(1000);
    if (!good) break;
  }
  // Of the processor's time the share that the target had of the clock's: others run here, too.
  const double share =
      (watch.nanoseconds() - before) /
      std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
  const double cpu_ns = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC * 1e9;
  if (!good) state.SkipWithError("the target doesn't serve it");
  const auto commands = static_cast<double>(client->done - first);
  state.SetItemsProcessed(static_cast<int64_t>(2 * commands));  // PDUs: command and response
  state.counters["ours_ns"] = commands == 0 ? 0 : share * cpu_ns / commands;
  client.reset();
  bool stopped = false;
  target->Shutdown([&stopped] { stopped = true; });
  world.RunUntil([&stopped] { return stopped; });
}

BENCHMARK_CAPTURE(Serve, read, Kind::kRead)->ArgName("depth")->Arg(1)->Arg(32);
BENCHMARK_CAPTURE(Serve, solicited_write, Kind::kSolicitedWrite)->ArgName("depth")->Arg(1)->Arg(32);
BENCHMARK_CAPTURE(Serve, immediate_write, Kind::kImmediateWrite)->ArgName("depth")->Arg(1)->Arg(32);

}  // namespace
}  // namespace pushpull::target
