// What it costs to receive a PDU, without a kernel or an initiator in the way.
//
//   tools/bench              all of it, with the ratios of docs/BENCHMARKS.md
//   bazel run --config=bench //target/rx:rx_benchmark -- --benchmark_filter=BM_Push
//
// A stream's read is a memcpy, as the kernel's is: what receiving costs beyond that shows against a
// bare memcpy of the same bytes to the same places.

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "fabric/stream.h"
#include "target/pdu/digest.h"
#include "target/rx/block_pool.h"
#include "target/rx/byte_source.h"
#include "target/rx/pdu_machine.h"
#include "target/rx/push_source.h"
#include "target/rx/size_driven_receiver.h"
#include "target/rx/spsc_pdu_queue.h"
#include "target/rx/tcp_source.h"

namespace pushpull::target {
namespace {

constexpr size_t kHot = 1 << 18;           // bytes: stays in a core's own cache
constexpr size_t kCold = size_t{1} << 30;  // bytes: larger than any last-level cache
constexpr size_t kQueue = 16;

std::vector<uint8_t> Pdu(size_t data_bytes, bool digests) {
  Bhs bhs = {};
  bhs[0] = static_cast<uint8_t>(Opcode::kScsiCommand);
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

// As many whole PDUs as `bytes` have room for, one at least.
std::vector<uint8_t> Stream(size_t data_bytes, bool digests, size_t bytes) {
  const std::vector<uint8_t> pdu = Pdu(data_bytes, digests);
  std::vector<uint8_t> stream;
  stream.reserve(std::max(bytes, pdu.size()));
  do {
    stream.insert(stream.end(), pdu.begin(), pdu.end());
  } while (stream.size() + pdu.size() <= bytes);
  return stream;
}

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

// Places that go round in a ring.
class Ring {
 public:
  explicit Ring(size_t bytes) : memory_(bytes, 1) {}

  base::MutableBytes Next(size_t bytes) {
    if (at_ + bytes > memory_.size()) at_ = 0;
    at_ += bytes;
    return base::MutableBytes(memory_).subspan(at_ - bytes, bytes);
  }
  void Place(const PduSlot& pdu, Placement& placement) {
    placement.Into(Next(pdu.bhs().data_segment_length()));
  }

 private:
  std::vector<uint8_t> memory_;
  size_t at_ = 0;
};

void Report(benchmark::State& state, size_t pdus_each, size_t data_bytes) {
  const auto pdus = static_cast<int64_t>(state.iterations() * pdus_each);
  state.SetItemsProcessed(pdus);
  state.SetBytesProcessed(pdus * static_cast<int64_t>(data_bytes));
}

// ---- a stream
// -------------------------------------------------------------------------------------

void Pull(benchmark::State& state, size_t data_bytes, bool digests, size_t working_set) {
  EndlessStream stream(Stream(data_bytes, digests, working_set / 2));
  ReadAheadPool buffers;
  const BlockPool::Handle pool = BlockPool::Create({});
  TcpSource source(&stream, &buffers, pool.get());
  Ring places(std::max(working_set / 2, data_bytes));
  PduQueue queue(kQueue);
  PduMachine machine(&source, &places, &queue);
  machine.SetFraming(
      {.header_digest = digests, .data_digest = digests, .max_recv_data_segment_length = 1 << 20});
  for (auto _ : state) {
    machine.Poll(kQueue);
    while (!queue.empty()) benchmark::DoNotOptimize(queue.Pop());
  }
  Report(state, kQueue, data_bytes);
}

// The same bytes, moved once, and with `digests` gone over once.
void Copy(benchmark::State& state, size_t data_bytes, bool digests, size_t working_set) {
  const std::vector<uint8_t> stream = Stream(data_bytes, digests, working_set / 2);
  const size_t pdu_bytes = Pdu(data_bytes, digests).size();
  Ring places(std::max(working_set / 2, pdu_bytes));
  size_t at = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < kQueue; ++i) {
      const base::MutableBytes place = places.Next(data_bytes);
      Bhs header;
      std::memcpy(header.data(), stream.data() + at, kBhsBytes);
      std::memcpy(place.data(), stream.data() + at + (pdu_bytes - data_bytes), data_bytes);
      if (digests) {
        benchmark::DoNotOptimize(Crc32cOf(header));
        benchmark::DoNotOptimize(Crc32cOf(place));
      }
      benchmark::DoNotOptimize(header);
      benchmark::ClobberMemory();
      at += pdu_bytes;
      if (at == stream.size()) at = 0;
    }
  }
  Report(state, kQueue, data_bytes);
}

void BM_Pull(benchmark::State& state) {
  Pull(state, static_cast<size_t>(state.range(0)), state.range(1) != 0, kHot);
}
void BM_Copy(benchmark::State& state) {
  Copy(state, static_cast<size_t>(state.range(0)), state.range(1) != 0, kHot);
}
void BM_PullCold(benchmark::State& state) {
  Pull(state, static_cast<size_t>(state.range(0)), state.range(1) != 0, kCold);
}
void BM_CopyCold(benchmark::State& state) {
  Copy(state, static_cast<size_t>(state.range(0)), state.range(1) != 0, kCold);
}
BENCHMARK(BM_Pull)
    ->ArgsProduct({{0, 64, 512, 1024, 4096, 8192, 16384, 65536, 262144}, {0}})
    ->ArgsProduct({{0, 512, 8192, 262144}, {1}})
    ->ArgNames({"data", "digests"});
BENCHMARK(BM_Copy)->ArgsProduct({{512, 8192, 262144}, {0, 1}})->ArgNames({"data", "digests"});
BENCHMARK(BM_PullCold)->ArgsProduct({{8192}, {0, 1}})->ArgNames({"data", "digests"});
BENCHMARK(BM_CopyCold)->ArgsProduct({{8192}, {0, 1}})->ArgNames({"data", "digests"});

// ---- messages
// -------------------------------------------------------------------------------------

// Messages as a queue pair delivers them: each in a posted buffer.
struct Posted {
  explicit Posted(size_t data_bytes) {
    const std::vector<uint8_t> pdu = Pdu(data_bytes, false);
    message_bytes = kIserTraits.header_bytes + pdu.size();
    memory.resize(kQueue * message_bytes);
    for (size_t slot = 0; slot < kQueue; ++slot) {
      std::copy(
          pdu.begin(), pdu.end(),
          memory.begin() + static_cast<ptrdiff_t>(slot * message_bytes + kIserTraits.header_bytes));
    }
  }
  base::Bytes Message(size_t slot) const {
    return base::Bytes(memory).subspan(slot * message_bytes, message_bytes);
  }

