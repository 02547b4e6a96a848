#include "initiator_sim/pdu/scsi.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "base/random.h"
#include "google/protobuf/text_format.h"

namespace pushpull::initiator_sim {
namespace {

template <typename Proto>
Proto Parse(const std::string& text) {
  Proto proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

std::string ToHex(base::Bytes bytes) {
  return absl::BytesToHexString(std::string(base::AsText(bytes)));
}

std::vector<uint8_t> FromHex(const std::string& hex) {
  const std::string bytes = absl::HexStringToBytes(hex);
  return {bytes.begin(), bytes.end()};
}

TEST(Lun, HasOneCodingForEachNumber) {
  EXPECT_EQ(*EncodeLun(0), 0u);
  EXPECT_EQ(*EncodeLun(255), 0x00ff000000000000u);
  EXPECT_EQ(*EncodeLun(256), 0x4100000000000000u);
  EXPECT_EQ(*EncodeLun(0x3fff), 0x7fff000000000000u);
  EXPECT_EQ(*EncodeLun(0x4000), 0xd200400000000000u);
  EXPECT_FALSE(EncodeLun(1 << 24).ok());
  for (const uint64_t lun : {0, 1, 255, 256, 0x3fff, 0x4000, 0xffffff}) {
    EXPECT_EQ(DecodeLun(*EncodeLun(lun)), lun);
  }
  // Bus 1; a second level; flat for a number that is written peripheral; well known.
  for (const uint64_t bytes :
       {0x0101000000000000u, 0x0001000100000000u, 0x4001000000000000u, 0xc101000000000000u}) {
    EXPECT_EQ(DecodeLun(bytes), std::nullopt) << std::hex << bytes;
  }
}

struct CdbCase {
  const char* cdb;
  const char* bytes;
  const char* text;
  CdbTransfer::Direction direction;
  uint64_t transfer;  // with blocks of 512 bytes
};

constexpr auto kNone = CdbTransfer::Direction::kNone;
constexpr auto kRead = CdbTransfer::Direction::kRead;
constexpr auto kWrite = CdbTransfer::Direction::kWrite;

const CdbCase kCdbCases[] = {
    {"test_unit_ready { }", "000000000000", "TEST UNIT READY", kNone, 0},
    {"read { size: 6 lba: 0x12345 blocks: 256 }", "080123450000", "READ(6) LBA 0x12345 blocks 256",
     kRead, 131072},
    {"read { lba: 0x01020304 blocks: 0x0506 dpo: true fua: true protect: 1 }",
     "28380102030400050600", "READ(10) LBA 0x1020304 blocks 1286", kRead, 1286 * 512},
    {"write { size: 12 lba: 0x01020304 blocks: 0x05060708 }", "aa0001020304050607080000",
     "WRITE(12) LBA 0x1020304 blocks 84281096", kWrite, uint64_t{84281096} * 512},
    {"write { size: 16 lba: 0x0102030405060708 blocks: 9 }", "8a000102030405060708000000090000",
     "WRITE(16) LBA 0x102030405060708 blocks 9", kWrite, 9 * 512},
    {"verify { blocks: 4 byte_check: 1 }", "2f020000000000000400", "VERIFY(10) LBA 0x0 blocks 4",
     kWrite, 2048},
    {"verify { size: 16 blocks: 4 byte_check: 3 }", "8f060000000000000000000000040000",
     "VERIFY(16) LBA 0x0 blocks 4", kWrite, 512},
    {"verify { blocks: 4 }", "2f000000000000000400", "VERIFY(10) LBA 0x0 blocks 4", kNone, 0},
    {"synchronize_cache { lba: 7 blocks: 1 }", "35000000000700000100",
     "SYNCHRONIZE CACHE(10) LBA 0x7 blocks 1", kNone, 0},
    {"inquiry { evpd: true page_code: 0x83 }", "12018300ff00", "INQUIRY page 0x83 length 255",
     kRead, 255},
    {"inquiry { allocation_length: 0x0123 }", "120000012300", "INQUIRY length 291", kRead, 291},
    {"read_capacity { }", "25000000000000000000", "READ CAPACITY(10)", kRead, 8},
    {"read_capacity { size: 16 }", "9e100000000000000000000000200000",
     "READ CAPACITY(16) length 32", kRead, 32},
    {"report_luns { select: 2 allocation_length: 16 }", "a00002000000000000100000",
     "REPORT LUNS length 16", kRead, 16},
    {"request_sense { select: 1 }", "03010000fc00", "REQUEST SENSE length 252", kRead, 252},
    {"mode_sense { dbd: true page_control: 2 page_code: 8 subpage_code: 0xff }", "1a0888ffff00",
     "MODE SENSE(6) page 0x08 length 255", kRead, 255},
    {"mode_sense { size: 10 page_code: 0x3f allocation_length: 4096 }", "5a003f00000000100000",
     "MODE SENSE(10) page 0x3f length 4096", kRead, 4096},
    {"raw: '\\xc1'", "c1", "operation code 0xc1", kNone, 0},
    {"", "", "no CDB", kNone, 0},
};

TEST(Cdb, IsWrittenAndRead) {
  for (const CdbCase& c : kCdbCases) {
    SCOPED_TRACE(c.cdb);
    const absl::StatusOr<std::vector<uint8_t>> cdb = EncodeCdb(Parse<v1::Cdb>(c.cdb));
    ASSERT_TRUE(cdb.ok()) << cdb.status();
    EXPECT_EQ(ToHex(*cdb), c.bytes);
    EXPECT_EQ(DescribeCdb(*cdb), c.text);
    const CdbTransfer transfer = TransferOf(*cdb, 512);
    EXPECT_EQ(transfer.direction, c.direction);
    EXPECT_EQ(transfer.bytes, c.transfer);
  }
}

TEST(Cdb, RefusesWhatHasNoRoom) {
  for (const char* text : {
           "read { size: 7 }",
           "read { size: 6 lba: 0x200000 }",
           "read { size: 6 blocks: 257 }",
           "read { size: 6 fua: true }",
           "read { lba: 0x100000000 }",
           "read { blocks: 0x10000 }",
           "verify { size: 6 }",
           "synchronize_cache { size: 12 }",
           "write { protect: 8 }",
           "inquiry { page_code: 256 }",
           "inquiry { allocation_length: 65536 }",
           "read_capacity { size: 12 }",
           "mode_sense { allocation_length: 256 }",
           "mode_sense { size: 12 }",
       }) {
    EXPECT_FALSE(EncodeCdb(Parse<v1::Cdb>(text)).ok()) << text;
  }
}

TEST(Cdb, SurvivesAnyBytes) {
  base::Random random(3);
  for (int i = 0; i < 5000; ++i) {
    std::vector<uint8_t> cdb(random.Below(33));
    for (uint8_t& byte : cdb) byte = static_cast<uint8_t>(random.Next());
    EXPECT_FALSE(DescribeCdb(cdb).empty());
    TransferOf(cdb, 512);
    ParseSense(cdb);
  }
}

TEST(Sense, IsWrittenInBothFormats) {
  const char* fields =
      "sense_key: ILLEGAL_REQUEST additional_sense_code: 0x24 additional_sense_code_qualifier: 1 ";
  const auto encode = [fields](const std::string& more) {
    return ToHex(base::AsBytes(EncodeSense(Parse<v1::SenseData>(fields + more))));
  };
  EXPECT_EQ(encode(""),
            "70000500000000"
            "0a"
            "00000000"
            "2401"
            "00000000");
  EXPECT_EQ(encode("information: 0x01020304"),
            "f0000501020304"
            "0a"
            "00000000"
            "2401"
            "00000000");
  EXPECT_EQ(encode("response_code: 0x71").substr(0, 2), "71");
  EXPECT_EQ(encode("response_code: 0x72"), "7205240100000000");
  EXPECT_EQ(encode("information: 0x0102030405060708"),
            "720524010000000c"
            "000a8000"
            "0102030405060708");
  EXPECT_EQ(encode("raw: 'x'"), "78");
}

TEST(Sense, ReadsBackWhatWasWritten) {
  for (const char* text : {
           "response_code: 0x70 sense_key: MISCOMPARE additional_sense_code: 0x1d "
           "additional_sense_code_qualifier: 2 information: 17",
           "response_code: 0x73 sense_key: ABORTED_COMMAND additional_sense_code: 0x47 "
           "additional_sense_code_qualifier: 5 information: 0x100000000",
       }) {
    const auto sense = Parse<v1::SenseData>(text);
    std::optional<v1::SenseData> parsed = ParseSense(base::AsBytes(EncodeSense(sense)));
    ASSERT_TRUE(parsed.has_value());
    parsed->clear_raw();
    EXPECT_EQ(parsed->DebugString(), sense.DebugString());
    EXPECT_NE(DescribeSense(*parsed).find("h/0"), std::string::npos);
  }
}

TEST(Sense, TakesShortSense) {
  EXPECT_FALSE(ParseSense({}).has_value());
  EXPECT_FALSE(ParseSense(FromHex("00")).has_value());
  const std::optional<v1::SenseData> three = ParseSense(FromHex("700005"));
  ASSERT_TRUE(three.has_value());
  EXPECT_EQ(three->sense_key(), v1::ILLEGAL_REQUEST);
  EXPECT_FALSE(three->has_additional_sense_code());
  // The additional length ends before the ASC.
  EXPECT_FALSE(
      ParseSense(FromHex("700005000000000400000000240100000000"))->has_additional_sense_code());
}

TEST(SenseOf, NeedsASenseLengthThatFits) {
  v1::Pdu pdu;
  pdu.mutable_scsi_response();
  EXPECT_FALSE(SenseOf(pdu).has_value());
  pdu.mutable_data()->set_raw(absl::HexStringToBytes("0003700005"));
  EXPECT_TRUE(SenseOf(pdu).has_value());
  pdu.mutable_data()->set_raw(absl::HexStringToBytes("0004700005"));
  EXPECT_FALSE(SenseOf(pdu).has_value());
}

}  // namespace
}  // namespace pushpull::initiator_sim
