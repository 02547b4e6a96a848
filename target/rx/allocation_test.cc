// Once warm, receiving allocates nothing: every operator new of this program is counted.

#include <vector>

#include "base/allocation_counter.h"
#include "gtest/gtest.h"
#include "target/rx/rx_testing.h"
#include "target/rx/tcp_source.h"

namespace pushpull::target {
namespace {

// Places commands in four spans of memory that is always there.
struct Spans {
  void Place(const PduSlot& pdu, Placement& placement) {
    if (pdu.bhs().opcode() != Opcode::kScsiCommand) return;
    const size_t quarter = pdu.bhs().data_segment_length() / 4;
    for (size_t i = 0; i < 4; ++i) {
      placement.Into(base::MutableBytes(room).subspan(2 * i * quarter, quarter));
    }
  }
  std::vector<uint8_t> room = std::vector<uint8_t>(1 << 20);
};

// A stream of the same bytes again and again, which itself allocates nothing.
class LoopStream final : public fabric::Stream {
 public:
  explicit LoopStream(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}
  void Rewind() { at_ = 0; }

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      const size_t n = std::min(buffer.iov_len, bytes_.size() - at_);
      if (n > 0) std::memcpy(buffer.iov_base, bytes_.data() + at_, n);
      at_ += n;
      moved += n;
    }
    if (moved == 0) return {fabric::IoResult::Kind::kWouldBlock};
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
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

std::vector<TestPdu> Traffic() {
  std::vector<TestPdu> pdus;
  for (uint32_t tag = 0; tag < 40; ++tag) {
    pdus.push_back(MakePdu(Opcode::kScsiCommand, tag, tag % 3, 4 * tag * 100));
    pdus.push_back(MakePdu(Opcode::kNopOut, tag, 0, tag));
  }
  return pdus;
}

TEST(AllocationTest, NoneForAPduOverAStreamOnceWarm) {
  const WireForm form{.header_digest = true, .data_digest = true};
  LoopStream stream(Wire(Traffic(), form));
  ReadAheadPool buffers;
  const BlockPool::Handle pool = BlockPool::Create({});
  TcpSource source(&stream, &buffers, pool.get());
  Spans delegate;
  PduQueue queue(16);
  PduMachine machine(&source, &delegate, &queue);
  machine.SetFraming(FramingOf(form));
  size_t received = 0;
  const auto receive = [&] {
    stream.Rewind();
    while (machine.Poll() == RxStop::kQueueFull || !queue.empty()) {
      while (!queue.empty()) {
        queue.Pop();
        ++received;
      }
    }
  };
  for (int i = 0; i < 10; ++i) receive();
  ASSERT_EQ(received, 80u * 10);
  const int64_t warm = base::ThreadAllocations();
  for (int i = 0; i < 100; ++i) receive();
  const int64_t after = base::ThreadAllocations();
  EXPECT_EQ(received, 80u * 110);
  EXPECT_EQ(after - warm, 0);
}

TEST(AllocationTest, NoneForAMessageOnceWarm) {
  PushFixture push;
  push.reposted.reserve(100'000);
  push.posted.reserve(16);
  Spans delegate;
  PduQueue queue(4);
  PduMachine machine(push.source.get(), &delegate, &queue);
  const auto bytes = Wire(MakePdu(Opcode::kScsiCommand, 1, 2, 4000), {});
  const auto receive = [&] {
    for (int i = 0; i < 4; ++i) push.Deliver(bytes);
    machine.Poll();
    while (!queue.empty()) queue.Pop();
  };
  receive();
  receive();
  const int64_t warm = base::ThreadAllocations();
  for (int i = 0; i < 1000; ++i) receive();
  EXPECT_EQ(base::ThreadAllocations() - warm, 0);
  EXPECT_EQ(push.reposted.size(), 4008u);
}

TEST(AllocationTest, AnIdleConnectionHasNoMemoryOfItsOwn) {
  ReadAheadPool buffers;
  LoopStream stream({});
  const int64_t before = base::ThreadAllocations();
  const BlockPool::Handle pool = BlockPool::Create({});
  TcpSource source(&stream, &buffers, pool.get());
  TestDelegate* const none = nullptr;
  PduQueue queue(16);
  PduMachine machine(&source, none, &queue);
  EXPECT_EQ(machine.Poll(), RxStop::kNotYet);
  EXPECT_LE(base::ThreadAllocations() - before, 3)
      << "pool, queue, and the read-ahead that was given back";
  EXPECT_EQ(pool->free_blocks(), 0u);
}

}  // namespace
}  // namespace pushpull::target