  size_t message_bytes;
  std::vector<uint8_t> memory;
};

// What a task's data is for: it goes to its block on a RAM disk of 1 MiB.
class RamDisk {
 public:
  void Write(base::Bytes data) {
    const base::MutableBytes block = disk_.Next(data.size());
    std::memcpy(block.data(), data.data(), data.size());
    benchmark::DoNotOptimize(block.data());
    benchmark::ClobberMemory();
  }

 private:
  Ring disk_{1 << 20};
};

struct StaysInSlot {
  void Place(const PduSlot&, Placement&) {}
};

// Chunks by kind: nothing is copied.
void Push(benchmark::State& state, bool written) {
  const auto data_bytes = static_cast<size_t>(state.range(0));
  Posted posted(data_bytes);
  PushSourceOptions options;
  options.slots = kQueue;
  options.slot_bytes = posted.message_bytes;
  options.memory = posted.memory;
  PushSource source(std::move(options));
  StaysInSlot delegate;
  PduQueue queue(kQueue);
  PduMachine machine(&source, &delegate, &queue);
  machine.SetFraming({.max_recv_data_segment_length = 1 << 20});
  RamDisk disk;
  for (auto _ : state) {
    for (uint32_t slot = 0; slot < kQueue; ++slot) source.Deliver(slot, posted.message_bytes);
    machine.Poll();
    while (!queue.empty()) {
      const SlotRef pdu = queue.Pop();
      benchmark::DoNotOptimize(pdu.get());
      if (!written) continue;
      for (const base::MutableBytes run : pdu->data()) disk.Write(run);
    }
  }
  Report(state, kQueue, data_bytes);
}

// By sizes: every part is copied to where it was asked for.
void SizeDriven(benchmark::State& state, bool written) {
  const auto data_bytes = static_cast<size_t>(state.range(0));
  Posted posted(data_bytes);
  SizeDrivenReceiver receiver(kQueue);
  RamDisk disk;
  for (auto _ : state) {
    for (size_t slot = 0; slot < kQueue; ++slot) {
      const auto* task = receiver.OnMessage(posted.Message(slot).subspan(kIserTraits.header_bytes));
      benchmark::DoNotOptimize(task);
      benchmark::ClobberMemory();
      if (written) disk.Write(base::Bytes(task->data).first(task->data_bytes));
    }
  }
  Report(state, kQueue, data_bytes);
}

void BM_Push(benchmark::State& state) { Push(state, false); }
void BM_SizeDriven(benchmark::State& state) { SizeDriven(state, false); }
void BM_PushWritten(benchmark::State& state) { Push(state, true); }
void BM_SizeDrivenWritten(benchmark::State& state) { SizeDriven(state, true); }

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t size : {0, 64, 512, 1024, 4096, 8192, 16384, 65536, 262144}) {
    benchmark->Arg(size);
  }
  benchmark->ArgName("data");
}
BENCHMARK(BM_Push)->Apply(Sizes);
BENCHMARK(BM_SizeDriven)->Apply(Sizes);
BENCHMARK(BM_PushWritten)->Apply(Sizes);
BENCHMARK(BM_SizeDrivenWritten)->Apply(Sizes);

