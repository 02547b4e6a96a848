#include "initiator_sim/pdu/field_path.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"

namespace pushpull::initiator_sim {
namespace {

v1::Pdu Parse(const std::string& text) {
  v1::Pdu pdu;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &pdu)) << text;
  return pdu;
}

uint64_t Number(const v1::Pdu& pdu, std::string_view path) {
  const absl::StatusOr<std::optional<FieldValue>> value = GetField(pdu, path);
  EXPECT_TRUE(value.ok() && value->has_value()) << path << " " << value.status();
  return value.ok() && value->has_value() ? std::get<uint64_t>(**value) : 0;
}

TEST(GetField, LooksIntoTheKindThenIntoThePdu) {
  const v1::Pdu pdu = Parse(
      "scsi_command { final: true attr: ORDERED lun: 3 initiator_task_tag: 7 "
      "cdb { read { lba: 9 } } } data_segment_length: 12 ahs { ahs_length: 5 } ahs { ahs_type: 2 "
      "}");
  EXPECT_EQ(Number(pdu, "final"), 1u);
  EXPECT_EQ(Number(pdu, "attr"), 2u);
  EXPECT_EQ(Number(pdu, "lun"), 3u);
  EXPECT_EQ(Number(pdu, "initiator_task_tag"), 7u);
  EXPECT_EQ(Number(pdu, "scsi_command.initiator_task_tag"), 7u);
  EXPECT_EQ(Number(pdu, "cdb.read.lba"), 9u);
  EXPECT_EQ(Number(pdu, "cdb.read.blocks"), 0u);  // has no presence
  EXPECT_EQ(Number(pdu, "data_segment_length"), 12u);
  EXPECT_EQ(Number(pdu, "ahs[0].ahs_length"), 5u);
  EXPECT_EQ(Number(pdu, "ahs[1].ahs_type"), 2u);
}

TEST(GetField, TellsUnsetFromUnknown) {
  const v1::Pdu pdu = Parse("nop_in { stat_sn: 0 }");
  EXPECT_EQ(Number(pdu, "stat_sn"), 0u);
  for (const char* path : {"lun", "opcode", "data.raw", "ahs[0].ahs_type", "nop_in.exp_cmd_sn"}) {
    const absl::StatusOr<std::optional<FieldValue>> value = GetField(pdu, path);
    ASSERT_TRUE(value.ok()) << path << value.status();
    EXPECT_FALSE(value->has_value()) << path;
  }
  for (const char* path : {"cmd_sn", "scsi_response.stat_sn", "data.nothing", "ahs[0].nothing"}) {
    EXPECT_EQ(GetField(pdu, path).status().code(), absl::StatusCode::kNotFound) << path;
  }
  for (const char* path :
       {"", ".", "nop_in", "data", "ahs", "ahs[0]", "ahs.ahs_type", "ahs[x].ahs_type",
        "ahs[-1].ahs_type", "stat_sn[0]", "stat_sn.x", "ahs[0"}) {
    EXPECT_EQ(GetField(pdu, path).status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
  // The message helps.
  EXPECT_NE(GetField(pdu, "cmd_sn").status().message().find("exp_cmd_sn"), std::string::npos);
}

TEST(SetField, WritesWhatGetFieldReads) {
  v1::Pdu pdu = Parse("login_request { }");
  for (const char* path : {"transit", "current_stage", "tsih", "exp_stat_sn", "total_ahs_length",
                           "ahs[0].ahs_length", "ahs[1].ahs_type"}) {
    ASSERT_TRUE(SetField(&pdu, path, uint64_t{1}).ok()) << path;
    EXPECT_EQ(Number(pdu, path), 1u) << path;
  }
  ASSERT_TRUE(SetField(&pdu, "isid", std::string("abcdef")).ok());
  EXPECT_EQ(pdu.login_request().isid(), "abcdef");
  ASSERT_TRUE(SetField(&pdu, "data.text", std::string("k=v")).ok());
  EXPECT_EQ(pdu.data().text(), "k=v");
}

TEST(SetField, CutsNumbersToTheFieldsWidth) {
  v1::Pdu pdu = Parse("login_request { }");
  const uint64_t minus_one = ~uint64_t{0};
  const struct {
    const char* path;
    uint64_t value;
  } kCases[] = {{"exp_stat_sn", 0xffffffff},
                {"tsih", 0xffff},
                {"version_max", 0xff},
                {"next_stage", 3},
                {"transit", 1},
                {"opcode", 0x3f},
                {"total_ahs_length", 0xff},
                {"data_segment_length", 0xffffff},
                {"header_digest", 0xffffffff},
                {"ahs[0].ahs_length", 0xffff},
                {"ahs[0].ahs_type", 0xff}};
  for (const auto& c : kCases) {
    ASSERT_TRUE(SetField(&pdu, c.path, minus_one).ok());
    EXPECT_EQ(Number(pdu, c.path), c.value) << c.path;
  }
  pdu = Parse("nop_out { }");
  ASSERT_TRUE(SetField(&pdu, "lun_bytes", minus_one).ok());
  EXPECT_EQ(Number(pdu, "lun_bytes"), minus_one);
}

TEST(SetField, RefusesAndLeavesThePduAlone) {
  v1::Pdu pdu = Parse("nop_out { }");
  const std::string before = pdu.DebugString();
  EXPECT_FALSE(SetField(&pdu, "stat_sn", uint64_t{1}).ok());
  EXPECT_FALSE(SetField(&pdu, "cmd_sn", std::string("1")).ok());
  EXPECT_FALSE(SetField(&pdu, "data.raw", uint64_t{1}).ok());
  EXPECT_FALSE(SetField(&pdu, "ahs[1].ahs_type", uint64_t{1}).ok());
  EXPECT_FALSE(SetField(&pdu, "nop_in.stat_sn", uint64_t{1}).ok());
  EXPECT_EQ(pdu.DebugString(), before);
}

}  // namespace
}  // namespace pushpull::initiator_sim
