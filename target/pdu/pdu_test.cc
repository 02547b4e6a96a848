#include <set>
#include <string>

#include "gtest/gtest.h"
#include "target/pdu/lun.h"
#include "target/pdu/opcode.h"
#include "target/pdu/protocol_error.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"

namespace pushpull::target {
namespace {

// What the RFC reserves comes back as 0, all else as it was.
template <typename Pdu>
Bhs KeptOf(uint8_t fill) {
  Bhs bhs;
  bhs.fill(fill);
  return Pdu::Decode(BhsView(bhs)).Encode();
}

template <typename Pdu>
class EveryPduTest : public testing::Test {};
using Pdus =
    testing::Types<NopOut, ScsiCommand, TaskManagementRequest, LoginRequest, TextRequest, DataOut,
                   LogoutRequest, SnackRequest, NopIn, ScsiResponse, TaskManagementResponse,
                   LoginResponse, TextResponse, DataIn, LogoutResponse, R2t, AsyncMessage, Reject>;
TYPED_TEST_SUITE(EveryPduTest, Pdus);

TYPED_TEST(EveryPduTest, KeepsAnyValue) {
  const Bhs ones = KeptOf<TypeParam>(0xff);
  const auto again = TypeParam::Decode(BhsView(ones));
  EXPECT_EQ(again.Encode(), ones);
  EXPECT_EQ(again.total_ahs_length, 0xff);
  EXPECT_EQ(again.data_segment_length, 0xffffffu);
  EXPECT_EQ(again.initiator_task_tag, kNoTag);
  EXPECT_EQ(ones[1] & 0x80, 0x80) << "F or T";
}

TYPED_TEST(EveryPduTest, DefaultIsAWholeHeader) {
  const TypeParam pdu;
  EXPECT_EQ(TypeParam::Decode(BhsView(pdu.Encode())), pdu);
}

TEST(BhsTest, PadIsUpToTheNextWord) {
  EXPECT_EQ(PadBytes(0), 0u);
  EXPECT_EQ(PadBytes(1), 3u);
  EXPECT_EQ(PadBytes(2), 2u);
  EXPECT_EQ(PadBytes(3), 1u);
  EXPECT_EQ(PadBytes(4), 0u);
  EXPECT_EQ(PadBytes(0xffffff), 1u);
}

TEST(OpcodeTest, NamesAndHalves) {
  EXPECT_EQ(OpcodeName(Opcode::kScsiCommand), "SCSI Command");
  EXPECT_EQ(OpcodeName(static_cast<Opcode>(0x1d)), "vendor-specific request");
  EXPECT_EQ(OpcodeName(static_cast<Opcode>(0x3e)), "vendor-specific response");
  EXPECT_EQ(OpcodeName(static_cast<Opcode>(0x07)), "unassigned");
  int requests = 0;
  for (int value = 0; value < 64; ++value) {
    const auto opcode = static_cast<Opcode>(value);
    EXPECT_EQ(IsTargetOpcode(opcode), value >= 0x20);
    if (IsAssignedRequest(opcode)) {
      ++requests;
      EXPECT_NE(OpcodeName(opcode), "unassigned");
      EXPECT_FALSE(IsTargetOpcode(opcode));
    }
  }
  EXPECT_EQ(requests, 8);
}

TEST(LunTest, DecodesPeripheralAndFlat) {
  const struct {
    uint64_t field;
    std::optional<uint32_t> lun;
  } kCases[] = {
      {0x0000'0000'0000'0000, 0},
      {0x0001'0000'0000'0000, 1},
      {0x00ff'0000'0000'0000, 255},
      {0x4000'0000'0000'0000, 0},  // flat, though peripheral would do
      {0x4100'0000'0000'0000, 256},
      {0x7fff'0000'0000'0000, 16383},
      {0x0100'0000'0000'0000, std::nullopt},  // bus 1
      {0x8001'0000'0000'0000, std::nullopt},  // logical unit addressing
      {0xc101'0000'0000'0000, std::nullopt},  // well known logical unit
      {0x0001'0001'0000'0000, std::nullopt},  // second level
      {0x4001'0000'0000'0001, std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(DecodeLun(c.field), c.lun) << std::hex << c.field;
  for (uint32_t lun = 0; lun <= kMaxLun; ++lun) ASSERT_EQ(DecodeLun(EncodeLun(lun)), lun);
  EXPECT_EQ(EncodeLun(255), 0x00ff'0000'0000'0000u);
  EXPECT_EQ(EncodeLun(256), 0x4100'0000'0000'0000u);
}

TEST(ProtocolErrorTest, NamesAreUniqueAndCodesAreSendable) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(kLastReason); ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_TRUE(names.insert(ReasonName(reason)).second) << ReasonName(reason);
    const auto code = static_cast<uint8_t>(RejectReasonFor(reason));
    EXPECT_GE(code, 0x02);
    EXPECT_LE(code, 0x0c);
    EXPECT_NE(code, 0x0b) << "RFC 7143 §11.17.1 note 3";
  }
  EXPECT_EQ(RejectReasonFor(Reason::kDataDigest), RejectReason::kDataDigestError);
}

TEST(ProtocolErrorTest, Prints) {
  const ProtocolError error{Reason::kHeaderDigest, "RFC 7143 §7.8", Action::kCloseConnection};
  EXPECT_EQ(ToString(error), "header_digest (RFC 7143 §7.8): close_connection");
  EXPECT_TRUE(error.ends_connection());
  EXPECT_FALSE((ProtocolError{Reason::kInvalidTag, "", Action::kReject}.ends_connection()));
}

}  // namespace
}  // namespace pushpull::target
