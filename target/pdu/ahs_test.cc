#include "target/pdu/ahs.h"

#include <vector>

#include "base/hex.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

std::vector<uint8_t> Bytes(std::string_view hex) { return *base::ParseHex(hex); }

struct Case {
  std::string_view what;
  std::string_view ahs;
  std::optional<ProtocolError> error;
  std::string_view extended_cdb = "";
  std::optional<uint32_t> read_length = std::nullopt;
};

constexpr ProtocolError Format(std::string_view section) {
  return {Reason::kMalformedAhs, section, Action::kCloseSession};
}
constexpr ProtocolError kBadLength = Format("RFC 7143 §11.2.2.2");
constexpr ProtocolError kBadCdb = Format("RFC 7143 §11.2.2.3");
constexpr ProtocolError kBadReadLength = Format("RFC 7143 §11.2.2.4");
constexpr ProtocolError kReserved{Reason::kReservedValue, "RFC 7143 §11.2.2.1", Action::kReject};

const Case kCases[] = {
    {"none", "", std::nullopt},
    {"extended CDB of 17 bytes", "00020100 aa000000", std::nullopt, "aa"},
    {"extended CDB without pad", "00050100 aabbccdd", std::nullopt, "aabbccdd"},
    {"read length", "00050200 00002000", std::nullopt, "", 0x2000},
    {"both", "00030100 aabb0000 00050200 00000001", std::nullopt, "aabb", 1},
    {"both, the other way round", "00050200 00000001 00030100 aabb0000", std::nullopt, "aabb", 1},
    {"reserved bits of the type are ignored", "0005c2ff 00002000", std::nullopt, "", 0x2000},
    {"longer than what is there", "00060100 aabbccdd", kBadLength},
    {"very long", "ffff0100 aabbccdd", kBadLength},
    {"the second is longer than what is there", "00050200 00002000 00050100", kBadLength},
    {"CDB without a byte of it", "00010100", kBadCdb},
    {"CDB without even its reserved byte", "00000100", kBadCdb},
    {"read length too short", "00040200 00002000", kBadReadLength},
    {"read length too long", "00060200 00002000 00000000", kBadReadLength},
    {"two CDBs", "00020100 aa000000 00020100 aa000000", kBadCdb},
    {"two read lengths", "00050200 00000001 00050200 00000001", kBadReadLength},
    {"reserved code 0", "00010000", kReserved},
    {"reserved code 0 of no length", "00000000", kReserved},
    {"reserved code 63", "00053f00 00000000", kReserved},
};

TEST(AhsTest, ReadsThoseOfACommand) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.what);
    const auto bytes = Bytes(c.ahs);
    const auto read = ReadCommandAhs(bytes);
    if (c.error) {
      ASSERT_TRUE(std::holds_alternative<ProtocolError>(read));
      EXPECT_EQ(std::get<ProtocolError>(read), *c.error);
      continue;
    }
    ASSERT_TRUE(std::holds_alternative<CommandAhs>(read));
    const auto& ahs = std::get<CommandAhs>(read);
    EXPECT_EQ(base::Hex(ahs.extended_cdb), c.extended_cdb);
    EXPECT_EQ(ahs.bidirectional_read_expected_data_transfer_length, c.read_length);
  }
}

TEST(AhsTest, WalksToTheLongestChain) {
  std::vector<uint8_t> bytes;
  for (int i = 0; i < 255; ++i) bytes.insert(bytes.end(), {0, 1, 9, static_cast<uint8_t>(i)});
  AhsReader reader(bytes);
  for (int i = 0; i < 255; ++i) {
    const auto next = reader.Next();
    ASSERT_TRUE(std::holds_alternative<Ahs>(next));
    EXPECT_EQ(std::get<Ahs>(next).specific[0], i);
  }
  EXPECT_TRUE(std::holds_alternative<std::monostate>(reader.Next()));
}

TEST(AhsTest, EveryTwoBytesOfLengthEndInBounds) {
  for (uint32_t length = 0; length <= 0xffff; ++length) {
    const std::vector<uint8_t> bytes = {
        static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length), 0x07, 0, 0, 0, 0, 0};
    AhsReader reader(bytes);
    const auto next = reader.Next();
    EXPECT_EQ(std::holds_alternative<Ahs>(next), length <= 5) << length;
    if (length > 5) {
      EXPECT_TRUE(std::holds_alternative<std::monostate>(reader.Next()));
    }
  }
}

TEST(AhsTest, BytesThatAreNoWordAreAnError) {
  for (size_t size : {1, 2, 3}) {
    const std::vector<uint8_t> bytes(size);
    EXPECT_TRUE(std::holds_alternative<ProtocolError>(AhsReader(bytes).Next())) << size;
  }
}

}  // namespace
}  // namespace pushpull::target
