#include "base/bytes.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(BytesTest, StoresBigEndian) {
  uint8_t buffer[8] = {};
  StoreBe16(buffer, 0x0102);
  EXPECT_EQ(std::vector<uint8_t>(buffer, buffer + 3), (std::vector<uint8_t>{1, 2, 0}));
  StoreBe24(buffer, 0xff030405);  // the upper byte has no place
  EXPECT_EQ(std::vector<uint8_t>(buffer, buffer + 4), (std::vector<uint8_t>{3, 4, 5, 0}));
  StoreBe32(buffer, 0x06070809);
  EXPECT_EQ(std::vector<uint8_t>(buffer, buffer + 5), (std::vector<uint8_t>{6, 7, 8, 9, 0}));
  StoreBe64(buffer, 0x0102030405060708);
  EXPECT_EQ(std::vector<uint8_t>(buffer, buffer + 8),
            (std::vector<uint8_t>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(BytesTest, LoadsBigEndianAtAnyAlignment) {
  const uint8_t buffer[] = {0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7};
  EXPECT_EQ(LoadBe16(buffer + 1), 0xfefd);
  EXPECT_EQ(LoadBe24(buffer + 1), 0xfefdfcu);
  EXPECT_EQ(LoadBe32(buffer + 1), 0xfefdfcfbu);
  EXPECT_EQ(LoadBe64(buffer + 1), 0xfefdfcfbfaf9f8f7u);
}

TEST(BytesTest, TextAndBytesAreTheSameMemory) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(AsBytes(text).size(), 3u);
  EXPECT_EQ(AsText(AsBytes(text)).data(), text.data());
  EXPECT_EQ(AsText(AsBytes(text)), text);
  EXPECT_TRUE(AsText({}).empty());
}

}  // namespace
}  // namespace pushpull::base
