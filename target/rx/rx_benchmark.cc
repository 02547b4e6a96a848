// What it costs to receive a PDU, without a kernel or an initiator in the way.
//
//   bazel run --config=bench //target/rx:rx_benchmark

#include <algorithm>
#include <cstring>
#include <vector>

#include "benchmark/benchmark.h"
#include "fabric/stream.h"
#include "target/pdu/digest.h"
#include "target/rx/block_pool.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/push_source.h"
#include "target/rx/tcp_source.h"

namespace pushpull::target {
namespace {

// PDUs again and again, as much of them as each read has room for.
class EndlessStream final : public fabric::Stream {
 public:
  explicit EndlessStream(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      for (size_t done = 0; done < buffer.iov_len;) {
        const size_t n = std::min(buffer.iov_len - done, bytes_.size() - at_);
        std::memcpy(static_cast<uint8_t*>(buffer.iov_base) + done, bytes_.data() + at_, n);
        done += n;
        at_ = at_ + n == bytes_.size() ? 0 : at_ + n;
      }
      moved += buffer.iov_len;
    }
    return {fabric::IoResult::Kind::kBytes, moved};
  }
  fabric::IoResult TryWrite(std::span<const iovec> /*buffers*/) override {
    return {fabric::IoResult::Kind::kWouldBlock};
  }
  void SetHandlers(fabric::Task /*readable*/, fabric::Task /*writable*/) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  void Abort() override {}
  fabric::Address local() const override { return {}; }
  fabric::Address peer() const override { return {}; }

 private:
  const std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

std::vector<uint8_t> Pdu(size_t data_bytes, bool digests) {
  Bhs bhs = {};
  bhs[0] = static_cast<uint8_t>(Opcode::kDataOut);
  SetDataSegmentLength(bhs, static_cast<uint32_t>(data_bytes));
  std::vector<uint8_t> bytes(bhs.begin(), bhs.end());
  const auto digest = [&](size_t from) {
    if (!digests) return;
    Crc32c crc;
    crc.Add(base::Bytes(bytes).subspan(from));
    bytes.resize(bytes.size() + kDigestBytes);
    crc.Store(bytes.data() + bytes.size() - kDigestBytes);
  };
  digest(0);
  if (data_bytes == 0) return bytes;
  const size_t data_at = bytes.size();
  bytes.resize(data_at + data_bytes + PadBytes(static_cast<uint32_t>(data_bytes)), 0x5a);
  digest(data_at);
  return bytes;
}

struct IntoBuffer {
  void Place(const PduSlot& pdu, Placement& placement) {
    placement.Into(base::MutableBytes(buffer).first(pdu.bhs().data_segment_length()));
  }
  std::vector<uint8_t> buffer = std::vector<uint8_t>(1 << 20);
};

template <typename Machine>
void Receive(Machine& machine, PduQueue& queue) {
  machine.Poll(queue.capacity());
  while (!queue.empty()) benchmark::DoNotOptimize(queue.Pop());
}

void Report(benchmark::State& state, size_t pdus_each, size_t data_bytes) {
  const auto pdus = static_cast<int64_t>(state.iterations() * pdus_each);
  state.SetItemsProcessed(pdus);
  state.SetBytesProcessed(pdus * static_cast<int64_t>(data_bytes));
}

void BM_Pull(benchmark::State& state) {
  const auto data_bytes = static_cast<size_t>(state.range(0));
  const bool digests = state.range(1) != 0;
  EndlessStream stream(Pdu(data_bytes, digests));
  ReadAheadPool buffers;
  const BlockPool::Handle pool = BlockPool::Create({});
  TcpSource source(&stream, &buffers, pool.get());
  IntoBuffer delegate;
  PduQueue queue(16);
  PduMachine machine(&source, &delegate, &queue);
  machine.SetFraming(
      {.header_digest = digests, .data_digest = digests, .max_recv_data_segment_length = 1 << 20});
  for (auto _ : state) Receive(machine, queue);
  Report(state, queue.capacity(), data_bytes);
}
BENCHMARK(BM_Pull)->ArgsProduct({{0, 512, 8192, 262144}, {0, 1}})->ArgNames({"data", "digests"});

void BM_Push(benchmark::State& state) {
  const auto data_bytes = static_cast<size_t>(state.range(0));
  const std::vector<uint8_t> pdu = Pdu(data_bytes, false);
  constexpr uint32_t kSlots = 16;
  PushSourceOptions options;
  options.slots = kSlots;
  options.slot_bytes = 28 + pdu.size();
  std::vector<uint8_t> memory(options.slots * options.slot_bytes);
  options.memory = memory;
  PushSource source(std::move(options));
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    std::copy(pdu.begin(), pdu.end(), source.Buffer(slot).begin() + 28);
  }
  IntoBuffer delegate;
  PduQueue queue(kSlots);
  PduMachine machine(&source, &delegate, &queue);
  machine.SetFraming({.max_recv_data_segment_length = 1 << 20});
  for (auto _ : state) {
    for (uint32_t slot = 0; slot < kSlots; ++slot) source.Deliver(slot, 28 + pdu.size());
    Receive(machine, queue);
  }
  Report(state, kSlots, data_bytes);
}
BENCHMARK(BM_Push)->Arg(0)->Arg(8192)->ArgName("data");

void BM_Crc32c(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(Crc32cOf(bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_Crc32c)->Arg(48)->Arg(512)->Arg(8192);

}  // namespace
}  // namespace pushpull::target
