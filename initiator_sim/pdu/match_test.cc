#include "initiator_sim/pdu/match.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/codec.h"

namespace pushpull::initiator_sim {
namespace {

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

// As it would come over the wire.
v1::Pdu Came(const std::string& text) {
  const absl::StatusOr<EncodedPdu> encoded = Encode(Parse(text), {});
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  return Decode(encoded->bytes, {}).pdu;
}

struct Case {
  const char* name;
  const char* expected;
  const char* actual;
  const char* differences;  // "": it matches
};

const Case kCases[] = {
    {"nothing_is_asked", "", "nop_in { stat_sn: 3 }", ""},
    {"kind_only", "nop_in { }", "nop_in { stat_sn: 3 }", ""},
    {"another_kind", "nop_in { }", "reject { }", "a Reject, expected a NOP-In"},
    {"vendor_opcode", "raw { bhs: '\\x3c' }", "raw { bhs: '\\x3d' }",
     "bhs is 0x3d000000000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000, expected 0x3c"},
    {"vendor_header", "raw { bhs: '\\x3c\\x01' }", "raw { bhs: '\\x3c\\x01\\x02' }", ""},
    {"number", "nop_in { stat_sn: 3 }", "nop_in { stat_sn: 4 }", "stat_sn is 4, expected 3"},
    {"zero_is_a_value", "nop_in { stat_sn: 0 }", "nop_in { stat_sn: 4 }",
     "stat_sn is 4, expected 0"},
    {"tag", "nop_in { initiator_task_tag: 16 }", "nop_in { initiator_task_tag: 17 }",
     "initiator_task_tag is 0x11, expected 0x10"},
    {"enum", "scsi_response { status: GOOD }", "scsi_response { status: CHECK_CONDITION }",
     "status is CHECK_CONDITION (0x2), expected GOOD (0x0)"},
    {"enum_without_name", "reject { reason: PROTOCOL_ERROR }", "reject { reason: 99 }",
     "reason is 0x63, expected PROTOCOL_ERROR (0x4)"},
    {"several", "nop_in { stat_sn: 3 exp_cmd_sn: 5 max_cmd_sn: 1 }",
     "nop_in { stat_sn: 4 exp_cmd_sn: 5 max_cmd_sn: 2 }",
     "stat_sn is 4, expected 3; max_cmd_sn is 2, expected 1"},
    {"lun", "r2t { lun: 300 }", "r2t { lun: 300 }", ""},
    {"lun_differs", "r2t { lun: 1 }", "r2t { lun: 2 }", "lun is 2, expected 1"},
    {"lun_without_number", "r2t { lun: 1 }", "r2t { lun_bytes: 1 }",
     "lun is not there, expected 1"},
    {"common_field", "nop_in { } data_segment_length: 4", "nop_in { } data { raw: 'abc' }",
     "data_segment_length is 3, expected 4"},
    {"cdb_by_name", "scsi_command { cdb { read { lba: 5 blocks: 1 } } }",
     "scsi_command { cdb { raw: '\\x28\\0\\0\\0\\0\\x05\\0\\0\\x01\\0' } }", ""},
    {"cdb_differs", "scsi_command { cdb { test_unit_ready { } } }",
     "scsi_command { cdb { inquiry { } } }",
     "cdb is INQUIRY length 255 0x12000000ff0000000000000000000000, expected TEST UNIT READY "
     "0x00000000000000000000000000000000"},
    {"long_cdb", "scsi_command { cdb { raw: '0123456789abcdef12345' } }",
     "scsi_command { cdb { raw: '0123456789abcdef12345' } }", ""},
    {"cdb_is_not_asked", "scsi_command { read: true }",
     "scsi_command { read: true cdb { inquiry { } } }", ""},
    {"ahs_as_expected", "scsi_command { } ahs { ahs_type: 2 specific: 'abcde' }",
     "scsi_command { } ahs { ahs_type: 2 specific: 'abcde' }", ""},
    {"ahs", "scsi_command { } ahs { ahs_type: 2 specific: 'abcde' }",
     "scsi_command { } ahs { ahs_type: 2 specific: 'abcdX' }",
     "ahs[0].specific is 0x6162636458, expected 0x6162636465"},
    {"ahs_count", "scsi_command { } ahs { ahs_type: 2 }", "scsi_command { }", "0 AHS, expected 1"},
    {"raw_data", "nop_in { } data { raw: 'abcd' }", "nop_in { } data { raw: 'abcd' }", ""},
    {"raw_data_differs", "nop_in { } data { raw: 'abcd' }", "nop_in { } data { raw: 'abXd' }",
     "data from byte 2 is 0x5864, expected 0x6364"},
    {"data_length", "nop_in { } data { raw: 'abcd' }", "nop_in { } data { raw: 'abc' }",
     "data of 3 bytes, expected 4 bytes; data from byte 3 is 0x, expected 0x64"},
    {"no_data", "nop_in { } data { raw: '' }", "nop_in { } data { raw: 'abc' }",
     "data of 3 bytes, expected 0 bytes"},
    {"any_data", "nop_in { } data { }", "nop_in { } data { raw: 'abc' }", ""},
    {"text_data", "text_response { } data { text: 'a=b' }", "text_response { } data { raw: 'a=b' }",
     ""},
    {"keys", "text_response { } data { keys { key { name: 'B' value: '2' } } }",
     "text_response { } data { raw: 'A=1\\0B=2\\0' }", ""},
    {"keys_any_value", "text_response { } data { keys { key { name: 'B' } } }",
     "text_response { } data { raw: 'A=1\\0B=2\\0' }", ""},
    {"keys_second_of_a_name", "text_response { } data { keys { key { name: 'B' value: '1' } } }",
     "text_response { } data { raw: 'B=1\\0B=2\\0' }", ""},
    {"keys_two",
     "text_response { } data { keys { key { name: 'B' } key { name: 'C' value: '1' } } }",
     "text_response { } data { raw: 'B=1\\0C=2\\0' }", "C is 2, expected 1"},
    {"keys_differ", "text_response { } data { keys { key { name: 'B' value: '3' } } }",
     "text_response { } data { raw: 'B=1\\0B=2\\0' }", "B is 1, 2, expected 3"},
    {"keys_missing", "text_response { } data { keys { key { name: 'C' value: '3' } } }",
     "text_response { } data { raw: 'B=2\\0' }", "the key C is not there"},
    {"pattern", "data_in { } data { pattern { seed: 1 offset: 8 length: 100 } }",
     "data_in { } data { pattern { seed: 1 offset: 8 length: 100 } }", ""},
    {"sense", "scsi_response { } data { sense { sense_key: NOT_READY } }",
     "scsi_response { } data { sense { sense_key: NOT_READY additional_sense_code: 4 } }", ""},
    {"sense_differs", "scsi_response { } data { sense { additional_sense_code: 0x24 } }",
     "scsi_response { } data { sense { sense_key: NOT_READY additional_sense_code: 4 } }",
     "sense.additional_sense_code is 0x4, expected 0x24"},
    {"sense_missing", "scsi_response { } data { sense { sense_key: NOT_READY } }",
     "scsi_response { }", "no sense data (0 bytes of data)"},
};

class MatchesTest : public testing::TestWithParam<Case> {};

TEST_P(MatchesTest, FitsOrSaysWhyNot) {
  const MatchResult result = Matches(Parse(GetParam().expected), Came(GetParam().actual));
  EXPECT_EQ(result.ToString(), GetParam().differences);
  EXPECT_EQ(static_cast<bool>(result), std::string(GetParam().differences).empty());
}

INSTANTIATE_TEST_SUITE_P(All, MatchesTest, testing::ValuesIn(kCases),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(MatchesData, ComparesWhatATransferBrought) {
  const v1::Data expected = Parse("nop_in { } data { raw: 'abcd' }").data();
  EXPECT_TRUE(MatchesData(expected, "abcd"));
  EXPECT_EQ(MatchesData(expected, "abXd").ToString(),
            "data from byte 2 is 0x5864, expected 0x6364");
  EXPECT_EQ(MatchesData(expected, "abcde").ToString(),
            "data of 5 bytes, expected 4 bytes; data from byte 4 is 0x65, expected 0x");
  EXPECT_TRUE(MatchesData(v1::Data(), "anything"));
}

// A form that takes whatever comes lets every case pass that rests on it.
TEST(Matches, EachFormOfDataFailsWhereItDiffers) {
  const struct {
    const char *expected, *right;
    std::vector<const char*> wrong;
  } kForms[] = {
      {"raw: 'ab'", "raw: 'ab'", {"raw: 'ac'", "raw: 'abc'", "raw: 'a'", "raw: ''"}},
      {"text: 'a=b'", "raw: 'a=b'", {"raw: 'a=c'", "raw: 'a=bc'", "raw: ''"}},
      {"zeros: 4", "raw: '\\0\\0\\0\\0'", {"raw: '\\0\\0\\0\\1'", "zeros: 5", "zeros: 3"}},
      // As many as came.
      {"zeros: 0", "zeros: 7", {"raw: '\\0\\1'", "raw: '\\1'"}},
      {"pattern { seed: 1 offset: 8 length: 16 }",
       "pattern { seed: 1 offset: 8 length: 16 }",
       {"pattern { seed: 1 offset: 8 length: 15 }", "pattern { seed: 1 offset: 8 length: 17 }",
        "pattern { seed: 2 offset: 8 length: 16 }", "pattern { seed: 1 offset: 9 length: 16 }",
        "raw: ''"}},
      {"unmap { range { lba: 5 blocks: 2 } }",
       "unmap { range { lba: 5 blocks: 2 } }",
       {"unmap { range { lba: 5 blocks: 3 } }", "unmap { range { lba: 6 blocks: 2 } }", "unmap { }",
        "raw: ''"}},
      {"keys { key { name: 'A' value: '1' } }",
       "raw: 'A=1\\0'",
       {"raw: 'A=2\\0'", "raw: 'B=1\\0'", "raw: 'A\\0'", "raw: ''"}},
  };
  for (const auto& form : kForms) {
    const v1::Pdu expected = Parse(absl::StrCat("nop_in { } data { ", form.expected, " }"));
    const auto came = [](const char* data) {
      return Came(absl::StrCat("nop_in { } data { ", data, " }"));
    };
    EXPECT_EQ(Matches(expected, came(form.right)).ToString(), "") << form.expected;
    for (const char* wrong : form.wrong) {
      EXPECT_FALSE(Matches(expected, came(wrong))) << form.expected << " by " << wrong;
    }
  }
}

// RFC 7143 §11.2.2.3: what is beyond 16 bytes goes in an AHS, of whole words with its padding.
TEST(Matches, ALongCdbMayBeFilledUpToAWord) {
  const auto matches = [](const std::string& expected, const std::string& came) {
    const auto cdb = [](const std::string& raw) {
      return absl::StrCat("scsi_command { cdb { raw: '", raw, "' } }");
    };
    return static_cast<bool>(Matches(Parse(cdb(expected)), Came(cdb(came))));
  };
  const std::string kLong = "0123456789abcdef12345", kShort = "0123456789abcdef";
  EXPECT_TRUE(matches(kLong, kLong + "\\0\\0\\0"));
  EXPECT_TRUE(matches(kShort + "1", kShort + "1\\0\\0\\0"));
  EXPECT_FALSE(matches(kLong, kLong + "\\0\\0\\1"));
  EXPECT_FALSE(matches(kLong, kLong + "\\0\\0\\0\\0")) << "another word";
  EXPECT_FALSE(matches(kLong, kLong.substr(0, 20)));
  EXPECT_FALSE(matches(kShort, kShort + "\\0")) << "it fits its field";
}

TEST(Matches, TellsWhereAMisplacedPatternBelongs) {
  const MatchResult result =
      Matches(Parse("data_in { } data { pattern { seed: 1 offset: 512 length: 512 } }"),
              Came("data_in { } data { pattern { seed: 1 offset: 1024 length: 512 } }"));
  ASSERT_FALSE(result);
  EXPECT_NE(result.ToString().find("belong at offset 1024"), std::string::npos)
      << result.ToString();
}

TEST(Matches, StopsAfterAFewDifferences) {
  const MatchResult result =
      Matches(Parse("data_in { stat_sn: 1 exp_cmd_sn: 1 max_cmd_sn: 1 data_sn: 1 buffer_offset: 1 "
                    "residual_count: 1 status: BUSY acknowledge: true }"),
              Came("data_in { }"));
  EXPECT_EQ(result.differences.size(), 6u);
}

}  // namespace
}  // namespace pushpull::initiator_sim
