#include "base/hex.h"

#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(HexTest, TwoDigitsAByte) {
  EXPECT_EQ(Hex({}), "");
  EXPECT_EQ(Hex(std::vector<uint8_t>{0x00, 0x0f, 0xa0, 0xff}), "000fa0ff");
}

TEST(HexTest, ParseReadsWhatHexWrote) {
  std::vector<uint8_t> all(256);
  std::iota(all.begin(), all.end(), uint8_t{0});
  EXPECT_EQ(ParseHex(Hex(all)), all);
}

TEST(HexTest, ParseTable) {
  using Out = std::optional<std::vector<uint8_t>>;
  const struct {
    std::string_view text;
    Out expected;
  } kCases[] = {
      {"", Out{std::vector<uint8_t>{}}},
      {" \t\r\n", Out{std::vector<uint8_t>{}}},
      {"aB Cd\n0f", Out{std::vector<uint8_t>{0xab, 0xcd, 0x0f}}},
      {"a", std::nullopt},
      {"abc", std::nullopt},
      {"a b", std::nullopt},
      {"0x12", std::nullopt},
      {"gg", std::nullopt},
      {"-1", std::nullopt},
      {"\v\f01", Out{std::vector<uint8_t>{0x01}}},
      {"\b01", std::nullopt},
      {"\x0e"
       "01",
       std::nullopt},
      {"09afAF90", Out{std::vector<uint8_t>{0x09, 0xaf, 0xaf, 0x90}}},
      {"/0", std::nullopt},
      {":0", std::nullopt},
      {"@0", std::nullopt},
      {"G0", std::nullopt},
      {"`0", std::nullopt},
      {"0g", std::nullopt},
  };
  for (const auto& c : kCases) EXPECT_EQ(ParseHex(c.text), c.expected) << c.text;
}

TEST(HexTest, DumpHasOffsetHexAndText) {
  EXPECT_EQ(HexDump({}), "");
  EXPECT_EQ(HexDump(AsBytes(std::string_view("0123456789abcdef\x7f\x1f ~"))),
            "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
            "00000010  7f 1f 20 7e                                       |.. ~|\n");
}

TEST(HexTest, DumpsAreCutWhereTheyAreLonger) {
  const std::vector<uint8_t> bytes(16, 0x41);
  const std::string line =
      "  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  |AAAAAAAAAAAAAAAA|\n";
  EXPECT_EQ(HexDump(bytes, {.first_offset = 0xfffffff0, .max_bytes = 16, .indent = ""}),
            "fffffff0" + line);
  EXPECT_TRUE(HexDump(bytes, {.first_offset = 0xffffffff, .max_bytes = 15, .indent = ""})
                  .ends_with("... 1 more bytes\n"));
  EXPECT_EQ(HexDump(bytes, {.first_offset = 0, .max_bytes = 0, .indent = ""}),
            "... 16 more bytes\n");
  EXPECT_EQ(HexDump(bytes, {.first_offset = 0x123456789abcdef0, .max_bytes = 16, .indent = ""}),
            "123456789abcdef0" + line);
}

TEST(HexTest, DumpOptions) {
  const std::vector<uint8_t> bytes(40, 0x80);
  EXPECT_EQ(HexDump(bytes, {.first_offset = 0x1'0000'0000, .max_bytes = 17, .indent = "> "}),
            "> 0000000100000000  80 80 80 80 80 80 80 80  80 80 80 80 80 80 80 80  "
            "|................|\n"
            "> 0000000100000010  80                                                |.|\n"
            "> ... 23 more bytes\n");
}

}  // namespace
}  // namespace pushpull::base
