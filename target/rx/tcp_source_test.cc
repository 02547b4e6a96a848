#include "target/rx/tcp_source.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "target/rx/rx_testing.h"
#include "target/rx/scripted_stream.h"

namespace pushpull::target {
namespace {

struct Fixture {
  explicit Fixture(const BlockPoolOptions& options = {}, size_t read_ahead = 1024)
      : buffers(read_ahead), pool(BlockPool::Create(options)) {
    machine.SetFraming({.max_recv_data_segment_length = 1 << 20});
  }

  ScriptedStream stream;
  ReadAheadPool buffers;
  BlockPool::Handle pool;
  TcpSource source{&stream, &buffers, pool.get()};
  TestDelegate delegate;
  PduQueue queue{64};
  PduMachine<TcpSource, TestDelegate> machine{&source, &delegate, &queue};
};

TEST(TcpSourceTest, LargeDataIsReadStraightIntoItsPlace) {
  Fixture f;
  const TestPdu write = MakePdu(Opcode::kDataOut, 1, 0, 60000, 100);
  const TestPdu next = MakePdu(Opcode::kNopOut, 2, 0, 4);
  f.stream.AddPiece(Wire({write, next}, {}));
  EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
  ASSERT_EQ(f.queue.size(), 2u);
  const SlotRef received = f.queue.Pop();
  ASSERT_EQ(received->data().size(), 1u);
  EXPECT_EQ(received->data()[0].data(), f.delegate.write_buffer.data() + 100);
  EXPECT_TRUE(std::equal(write.data.begin(), write.data.end(), received->data()[0].begin()));
  // One read for the header, one for the rest of the data with what follows it, one that finds
  // nothing more: nothing was read piece by piece.
  EXPECT_EQ(f.stream.reads(), 3u);
}

TEST(TcpSourceTest, OneReadFillsSeveralPlaces) {
  Fixture f;
  const TestPdu command = MakePdu(Opcode::kScsiCommand, 1, 0, 3000);
  f.stream.AddPiece(base::Bytes(Wire(command, {})).first(48));
  f.stream.AddPiece(base::Bytes(Wire(command, {})).subspan(48));
  EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
  EXPECT_EQ(f.machine.Poll(), RxStop::kNotYet);
  ASSERT_EQ(f.queue.size(), 1u);
  const SlotRef received = f.queue.Pop();
  ASSERT_EQ(received->data().size(), 3u);
  EXPECT_EQ(received->data()[2].data(), f.delegate.buffers[3].data());
  EXPECT_EQ(f.stream.reads(), 4u) << "header, nothing, all data, nothing";
  std::vector<uint8_t> data(3000);
  received->CopyData(data);
  EXPECT_EQ(data, command.data);
}

TEST(TcpSourceTest, MorePlacesThanOneReadTakes) {
  struct Scatter {
    void Place(const PduSlot& pdu, Placement& placement) {
      const uint32_t bytes = pdu.bhs().data_segment_length();
      room.resize(bytes * 2);
      for (uint32_t i = 0; i < bytes; ++i) placement.Into({&room[2 * i], 1});
    }
    std::vector<uint8_t> room;
  } scatter;
  Fixture f;
  PduMachine machine(&f.source, &scatter, &f.queue);
  const TestPdu pdu = MakePdu(Opcode::kNopOut, 1, 0, 100);
  const auto bytes = Wire({pdu, pdu}, {});
  f.stream.AddPiece(base::Bytes(bytes).first(48));
  f.stream.AddPiece(base::Bytes(bytes).subspan(48));
  machine.Poll();
  machine.Poll();
  ASSERT_EQ(f.queue.size(), 2u);
  std::vector<uint8_t> data(100);
  for (int i = 0; i < 2; ++i) {
    f.queue.Pop()->CopyData(data);
    EXPECT_EQ(data, pdu.data);
  }
}

TEST(TcpSourceTest, SmallDataLiesInTheSlotAndLongDataBesideIt) {
  Fixture f({.data_bytes = 64});
  const TestPdu small = MakePdu(Opcode::kNopOut, 1, 0, 64);
  const TestPdu large = MakePdu(Opcode::kNopOut, 2, 0, 5000);
  f.stream.AddPiece(Wire({small, large}, {}));
  f.machine.Poll();
  ASSERT_EQ(f.queue.size(), 2u);
  const SlotRef first = f.queue.Pop();
  const SlotRef second = f.queue.Pop();
  const auto* slot = reinterpret_cast<const uint8_t*>(first.get());
  EXPECT_GT(first->data()[0].data(), slot);
  EXPECT_LT(first->data()[0].data(), slot + 2048) << "in the slot's own block";
  std::vector<uint8_t> data(5000);
  second->CopyData(data);
  EXPECT_EQ(data, large.data);
}

TEST(TcpSourceTest, HeaderAndAhsStayWithTheSlot) {
  Fixture f;
  const TestPdu first = MakePdu(Opcode::kNopOut, 1, 3, 0);
  f.stream.AddPiece(Wire(first, {}));
  f.machine.Poll();
  const SlotRef held = f.queue.Pop();
  for (int i = 0; i < 50; ++i) f.stream.AddPiece(Wire(MakePdu(Opcode::kNopOut, 9, 5, 30), {}));
  while (f.queue.size() < 50) f.machine.Poll();
  EXPECT_TRUE(std::ranges::equal(held->bhs().bytes(), first.bhs));
  EXPECT_TRUE(std::ranges::equal(held->ahs(), first.ahs));
}

TEST(TcpSourceTest, IdleConnectionHasNoReadAheadBuffer) {
  ReadAheadPool buffers(1024, 4);
  const BlockPool::Handle pool = BlockPool::Create({});
  ScriptedStream streams[2];
  TcpSource first(&streams[0], &buffers, pool.get());
  TcpSource second(&streams[1], &buffers, pool.get());
  const auto bytes = Wire(MakePdu(Opcode::kNopOut, 1, 0, 0), {});
  streams[0].AddPiece(bytes);
  streams[1].AddPiece(bytes);
  const Obtained one = first.Obtain(Chunk::kBhs, 48);
  ASSERT_EQ(one.answer, Obtained::Answer::kReady);
  const uint8_t* buffer = one.bytes.data();
  EXPECT_EQ(first.Obtain(Chunk::kBhs, 48).answer, Obtained::Answer::kNotYet);
  const Obtained two = second.Obtain(Chunk::kBhs, 48);
  EXPECT_EQ(two.bytes.data(), buffer) << "the first one gave it back";
}

TEST(TcpSourceTest, ReadsAheadSmallPdusInOneRead) {
  Fixture f({}, 16384);
  std::vector<TestPdu> pdus(100, MakePdu(Opcode::kNopOut, 1, 0, 0));
  f.stream.AddPiece(Wire(pdus, {}));
  EXPECT_EQ(f.machine.Poll(40), RxStop::kBudget);
  EXPECT_TRUE(f.source.has_read_ahead());
  EXPECT_EQ(f.stream.reads(), 1u);
}

// Large data segments one behind the other, of which as much has come as is asked for.
class BulkStream final : public fabric::Stream {
 public:
  BulkStream(std::vector<uint8_t> bytes, base::Bytes places)
      : bytes_(std::move(bytes)), places_(places) {}

