#include "initiator_sim/pdu/text.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "initiator_sim/pdu/codec.h"
#include "initiator_sim/pdu/random_pdu.h"

namespace pushpull::initiator_sim {
namespace {

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

v1::Pdu Came(const std::string& text) {
  const absl::StatusOr<EncodedPdu> encoded = Encode(Parse(text), {});
  EXPECT_TRUE(encoded.ok()) << encoded.status();
  return Decode(encoded->bytes, {}).pdu;
}

TEST(Summary, FitsOneLine) {
  const struct {
    const char* pdu;
    const char* text;
  } kCases[] = {
      {"scsi_command { read: true attr: SIMPLE lun: 1 initiator_task_tag: 5 "
       "expected_data_transfer_length: 4096 cmd_sn: 3 exp_stat_sn: 7 "
       "cdb { read { lba: 32 blocks: 8 } } }",
       "SCSI Command ITT 0x5 F R SIMPLE LUN 1 EDTL 4096 CmdSN 3 ExpStatSN 7, READ(10) LBA 0x20 "
       "blocks 8"},
      {"scsi_response { status: CHECK_CONDITION initiator_task_tag: 5 stat_sn: 7 exp_cmd_sn: 3 "
       "max_cmd_sn: 34 } data { sense { sense_key: ILLEGAL_REQUEST additional_sense_code: 0x24 } }",
       "SCSI Response ITT 0x5 F StatSN 7 ExpCmdSN 3 MaxCmdSN 34 CHECK_CONDITION, ILLEGAL_REQUEST "
       "24h/00h"},
      {"scsi_response { response: TARGET_FAILURE }",
       "SCSI Response ITT 0x0 F StatSN 0 ExpCmdSN 0 MaxCmdSN 0 TARGET_FAILURE"},
      {"scsi_response { residual_underflow: true residual_count: 512 status: GOOD }",
       "SCSI Response ITT 0x0 F U residual 512 StatSN 0 ExpCmdSN 0 MaxCmdSN 0 GOOD"},
      {"nop_in { initiator_task_tag: 0xffffffff target_transfer_tag: 9 }",
       "NOP-In TTT 0x9 F StatSN 0 ExpCmdSN 0 MaxCmdSN 0"},
      {"login_request { transit: true next_stage: FULL_FEATURE_PHASE } data { keys { "
       "key { name: 'A' value: '1' } key { name: 'B' value: '2' } } }",
       "Login Request I ITT 0x0 T CSG 0 NSG 3 ISID 0x000000000000 TSIH 0x0 CID 0 CmdSN 0 "
       "ExpStatSN 0, A=1 B=2"},
      {"data_in { final: false data_sn: 2 buffer_offset: 1024 } data { raw: 'abc' }",
       "Data-In ITT 0x0 DataSN 2 offset 1024 StatSN 0 ExpCmdSN 0 MaxCmdSN 0, 3 bytes"},
      {"task_management_response { response: TASK_DOES_NOT_EXIST }",
       "Task Management Response ITT 0x0 F StatSN 0 ExpCmdSN 0 MaxCmdSN 0 TASK_DOES_NOT_EXIST"},
      {"login_response { status_class: 2 status_detail: 3 }",
       "Login Response ITT 0x0 CSG 0 NSG 0 ISID 0x000000000000 TSIH 0x0 class 0x2 detail 0x3 "
       "StatSN 0 ExpCmdSN 0 MaxCmdSN 0 status 0x0203 (Not found)"},
      {"raw { bhs: '\\x1d' }", "PDU with opcode 0x1d"},
      {"async_message { async_event: 100 }",
       "Async Message async_event 0x64 F StatSN 0 ExpCmdSN 0 MaxCmdSN 0"},
  };
  for (const auto& c : kCases) EXPECT_EQ(Summary(Came(c.pdu)), c.text);
}

TEST(Summary, NamesWhatWasRejected) {
  v1::Pdu reject = Parse("reject { reason: PROTOCOL_ERROR }");
  const EncodedPdu rejected = *Encode(Parse("nop_out { initiator_task_tag: 9 }"), {});
  reject.mutable_data()->set_raw(std::string(base::AsText(rejected.bytes)));
  EXPECT_EQ(Summary(reject), "Reject PROTOCOL_ERROR, of NOP-Out ITT 0x9");
}

TEST(DescribeExpected, ShowsWhatIsSet) {
  EXPECT_EQ(DescribeExpected(v1::Pdu()), "any PDU");
  EXPECT_EQ(DescribeExpected(Parse("nop_in { }")), "NOP-In");
  EXPECT_EQ(DescribeExpected(Parse("scsi_response { residual_count: 0 status: GOOD } "
                                   "data_segment_length: 0")),
            "SCSI Response with status: GOOD residual_count: 0 data_segment_length: 0");
  EXPECT_EQ(DescribeExpected(Parse("opcode: 4")), "a PDU with opcode: 4");
}

TEST(FullText, HasEveryFieldAndTheData) {
  const std::string text = FullText(
      Came("scsi_command { initiator_task_tag: 0x1234 cdb { raw: '0123456789abcdefXYZ' } } "
           "data { raw: 'some data' }"),
      "| ");
  for (const char* part :
       {"| SCSI Command\n", "initiator_task_tag                 0x1234\n", "data, 9 bytes\n",
        "ahs_type                           1\n", "|some data|", "final"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(LoginStatus, HasItsName) {
  EXPECT_EQ(DescribeLoginStatus(0x0201), "0x0201 (Authentication failure)");
  EXPECT_EQ(DescribeLoginStatus(0x020b), "0x020b (Invalid during login)");
  EXPECT_EQ(DescribeLoginStatus(0x0400), "0x0400 (not assigned)");
  const std::string text = FullText(Came("login_response { status_class: 3 status_detail: 2 }"));
  EXPECT_NE(text.find("0x0302 (Out of resources)"), std::string::npos) << text;
}

TEST(Text, TakesAnyPdu) {
  base::Random random(11);
  for (int i = 0; i < 500; ++i) {
    const v1::Pdu pdu = RandomPdu(&random);
    EXPECT_EQ(Summary(pdu).find('\n'), std::string::npos);
    EXPECT_FALSE(FullText(pdu).empty());
    EXPECT_EQ(DescribeExpected(pdu).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
