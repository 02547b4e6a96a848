#include "fuzz/codecs/readings.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::codecs {
namespace {

using ::testing::HasSubstr;

// Every opcode of RFC 7143, with bytes that differ from each other.
constexpr uint8_t kOpcodes[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x20,
                                0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f};

target::Bhs Header(uint8_t opcode) {
  target::Bhs bhs;
  for (size_t i = 0; i < bhs.size(); ++i) bhs[i] = static_cast<uint8_t>(7 * i + 1);
  bhs[0] = opcode;
  bhs[4] = bhs[5] = bhs[6] = bhs[7] = 0;
  return bhs;
}

v1::Pdu InitiatorsReading(const target::Bhs& bhs) { return initiator_sim::Decode(bhs, {}).pdu; }

TEST(ReadingsTest, BothCodecsAgreeOnEveryKind) {
  for (const uint8_t opcode : kOpcodes) {
    for (const uint8_t flags : {0x00, 0x80, 0xff, 0x81}) {
      target::Bhs bhs = Header(opcode);
      bhs[1] = flags;
      EXPECT_EQ(CompareReadings(bhs, InitiatorsReading(bhs)), "")
          << int{opcode} << " " << int{flags};
    }
  }
}

// Were a field left out of the comparison, a change of its bytes would go unseen.
TEST(ReadingsTest, OtherNumbersAreSeen) {
  for (const uint8_t opcode : kOpcodes) {
    const v1::Pdu pdu = InitiatorsReading(Header(opcode));
    target::Bhs changed = Header(opcode);
    changed[27] ^= 1;  // CmdSN or StatSN, whose place is the same in all that have one
    const std::string differences = CompareReadings(changed, pdu);
    const bool has_number = opcode != 0x05 && opcode != 0x10 && opcode != 0x25;
    EXPECT_EQ(differences.empty(), !has_number) << int{opcode} << " " << differences;
  }
  target::Bhs command = Header(0x01);
  const v1::Pdu pdu = InitiatorsReading(command);
  command[40] ^= 1;
  EXPECT_THAT(CompareReadings(command, pdu), HasSubstr("cdb differs"));
}

}  // namespace
}  // namespace pushpull::codecs