  fabric::IoResult TryRead(std::span<const iovec> buffers) override {
    size_t moved = 0;
    for (const iovec& buffer : buffers) {
      const size_t n = std::min(buffer.iov_len, bytes_.size() - at_);
      if (n == 0) break;
      std::memcpy(buffer.iov_base, bytes_.data() + at_, n);
      const auto* to = static_cast<const uint8_t*>(buffer.iov_base);
      if (to >= places_.data() && to < places_.data() + places_.size()) straight += n;
      at_ += n;
      moved += n;
    }
    ++reads;
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

  size_t straight = 0;  // bytes that were read into their places at once
  size_t reads = 0;

 private:
  const std::vector<uint8_t> bytes_;
  const base::Bytes places_;
  size_t at_ = 0;
};

TEST(TcpSourceTest, ReadsLittleAheadOfLargeDataAndMuchOfSmall) {
  constexpr size_t kData = 8192;
  std::vector<TestPdu> pdus(100, MakePdu(Opcode::kDataOut, 1, 0, kData, 0));
  pdus.insert(pdus.end(), 2000, MakePdu(Opcode::kNopOut, 2, 0, 0));
  TestDelegate delegate;
  BulkStream stream(Wire(pdus, {}), delegate.write_buffer);
  ReadAheadPool buffers;
  const BlockPool::Handle pool = BlockPool::Create({});
  TcpSource source(&stream, &buffers, pool.get());
  PduQueue queue(1);
  PduMachine machine(&source, &delegate, &queue);
  const auto receive = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      machine.Poll(1);
      ASSERT_EQ(queue.size(), 1u);
      ASSERT_EQ(queue.Pop()->data_bytes(), i < 100 ? pdus[i].data.size() : 0u);
    }
  };
  receive(100);
  EXPECT_GT(stream.straight, 100 * kData * 9 / 10) << "nine tenths are copied once";
  EXPECT_LT(stream.reads, 110u) << "with one call for each PDU";
  stream.reads = 0;
  for (int i = 0; i < 2000; ++i) {
    machine.Poll(1);
    ASSERT_EQ(queue.Pop()->data_bytes(), 0u);
  }
  EXPECT_LT(stream.reads, 20u) << "and hundreds of small PDUs in one call";
}

TEST(TcpSourceTest, LongestAhsChainFitsTheSmallestBuffer) {
  Fixture f({}, kMaxAhsBytes);
  const TestPdu pdu = MakePdu(Opcode::kNopOut, 1, 255, 4000);
  for (size_t shift = 0; shift < 3; ++shift) f.stream.AddPiece(Wire(pdu, {}));
  while (f.queue.size() < 3) ASSERT_EQ(f.machine.Poll(), RxStop::kNotYet);
  while (!f.queue.empty()) EXPECT_TRUE(std::ranges::equal(f.queue.Pop()->ahs(), pdu.ahs));
}

TEST(TcpSourceTest, BrokenStreamIsAnEndWithAnErrno) {
  Fixture f;
  EventLog log;
  f.machine.set_event_log(&log);
  f.stream.AddPiece(base::Bytes(Wire(MakePdu(Opcode::kNopOut, 1, 0, 8), {})).first(50));
  f.stream.Break();
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.source.error(), ECONNRESET);
  EXPECT_EQ(log, (EventLog{{EndEvent{true}}}));
}

TEST(TcpSourceTest, PeersEndHasNoErrno) {
  Fixture f;
  f.stream.End();
  EXPECT_EQ(f.machine.Poll(), RxStop::kEnded);
  EXPECT_EQ(f.source.error(), 0);
}

}  // namespace
}  // namespace pushpull::target
