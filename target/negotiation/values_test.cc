#include "target/negotiation/values.h"

#include <string>

#include "base/hex.h"
#include "base/random.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

// RFC7143-6.1-f
TEST(ParseNumber, TakesDecimalAndHexConstants) {
  EXPECT_EQ(ParseNumber("0"), 0u);
  EXPECT_EQ(ParseNumber("8192"), 8192u);
  EXPECT_EQ(ParseNumber("18446744073709551615"), ~uint64_t{0});
  EXPECT_EQ(ParseNumber("0x1000"), 4096u);
  EXPECT_EQ(ParseNumber("0XaBcD"), 0xabcdu);
  EXPECT_EQ(ParseNumber("0x0000000000000000000001"), 1u);
  EXPECT_EQ(ParseNumber("0xffffffffffffffff"), ~uint64_t{0});
}

TEST(ParseNumber, RefusesEverythingElse) {
  for (const char* value : {"",
                            "00",
                            "01",
                            "-1",
                            "+1",
                            " 1",
                            "1 ",
                            "1.0",
                            "1e3",
                            "abc",
                            "0x",
                            "0X",
                            "x10",
                            "0xg",
                            "18446744073709551616",
                            "99999999999999999999999",
                            "0x10000000000000000",
                            "0b1",
                            "1,2",
                            "1~2",
                            "None",
                            "0x-1"}) {
    EXPECT_EQ(ParseNumber(value), std::nullopt) << value;
  }
}

// RFC7143-6.2.2-c
TEST(ParseRange, TakesOrderedPairs) {
  EXPECT_EQ(ParseRange("2048~8192"), (NumberRange{2048, 8192}));
  EXPECT_EQ(ParseRange("0x10~16"), (NumberRange{16, 16}));
  for (const char* value : {"", "~", "1~", "~1", "2~1", "1", "1~2~3", "a~b"}) {
    EXPECT_EQ(ParseRange(value), std::nullopt) << value;
  }
}

TEST(ParseBoolean, IsCaseSensitive) {
  EXPECT_EQ(ParseBoolean("Yes"), true);
  EXPECT_EQ(ParseBoolean("No"), false);
  for (const char* value : {"", "yes", "YES", "no", "Y", "1", "Yes ", "True"}) {
    EXPECT_EQ(ParseBoolean(value), std::nullopt) << value;
  }
}

std::string Binary(std::string_view value, size_t max_bytes = 16) {
  const auto bytes = ParseBinary(value, max_bytes);
  return bytes ? base::Hex(*bytes) : "none";
}

TEST(ParseBinary, TakesHexConstants) {
  EXPECT_EQ(Binary("0x00ff"), "00ff");
  EXPECT_EQ(Binary("0XAb"), "ab");
  EXPECT_EQ(Binary("0x123"), "0123");  // §6.1: (n + 1) / 2 bytes
  EXPECT_EQ(Binary("0x1"), "01");
  EXPECT_EQ(Binary("0x"), "none");
  EXPECT_EQ(Binary("0x1g"), "none");
  EXPECT_EQ(Binary("0x" + std::string(32, 'a'), 16), std::string(32, 'a'));
  EXPECT_EQ(Binary("0x" + std::string(33, 'a'), 16), "none");
}

TEST(ParseBinary, TakesBase64Constants) {
  EXPECT_EQ(Binary("0bTWFu"), "4d616e");
  EXPECT_EQ(Binary("0BTWE="), "4d61");
  EXPECT_EQ(Binary("0bTQ=="), "4d");
  EXPECT_EQ(Binary("0b++//"), "fbefff");
  for (const char* value : {"0b", "0bT", "0bTW", "0bTWF", "0bTQ=", "0b====", "0bT===", "0bA===",
                            "0bTQ=a", "0bTR==", "0bTW F", "0bTWFu=", "0b=TWF"}) {
    EXPECT_EQ(Binary(value), "none") << value;
  }
  EXPECT_EQ(Binary("0bTWFu", 3), "4d616e");
  EXPECT_EQ(Binary("0bTWFu", 2), "none");
}

TEST(ParseBinary, NeedsAPrefix) {
  EXPECT_EQ(Binary(""), "none");
  EXPECT_EQ(Binary("1234"), "none");
  EXPECT_EQ(Binary("TWFu"), "none");
}

TEST(Format, IsReadBack) {
  base::Random random(1);
  for (size_t size = 1; size < 40; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    EXPECT_EQ(ParseBinary(FormatHex(bytes), size), bytes);
    EXPECT_EQ(ParseBinary(FormatBase64(bytes), size), bytes);
  }
  EXPECT_EQ(FormatHex(base::AsBytes("Man")), "0x4d616e");
  EXPECT_EQ(FormatBase64(base::AsBytes("Man")), "0bTWFu");
  EXPECT_EQ(FormatBase64(base::AsBytes("M")), "0bTQ==");
}

TEST(SplitList, KeepsOrderAndEmptyItems) {
  using List = std::vector<std::string_view>;
  EXPECT_EQ(SplitList("CRC32C,None"), (List{"CRC32C", "None"}));
  EXPECT_EQ(SplitList(""), (List{""}));
  EXPECT_EQ(SplitList(",a,"), (List{"", "a", ""}));
}

// RFC3722-6.1-a
TEST(IsIscsiName, FollowsTheTypes) {
  EXPECT_TRUE(IsIscsiName("iqn.2001-04.com.example:storage.disk1"));
  EXPECT_TRUE(IsIscsiName("eui.02004567A425678D"));
  EXPECT_TRUE(IsIscsiName("naa.52004567BA64678D"));
  EXPECT_TRUE(IsIscsiName("iqn.2001-04.com.example:\xc3\xa9"));
  EXPECT_TRUE(IsIscsiName("iqn.azAZ09-.:"));
  for (const char c : {'/', ';', '@', '[', '`', '{', ','}) {
    EXPECT_FALSE(IsIscsiName(std::string("iqn.a") + c)) << c;
  }
  for (const char* name :
       {"", "iqn.", "eui", "foo.2001", "iqn.2001-04.com.x:a/b", "iqn.2001-04.com.x:a b",
        "iqn.2001-04.com.x:a_b", "iqn.2001-04.com.x:\x7f", "iqn.2001-04.com.x:\xff",
        "iqn.2001-04.com.x:\xe3\x80\x82", "IQN.2001-04.com.x"}) {
    EXPECT_FALSE(IsIscsiName(name)) << name;
  }
}

// RFC7143-4.2.7.1-a
TEST(IsIscsiName, IsBoundedByLength) {
  const std::string prefix = "iqn.2001-04.com.example:";
  EXPECT_TRUE(IsIscsiName(prefix + std::string(223 - prefix.size(), 'a')));
  EXPECT_FALSE(IsIscsiName(prefix + std::string(224 - prefix.size(), 'a')));
}

TEST(IsUtf8, FindsBrokenSequences) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xef\xbf\xbf\xf0\x90\x80\x80"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe1\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3 "}) {
    EXPECT_FALSE(IsUtf8(text)) << base::Hex(base::AsBytes(text));
  }
}

}  // namespace
}  // namespace pushpull::target
