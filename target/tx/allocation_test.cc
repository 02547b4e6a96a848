// Once warm, sending allocates nothing: every operator new of this program is counted.

#include <vector>

#include "base/allocation_counter.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"
#include "target/pdu/response.h"
#include "target/tx/stream_sender.h"

namespace pushpull::target {
namespace {

// Takes 1000 bytes at a time, and blocks after each tenth write.
class Sink final : public fabric::Stream {
 public:
  fabric::IoResult TryRead(std::span<const iovec> /*buffers*/) override {
    return {fabric::IoResult::Kind::kWouldBlock};
  }
  fabric::IoResult TryWrite(std::span<const iovec> buffers) override {
    if (++writes_ % 10 == 0) return {fabric::IoResult::Kind::kWouldBlock};
    size_t offered = 0;
    for (const iovec& buffer : buffers) offered += buffer.iov_len;
    return {fabric::IoResult::Kind::kBytes, std::min<size_t>(offered, 1000)};
  }
  void SetHandlers(fabric::Task /*readable*/, fabric::Task /*writable*/) override {}
  void ShutdownWrite() override {}
  void Close() override {}
  void Abort() override {}
  fabric::Address local() const override { return {}; }
  fabric::Address peer() const override { return {}; }

 private:
  int writes_ = 0;
};

std::vector<uint8_t>& Data() {
  static std::vector<uint8_t> data(10'000);
  return data;
}

struct Reader final : DataInProducer {
  bool NextDataIn(OutPdu& pdu) override {
    pdu.bhs = DataIn{}.Encode();
    pdu.data.push_back(base::Bytes(Data()).first(777));
    return --left > 0;
  }
  int left = 0;
};

TEST(AllocationTest, NoneForAPduOnceWarm) {
  Sink stream;
  StatSnCounter stat_sn;
  TxQueue queue({}, &stat_sn, [](BhsView) { return TxQueue::Numbers{1, 2}; });
  queue.SetDigests(true, true);
  StreamSender sender(&stream, &queue);
  Reader readers[3];
  size_t sent = 0;
  const auto send = [&] {
    for (Reader& reader : readers) {
      reader.left = 20;
      queue.Add(&reader);
    }
    for (size_t i = 0; i < 50; ++i) {
      OutPdu pdu;
      pdu.bhs = NopIn{}.Encode();
      pdu.data.push_back(base::Bytes(Data()).first(100 * i));
      pdu.data.push_back(base::Bytes(Data()).first(i));
      pdu.done = [&sent] { ++sent; };
      queue.QueueExempt(std::move(pdu));
    }
    while (sender.Pump() != TxStop::kIdle) {
    }
  };
  send();
  const int64_t warm = base::ThreadAllocations();
  for (int i = 0; i < 50; ++i) send();
  EXPECT_EQ(base::ThreadAllocations() - warm, 0);
  EXPECT_EQ(sent, 51u * 50);
}

}  // namespace
}  // namespace pushpull::target
