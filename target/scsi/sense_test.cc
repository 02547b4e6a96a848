#include "target/scsi/sense.h"

#include <string>
#include <vector>

#include "base/hex.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

struct Case {
  std::string name;
  Sense sense;
  std::string fixed;
  std::string descriptor;
};

Sense With(Sense sense, std::optional<uint64_t> information, std::optional<FieldPointer> field) {
  sense.information = information;
  sense.field = field;
  return sense;
}

class SenseTest : public testing::TestWithParam<Case> {};

TEST_P(SenseTest, IsEncodedInBothFormats) {
  for (const bool descriptor : {false, true}) {
    std::vector<uint8_t> bytes(kMaxSenseBytes, 0xee);
    bytes.resize(EncodeSense(GetParam().sense, descriptor, bytes.data()));
    const auto expected =
        base::ParseHex(descriptor ? GetParam().descriptor : GetParam().fixed).value();
    EXPECT_EQ(base::Hex(bytes), base::Hex(expected));
  }
}

Sense WithProgress(Sense sense, uint16_t progress) {
  sense.progress = progress;
  return sense;
}

const Case kCases[] = {
    {"None", sense::kNone, "70 00 00 00000000 0a 00000000 00 00 00 000000",
     "72 00 00 00 000000 00"},
    {"Plain", sense::kLbaOutOfRange, "70 00 05 00000000 0a 00000000 21 00 00 000000",
     "72 05 21 00 000000 00"},
    {"Field", With(sense::kInvalidFieldInCdb, {}, FieldPointer{true, 7, std::nullopt}),
     "70 00 05 00000000 0a 00000000 24 00 00 c00007",
     "72 05 24 00 000000 08  02 06 0000 c00007 00"},
    {"FieldWithBit", With(sense::kInvalidFieldInParameterList, {}, FieldPointer{false, 300, 5}),
     "70 00 05 00000000 0a 00000000 26 00 00 8d012c",
     "72 05 26 00 000000 08  02 06 0000 8d012c 00"},
    {"Information", With(sense::kUnrecoveredReadError, 0x12345678, {}),
     "f0 00 03 12345678 0a 00000000 11 00 00 000000",
     "72 03 11 00 000000 0c  00 0a 80 00 0000000012345678"},
    {"InformationTooLargeForFixed", With(sense::kUnrecoveredReadError, 0x123456789a, {}),
     "70 00 03 00000000 0a 00000000 11 00 00 000000",
     "72 03 11 00 000000 0c  00 0a 80 00 000000123456789a"},
    {"Progress", WithProgress(sense::kSanitizeInProgress, 0x8001),
     "70 00 02 00000000 0a 00000000 04 1b 00 808001",
     "72 02 04 1b 000000 08  02 06 0000 808001 00"},
    {"Both", With(sense::kInvalidFieldInCdb, 1, FieldPointer{true, 2, 0}),
     "f0 00 05 00000001 0a 00000000 24 00 00 c80002",
     "72 05 24 00 000000 14  00 0a 80 00 0000000000000001  02 06 0000 c80002 00"},
};
INSTANTIATE_TEST_SUITE_P(All, SenseTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

TEST(SenseTextTest, IsShort) { EXPECT_EQ(sense::kCommandsClearedByIscsi.ToString(), "6/47/7f"); }

}  // namespace
}  // namespace pushpull::target