// ---- parts
// ----------------------------------------------------------------------------------------

void BM_Crc32c(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(Crc32cOf(bytes));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_Crc32c)->Arg(48)->Arg(512)->Arg(8192);

// A PDU through the queue between receiving and processing: of one thread, and of two (of which
// both ends are done by this one, so that it is the cost of its atomics alone).
void BM_Queue(benchmark::State& state) {
  const BlockPool::Handle pool = BlockPool::Create({});
  PduQueue queue(kQueue);
  const std::vector<uint8_t> bhs(kBhsBytes);
  SlotRef slot(pool->AllocTask(bhs));
  for (auto _ : state) {
    queue.Push(std::move(slot));
    slot = queue.Pop();
    benchmark::DoNotOptimize(slot.get());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
void BM_QueueAcrossThreads(benchmark::State& state) {
  const BlockPool::Handle pool = BlockPool::Create({});
  SpscPduQueue queue(kQueue, kQueue);
  const std::vector<uint8_t> bhs(kBhsBytes);
  const SlotRef slot(pool->AllocTask(bhs));
  for (auto _ : state) {
    queue.Push(slot);
    benchmark::DoNotOptimize(queue.Pop());
    queue.Reclaim();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_Queue);
BENCHMARK(BM_QueueAcrossThreads);

// One delivery of a short stream: a machine from its beginning to the end of the bytes, cut in two.
void BM_Delivery(benchmark::State& state) {
  std::vector<uint8_t> bytes = Stream(16, true, 5 * Pdu(16, true).size());
  const BlockPool::Handle pool = BlockPool::Create({});
  StaysInSlot delegate;
  size_t cut = 0;
  for (auto _ : state) {
    ByteSource source(base::MutableBytes(bytes), false, pool.get());
    PduQueue queue(8);
    PduMachine machine(&source, &delegate, &queue);
    machine.SetFraming({.header_digest = true, .data_digest = true});
    source.Feed(cut);
    machine.Poll();
    source.Feed(bytes.size() - cut);
    source.End();
    machine.Poll();
    benchmark::DoNotOptimize(queue.size());
    if (++cut > bytes.size()) cut = 0;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}
BENCHMARK(BM_Delivery);

}  // namespace
}  // namespace pushpull::target
