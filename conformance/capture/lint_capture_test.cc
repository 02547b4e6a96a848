#include "conformance/capture/lint_capture.h"

#include <gtest/gtest.h>

#include "conformance/capture/capture_maker.h"
#include "conformance/tap/pcapng.h"
#include "conformance/tap/tap_feeder.h"
#include "conformance/tap/wire_log.h"

namespace pushpull::conformance {
namespace {

v1::Pdu LoginRequest() {
  v1::Pdu pdu;
  v1::LoginRequest* login = pdu.mutable_login_request();
  login->set_transit(true);
  login->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  login->set_next_stage(v1::FULL_FEATURE_PHASE);
  login->set_isid("\x80\x01\x02\x03\x04\x05");
  login->set_cmd_sn(1);
  pdu.mutable_data()->set_text(
      std::string("InitiatorName=iqn.2026-01.org.example:i\0"
                  "TargetName=iqn.2026-01.org.example:t\0",
                  77));
  return pdu;
}

v1::Pdu LoginResponse() {
  v1::Pdu pdu;
  v1::LoginResponse* login = pdu.mutable_login_response();
  login->set_transit(true);
  login->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  login->set_next_stage(v1::FULL_FEATURE_PHASE);
  login->set_isid("\x80\x01\x02\x03\x04\x05");
  login->set_tsih(1);
  login->set_stat_sn(10);
  login->set_exp_cmd_sn(1);
  login->set_max_cmd_sn(9);
  pdu.mutable_data()->set_text(std::string("TargetPortalGroupTag=1\0", 23));
  return pdu;
}

v1::Pdu Ping(uint32_t sn) {
  v1::Pdu pdu;
  pdu.mutable_nop_out()->set_initiator_task_tag(sn);
  pdu.mutable_nop_out()->set_cmd_sn(sn);
  pdu.mutable_nop_out()->set_exp_stat_sn(10 + sn);
  return pdu;
}

v1::Pdu Answer(uint32_t sn, uint32_t stat_sn) {
  v1::Pdu pdu;
  pdu.mutable_nop_in()->set_initiator_task_tag(sn);
  pdu.mutable_nop_in()->set_stat_sn(stat_sn);
  pdu.mutable_nop_in()->set_exp_cmd_sn(sn + 1);
  pdu.mutable_nop_in()->set_max_cmd_sn(sn + 9);
  return pdu;
}

// Pings, of which the one with the number `wrong` (from 1) is answered with a StatSN that skips
// one.
CaptureLint LintPings(uint32_t wrong) {
  WireLog log;
  TapFeeder feeder({&log});
  const uint32_t id = feeder.Open("c1");
  feeder.Send(id, LoginRequest());
  feeder.Send(id, LoginResponse());
  uint32_t stat_sn = 11;
  for (uint32_t sn = 1; sn <= 5; ++sn) {
    feeder.Send(id, Ping(sn));
    if (sn == wrong) ++stat_sn;
    feeder.Send(id, Answer(sn, stat_sn++));
  }
  feeder.Close(id, true);
  return LintCapture(*ReadCapture(base::AsBytes(ToPcapng(log))));
}

TEST(LintCaptureTest, ARightSessionIsClean) {
  const CaptureLint lint = LintPings(0);
  EXPECT_EQ(ToText(lint, "f.pcapng"), "f.pcapng: 1 connections, 12 PDUs, 0 violations\n");
}

TEST(LintCaptureTest, AViolationHasTheCapturesFrame) {
  const CaptureLint lint = LintPings(3);
  ASSERT_FALSE(lint.violations.empty());
  // Three frames of handshake, two of login, two a ping.
  const CaptureViolation& first = lint.violations[0];
  EXPECT_EQ(first.violation.frame(), 3u + 2 + 2 * 3);
  EXPECT_EQ(first.connection, 1u);
  EXPECT_FALSE(first.to_target);
  EXPECT_NE(first.violation.message().find("StatSN"), std::string::npos);
  const std::string text = ToText(lint, "f.pcapng");
  EXPECT_EQ(text.find("f.pcapng: frame 11, connection 1: MUST RFC 7143 "), 0u) << text;
  EXPECT_NE(text.find("\n  < NOP-In ITT 0x3"), std::string::npos) << text;
}

TEST(LintCaptureTest, RemarksAreSaid) {
  CaptureMaker maker;
  MadeSegment segment;
  segment.payload = "nothing of iSCSI";
  maker.Segment(segment);
  const std::string text = ToText(LintCapture(*ReadCapture(maker.bytes())), "f");
  EXPECT_EQ(text,
            "f: note: connection 1 (10.0.0.1:40000 -> 10.0.0.2:3260): the capture begins within "
            "the stream to the target\n"
            "f: note: connection 1 (10.0.0.1:40000 -> 10.0.0.2:3260): no PDU was found in 16 bytes "
            "to the target\n"
            "f: 1 connections, 0 PDUs, 0 violations\n");
}

}  // namespace
}  // namespace pushpull::conformance
