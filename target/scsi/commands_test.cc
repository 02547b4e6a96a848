// Each command on good and on bad CDBs, with the bytes that are due.

#include <algorithm>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hex.h"
#include "gtest/gtest.h"
#include "target/scsi/command_table.h"
#include "target/scsi/testing/bench.h"

namespace pushpull::target {
namespace {

constexpr uint64_t kWellKnown = 0xc101'0000'0000'0000;
constexpr uint64_t kNobody = uint64_t{7} << 48;

struct Case {
  std::string name;
  std::string cdb;
  std::string result;     // Answer::Summary()
  std::string data = {};  // hex, of what comes; "" with GOOD: none is due
  uint64_t lun = 0;
  std::string data_out = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::string NameOf(const testing::TestParamInfo<Case>& info) { return info.param.name; }

// 1 MiB in blocks of 512 bytes on LUN 0, 8 TiB in blocks of 4096 on LUN 2.
std::vector<BenchUnit> Units() {
  return {{0, "ram:1M", 512, false, "SERIAL0"},
          {2, "null:8T", 4096, true, "SERIAL2"},
          {3, "ram:1M", 512, false, "SERIAL3", 4096, 7}};
}

class CommandTest : public testing::TestWithParam<Case> {};

TEST_P(CommandTest, AnswersAsTheStandardsSay) {
  const Case& c = GetParam();
  Bench bench(Units());
  Nexus* nexus = bench.Open();
  CommandOptions options;
  options.lun = c.lun;
  options.data_out = FromHex(c.data_out);
  const Answer answer = bench.Do(nexus, c.cdb, options);
  EXPECT_EQ(answer.Summary(), c.result);
  EXPECT_EQ(base::Hex(answer.data), base::Hex(FromHex(c.data)));
  if (answer.direction == DataDirection::kIn) {
    EXPECT_EQ(answer.transfer_bytes, answer.data.size());
  }
}

constexpr uint64_t kLun2 = uint64_t{2} << 48;
constexpr uint64_t kLun3 = uint64_t{3} << 48;  // 512e, of which block 7 begins a physical one

const Case kBasics[] = {
    {"TestUnitReady", "00 00 00 00 00 00", "GOOD"},
    {"TestUnitReadyWellKnown", "00 00 00 00 00 00", "GOOD", "", kWellKnown},
    {"TestUnitReadyReserved", "00 01 00 00 00 00", "5/24/00 cdb 1.0"},
    {"TestUnitReadyNaca", "00 00 00 00 00 04", "5/24/00 cdb 5.2"},
    {"TestUnitReadyVendorControl", "00 00 00 00 00 c0", "5/24/00 cdb 5.7"},
    {"TestUnitReadyNobody", "00 00 00 00 00 00", "5/25/00", "", kNobody},
    {"UnknownOpcode", "c1 00 00 00 00 00", "5/20/00"},
    {"UnknownOpcodeNobody", "c1 00 00 00 00 00", "5/25/00", "", kNobody},
    {"VariableLengthCut", "7f 00 00 00 00 00 00 18 00 09", "5/24/00 cdb 7"},
    {"VariableLengthUnknown", "7f 00 00 00 00 00 00 18 00 03", "5/24/00 cdb 8"},
    {"VariableLengthWellKnown", "7f 00 00 00 00 00 00 18 00 09", "5/20/00", "", kWellKnown},
    {"BlockCommandWellKnown", "28 00 00 00 00 00 00 00 01 00", "5/20/00", "", kWellKnown},
    {"RequestSenseFixed", "03 00 00 00 fc 00", "GOOD",
     "70 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 00 00 00"},
    {"RequestSenseDescriptor", "03 01 00 00 fc 00", "GOOD", "72 00 00 00 00 00 00 00"},
    {"RequestSenseCut", "03 00 00 00 03 00", "GOOD", "70 00 00"},
    {"RequestSenseNothing", "03 00 00 00 00 00", "GOOD"},
    {"RequestSenseNobody", "03 00 00 00 12 00", "GOOD",
     "70 00 05 00 00 00 00 0a 00 00 00 00 25 00 00 00 00 00", kNobody},
    {"RequestSenseReserved", "03 02 00 00 12 00", "5/24/00 cdb 1.1"},
    {"PreventAllow", "1e 00 00 00 01 00", "GOOD"},
    {"PreventAllowObsolete", "1e 00 00 00 02 00", "5/24/00 cdb 4.1"},
    {"StartStopEject", "1b 00 00 00 02 00", "5/24/00 cdb 4.1"},
    {"StartStopPowerCondition", "1b 00 00 00 11 00", "5/24/00 cdb 4.4"},
    {"ReportLuns", "a0 00 00 00 00 00 00 00 00 10 00 00", "GOOD",
     "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00"},
    {"ReportLunsWhole", "a0 00 00 00 00 00 00 00 ff ff 00 00", "GOOD",
     "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00  00 02 00 00 00 00 00 00"
     "00 03 00 00 00 00 00 00"},
    {"ReportLunsHugeAllocation", "a0 00 00 00 00 00 ff ff ff ff 00 00", "GOOD",
     "00 00 00 18 00 00 00 00  00 00 00 00 00 00 00 00  00 02 00 00 00 00 00 00"
     "00 03 00 00 00 00 00 00"},
    {"ReportLunsWellKnown", "a0 00 01 00 00 00 00 00 ff ff 00 00", "GOOD",
     "00 00 00 08 00 00 00 00  c1 01 00 00 00 00 00 00"},
    {"ReportLunsAll", "a0 00 02 00 00 00 00 00 ff ff 00 00", "GOOD",
     "00 00 00 20 00 00 00 00  c1 01 00 00 00 00 00 00  00 00 00 00 00 00 00 00"
     "00 02 00 00 00 00 00 00  00 03 00 00 00 00 00 00",
     kNobody},
    {"ReportLunsSelect", "a0 00 03 00 00 00 00 00 ff ff 00 00", "5/24/00 cdb 2"},
    {"ReadCapacity10", "25 00 00 00 00 00 00 00 00 00", "GOOD", "00 00 07 ff  00 00 02 00"},
    {"ReadCapacity10Large", "25 00 00 00 00 00 00 00 00 00", "GOOD", "7f ff ff ff  00 00 10 00",
     kLun2},
    {"ReadCapacity10LbaWithoutPmi", "25 00 00 00 00 01 00 00 00 00", "5/24/00 cdb 2"},
    {"ReadCapacity10Pmi", "25 00 00 00 00 01 00 00 01 00", "GOOD", "00 00 07 ff  00 00 02 00"},
    {"ReadCapacity10PmiLast", "25 00 00 00 07 ff 00 00 01 00", "GOOD", "00 00 07 ff  00 00 02 00"},
    {"ReadCapacity10PmiBeyond", "25 00 00 00 08 00 00 00 01 00", "5/21/00"},
    {"ReadCapacity16PmiBeyond", "9e 10 ff ff ff ff ff ff ff ff 00 00 00 20 01 00", "5/21/00"},
    {"ReadCapacity16", "9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00", "GOOD",
     "00 00 00 00 7f ff ff ff  00 00 10 00  00 00 c0 00 00 00 00 00 00 00 00 00"
     "00 00 00 00 00 00 00 00",
     kLun2},
    {"ReadCapacity16Of512e", "9e 10 00 00 00 00 00 00 00 00 00 00 00 10 00 00", "GOOD",
     "00 00 00 00 00 00 07 ff  00 00 02 00  00 03 c0 07", kLun3},
    {"ReadCapacity16Cut", "9e 10 00 00 00 00 00 00 00 00 00 00 00 0c 00 00", "GOOD",
     "00 00 00 00 00 00 07 ff  00 00 02 00"},
    {"ServiceActionInUnknown", "9e 1f 00 00 00 00 00 00 00 00 00 00 00 20 00 00",
     "5/24/00 cdb 1.4"},
};
INSTANTIATE_TEST_SUITE_P(Basics, CommandTest, testing::ValuesIn(kBasics), NameOf);

const Case kInquiry[] = {
    {"Standard", "12 00 00 00 60 00", "GOOD",
     "00 00 06 12 5b 38 00 02  50 55 53 48 50 55 4c 4c"               // "PUSHPULL"
     "52 45 46 45 52 45 4e 43  45 20 44 49 53 4b 20 20  30 30 30 31"  // product, revision
     "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
     "00 a0 04 60 04 c0 09 61"  // version descriptors
     "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
    {"Cut", "12 00 00 00 05 00", "GOOD", "00 00 06 12 5b"},
    {"Nobody", "12 00 00 00 05 00", "GOOD", "7f 00 06 12 5b", kNobody},
    {"OtherAddressing", "12 00 00 00 05 00", "GOOD", "00 00 06 12 5b", uint64_t{0x4002} << 48},
    {"WellKnown", "12 00 00 00 05 00", "GOOD", "1e 00 06 12 5b", kWellKnown},
    {"PageWithoutEvpd", "12 00 80 00 60 00", "5/24/00 cdb 2"},
    {"CmdDt", "12 02 00 00 60 00", "5/24/00 cdb 1.1"},
    {"UnknownPage", "12 01 c0 00 60 00", "5/24/00 cdb 2"},
    {"SupportedPages", "12 01 00 00 ff 00", "GOOD", "00 00 00 07 00 80 83 86 b0 b1 b2"},
    {"SupportedPagesNobody", "12 01 00 00 ff 00", "GOOD", "7f 00 00 01 00", kNobody},
    {"SupportedPagesWellKnown", "12 01 00 00 ff 00", "GOOD", "1e 00 00 02 00 83", kWellKnown},
    {"BlockPageWellKnown", "12 01 b0 00 ff 00", "5/24/00 cdb 2", "", kWellKnown},
    {"SerialNumber", "12 01 80 00 ff 00", "GOOD", "00 80 00 07 53 45 52 49 41 4c 30"},
    {"ExtendedCut", "12 01 86 00 08 00", "GOOD", "00 86 00 3c 00 07 00 00"},
    // Granularity 8 blocks, at most 16384 (8 MiB), optimal 2048 (1 MiB). UNMAP: at most 524288
    // blocks (256 MiB) in 256 pieces, granularity 8 from block 0 on. WRITE SAME: 16384 blocks (8
    // MiB).
    {"BlockLimits", "12 01 b0 00 ff 00", "GOOD",
     "00 b0 00 3c 00 ff 00 08  00 00 40 00 00 00 08 00"
     "00 00 00 00  00 08 00 00 00 00 01 00 00 00 00 08 80 00 00 00  00 00 00 00 00 00 40 00"
     "00 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
    {"BlockLimits4096", "12 01 b0 00 10 00", "GOOD",
     "00 b0 00 3c 00 ff 00 01  00 00 08 00 00 00 01 00", kLun2},
    {"BlockLimits512e", "12 01 b0 00 24 00", "GOOD",
     "00 b0 00 3c 00 ff 00 08  00 00 40 00 00 00 08 00"
     "00 00 00 00  00 08 00 00 00 00 01 00 00 00 00 08 80 00 00 07",
     kLun3},
    {"CharacteristicsCut", "12 01 b1 00 08 00", "GOOD", "00 b1 00 3c 00 01 00 40"},
    {"Provisioning", "12 01 b2 00 ff 00", "GOOD", "00 b2 00 04 00 e4 02 00"},
};
INSTANTIATE_TEST_SUITE_P(Inquiry, CommandTest, testing::ValuesIn(kInquiry), NameOf);

const Case kModes[] = {
    {"Sense6Control", "1a 08 0a 00 ff 00", "GOOD",
     "0f 00 10 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Sense6ControlChangeable", "1a 08 4a 00 ff 00", "GOOD",
     "0f 00 10 00  0a 0a 04 00 08 00 00 00 00 00 00 00"},
    {"Sense6ControlDefault", "1a 08 8a 00 ff 00", "GOOD",
     "0f 00 10 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Sense6Saved", "1a 08 ca 00 ff 00", "5/39/00"},
    {"Sense6Descriptor", "1a 00 1c 00 ff 00", "GOOD",
     "17 00 10 08  00 00 08 00 00 00 02 00  1c 0a 08 00 00 00 00 00 00 00 00 00"},
    {"Sense6WriteProtected", "1a 08 1c 00 04 00", "GOOD", "0f 00 90 00", kLun2},
    {"Sense6Cut", "1a 00 3f 00 01 00", "GOOD", "43"},
    {"Sense6Caching", "1a 08 08 00 ff 00", "GOOD",
     "17 00 10 00  08 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
    {"Sense6All", "1a 08 3f 00 ff 00", "GOOD",
     "3b 00 10 00"
     "01 0a 00 00 00 00 00 00 00 00 00 00"
     "08 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
     "0a 0a 02 10 00 00 00 00 ff ff 00 00"
     "1c 0a 08 00 00 00 00 00 00 00 00 00"},
    {"Sense6AllSubpagesOfControl", "1a 08 0a ff ff 00", "GOOD",
     "2f 00 10 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"
     "4a 01 00 1c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
     "00"},
    {"Sense6AllWithSubpages", "1a 08 3f ff 01 00", "GOOD", "5b"},
    {"Sense6UnknownPage", "1a 08 02 00 ff 00", "5/24/00 cdb 2.5"},
    {"Sense6UnknownSubpage", "1a 08 0a 05 ff 00", "5/24/00 cdb 3"},
    {"Sense6AllWithOneSubpage", "1a 08 3f 01 ff 00", "5/24/00 cdb 3"},
    {"Sense6LongLbaBit", "1a 10 0a 00 ff 00", "5/24/00 cdb 1.4"},
    {"Sense10Control", "5a 08 0a 00 00 00 00 00 ff 00", "GOOD",
     "00 12 00 10 00 00 00 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Sense10ShortDescriptor", "5a 00 1c 00 00 00 00 00 ff 00", "GOOD",
     "00 1a 00 90 00 00 00 08  80 00 00 00 00 00 10 00  1c 0a 08 00 00 00 00 00 00 00 00 00",
     kLun2},
    {"Sense10LongDescriptor", "5a 10 1c 00 00 00 00 00 ff 00", "GOOD",
     "00 22 00 10 01 00 00 10  00 00 00 00 00 00 08 00 00 00 00 00 00 00 02 00"
     "1c 0a 08 00 00 00 00 00 00 00 00 00"},
    {"Select6Nothing", "15 10 00 00 00 00", "GOOD"},
    {"Select6NoPageFormat", "15 00 00 00 00 00", "5/24/00 cdb 1.4"},
    {"Select6Save", "15 11 00 00 00 00", "5/24/00 cdb 1.0"},
    {"Select6ShortHeader", "15 10 00 00 03 00", "5/1a/00", "", 0, "00 00 00"},
    {"Select6LessThanSaid", "15 10 00 00 10 00", "5/1a/00", "", 0, "00 00"},
    {"Select6Same", "15 10 00 00 10 00", "GOOD", "", 0,
     "00 00 10 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Select6SameWithDescriptor", "15 10 00 00 18 00", "GOOD", "", 0,
     "00 00 00 08  00 00 08 00 00 00 02 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Select6OtherBlockLength", "15 10 00 00 0c 00", "5/26/00 list 9", "", 0,
     "00 00 00 08  00 00 08 00 00 00 10 00"},
    {"Select6OtherCapacity", "15 10 00 00 0c 00", "5/26/00 list 4", "", 0,
     "00 00 00 08  00 00 04 00 00 00 02 00"},
    {"Select6DescriptorLength", "15 10 00 00 0c 00", "5/26/00 list 3", "", 0,
     "00 00 00 07  00 00 08 00 00 00 02 00"},
    {"Select6Unchangeable", "15 10 00 00 10 00", "5/26/00 list 7.7", "", 0,
     "00 00 00 00  0a 0a 02 90 00 00 00 00 ff ff 00 00"},
    {"Select6NoCacheToEnable", "15 10 00 00 18 00", "5/26/00 list 6.2", "", 0,
     "00 00 00 00  08 12 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
    {"Select6PageLength", "15 10 00 00 0f 00", "5/26/00 list 5", "", 0,
     "00 00 00 00  0a 09 02 10 00 00 00 00 ff ff 00"},
    {"Select6PageCut", "15 10 00 00 0e 00", "5/1a/00", "", 0,
     "00 00 00 00  0a 0a 02 10 00 00 00 00 ff ff"},
    {"Select6UnknownPage", "15 10 00 00 06 00", "5/26/00 list 4.5", "", 0, "00 00 00 00  02 00"},
    {"Select6MediumType", "15 10 00 00 04 00", "5/26/00 list 1", "", 0, "00 01 00 00"},
    {"Select10Same", "55 10 00 00 00 00 00 00 14 00", "GOOD", "", 0,
     "00 00 00 00 00 00 00 00  0a 0a 02 10 00 00 00 00 ff ff 00 00"},
    {"Select10TooLong", "55 10 00 00 00 00 00 ff ff 00", "5/24/00 cdb 7"},
};
INSTANTIATE_TEST_SUITE_P(Modes, CommandTest, testing::ValuesIn(kModes), NameOf);

// LUN 0 has blocks 0 to 7ffh, LUN 2 has 0 to 7fffffffh and is read-only; 16384 and 2048 blocks are
// the most for one command.
const Case kBlocks[] = {
    {"Read10None", "28 00 00 00 00 00 00 00 00 00", "GOOD"},
    {"Read10NoneAtTheEnd", "28 00 00 00 08 00 00 00 00 00", "GOOD"},
    {"Read10NoneBeyond", "28 00 00 00 08 01 00 00 00 00", "5/21/00"},
    {"Read10Beyond", "28 00 00 00 07 ff 00 00 02 00", "5/21/00"},
    {"Read10FarBeyond", "28 00 ff ff ff ff 00 ff ff 00", "5/21/00"},
    {"Read10Protect", "28 20 00 00 00 00 00 00 01 00", "5/24/00 cdb 1.7"},
    {"Read10Reserved", "28 01 00 00 00 00 00 00 01 00", "5/24/00 cdb 1.0"},
    {"Read10TooLong", "28 00 00 00 00 00 00 08 01 00", "5/24/00 cdb 7", "", kLun2},
    {"Read10Nobody", "28 00 00 00 00 00 00 00 01 00", "5/25/00", "", kNobody},
    {"Read6Beyond", "08 00 07 81 80 00", "5/21/00"},
    {"Read6ZeroIsManyBeyond", "08 00 07 01 00 00", "5/21/00"},
    {"Read12TooLong", "a8 00 00 00 00 00 00 00 08 01 00 00", "5/24/00 cdb 6", "", kLun2},
    {"Read12Wraps", "a8 00 00 00 07 ff ff ff ff ff 00 00", "5/21/00"},
    {"Read16TooLong", "88 00 00 00 00 00 00 00 00 00 00 00 08 01 00 00", "5/24/00 cdb 10", "",
     kLun2},
    {"Read16Wraps", "88 00 ff ff ff ff ff ff ff ff 00 00 00 02 00 00", "5/21/00"},
    {"Write10ReadOnly", "2a 00 00 00 00 00 00 00 01 00", "7/27/00", "", kLun2},
    {"Write10Protect", "2a 80 00 00 00 00 00 00 01 00", "5/24/00 cdb 1.7"},
    {"Write16Beyond", "8a 00 00 00 00 00 00 00 08 00 00 00 00 01 00 00", "5/21/00"},
    {"Verify10Medium", "2f 00 00 00 00 00 00 00 04 00", "GOOD"},
    {"Verify10MediumDpo", "2f 10 00 00 00 00 00 00 04 00", "GOOD"},
    {"Verify10Reserved", "2f 04 00 00 00 00 00 00 01 00", "5/24/00 cdb 1.2"},
    {"Verify10Protect", "2f 60 00 00 00 00 00 00 01 00", "5/24/00 cdb 1.7"},
    {"Verify10Beyond", "2f 00 00 00 07 ff 00 00 02 00", "5/21/00"},
    {"Verify16Medium", "8f 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00", "GOOD"},
    {"Verify12Medium", "af 10 00 00 00 00 00 00 08 00 00 00", "GOOD"},
    {"Verify12Beyond", "af 00 00 00 07 ff 00 00 00 02 00 00", "5/21/00"},
    {"Verify12Reserved", "af 04 00 00 00 00 00 00 00 01 00 00", "5/24/00 cdb 1.2"},
    {"Prefetch10", "34 02 00 00 00 00 00 00 00 00", "GOOD"},
    {"Prefetch10Beyond", "34 00 00 00 07 ff 00 00 02 00", "5/21/00"},
    {"Prefetch16", "90 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00", "GOOD"},
    {"Prefetch16Beyond", "90 00 00 00 00 00 00 00 00 01 00 00 08 00 00 00", "5/21/00"},
    {"Defects10", "37 00 1d 00 00 00 00 00 ff 00", "GOOD", "00 1d 00 00"},
    {"Defects10Format", "37 00 07 00 00 00 00 00 ff 00", "5/24/00 cdb 2.2"},
    {"Defects12", "b7 08 00 00 00 00 00 00 00 ff 00 00", "GOOD", "00 08 00 00 00 00 00 00"},
    {"Defects12Cut", "b7 10 00 00 00 00 00 00 00 02 00 00", "GOOD", "00 10"},
    {"Defects12Format", "b7 1f 00 00 00 00 00 00 00 ff 00 00", "5/24/00 cdb 1.2"},
    {"Synchronize10", "35 00 00 00 00 00 00 00 00 00", "GOOD"},
    {"Synchronize10Immediate", "35 02 00 00 00 00 00 00 01 00", "GOOD"},
    {"Synchronize10Beyond", "35 00 00 00 08 00 00 00 01 00", "5/21/00"},
    {"Synchronize16", "91 00 00 00 00 00 00 00 00 00 00 00 08 00 00 00", "GOOD"},
    {"Synchronize16Beyond", "91 00 00 00 00 00 00 00 00 01 00 00 08 00 00 00", "5/21/00"},
};
INSTANTIATE_TEST_SUITE_P(Blocks, CommandTest, testing::ValuesIn(kBlocks), NameOf);

const Case kReports[] = {
    {"OneWithoutAction", "a3 0c 01 28 00 00 00 00 00 ff 00 00", "GOOD",
     "00 03 00 0a  28 18 ff ff ff ff 1f ff ff 00"},
    {"OneWithTimeouts", "a3 0c 81 00 00 00 00 00 00 ff 00 00", "GOOD",
     "00 83 00 06  00 00 00 00 00 00  00 0a 00 00 00 00 00 00 00 00 00 00"},
    {"OneWithAction", "a3 0c 02 9e 00 10 00 00 00 ff 00 00", "GOOD",
     "00 03 00 10  9e 10 ff ff ff ff ff ff ff ff ff ff ff ff 01 00"},
    {"EitherWithAction", "a3 0c 03 a3 00 0c 00 00 00 ff 00 00", "GOOD",
     "00 03 00 0c  a3 0c 87 ff ff ff ff ff ff ff 00 00"},
    {"EitherWithout", "a3 0c 03 00 00 00 00 00 00 ff 00 00", "GOOD",
     "00 03 00 06  00 00 00 00 00 00"},
    {"EitherWrongAction", "a3 0c 03 00 00 01 00 00 00 ff 00 00", "GOOD", "00 01 00 00"},
    {"NotSupported", "a3 0c 01 43 00 00 00 00 00 ff 00 00", "GOOD", "00 01 00 00"},
    {"ActionNotSupported", "a3 0c 02 9e 00 13 00 00 00 ff 00 00", "GOOD", "00 01 00 00"},
    {"OptionWithoutActionOnActions", "a3 0c 01 9e 00 00 00 00 00 ff 00 00", "5/24/00 cdb 3"},
    {"OptionWithActionOnNone", "a3 0c 02 28 00 00 00 00 00 ff 00 00", "5/24/00 cdb 3"},
    {"OptionReserved", "a3 0c 04 28 00 00 00 00 00 ff 00 00", "5/24/00 cdb 2.2"},
    {"MaintenanceInUnknown", "a3 1e 00 00 00 00 00 00 00 ff 00 00", "5/24/00 cdb 1.4"},
    {"PortGroups", "a3 0a 00 00 00 00 00 00 00 ff 00 00", "GOOD",
     "00 00 00 0c  00 01 00 01 00 00 00 01  00 00 00 01"},
    {"PortGroupsExtended", "a3 2a 00 00 00 00 00 00 00 ff 00 00", "GOOD",
     "00 00 00 10  10 00 00 00  00 01 00 01 00 00 00 01  00 00 00 01"},
    {"PortGroupsFormat", "a3 4a 00 00 00 00 00 00 00 ff 00 00", "5/24/00 cdb 1.7"},
    {"SetPortGroups", "a4 0a 00 00 00 00 00 00 00 08 00 00", "GOOD", "", 0,
     "00 00 00 00  00 00 00 01"},
    {"SetPortGroupsState", "a4 0a 00 00 00 00 00 00 00 08 00 00", "5/26/00 list 4.3", "", 0,
     "00 00 00 00  02 00 00 01"},
    {"SetPortGroupsGroup", "a4 0a 00 00 00 00 00 00 00 08 00 00", "5/26/00 list 6", "", 0,
     "00 00 00 00  00 00 00 02"},
    {"SetPortGroupsLess", "a4 0a 00 00 00 00 00 00 00 08 00 00", "5/1a/00", "", 0, "00 00 00 00"},
    {"SetPortGroupsOdd", "a4 0a 00 00 00 00 00 00 00 06 00 00", "5/1a/00", "", 0,
     "00 00 00 00 00 00"},
    {"SetPortGroupsLong", "a4 0a 00 00 00 00 00 00 04 01 00 00", "5/24/00 cdb 6"},
    {"TaskManagement", "a3 0d 00 00 00 00 00 00 00 ff 00 00", "GOOD", "da 00 00 00"},
    {"TaskManagementExtended", "a3 0d 80 00 00 00 00 00 00 ff 00 00", "GOOD",
     "da 00 00 0c 00 00 00 00 00 00 00 00 00 00 00 00"},
};
INSTANTIATE_TEST_SUITE_P(Reports, CommandTest, testing::ValuesIn(kReports), NameOf);

// ---- VPD page 83h, by its parts --------------------------------------------------------------

struct Designator {
  int code_set, association, type, protocol;
  std::string bytes;
};

std::vector<Designator> Designators(base::Bytes page) {
  std::vector<Designator> found;
  EXPECT_EQ(base::LoadBe16(&page[2]), page.size() - 4);
  for (size_t at = 4; at + 4 <= page.size(); at += 4u + page[at + 3]) {
    const bool piv = (page[at + 1] & 0x80) != 0;
    found.push_back({page[at] & 0xf, page[at + 1] >> 4 & 3, page[at + 1] & 0xf,
                     piv ? page[at] >> 4 : -1,
                     std::string(base::AsText(page.subspan(at + 4, page[at + 3])))});
  }
  return found;
}

// RFC7143-4.4.2-a, -b
TEST(DeviceIdentificationTest, NamesUnitPortAndTarget) {
  Bench bench(Units());
  Nexus* nexus = bench.Open();
  const auto names = Designators(bench.Do(nexus, "12 01 83 04 00 00").data);
  ASSERT_EQ(names.size(), 7u);
  const std::string naa = base::Hex(base::AsBytes(names[0].bytes));
  EXPECT_EQ(names[0].type, 3);
  EXPECT_EQ(naa.size(), 16u);
  EXPECT_EQ(naa[0], '3') << "locally assigned";
  EXPECT_EQ(names[1].bytes, "PUSHPULLSERIAL0");
  EXPECT_EQ(names[2].bytes.substr(0, 20), "naa." + naa);
  EXPECT_EQ(names[3].bytes, std::string("\0\0\0\1", 4));
  EXPECT_EQ(names[3].type, 4) << "relative target port";
  EXPECT_EQ(names[4].type, 5) << "target port group";
  const std::string target = kBenchTarget;
  EXPECT_EQ(names[5].bytes.substr(0, target.size() + 10), target + ",t,0x0001" + '\0');
  EXPECT_EQ(names[6].bytes.substr(0, target.size() + 1), target + '\0');
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(names[i].association, i < 3 ? 0 : i < 6 ? 1 : 2) << i;
    EXPECT_EQ(names[i].protocol, i < 3 ? -1 : 5) << i;
    if (names[i].type == 8) {
      EXPECT_EQ(names[i].bytes.size() % 4, 0u) << i;
    }
  }
}

TEST(DeviceIdentificationTest, UnitsDifferAndStayTheSame) {
  const auto name_of = [](uint64_t lun) {
    Bench bench({{0, "ram:1M"}, {1, "ram:1M"}});
    CommandOptions options;
    options.lun = lun << 48;
    return bench.Do(bench.Open(), "12 01 83 00 14 00", options).data;
  };
  EXPECT_EQ(name_of(0), name_of(0));
  EXPECT_NE(name_of(0), name_of(1));
}

// ---- all commands alike ----------------------------------------------------------------------

std::vector<uint8_t> PlainCdb(const CommandEntry& entry) {
  std::vector<uint8_t> cdb(std::max<size_t>(16, entry.cdb_bytes), 0);
  cdb[0] = entry.opcode;
  if (entry.opcode == 0x7f) {
    cdb[7] = static_cast<uint8_t>(entry.cdb_bytes - 8);
    base::StoreBe16(&cdb[8], *entry.service_action);
  } else if (entry.service_action.has_value()) {
    cdb[1] = static_cast<uint8_t>(*entry.service_action);
  }
  if (entry.name == "SANITIZE: OVERWRITE") cdb[8] = 5;
  if ((entry.opcode | 0x40) == 0x55) cdb[1] = 0x10;  // MODE SELECT: PF
  if ((entry.opcode | 0x40) == 0x5a) cdb[2] = 0x3f;  // MODE SENSE: all pages
  if (entry.opcode == 0x5f) cdb[2] = 0x01;           // PERSISTENT RESERVE OUT: Write Exclusive
  if (entry.opcode == 0x5f) cdb[8] = 24;             // its parameter list
  return cdb;
}

TEST(CommandTableTest, IsSorted) {
  const auto commands = AllCommands();
  for (size_t i = 1; i < commands.size(); ++i) {
    const auto key = [&](size_t n) {
      return std::pair(commands[n].opcode, commands[n].service_action.value_or(0));
    };
    EXPECT_LT(key(i - 1), key(i)) << commands[i].name;
  }
}

TEST(CommandTableTest, EveryPlainCdbIsTaken) {
  Bench bench;
  Nexus* nexus = bench.Open();
  for (const CommandEntry& entry : AllCommands()) {
    CommandOptions options;
    options.data_out.assign(256 * 512, 0);
    if (entry.name == "RECEIVE COPY RESULTS: COPY STATUS") continue;  // there is no copy
    if (entry.name == "SANITIZE: OVERWRITE") options.data_out = FromHex("01 00 00 01 00");
    const Answer answer = bench.Do(nexus, PlainCdb(entry), options);
    // The parameter list of PERSISTENT RESERVE OUT would have to say more.
    if (entry.opcode != 0x5f) {
      EXPECT_EQ(answer.Summary(), "GOOD") << entry.name;
    }
    EXPECT_NE(answer.sense, "5/24/00") << entry.name;
    if (entry.opcode == 0x1b) bench.Do(nexus, "1b 00 00 00 01 00");  // it was stopped
  }
}

TEST(CommandTableTest, EveryBitOutsideTheUsageDataIsRefused) {
  Bench bench;
  Nexus* nexus = bench.Open();
  for (const CommandEntry& entry : AllCommands()) {
    for (int byte = 1; byte < entry.cdb_bytes; ++byte) {
      for (int bit = 0; bit < 8; ++bit) {
        const auto at = static_cast<size_t>(byte);
        if ((entry.usage[at] >> bit & 1) != 0) continue;
        if (entry.cdb_bytes == 32 && byte >= 20 && byte < 28) continue;  // ignored
        std::vector<uint8_t> cdb = PlainCdb(entry);
        cdb[at] = static_cast<uint8_t>(cdb[at] | 1 << bit);
        const Answer answer = bench.Do(nexus, cdb);
        EXPECT_EQ(answer.sense, "5/24/00") << entry.name << " byte " << byte << " bit " << bit;
        EXPECT_EQ(answer.field.substr(0, 5 + (byte > 9)), "cdb " + std::to_string(byte));
      }
    }
  }
}

TEST(CommandTableTest, UsageDataIsWhatTheReportSays) {
  Bench bench;
  Nexus* nexus = bench.Open();
  for (const CommandEntry& entry : AllCommands()) {
    std::vector<uint8_t> cdb = FromHex("a3 0c 03 00 00 00 00 00 00 ff 00 00");
    cdb[3] = entry.opcode;
    base::StoreBe16(&cdb[4], entry.service_action.value_or(0));
    const Answer answer = bench.Do(nexus, cdb);
    ASSERT_EQ(answer.data.size(), 4u + entry.cdb_bytes) << entry.name;
    EXPECT_EQ(answer.data[1], 3) << entry.name;
    EXPECT_EQ(answer.data[4], entry.opcode);
    const bool variable = entry.opcode == 0x7f;
    EXPECT_EQ(answer.data[4u + (variable ? 1u : entry.cdb_bytes - 1u)], 0) << "CONTROL";
    if (variable) {
      EXPECT_EQ(base::LoadBe16(&answer.data[4 + 8]), entry.service_action);
    }
  }
  const Answer all = bench.Do(nexus, "a3 0c 80 00 00 00 00 00 ff ff 00 00");
  EXPECT_EQ(all.data.size(), 4 + 20 * AllCommands().size());
}

}  // namespace
}  // namespace pushpull::target
