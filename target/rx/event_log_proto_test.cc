#include "target/rx/event_log_proto.h"

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

TEST(EventLogProtoTest, HasEverythingThatTheLogHas) {
  EventLog log;
  log.Add(PduCompleteEvent{.bhs = {1, 2}, .ahs = {3}, .data = {4, 5, 6}});
  log.Add(PduCompleteEvent{.bhs = {}, .ahs = {}, .data = {}, .data_discarded = true});
  log.Add(PduCompleteEvent{
      .bhs = {}, .ahs = {}, .data = {}, .data_discarded = false, .data_digest_failed = true});
  log.Add(ProtocolError{Reason::kAhsTooLong, "RFC 7143 §11.2.1.5", Action::kCloseSession});
  log.Add(EndEvent{true});
  const v1::EventLog proto = ToProto(log);
  ASSERT_EQ(proto.event_size(), 5);
  EXPECT_EQ(proto.event(0).pdu().bhs(), "\x01\x02");
  EXPECT_EQ(proto.event(0).pdu().ahs(), "\x03");
  EXPECT_EQ(proto.event(0).pdu().data(), "\x04\x05\x06");
  EXPECT_FALSE(proto.event(0).pdu().data_discarded());
  EXPECT_TRUE(proto.event(1).pdu().data_discarded());
  EXPECT_FALSE(proto.event(1).pdu().data_digest_failed());
  EXPECT_TRUE(proto.event(2).pdu().data_digest_failed());
  EXPECT_EQ(proto.event(3).error().reason(), "ahs_too_long");
  EXPECT_EQ(proto.event(3).error().section(), "RFC 7143 §11.2.1.5");
  EXPECT_EQ(proto.event(3).error().action(), "close_session");
  EXPECT_TRUE(proto.event(4).end().inside_pdu());
}

}  // namespace
}  // namespace pushpull::target
