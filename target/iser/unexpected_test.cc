// RFC 7145 §8.1.2: no more PDUs that the initiator doesn't expect than it has receives for.

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "target/iser/iser_fixture.h"

namespace pushpull::target {
namespace {

class UnexpectedTest : public IserTest {
 protected:
  // With room for three.
  void SetUp() override {
    Connect(IserDialect::kLinux);
    ASSERT_EQ(Login({"MaxOutstandingUnexpectedPDUs=3"}).status_class, 0);
    ScsiCommand ready;
    ready.initiator_task_tag = 2;
    Send(ready);
    const auto got = Next();
    ASSERT_TRUE(got.has_value());
    exp_stat_sn_ = base::LoadBe32(&got->bhs()[24]) + 1;
  }
  // It is rejected, where that can be said.
  void SendSnack() { Send(SnackRequest{.exp_stat_sn = exp_stat_sn_}); }
  void Acknowledge(uint32_t statuses) {
    exp_stat_sn_ += statuses;
    Send(NopOut{.immediate = true, .exp_stat_sn = exp_stat_sn_});
  }
  void ExpectReject(uint32_t ahead) {
    const auto got = Next();
    ASSERT_TRUE(got.has_value());
    ASSERT_EQ(BhsView(got->bhs()).opcode(), Opcode::kReject);
    EXPECT_EQ(Reject::Decode(BhsView(got->bhs())).stat_sn, exp_stat_sn_ + ahead);
  }
  // Its tag.
  uint32_t ExpectPing() {
    const auto got = Next();
    if (!got.has_value() || BhsView(got->bhs()).opcode() != Opcode::kNopIn) {
      ADD_FAILURE() << "no ping";
      return kNoTag;
    }
    const uint32_t tag = NopIn::Decode(BhsView(got->bhs())).target_transfer_tag;
    EXPECT_NE(tag, kNoTag);
    return tag;
  }
  void Answer(uint32_t tag) {
    Send(NopOut{.immediate = true, .target_transfer_tag = tag, .exp_stat_sn = exp_stat_sn_});
  }
  void ExpectNothing() {
    world_.RunFor(absl::Milliseconds(10));
    EXPECT_TRUE(received_.empty());
  }

  uint32_t exp_stat_sn_ = 0;
};

// The last place is for the ping whose answer tells that the others are free.
TEST_F(UnexpectedTest, TheLastOneIsAPing) {
  for (int i = 0; i < 4; ++i) SendSnack();
  ExpectReject(0);
  ExpectReject(1);
  ExpectPing();
  ExpectNothing();
}

TEST_F(UnexpectedTest, WhatIsAcknowledgedMakesRoom) {
  for (int i = 0; i < 3; ++i) SendSnack();
  ExpectReject(0);
  ExpectReject(1);
  const uint32_t tag = ExpectPing();
  Acknowledge(1);
  ExpectNothing();
  SendSnack();  // there is room for a ping, and one is under way
  ExpectNothing();
  Answer(tag);
  SendSnack();
  ExpectReject(1);
  SendSnack();
  EXPECT_NE(ExpectPing(), tag);
}

TEST_F(UnexpectedTest, APingIsNotAcknowledgedByANumber) {
  for (int i = 0; i < 3; ++i) SendSnack();
  ExpectReject(0);
  ExpectReject(1);
  ExpectPing();
  Acknowledge(2);
  for (int i = 0; i < 3; ++i) SendSnack();
  ExpectReject(0);
  ExpectNothing();
}

// What doesn't come from an initiator has no ExpStatSN.
TEST_F(UnexpectedTest, APduOfATargetAcknowledgesNothing) {
  for (int i = 0; i < 3; ++i) SendSnack();
  ExpectReject(0);
  ExpectReject(1);
  Answer(ExpectPing());
  NopIn wrong;
  Bhs bhs = wrong.Encode();
  base::StoreBe32(&bhs[28], exp_stat_sn_ + 100);
  ByteVector message(kIserHeaderBytes);
  message[0] = 0x10;
  message.insert(message.end(), bhs.begin(), bhs.end());
  SendBytes(message);
  ExpectPing();
  ExpectNothing();
}

}  // namespace
}  // namespace pushpull::target
