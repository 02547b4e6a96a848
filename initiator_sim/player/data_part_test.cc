#include "initiator_sim/player/data_part.h"

#include <gtest/gtest.h>

#include <string>

namespace pushpull::initiator_sim {
namespace {

const std::string kData("\x01\x02\x03\x04\x05\x06\x07\xff", 8);

TEST(DataPartTest, NumbersInNetworkOrder) {
  EXPECT_EQ(DataPart(kData, "be8.7"), FieldValue(uint64_t{0xff}));
  EXPECT_EQ(DataPart(kData, "be16.1"), FieldValue(uint64_t{0x0203}));
  EXPECT_EQ(DataPart(kData, "be32.4"), FieldValue(uint64_t{0x050607ff}));
  EXPECT_EQ(DataPart(kData, "be64.0"), FieldValue(uint64_t{0x01020304050607ff}));
}

TEST(DataPartTest, Bytes) {
  EXPECT_EQ(DataPart(kData, "bytes.2.3"), FieldValue(std::string("\x03\x04\x05")));
  EXPECT_EQ(DataPart(kData, "bytes.8.0"), FieldValue(std::string()));
}

TEST(DataPartTest, NotWhereTheDataEnd) {
  EXPECT_EQ(DataPart(kData, "be8.8"), std::nullopt);
  EXPECT_EQ(DataPart(kData, "be32.5"), std::nullopt);
  EXPECT_EQ(DataPart(kData, "be32.4294967295"), std::nullopt);
  EXPECT_EQ(DataPart(kData, "bytes.4.4294967295"), std::nullopt);
}

TEST(DataPartTest, Names) {
  for (const char* name : {"be8.0", "be64.12", "bytes.0.16"}) EXPECT_TRUE(IsDataPart(name)) << name;
  for (const char* name : {"", "be8", "be8.", "be8.-1", "be8. 1", "be24.0", "bytes.1", "bytes.1.",
                           "bytes..1", "be8.1.2", "be32.4294967296"}) {
    EXPECT_FALSE(IsDataPart(name)) << name;
    EXPECT_EQ(DataPart(kData, name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
