#include "conformance/tap/wire_record.h"

#include <cstdint>
#include <string>
#include <vector>

#include "conformance/tap/tap_feeder.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

v1::Pdu Ping(const std::string& data) {
  v1::Pdu pdu;
  pdu.mutable_nop_out()->set_initiator_task_tag(7);
  pdu.mutable_data()->set_raw(data);
  return pdu;
}

TEST(WireRecord, HasEachEventInOrder) {
  WireLog log;
  TapFeeder feeder({&log});
  log.OnStep(0, absl::FromUnixSeconds(1396310400));
  const uint32_t c1 = feeder.Open("c1");
  const std::vector<uint8_t> bytes = initiator_sim::Encode(Ping("data"), {})->bytes;
  feeder.Send(c1, Direction::kToTarget, bytes, {}, {48});
  feeder.Send(c1, Ping(std::string(100, 'x')), {}, /*misbehaving=*/true);
  feeder.Close(c1, /*by_peer=*/true, "reset");

  const v1::WireRecord record = ToRecord(log, 50);
  ASSERT_EQ(record.event_size(), 5);
  EXPECT_EQ(record.event(0).kind(), v1::WireEvent::STEP);
  EXPECT_EQ(record.event(0).step(), 1u);
  EXPECT_EQ(record.event(1).kind(), v1::WireEvent::OPENED);
  EXPECT_EQ(record.event(1).summary(), "opened 127.0.0.1:40000 -> 127.0.0.1:3261");
  const v1::WireEvent& ping = record.event(2);
  EXPECT_EQ(ping.kind(), v1::WireEvent::PDU);
  EXPECT_EQ(ping.summary().substr(0, 7), "NOP-Out") << ping.summary();
  EXPECT_EQ(ping.frame(), 1u);
  EXPECT_EQ(ping.connection(), "c1");
  EXPECT_TRUE(ping.to_target());
  EXPECT_EQ(ping.size(), bytes.size());
  EXPECT_EQ(ping.begin(), std::string(bytes.begin(), bytes.begin() + 50));
  ASSERT_EQ(ping.cut_size(), 1);
  EXPECT_EQ(ping.cut(0), 48u);
  EXPECT_NE(ping.fields().find("initiator_task_tag"), std::string::npos);
  ASSERT_EQ(record.event(3).note_size(), 1);
  EXPECT_EQ(record.event(3).note(0), "wrong on purpose");
  EXPECT_EQ(record.event(4).summary(), "closed by the peer: reset");
  EXPECT_GT(record.event(4).seconds(), record.event(2).seconds());
}

TEST(WireRecord, HasWhatCameAndWhatRdmaMoved) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  v1::Pdu pong;
  pong.mutable_nop_in()->set_initiator_task_tag(7);
  feeder.Send(c1, Direction::kToInitiator, initiator_sim::Encode(pong, {})->bytes);
  initiator_sim::TapConnection connection;
  connection.id = c1;
  const absl::Time time = absl::FromUnixSeconds(1396310500);
  log.OnRdma({.connection = &connection,
              .time = time,
              .write = true,
              .buffer = "b",
              .offset = 8,
              .length = 512,
              .failure = ""});
  log.OnRdma({.connection = &connection,
              .time = time,
              .write = false,
              .buffer = "",
              .offset = 0,
              .length = 4,
              .failure = "refused"});
  feeder.Close(c1, /*by_peer=*/false, "");

  const v1::WireRecord record = ToRecord(log, 50);
  EXPECT_FALSE(record.truncated());
  ASSERT_EQ(record.event_size(), 5);
  EXPECT_FALSE(record.event(1).to_target());
  const v1::WireEvent& write = record.event(2);
  EXPECT_EQ(write.kind(), v1::WireEvent::RDMA);
  EXPECT_EQ(write.summary(), "RDMA Write of 512 bytes at 8 of b");
  EXPECT_FALSE(write.to_target());
  EXPECT_EQ(write.connection(), "c1");
  EXPECT_EQ(record.event(3).summary(), "RDMA Read of 4 bytes at no buffer of this side [refused]");
  EXPECT_TRUE(record.event(3).to_target());
  EXPECT_EQ(record.event(4).kind(), v1::WireEvent::CLOSED);
}

}  // namespace
}  // namespace pushpull::conformance
