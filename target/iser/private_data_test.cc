#include "target/iser/private_data.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

constexpr IserPrivateData kNothingSaid;
constexpr IserPrivateData kBoth{true, true, true};

TEST(IserPrivateData, FlagsSayNo) {
  const struct {
    uint8_t flags;
    IserPrivateData data;
  } kCases[] = {
      {0x00, kBoth},
      {0x40, {true, true, false}},
      {0x80, {true, false, true}},   // Linux
      {0xc0, {true, false, false}},  // libiscsi
  };
  for (const auto& test : kCases) {
    const std::vector<uint8_t> bytes = {test.flags, 0, 0, 0};
    EXPECT_EQ(ParseIserPrivateData(bytes), test.data) << int{test.flags};
    const auto built = BuildIserPrivateData(test.data);
    EXPECT_EQ(std::vector<uint8_t>(built.begin(), built.end()), bytes);
    // Reserved bits, of this byte and the three others.
    const std::vector<uint8_t> reserved = {static_cast<uint8_t>(test.flags | 0x3f), 1, 2, 3};
    EXPECT_EQ(ParseIserPrivateData(reserved), test.data) << int{test.flags};
  }
  EXPECT_EQ(BuildIserPrivateData(kNothingSaid)[0], 0xc0);
}

TEST(IserPrivateData, OfAnyLength) {
  for (size_t length = 0; length <= 196; ++length) {
    std::vector<uint8_t> bytes(length);
    EXPECT_EQ(ParseIserPrivateData(bytes), length == 4 ? kBoth : kNothingSaid) << length;
    if (length == 0) continue;
    bytes[0] = 0x80;
    const IserPrivateData linux{true, false, true};
    EXPECT_EQ(ParseIserPrivateData(bytes), length >= 4 ? linux : kNothingSaid) << length;
    bytes[0] = 0;
    bytes.back() = 1;
    EXPECT_EQ(ParseIserPrivateData(bytes).present, length >= 4) << length;
  }
}

}  // namespace
}  // namespace pushpull::target
