#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/pdu/lun.h"
#include "target/pdu/opcode.h"
#include "target/pdu/protocol_error.h"
#include "target/pdu/request.h"
#include "target/pdu/response.h"

namespace pushpull::target {
namespace {

// The bits of a header that have a meaning, word for word as in the figures of RFC 7143 §11; the
// opcode is each type's own. What the RFC reserves comes back as 0, all else as it was.
template <typename Pdu>
struct Figure;

#define FIGURE(pdu, section, words)                     \
  template <>                                           \
  struct Figure<pdu> {                                  \
    static constexpr std::string_view kWords = words;   \
    static constexpr std::string_view kWhere = section; \
  }

FIGURE(NopOut, "§11.18",
       "40800000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "00000000 00000000 00000000 00000000");
FIGURE(ScsiCommand, "§11.3; RFC 7144 §5.1.1",
       "40e7f000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff ffffffff ffffffff ffffffff");
FIGURE(TaskManagementRequest, "§11.5",
       "40ff0000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff ffffffff 00000000 00000000");
FIGURE(LoginRequest, "§11.12",
       "40cfffff ffffffff ffffffff ffffffff ffffffff ffff0000 ffffffff ffffffff"
       "00000000 00000000 00000000 00000000");
FIGURE(TextRequest, "§11.10",
       "40c00000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "00000000 00000000 00000000 00000000");
FIGURE(DataOut, "§11.7",
       "40800000 ffffffff ffffffff ffffffff ffffffff ffffffff 00000000 ffffffff"
       "00000000 ffffffff ffffffff 00000000");
FIGURE(LogoutRequest, "§11.14",
       "40ff0000 ffffffff 00000000 00000000 ffffffff ffff0000 ffffffff ffffffff"
       "00000000 00000000 00000000 00000000");
FIGURE(SnackRequest, "§11.16",
       "408f0000 ffffffff ffffffff ffffffff ffffffff ffffffff 00000000 ffffffff"
       "00000000 00000000 ffffffff ffffffff");
FIGURE(NopIn, "§11.19",
       "00800000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff 00000000 00000000 00000000");
FIGURE(ScsiResponse, "§11.4; RFC 7144 §5.2.1",
       "009effff ffffffff ffff0000 00000000 ffffffff ffffffff ffffffff ffffffff"
       "ffffffff ffffffff ffffffff ffffffff");
FIGURE(TaskManagementResponse, "§11.6; RFC 7144 §5.3",
       "0080ff00 ffffffff ffffff00 00000000 ffffffff 00000000 ffffffff ffffffff"
       "ffffffff 00000000 00000000 00000000");
FIGURE(LoginResponse, "§11.13",
       "00cfffff ffffffff ffffffff ffffffff ffffffff 00000000 ffffffff ffffffff"
       "ffffffff ffff0000 00000000 00000000");
FIGURE(TextResponse, "§11.11",
       "00c00000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff 00000000 00000000 00000000");
FIGURE(DataIn, "§11.7",
       "00c700ff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff ffffffff ffffffff ffffffff");
FIGURE(LogoutResponse, "§11.15",
       "0080ff00 ffffffff 00000000 00000000 ffffffff 00000000 ffffffff ffffffff"
       "ffffffff 00000000 ffffffff 00000000");
FIGURE(R2t, "§11.8",
       "00800000 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
       "ffffffff ffffffff ffffffff ffffffff");
FIGURE(AsyncMessage, "§11.9",
       "00800000 ffffffff ffffffff ffffffff ffffffff 00000000 ffffffff ffffffff"
       "ffffffff ffffffff ffffffff 00000000");
FIGURE(Reject, "§11.17",
       "0080ff00 ffffffff 00000000 00000000 ffffffff 00000000 ffffffff ffffffff"
       "ffffffff ffffffff 00000000 00000000");
#undef FIGURE

template <typename Pdu>
class EveryPduTest : public testing::Test {};
using Pdus =
    testing::Types<NopOut, ScsiCommand, TaskManagementRequest, LoginRequest, TextRequest, DataOut,
                   LogoutRequest, SnackRequest, NopIn, ScsiResponse, TaskManagementResponse,
                   LoginResponse, TextResponse, DataIn, LogoutResponse, R2t, AsyncMessage, Reject>;
TYPED_TEST_SUITE(EveryPduTest, Pdus);

TYPED_TEST(EveryPduTest, KeepsEachBitOfItsFigureAloneAndAmongOthers) {
  const auto figure = *base::ParseHex(Figure<TypeParam>::kWords);
  ASSERT_EQ(figure.size(), kBhsBytes);
  const uint8_t opcode = TypeParam().Encode()[0] & 0x3f;
  for (size_t bit = 0; bit < 8 * kBhsBytes; ++bit) {
    for (const uint8_t others : {0x00, 0xff}) {
      Bhs bhs, kept;
      bhs.fill(others);
      bhs[bit / 8] ^= static_cast<uint8_t>(0x80 >> bit % 8);
      for (size_t i = 0; i < kBhsBytes; ++i) kept[i] = bhs[i] & figure[i];
      kept[0] |= opcode;
      ASSERT_EQ(base::Hex(TypeParam::Decode(BhsView(bhs)).Encode()), base::Hex(kept))
          << "bit " << bit % 8 << " of byte " << bit / 8 << ", " << Figure<TypeParam>::kWhere;
    }
  }
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

TEST(OpcodeTest, EveryValueHasTheNameOfTheRfc) {  // RFC 7143 §11.2.1.2
  const std::map<int, std::string_view> names = {
      {0x00, "NOP-Out"},
      {0x01, "SCSI Command"},
      {0x02, "Task Management Function Request"},
      {0x03, "Login Request"},
      {0x04, "Text Request"},
      {0x05, "SCSI Data-Out"},
      {0x06, "Logout Request"},
      {0x10, "SNACK Request"},
      {0x1c, "vendor-specific request"},
      {0x1d, "vendor-specific request"},
      {0x1e, "vendor-specific request"},
      {0x20, "NOP-In"},
      {0x21, "SCSI Response"},
      {0x22, "Task Management Function Response"},
      {0x23, "Login Response"},
      {0x24, "Text Response"},
      {0x25, "SCSI Data-In"},
      {0x26, "Logout Response"},
      {0x31, "R2T"},
      {0x32, "Asynchronous Message"},
      {0x3c, "vendor-specific response"},
      {0x3d, "vendor-specific response"},
      {0x3e, "vendor-specific response"},
      {0x3f, "Reject"},
  };
  const std::set<int> requests = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10};
  for (int value = 0; value < 64; ++value) {
    SCOPED_TRACE(value);
    const auto opcode = static_cast<Opcode>(value);
    const auto found = names.find(value);
    EXPECT_EQ(OpcodeName(opcode), found == names.end() ? "unassigned" : found->second);
    EXPECT_EQ(IsTargetOpcode(opcode), value >= 0x20);
    EXPECT_EQ(IsAssignedRequest(opcode), requests.count(value) != 0);
  }
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
