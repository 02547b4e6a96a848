#include "initiator_sim/pdu/data.h"

#include <gtest/gtest.h>

namespace pushpull::initiator_sim {
namespace {

using std::string_literals::operator""s;

TEST(DataBytes, WritesEachForm) {
  v1::Data data;
  EXPECT_EQ(*DataBytes(data), "");
  data.set_raw("a\0b"s);
  EXPECT_EQ(*DataBytes(data), "a\0b"s);
  data.set_text("SendTargets=All");
  EXPECT_EQ(*DataBytes(data), "SendTargets=All");
  v1::KeyValue* key = data.mutable_keys()->add_key();
  key->set_name("A");
  key->set_value("1");
  data.mutable_keys()->add_key()->set_name("B");
  EXPECT_EQ(*DataBytes(data), "A=1\0B=\0"s);
  data.mutable_sense()->set_raw("sense");
  EXPECT_EQ(*DataBytes(data), "\0\x05sense"s);
  data.mutable_pattern()->set_length(0xffffff);
  EXPECT_EQ(DataBytes(data)->size(), 0xffffffu);
  data.mutable_pattern()->set_length(0x1000000);
  EXPECT_FALSE(DataBytes(data).ok());
}

TEST(ParseKeys, ReadsWhatEncodeKeysWrites) {
  const ParsedKeys parsed = ParseKeys("A=1\0B=x=y\0C=\0"s);
  EXPECT_EQ(parsed.flaw, "");
  ASSERT_EQ(parsed.keys.key_size(), 3);
  EXPECT_EQ(*FindKey(parsed.keys, "B"), "x=y");
  EXPECT_EQ(*FindKey(parsed.keys, "C"), "");
  EXPECT_EQ(FindKey(parsed.keys, "D"), nullptr);
  EXPECT_EQ(EncodeKeys(parsed.keys), "A=1\0B=x=y\0C=\0"s);
}

TEST(ParseKeys, NamesTheFirstFlawAndReadsOn) {
  const struct {
    std::string text;
    std::string flaw;
    int keys;
  } kCases[] = {
      {"", "", 0},
      {"A=1", "the last key=value pair has no NUL after it", 1},
      {"A=1\0\0"s, "a NUL stands where a key=value pair was due", 1},
      {"A\0B=2\0"s, "\"A\" has no \"=\"", 2},
      {"\0\0A\0"s, "a NUL stands where a key=value pair was due", 1},
  };
  for (const auto& c : kCases) {
    const ParsedKeys parsed = ParseKeys(c.text);
    EXPECT_EQ(parsed.flaw, c.flaw);
    EXPECT_EQ(parsed.keys.key_size(), c.keys);
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
