#include "fuzz/codecs/texts.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::codecs {
namespace {

using ::testing::HasSubstr;

constexpr uint8_t kOpcodes[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x20, 0x21,
                                0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f, 0x1d, 0x2f};

target::Bhs Header(uint8_t opcode, size_t data_bytes) {
  target::Bhs bhs;
  for (size_t i = 0; i < bhs.size(); ++i) bhs[i] = static_cast<uint8_t>(5 * i + 2);
  bhs[0] = opcode;
  bhs[4] = bhs[5] = bhs[6] = 0;
  bhs[7] = static_cast<uint8_t>(data_bytes);
  return bhs;
}

v1::Pdu Reading(const target::Bhs& bhs, const std::string& data) {
  std::vector<uint8_t> bytes(bhs.begin(), bhs.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return initiator_sim::Decode(bytes, {}).pdu;
}

TEST(TextsTest, NamesAreTheSameOnBothSides) {
  for (const uint8_t opcode : kOpcodes) {
    const target::Bhs bhs = Header(opcode, 0);
    EXPECT_EQ(CompareNames(bhs, Reading(bhs, "")), "") << int{opcode};
  }
  target::Bhs login = Header(0x23, 0);
  for (uint32_t status = 0; status < 0x500; ++status) {
    login[36] = static_cast<uint8_t>(status >> 8);
    login[37] = static_cast<uint8_t>(status);
    EXPECT_EQ(CompareNames(login, Reading(login, "")), "");
  }
}

TEST(TextsTest, AnotherNameIsSeen) {
  const v1::Pdu pdu = Reading(Header(0x21, 0), "");
  EXPECT_THAT(CompareNames(Header(0x20, 0), pdu), HasSubstr("NOP-In"));
}

TEST(TextsTest, WhatIsExpectedFitsItselfAndNothingElse) {
  const std::string sense = {0, 18, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x24, 0, 0, 0, 0, 0};
  const std::string zeros(8, 0);
  for (const uint8_t opcode : kOpcodes) {
    for (const std::string& data : {std::string(), std::string("a=1\0b=\0", 7), sense, zeros}) {
      std::string padded = data;
      while (padded.size() % 4 != 0) padded += '\0';
      EXPECT_EQ(CheckMatching(Reading(Header(opcode, data.size()), padded)), "") << int{opcode};
    }
  }
}

}  // namespace
}  // namespace pushpull::codecs
