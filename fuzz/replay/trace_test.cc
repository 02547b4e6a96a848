#include "fuzz/replay/trace.h"

#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::replay {
namespace {

std::vector<uint8_t> Wire(const v1::Pdu& pdu, initiator_sim::Digests digests) {
  return initiator_sim::Encode(pdu, digests)->bytes;
}

// A SCSI Command with two AHSs (20 bytes that need pad, 5 + pad) and five bytes of data.
v1::Pdu Command() {
  v1::Pdu pdu;
  pdu.mutable_scsi_command()->set_initiator_task_tag(5);
  v1::Ahs* ahs = pdu.add_ahs();
  ahs->set_ahs_type(1);
  ahs->set_specific(std::string(18, 'x'));  // 3 + 18 = 21: three bytes of pad
  ahs = pdu.add_ahs();
  ahs->set_ahs_type(2);
  ahs->set_specific(std::string(5, 'y'));
  pdu.mutable_data()->set_raw("hello");
  return pdu;
}

std::vector<uint8_t> operator+(std::vector<uint8_t> a, const std::vector<uint8_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(TraceTest, KnowsEachBorder) {
  const Parameters parameters{.header_digest = true, .data_digest = true};
  v1::Pdu ping;
  ping.mutable_nop_out();
  const Trace trace =
      MakeTrace("t", Direction::kToTarget, parameters,
                Wire(ping, parameters.digests()) + Wire(Command(), parameters.digests()));
  ASSERT_EQ(trace.pdus.size(), 2u);
  EXPECT_FALSE(trace.has_tail());
  EXPECT_EQ(trace.messages(), 2u);
  const PduBorders ping_borders{.begin = 0,
                                .bhs_end = 48,
                                .ahs_ends = {},
                                .header_digest_end = 52,
                                .data_end = 52,
                                .pad_end = 52,
                                .end = 52};
  EXPECT_EQ(trace.pdus[0], ping_borders);
  const PduBorders command_borders{.begin = 52,
                                   .bhs_end = 100,
                                   .ahs_ends = {124, 132},
                                   .header_digest_end = 136,
                                   .data_end = 141,
                                   .pad_end = 144,
                                   .end = 148};
  EXPECT_EQ(trace.pdus[1], command_borders);
  EXPECT_EQ(trace.Borders(), (std::vector<size_t>{48, 52, 100, 124, 132, 136, 141, 144}));
  EXPECT_EQ(trace.BytesOf(trace.pdus[1]).size(), 96u);
}

TEST(TraceTest, KeepsWhatIsNoWholePdu) {
  std::vector<uint8_t> bytes = Wire(Command(), {});
  const size_t whole = bytes.size();
  bytes.resize(whole - 5);
  const Trace cut_off = MakeTrace("t", Direction::kToTarget, {}, bytes);
  EXPECT_TRUE(cut_off.pdus.empty());
  EXPECT_EQ(cut_off.tail_begin, 0u);
  EXPECT_EQ(cut_off.messages(), 1u);
  // What its header says of borders still counts, as far as there are bytes.
  EXPECT_EQ(cut_off.Borders(), (std::vector<size_t>{48, 72, 80}));

  EXPECT_TRUE(MakeTrace("t", Direction::kToTarget, {}, {1, 2, 3}).has_tail());
  EXPECT_FALSE(MakeTrace("t", Direction::kToTarget, {}, {}).has_tail());
}

TEST(TraceTest, LoginPdusHaveNoDigests) {
  v1::Pdu login;
  login.mutable_login_request();
  const Parameters parameters{.header_digest = true, .login_pdus = 1};
  const Trace trace = MakeTrace("t", Direction::kToTarget, parameters,
                                Wire(login, {}) + Wire(Command(), parameters.digests()));
  ASSERT_EQ(trace.pdus.size(), 2u);
  EXPECT_EQ(trace.pdus[0].end, 48u);
  EXPECT_EQ(trace.pdus[1].header_digest_end - trace.pdus[1].ahs_end(), 4u);
  EXPECT_FALSE(trace.has_tail());
}

}  // namespace
}  // namespace pushpull::replay
