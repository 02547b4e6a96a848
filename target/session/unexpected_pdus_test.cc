#include "target/session/unexpected_pdus.h"

#include "gtest/gtest.h"
#include "target/pdu/response.h"

namespace pushpull::target {
namespace {

template <typename Pdu>
bool Counts(const Pdu& pdu) {
  const Bhs bhs = pdu.Encode();
  return UnexpectedPdus::Counts(BhsView(bhs));
}

TEST(UnexpectedPdus, AreThoseThatAnswerNothing) {
  EXPECT_TRUE(Counts(Reject{}));
  EXPECT_TRUE(Counts(AsyncMessage{}));
  EXPECT_TRUE(Counts(NopIn{}));
  EXPECT_TRUE(Counts(NopIn{.target_transfer_tag = 7}));
  EXPECT_FALSE(Counts(NopIn{.initiator_task_tag = 7}));
  EXPECT_FALSE(Counts(ScsiResponse{}));
  const Bhs ping = NopIn{.target_transfer_tag = 7}.Encode();
  const Bhs news = NopIn{}.Encode();
  EXPECT_TRUE(UnexpectedPdus::IsPing(BhsView(ping)));
  EXPECT_FALSE(UnexpectedPdus::IsPing(BhsView(news)));
}

TEST(UnexpectedPdus, WithoutALimitAreNotCounted) {
  UnexpectedPdus pdus;
  EXPECT_FALSE(pdus.limited());
  pdus.SetLimit(2);
  EXPECT_TRUE(pdus.limited());
  EXPECT_EQ(pdus.room(), 2u);
}

TEST(UnexpectedPdus, AreRetiredByTheirStatSn) {
  UnexpectedPdus pdus;
  pdus.SetLimit(3);
  pdus.Add(0xffffffff, kNoTag);
  pdus.Add(0, kNoTag);
  pdus.Add(1, kNoTag);
  EXPECT_EQ(pdus.room(), 0u);
  pdus.Acknowledge(0xffffffff);
  EXPECT_EQ(pdus.room(), 0u);
  pdus.Acknowledge(1);
  EXPECT_EQ(pdus.room(), 2u);
  pdus.Acknowledge(2);
  EXPECT_EQ(pdus.room(), 3u);
}

TEST(UnexpectedPdus, APingIsAlsoRetiredByItsAnswer) {
  UnexpectedPdus pdus;
  pdus.SetLimit(2);
  pdus.Add(5, 77);
  pdus.Add(5, kNoTag);
  pdus.RetirePing(77);
  EXPECT_EQ(pdus.room(), 1u);
}

}  // namespace
}  // namespace pushpull::target
