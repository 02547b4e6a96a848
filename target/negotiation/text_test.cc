#include "target/negotiation/text.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using std::string_literals::operator""s;

std::string ErrorOf(std::string_view text) {
  const auto pairs = ParseText(text);
  return pairs.ok() ? "none" : pairs.error().reason;
}

TEST(ParseText, TakesPairsApart) {
  const std::string text = "A=1\0Bb=\0C=x=y\0"s;
  const auto pairs = ParseText(text);
  ASSERT_TRUE(pairs.ok());
  ASSERT_EQ(pairs->size(), 3u);
  EXPECT_EQ((*pairs)[0].key, "A");
  EXPECT_EQ((*pairs)[0].value, "1");
  EXPECT_EQ((*pairs)[1].key, "Bb");
  EXPECT_EQ((*pairs)[1].value, "");
  // RFC 7143 §6.1: the key ends at the first "=".
  EXPECT_EQ((*pairs)[2].key, "C");
  EXPECT_EQ((*pairs)[2].value, "x=y");
}

TEST(ParseText, NothingIsNoPairs) {
  const auto pairs = ParseText("");
  ASSERT_TRUE(pairs.ok());
  EXPECT_TRUE(pairs->empty());
}

TEST(ParseText, RefusesMalformedPairs) {
  EXPECT_EQ(ErrorOf("A=1"s), "the last pair has no NUL");
  EXPECT_EQ(ErrorOf("A=1\0B=2"s), "the last pair has no NUL");
  EXPECT_EQ(ErrorOf("A\0"s), "a pair has no '='");
  EXPECT_EQ(ErrorOf("\0"s), "a pair has no '='");
  EXPECT_EQ(ErrorOf("A=1\0\0"s), "a pair has no '='");
  EXPECT_EQ(ErrorOf("=1\0"s), "a pair has no key");
}

TEST(ParseText, MarksMalformedNames) {
  const auto pairs = ParseText("Good=1\0Bad/name=1\0"s);
  ASSERT_TRUE(pairs.ok());
  EXPECT_TRUE((*pairs)[0].key_is_well_formed);
  EXPECT_FALSE((*pairs)[1].key_is_well_formed);
}

TEST(IsKeyName, FollowsTheRules) {
  EXPECT_TRUE(IsKeyName("HeaderDigest"));
  EXPECT_TRUE(IsKeyName("X-com.example.bar_1+2@3"));
  EXPECT_TRUE(IsKeyName("X#NodeArchitecture"));
  EXPECT_TRUE(IsKeyName("iSCSIProtocolLevel"));
  EXPECT_TRUE(IsKeyName(std::string(63, 'K')));
  EXPECT_FALSE(IsKeyName(std::string(64, 'K')));
  EXPECT_FALSE(IsKeyName(""));
  EXPECT_FALSE(IsKeyName("1Key"));
  EXPECT_FALSE(IsKeyName("-Key"));
  EXPECT_FALSE(IsKeyName("Key#"));
  EXPECT_FALSE(IsKeyName("Ke#y"));
  EXPECT_FALSE(IsKeyName("Key Name"));
  EXPECT_FALSE(IsKeyName("Key\xc3\xa9"));
}

TEST(TextCollector, JoinsSegments) {
  TextCollector collector;
  EXPECT_TRUE(collector.Append(base::AsBytes("Max")));
  EXPECT_TRUE(collector.Append({}));
  EXPECT_TRUE(collector.Append(base::AsBytes("Burst")));
  EXPECT_EQ(collector.text(), "MaxBurst");
  collector.Clear();
  EXPECT_TRUE(collector.empty());
}

TEST(TextCollector, StopsAtItsLimit) {
  TextCollector collector(10);
  EXPECT_TRUE(collector.Append(base::AsBytes("123456789")));
  EXPECT_FALSE(collector.Append(base::AsBytes("ab")));
  EXPECT_EQ(collector.text(), "123456789");
  EXPECT_TRUE(collector.Append(base::AsBytes("a")));
  collector.Clear();  // the limit is for the negotiation, not for one text
  EXPECT_FALSE(collector.Append(base::AsBytes("b")));
  collector.ResetBudget();
  EXPECT_TRUE(collector.Append(base::AsBytes("1234567890")));
}

// RFC7143-6.1-c, -d: the limits that a receiver has to bear.
TEST(TextCollector, TakesWhatTheRfcAsksFor) {
  TextCollector collector;
  EXPECT_TRUE(collector.Append(base::AsBytes(std::string(65536, 'x'))));
  EXPECT_FALSE(collector.Append(base::AsBytes("x")));
}

TEST(TextSender, CutsBehindPairs) {
  TextSender sender;
  sender.Add("A", "1");
  sender.Add("Key", "value");
  EXPECT_EQ(sender.size(), 14u);
  EXPECT_EQ(sender.Next(13), "A=1\0"s);
  EXPECT_FALSE(sender.empty());
  EXPECT_EQ(sender.Next(13), "Key=value\0"s);
  EXPECT_TRUE(sender.empty());
  EXPECT_EQ(sender.Next(13), "");
}

TEST(TextSender, CutsAPairThatFitsNoPdu) {
  TextSender sender;
  sender.Add("Key", "value");
  EXPECT_EQ(sender.Next(4), "Key=");
  EXPECT_EQ(sender.Next(4), "valu");
  EXPECT_EQ(sender.Next(4), "e\0"s);
}

TEST(TextSender, CutsInsidePairsWhereAsked) {
  TextSender sender(/*cut_inside_pairs=*/true);
  sender.Add("A", "1");
  sender.Add("Key", "value");
  EXPECT_EQ(sender.Next(6), "A=1\0Ke"s);
  EXPECT_EQ(sender.Next(6), "y=valu");
  EXPECT_EQ(sender.Next(6), "e\0"s);
}

// Whatever the limit, the pieces are the text.
TEST(TextSender, LosesNothing) {
  for (const bool inside : {false, true}) {
    for (size_t limit = 1; limit < 40; ++limit) {
      TextSender sender(inside);
      std::string whole;
      for (int i = 0; i < 5; ++i) {
        const std::string key = "Key" + std::to_string(i), value(static_cast<size_t>(i * 3), 'v');
        sender.Add(key, value);
        AppendPair(whole, key, value);
      }
      std::string sent;
      while (!sender.empty()) {
        const std::string piece = sender.Next(limit);
        ASSERT_FALSE(piece.empty());
        ASSERT_LE(piece.size(), limit);
        sent += piece;
      }
      EXPECT_EQ(sent, whole);
    }
  }
}

}  // namespace
}  // namespace pushpull::target
