#include "target/rx/pdu_machine.h"

#include <numeric>

#include "gtest/gtest.h"
#include "target/pdu/request.h"
#include "target/rx/byte_source.h"

namespace pushpull::target {
namespace {

struct InSlot {
  void Place(const PduSlot&, Placement&) {}
};

TEST(PduMachineTest, ReceivesAPduInItsSlot) {
  NopOut ping;
  ping.initiator_task_tag = 7;
  ping.data_segment_length = 5;
  const Bhs bhs = ping.Encode();
  std::vector<uint8_t> bytes(bhs.begin(), bhs.end());
  for (uint8_t b : {1, 2, 3, 4, 5, 0, 0, 0}) bytes.push_back(b);
  const BlockPool::Handle pool = BlockPool::Create({});
  ByteSource source(bytes, {.cuts = {10}}, pool.get());
  InSlot delegate;
  PduQueue queue(1);
  PduMachine machine(&source, &delegate, &queue);
  EXPECT_EQ(machine.Poll(), RxStop::kNotYet);
  EXPECT_EQ(machine.Poll(), RxStop::kEnded);
  ASSERT_FALSE(queue.empty());
  const SlotRef pdu = queue.Pop();
  EXPECT_EQ(NopOut::Decode(pdu->bhs()), ping);
  EXPECT_EQ(pdu->data_bytes(), 5u);
}

}  // namespace
}  // namespace pushpull::target
