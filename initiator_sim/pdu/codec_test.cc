#include "initiator_sim/pdu/codec.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/match.h"
#include "initiator_sim/pdu/random_pdu.h"

namespace pushpull::initiator_sim {
namespace {

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

std::vector<uint8_t> FromHex(const std::string& hex) {
  const std::string bytes = absl::HexStringToBytes(absl::StrReplaceAll(hex, {{" ", ""}}));
  return {bytes.begin(), bytes.end()};
}

std::string ToHex(base::Bytes bytes) {
  return absl::BytesToHexString(std::string(base::AsText(bytes)));
}

EncodedPdu MustEncode(const v1::Pdu& pdu, Digests digests = {}) {
  absl::StatusOr<EncodedPdu> encoded = Encode(pdu, digests);
  EXPECT_TRUE(encoded.ok()) << encoded.status() << pdu.DebugString();
  return encoded.ok() ? *encoded : EncodedPdu();
}

// Each byte of a field has a value of its own, so that a field in a wrong place shows.
struct FigureCase {
  const char* name;
  const char* pdu;
  const char* bhs;
};

const FigureCase kFigureCases[] = {
    {"nop_out",
     "nop_out { lun_bytes: 0x0102030405060708 initiator_task_tag: 0x11121314 "
     "target_transfer_tag: 0x21222324 cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 } immediate: true",
     "40800000 00000000 01020304 05060708 11121314 21222324 31323334 41424344"
     "00000000 00000000 00000000 00000000"},
    {"scsi_command",
     "scsi_command { read: true attr: ORDERED priority: 5 lun: 3 initiator_task_tag: 0x11121314 "
     "expected_data_transfer_length: 0x21222324 cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 "
     "cdb { raw: '\\x28\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09' } }",
     "01c25000 00000000 00030000 00000000 11121314 21222324 31323334 41424344"
     "28010203 04050607 08090000 00000000"},
    {"scsi_command_write", "scsi_command { final: false write: true attr: ACA lun: 300 }",
     "01240000 00000000 412c0000 00000000 00000000 00000000 00000000 00000000"
     "00000000 00000000 00000000 00000000"},
    {"task_management_request",
     "task_management_request { function: ABORT_TASK lun: 1 initiator_task_tag: 0x11121314 "
     "referenced_task_tag: 0x21222324 cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 "
     "ref_cmd_sn: 0x51525354 exp_data_sn: 0x61626364 } immediate: true",
     "42810000 00000000 00010000 00000000 11121314 21222324 31323334 41424344"
     "51525354 61626364 00000000 00000000"},
    {"login_request",
     "login_request { transit: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION "
     "next_stage: FULL_FEATURE_PHASE version_max: 1 version_min: 2 "
     "isid: '\\x80\\x01\\x02\\x03\\x04\\x05' tsih: 0x0607 initiator_task_tag: 0x11121314 "
     "cid: 0x2122 cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 }",
     "43870102 00000000 80010203 04050607 11121314 21220000 31323334 41424344"
     "00000000 00000000 00000000 00000000"},
    {"text_request",
     "text_request { text_continue: true lun: 2 initiator_task_tag: 0x11121314 "
     "cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 }",
     "04400000 00000000 00020000 00000000 11121314 ffffffff 31323334 41424344"
     "00000000 00000000 00000000 00000000"},
    {"data_out",
     "data_out { lun: 1 initiator_task_tag: 0x11121314 target_transfer_tag: 0x21222324 "
     "exp_stat_sn: 0x41424344 data_sn: 0x61626364 buffer_offset: 0x71727374 }",
     "05800000 00000000 00010000 00000000 11121314 21222324 00000000 41424344"
     "00000000 61626364 71727374 00000000"},
    {"logout_request",
     "logout_request { reason: REMOVE_CONNECTION_FOR_RECOVERY initiator_task_tag: 0x11121314 "
     "cid: 0x2122 cmd_sn: 0x31323334 exp_stat_sn: 0x41424344 }",
     "06820000 00000000 00000000 00000000 11121314 21220000 31323334 41424344"
     "00000000 00000000 00000000 00000000"},
    {"snack_request",
     "snack_request { type: R_DATA_SNACK lun: 1 initiator_task_tag: 0x11121314 "
     "target_transfer_tag: 0x21222324 exp_stat_sn: 0x41424344 beg_run: 0x71727374 "
     "run_length: 0x81828384 }",
     "10830000 00000000 00010000 00000000 11121314 21222324 00000000 41424344"
     "00000000 00000000 71727374 81828384"},
    {"nop_in",
     "nop_in { lun: 1 initiator_task_tag: 0xffffffff target_transfer_tag: 0x21222324 "
     "stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 }",
     "20800000 00000000 00010000 00000000 ffffffff 21222324 31323334 41424344"
     "51525354 00000000 00000000 00000000"},
    {"scsi_response",
     "scsi_response { bidirectional_read_underflow: true residual_overflow: true "
     "response: TARGET_FAILURE status: BUSY status_qualifier: 0x0102 "
     "initiator_task_tag: 0x11121314 snack_tag: 0x21222324 stat_sn: 0x31323334 "
     "exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 exp_data_sn: 0x61626364 "
     "bidirectional_read_residual_count: 0x71727374 residual_count: 0x81828384 }",
     "218c0108 00000000 01020000 00000000 11121314 21222324 31323334 41424344"
     "51525354 61626364 71727374 81828384"},
    {"scsi_response_flags",
     "scsi_response { bidirectional_read_overflow: true residual_underflow: true }",
     "21920000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
     "00000000 00000000 00000000 00000000"},
    {"task_management_response",
     "task_management_response { response: FUNCTION_REJECTED initiator_task_tag: 0x11121314 "
     "stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 "
     "additional_response_information: 0x010203 }",
     "2280ff00 00000000 01020300 00000000 11121314 00000000 31323334 41424344"
     "51525354 00000000 00000000 00000000"},
    {"login_response",
     "login_response { text_continue: true current_stage: LOGIN_OPERATIONAL_NEGOTIATION "
     "version_max: 1 version_active: 2 isid: '\\x80\\x01\\x02\\x03\\x04\\x05' tsih: 0x0607 "
     "initiator_task_tag: 0x11121314 stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 "
     "max_cmd_sn: 0x51525354 status_class: 2 status_detail: 7 }",
     "23440102 00000000 80010203 04050607 11121314 00000000 31323334 41424344"
     "51525354 02070000 00000000 00000000"},
    {"text_response",
     "text_response { final: true lun: 1 initiator_task_tag: 0x11121314 stat_sn: 0x31323334 "
     "exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 }",
     "24800000 00000000 00010000 00000000 11121314 ffffffff 31323334 41424344"
     "51525354 00000000 00000000 00000000"},
    {"data_in",
     "data_in { acknowledge: true residual_underflow: true status_present: true "
     "status: CONDITION_MET lun: 1 initiator_task_tag: 0x11121314 "
     "target_transfer_tag: 0x21222324 stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 "
     "max_cmd_sn: 0x51525354 data_sn: 0x61626364 buffer_offset: 0x71727374 "
     "residual_count: 0x81828384 }",
     "25c30004 00000000 00010000 00000000 11121314 21222324 31323334 41424344"
     "51525354 61626364 71727374 81828384"},
    {"data_in_overflow", "data_in { final: false residual_overflow: true }",
     "25040000 00000000 00000000 00000000 00000000 ffffffff 00000000 00000000"
     "00000000 00000000 00000000 00000000"},
    {"logout_response",
     "logout_response { response: CLEANUP_FAILED initiator_task_tag: 0x11121314 "
     "stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 time2wait: 0x0102 "
     "time2retain: 0x0304 }",
     "26800300 00000000 00000000 00000000 11121314 00000000 31323334 41424344"
     "51525354 00000000 01020304 00000000"},
    {"r2t",
     "r2t { lun: 1 initiator_task_tag: 0x11121314 target_transfer_tag: 0x21222324 "
     "stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 r2t_sn: 0x61626364 "
     "buffer_offset: 0x71727374 desired_data_transfer_length: 0x81828384 }",
     "31800000 00000000 00010000 00000000 11121314 21222324 31323334 41424344"
     "51525354 61626364 71727374 81828384"},
    {"async_message",
     "async_message { lun: 1 stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 max_cmd_sn: 0x51525354 "
     "async_event: SESSION_DROP_NOTIFICATION async_vcode: 9 parameter1: 0x0102 "
     "parameter2: 0x0304 parameter3: 0x0506 }",
     "32800000 00000000 00010000 00000000 ffffffff 00000000 31323334 41424344"
     "51525354 03090102 03040506 00000000"},
    {"reject",
     "reject { reason: PROTOCOL_ERROR stat_sn: 0x31323334 exp_cmd_sn: 0x41424344 "
     "max_cmd_sn: 0x51525354 data_sn_or_r2t_sn: 0x61626364 }",
     "3f800400 00000000 00000000 00000000 ffffffff 00000000 31323334 41424344"
     "51525354 61626364 00000000 00000000"},
    {"raw", "raw { bhs: '\\x1c\\x01\\x02' }",
     "1c010200 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
     "00000000 00000000 00000000 00000000"},
};

class Figures : public testing::TestWithParam<FigureCase> {};

TEST_P(Figures, Encode) {
  EXPECT_EQ(ToHex(MustEncode(Parse(GetParam().pdu)).bytes), ToHex(FromHex(GetParam().bhs)));
}

TEST_P(Figures, Decode) {
  const DecodedPdu decoded = Decode(FromHex(GetParam().bhs), {});
  EXPECT_EQ(decoded.flaw, "");
  EXPECT_EQ(Matches(Parse(GetParam().pdu), decoded.pdu).ToString(), "");
}

INSTANTIATE_TEST_SUITE_P(All, Figures, testing::ValuesIn(kFigureCases),
                         [](const auto& param) { return std::string(param.param.name); });

// RFC 7143 §A.4: a READ(10) with its header digest.
TEST(Encode, FitsTheExampleOfTheRfc) {
  const v1::Pdu pdu = Parse(
      "scsi_command { read: true initiator_task_tag: 0x14000000 "
      "expected_data_transfer_length: 0x400 cmd_sn: 0x14 exp_stat_sn: 0x18 "
      "cdb { read { blocks: 2 } } }");
  const EncodedPdu encoded = MustEncode(pdu, {.header_digest = true});
  EXPECT_EQ(ToHex(encoded.bytes),
            "01c00000000000000000000000000000140000000000040000000014000000182800000000000000"
            "0200000000000000563a96d9");
}

TEST(Encode, PutsPadAndDigestsWhereTheyBelong) {
  const v1::Pdu pdu = Parse("nop_out { } data { raw: 'abcde' }");
  const EncodedPdu encoded = MustEncode(pdu, {.header_digest = true, .data_digest = true});
  EXPECT_EQ(encoded.layout, (PduLayout{48, 48, 52, 57, 60, 64}));
  EXPECT_EQ(ToHex(base::Bytes(encoded.bytes).subspan(4, 4)), "00000005");
  EXPECT_EQ(ToHex(base::Bytes(encoded.bytes).subspan(52, 8)), "6162636465000000");
  EXPECT_EQ(base::LoadBe32(&encoded.bytes[60]),
            DigestOf(base::Bytes(encoded.bytes).subspan(52, 8)));
  EXPECT_EQ(LayoutOf(encoded.bytes, {.header_digest = true, .data_digest = true}), encoded.layout);

  const PduLayout no_data = MustEncode(Parse("nop_out { }"), {true, true}).layout;
  EXPECT_EQ(no_data, (PduLayout{48, 48, 52, 52, 52, 52}));
}

TEST(Encode, SpillsALongCdbIntoAnAhs) {
  const std::string cdb = "0123456789abcdefABCD";
  v1::Pdu pdu;
  pdu.mutable_scsi_command()->mutable_cdb()->set_raw(cdb);
  const EncodedPdu encoded = MustEncode(pdu);
  // AHSLength is CDBLength - 15 (§11.2.2.3).
  EXPECT_EQ(ToHex(base::Bytes(encoded.bytes).subspan(48)), "0005010041424344");
  EXPECT_EQ(encoded.bytes[4], 2);
  const DecodedPdu decoded = Decode(encoded.bytes, {});
  ASSERT_EQ(decoded.pdu.ahs_size(), 1);
  EXPECT_EQ(Matches(pdu, decoded.pdu).ToString(), "");

  // An AHS that the sender wrote is left alone.
  pdu.add_ahs()->set_ahs_type(1);
  EXPECT_EQ(ToHex(base::Bytes(MustEncode(pdu).bytes).subspan(48)), "00000100");
}

TEST(Encode, LiesAsItIsTold) {
  const struct {
    const char* name;
    const char* pdu;
    size_t size;
    size_t at;
    const char* bytes;
  } kCases[] = {
      {"data length above", "nop_out { } data { raw: 'abcd' } data_segment_length: 64", 52, 4,
       "00000040"},
      {"data length below", "nop_out { } data { raw: 'abcd' } data_segment_length: 0", 52, 4,
       "00000000"},
      {"ahs length", "nop_out { } total_ahs_length: 255", 48, 4, "ff000000"},
      {"ahs's own length", "scsi_command { } ahs { ahs_type: 2 ahs_length: 999 specific: 'xyzzy' }",
       56, 48, "03e70278797a7a79"},
      {"pad of other bytes", "nop_out { } data { raw: 'a' } pad: 'xyz'", 52, 48, "6178797a"},
      {"no pad", "nop_out { } data { raw: 'a' } pad: ''", 49, 48, "61"},
      {"too much pad", "nop_out { } pad: '12345678'", 56, 48, "3132333435363738"},
      {"a digest that isn't agreed", "nop_out { } header_digest: 0x01020304", 52, 48, "01020304"},
      {"opcode", "nop_out { } opcode: 0x3e", 48, 0, "3e80"},
      {"immediate response", "nop_in { } immediate: true", 48, 0, "6080"},
      {"login that isn't immediate", "login_request { } immediate: false", 48, 0, "0300"},
      {"F in a PDU that always has it", "r2t { final: false }", 48, 0, "3100"},
      {"lun_bytes over lun", "nop_out { lun: 1 lun_bytes: 0x0203 }", 48, 8, "0000000000000203"},
      {"reserved bits", "nop_out { } patch { offset: 3 xor: '\\xff' }", 48, 0, "008000ff"},
      {"a raw header's own lengths",
       "raw { bhs: '\\x20\\0\\0\\0\\x01\\0\\0\\x09' } data { raw: 'abcd' }", 52, 4, "01000009"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    const EncodedPdu encoded = MustEncode(Parse(c.pdu));
    EXPECT_EQ(encoded.bytes.size(), c.size);
    const size_t length = std::string(c.bytes).size() / 2;
    EXPECT_EQ(ToHex(base::Bytes(encoded.bytes).subspan(c.at, length)), c.bytes);
  }
}

TEST(Encode, AppliesPatchesBeforeOrAfterTheDigests) {
  const Digests both{.header_digest = true, .data_digest = true};
  const std::string text =
      "nop_out { } data { raw: 'abcd' } patch { offset: 9 replace: 'x' %s } "
      "patch { offset: 52 xor: '\\x01' %s }";
  const auto with = [&text](const char* when) {
    return Parse(absl::StrReplaceAll(text, {{"%s", when}}));
  };
  const DecodedPdu before = Decode(MustEncode(with(""), both).bytes, both);
  EXPECT_TRUE(before.header_digest_ok);
  EXPECT_TRUE(before.data_digest_ok);
  EXPECT_EQ(before.pdu.data().raw(), "`bcd");

  const DecodedPdu after = Decode(MustEncode(with("after_digests: true"), both).bytes, both);
  EXPECT_FALSE(after.header_digest_ok);
  EXPECT_FALSE(after.data_digest_ok);
  EXPECT_EQ(after.pdu.data().raw(), "`bcd");
}

TEST(Encode, RefusesWhatNoPduCanSay) {
  for (const char* text : {
           "",
           "nop_out { lun: 16777216 }",
           "login_request { tsih: 65536 }",
           "login_request { isid: '1234567' }",
           "scsi_command { attr: 8 }",
           "scsi_command { cdb { read { size: 11 } } }",
           "raw { bhs: '1234567890123456789012345678901234567890123456789' }",
           "nop_out { } data_segment_length: 16777216",
           "nop_out { } total_ahs_length: 256",
           "nop_out { } opcode: 64",
           "nop_out { } ahs { ahs_type: 256 }",
           "nop_out { } data { pattern { length: 16777216 } }",
           "nop_out { } patch { offset: 47 replace: 'ab' }",
           "nop_out { } patch { offset: 4294967295 replace: 'ab' }",
       }) {
    EXPECT_FALSE(Encode(Parse(text), {}).ok()) << text;
  }
}

TEST(Decode, SaysWhereBytesDisagreeWithTheirLengths) {
  std::vector<uint8_t> bytes = MustEncode(Parse("nop_out { } data { raw: 'abcdef' }")).bytes;
  EXPECT_EQ(Decode(bytes, {}).flaw, "");
  bytes.push_back(0);
  EXPECT_EQ(Decode(bytes, {}).flaw, "1 bytes after the end");
  bytes.resize(50);
  const DecodedPdu cut = Decode(bytes, {});
  EXPECT_EQ(cut.flaw, "50 bytes of 56");
  EXPECT_EQ(cut.pdu.data().raw(), "ab");
  EXPECT_EQ(cut.pdu.data_segment_length(), 6u);
  bytes.resize(12);
  EXPECT_EQ(Decode(bytes, {}).flaw, "12 bytes, less than a header");
  EXPECT_EQ(Decode({}, {}).pdu.kind_case(), v1::Pdu::kRaw);

  const EncodedPdu ahs =
      MustEncode(Parse("scsi_command { } ahs { ahs_type: 2 ahs_length: 6 specific: 'abcde' }"));
  EXPECT_NE(Decode(ahs.bytes, {}).flaw, "");
}

TEST(RoundTrip, KeepsEveryFieldOfRandomPdus) {
  base::Random random(20140401);
  for (int i = 0; i < 3000; ++i) {
    const v1::Pdu pdu = RandomPdu(&random);
    const Digests digests{random.Chance(50), random.Chance(50)};
    const EncodedPdu encoded = MustEncode(pdu, digests);
    const DecodedPdu decoded = Decode(encoded.bytes, digests);
    ASSERT_EQ(decoded.flaw, "") << pdu.DebugString();
    ASSERT_EQ(decoded.layout, encoded.layout);
    ASSERT_TRUE(decoded.header_digest_ok && decoded.data_digest_ok);
    ASSERT_EQ(Matches(pdu, decoded.pdu).ToString(), "") << pdu.DebugString();
    ASSERT_EQ(ToHex(MustEncode(decoded.pdu, digests).bytes), ToHex(encoded.bytes));
  }
}

TEST(DecodeExactly, SaysAnyBytes) {
  base::Random random(7);
  for (int i = 0; i < 3000; ++i) {
    std::vector<uint8_t> bytes = MustEncode(RandomPdu(&random), {}).bytes;
    for (uint64_t flips = random.Below(4); flips > 0; --flips) {
      bytes[random.Below(bytes.size())] ^= static_cast<uint8_t>(1 << random.Below(8));
    }
    const v1::Pdu pdu = DecodeExactly(bytes, {random.Chance(30), random.Chance(30)});
    ASSERT_EQ(ToHex(MustEncode(pdu).bytes), ToHex(bytes)) << pdu.DebugString();
  }
}

TEST(DecodeExactly, FillsUpHalfAHeader) {
  base::Random random(8);
  for (size_t size = 0; size < kBhsSize; ++size) {
    std::vector<uint8_t> bytes(size);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
    const v1::Pdu pdu = DecodeExactly(bytes, {});
    bytes.resize(kBhsSize);
    ASSERT_EQ(ToHex(MustEncode(pdu).bytes), ToHex(bytes)) << pdu.DebugString();
  }
}

TEST(ReservedMask, IsWhatTheFiguresLeaveOut) {
  const auto mask = [](PduKind kind) { return ToHex(ReservedMask(kind)); };
  EXPECT_EQ(mask(v1::Pdu::kScsiCommand),
            "80180fff00000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000");
  EXPECT_EQ(mask(v1::Pdu::kScsiResponse),
            "c061000000000000"
            "0000ffffffffffff"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000"
            "0000000000000000");
  EXPECT_EQ(mask(v1::Pdu::kLoginResponse),
            "c030000000000000"
            "0000000000000000"
            "00000000ffffffff"
            "0000000000000000"
            "000000000000ffff"
            "ffffffffffffffff");
  EXPECT_EQ(mask(v1::Pdu::kRaw), std::string(96, '0'));
}

}  // namespace
}  // namespace pushpull::initiator_sim
