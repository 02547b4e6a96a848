// Vectors worked out by hand from figures 3, 4 and 5 of RFC 7145 §9.

#include "initiator_sim/iser/header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hex.h"

namespace pushpull::initiator_sim {
namespace {

std::vector<uint8_t> Hex(const std::string& text) { return base::ParseHex(text).value(); }

template <typename Header>
struct Vector {
  const char* name;
  Header header;
  const char* bytes;
};

template <typename Header>
void ExpectBothWays(const std::vector<Vector<Header>>& vectors) {
  for (const Vector<Header>& vector : vectors) {
    SCOPED_TRACE(vector.name);
    const std::vector<uint8_t> bytes = Hex(vector.bytes);
    const IserHeader encoded = EncodeIserHeader(vector.header);
    EXPECT_EQ(std::vector<uint8_t>(encoded.begin(), encoded.end()), bytes);
    const DecodedIserHeader decoded = DecodeIserHeader(bytes);
    EXPECT_EQ(decoded.flaw, "");
    EXPECT_FALSE(decoded.reserved_set);
    const Header* read = std::get_if<Header>(&decoded.header);
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(*read, vector.header);
  }
}

// Row by row: opcode, WSV, RSV and 26 reserved bits; Write STag; Write Base Offset; Read STag; Read
// Base Offset.
TEST(IserHeaderTest, Figure3) {
  const Advertised write = {.stag = 0x55667788, .base_offset = 0x00007f0012345000};
  const Advertised read = {.stag = 0x11223344, .base_offset = 0x8899aabbccddeeff};
  ExpectBothWays<ControlHeader>({
      {"neither", {}, "10000000 00000000 0000000000000000 00000000 0000000000000000"},
      {"read",
       {.write_stag_valid = false, .write = {}, .read_stag_valid = true, .read = read},
       "14000000 00000000 0000000000000000 11223344 8899aabbccddeeff"},
      {"write",
       {.write_stag_valid = true, .write = write, .read_stag_valid = false, .read = {}},
       "18000000 55667788 00007f0012345000 00000000 0000000000000000"},
      {"both",
       {.write_stag_valid = true, .write = write, .read_stag_valid = true, .read = read},
       "1c000000 55667788 00007f0012345000 11223344 8899aabbccddeeff"},
  });
}

TEST(IserHeaderTest, Figure4) {
  const std::string rest(48, '0');
  const std::string hello = "20aa0008" + rest;
  const std::string odd = "2093ffff" + rest;
  ExpectBothWays<HelloHeader>({
      {"as it must be", {.max_version = 10, .min_version = 10, .iser_ird = 8}, hello.c_str()},
      {"each field", {.max_version = 9, .min_version = 3, .iser_ird = 0xffff}, odd.c_str()},
  });
}

TEST(IserHeaderTest, Figure5) {
  const std::string rest(48, '0');
  const std::string reply = "30aa0004" + rest;
  const std::string rejected = "31b20000" + rest;
  ExpectBothWays<HelloReplyHeader>({
      {"as it must be",
       {.reject = false, .max_version = 10, .cur_version = 10, .iser_ord = 4},
       reply.c_str()},
      {"rejected",
       {.reject = true, .max_version = 11, .cur_version = 2, .iser_ord = 0},
       rejected.c_str()},
  });
}

TEST(IserHeaderTest, WhatIsNotValidIsZeroOnTheWire) {
  const ControlHeader header = {.write_stag_valid = false,
                                .write = {.stag = 1, .base_offset = 2},
                                .read_stag_valid = false,
                                .read = {.stag = 3, .base_offset = 4}};
  EXPECT_EQ(EncodeIserHeader(header), EncodeIserHeader(ControlHeader()));
}

// Each bit of 28 bytes, set alone beside what the kind of header needs.
TEST(IserHeaderTest, EachReservedBitIsSeen) {
  const struct {
    const char* name;
    uint8_t first;
    uint8_t reserved_of_first;
    size_t used_from, used_to;    // bytes that stand for something
    size_t other_from, other_to;  // likewise
  } rows[] = {
      {"control", 0x10, 0x03, 0, 0, 0, 0},
      {"control with RSV", 0x14, 0x03, 16, 28, 0, 0},
      {"control with WSV", 0x18, 0x03, 4, 16, 0, 0},
      {"control with both", 0x1c, 0x03, 4, 16, 16, 28},
      {"Hello", 0x20, 0x0f, 1, 4, 0, 0},
      {"HelloReply", 0x30, 0x0e, 1, 4, 0, 0},
      {"HelloReply with REJ", 0x31, 0x0e, 1, 4, 0, 0},
  };
  for (const auto& row : rows) {
    std::vector<uint8_t> bytes(kIserHeaderSize);
    bytes[0] = row.first;
    EXPECT_FALSE(DecodeIserHeader(bytes).reserved_set) << row.name;
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        const auto mask = static_cast<uint8_t>(1 << bit);
        const bool used = (at >= row.used_from && at < row.used_to) ||
                          (at >= row.other_from && at < row.other_to);
        if (at == 0 && (row.reserved_of_first & mask) == 0) continue;
        std::vector<uint8_t> changed = bytes;
        changed[at] |= mask;
        const DecodedIserHeader decoded = DecodeIserHeader(changed);
        EXPECT_EQ(decoded.reserved_set, !used) << row.name << ", byte " << at << ", " << int{mask};
        EXPECT_EQ(decoded.flaw, "") << row.name;
      }
    }
  }
}

TEST(IserHeaderTest, FormatErrors) {
  for (int opcode = 0; opcode < 16; ++opcode) {
    std::vector<uint8_t> bytes(kIserHeaderSize);
    bytes[0] = static_cast<uint8_t>(opcode << 4);
    const DecodedIserHeader decoded = DecodeIserHeader(bytes);
    EXPECT_EQ(decoded.flaw.empty(), opcode >= 1 && opcode <= 3) << opcode;
    EXPECT_EQ(decoded.opcode, opcode);
    bytes.pop_back();
    EXPECT_NE(DecodeIserHeader(bytes).flaw, "") << opcode;
  }
  EXPECT_NE(DecodeIserHeader({}).flaw, "");
}

}  // namespace
}  // namespace pushpull::initiator_sim
