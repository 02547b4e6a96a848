#include "conformance/tap/wire_log.h"

#include <gtest/gtest.h>

#include "conformance/tap/tap_feeder.h"

namespace pushpull::conformance {
namespace {

v1::Pdu Ping(uint32_t tag, const std::string& data) {
  v1::Pdu pdu;
  pdu.mutable_nop_out()->set_initiator_task_tag(tag);
  pdu.mutable_data()->set_raw(data);
  return pdu;
}

v1::Pdu Answer(uint32_t tag) {
  v1::Pdu pdu;
  pdu.mutable_nop_in()->set_initiator_task_tag(tag);
  return pdu;
}

std::vector<uint8_t> Bytes(const v1::Pdu& pdu) { return initiator_sim::Encode(pdu, {})->bytes; }

TEST(WireLog, KeepsEventsInOrderAndCountsFrames) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  const uint32_t c2 = feeder.Open("c2");
  feeder.Send(c1, Ping(1, "data"));
  feeder.Send(c2, Ping(2, ""));
  feeder.Send(c1, Answer(1));
  feeder.Close(c1, /*by_peer=*/true);

  EXPECT_EQ(log.frames(), 3u);
  EXPECT_EQ(log.Frame(0), nullptr);
  EXPECT_EQ(log.Frame(4), nullptr);
  ASSERT_NE(log.Frame(2), nullptr);
  EXPECT_EQ(log.Frame(2)->connection, c2);
  EXPECT_EQ(log.Frame(1)->bytes, Bytes(Ping(1, "data")));
  EXPECT_EQ(log.Frame(1)->decoded.pdu.data().raw(), "data");
  EXPECT_EQ(log.Frame(3)->direction, Direction::kToInitiator);
  EXPECT_EQ(log.connections().at(c2).name, "c2");
}

TEST(WireLog, KnowsTheCutsOfEachPdu) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  feeder.Send(c1, Direction::kToTarget, Bytes(Ping(1, "data")), {}, {1, 48});
  feeder.Send(c1, Direction::kToTarget, Bytes(Ping(2, "data")), {}, {51});
  feeder.Send(c1, Direction::kToInitiator, Bytes(Answer(1)), {}, {5});
  EXPECT_EQ(log.CutsOf(*log.Frame(1)), (std::vector<size_t>{1, 48}));
  EXPECT_EQ(log.CutsOf(*log.Frame(2)), (std::vector<size_t>{51}));
  EXPECT_EQ(log.CutsOf(*log.Frame(3)), (std::vector<size_t>{5}));
}

TEST(WireLog, WritesALineForEach) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  log.OnStep(4, absl::FromUnixSeconds(1396310400) + absl::Milliseconds(1));
  feeder.Send(c1, Direction::kToTarget, Bytes(Ping(1, "data")), {}, {20});
  std::vector<uint8_t> wrong = initiator_sim::Encode(Answer(1), {.header_digest = true})->bytes;
  wrong[48] ^= 1;
  feeder.Send(c1, Direction::kToInitiator, wrong, {.header_digest = true});
  feeder.Close(c1, /*by_peer=*/false, "connection reset");

  v1::Violation violation;
  violation.set_frame(2);
  violation.set_level("MUST");
  violation.set_section("RFC 7143 §4.2.2.2");
  violation.set_rule("stat_sn_increments");
  violation.set_message("why");
  EXPECT_EQ(ToText(log, {.violations = {violation}}),
            "   0.000000        c1   opened 127.0.0.1:40000 -> 127.0.0.1:3261\n"
            "   0.000000             step 5\n"
            "   0.002000     #1 c1   → NOP-Out ITT 0x1 F CmdSN 0 ExpStatSN 0, 4 bytes [cut at 20]\n"
            "   0.003000     #2 c1   ← NOP-In ITT 0x1 F StatSN 0 ExpCmdSN 0 MaxCmdSN 0 "
            "[header digest wrong]\n"
            "             ! MUST RFC 7143 §4.2.2.2 stat_sn_increments: why\n"
            "   0.004000        c1   closed by this side: connection reset\n");
  EXPECT_NE(ToText(log, {.hex = true}).find("64 61 74 61"), std::string::npos);
  EXPECT_NE(ToText(log, {.full = true}).find("initiator_task_tag"), std::string::npos);
}

TEST(WireLog, KeepsOnlyHeadersWhenItIsFull) {
  WireLog log(/*max_bytes=*/300);
  TapFeeder feeder({&log});
  const uint32_t c1 = feeder.Open("c1");
  feeder.Send(c1, Ping(1, std::string(52, 'a')));
  EXPECT_FALSE(log.truncated());
  feeder.Send(c1, Ping(2, std::string(52, 'b')));
  EXPECT_TRUE(log.truncated());
  EXPECT_EQ(log.Frame(1)->bytes.size(), 100u);
  EXPECT_EQ(log.Frame(2)->bytes.size(), 48u);
  EXPECT_EQ(log.Frame(2)->size, 100u);
  EXPECT_EQ(log.Frame(2)->stream_offset, 100u);
  EXPECT_FALSE(log.Frame(2)->decoded.pdu.has_data());
  EXPECT_NE(ToText(log).find("only the headers"), std::string::npos);
}

}  // namespace
}  // namespace pushpull::conformance
