#include "initiator_sim/session/keys.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;

TEST(KeysTest, NumbersAreDecimalOrHexadecimal) {
  const struct {
    const char* text;
    std::optional<uint64_t> value;
  } kCases[] = {
      {"0", 0},     {"8192", 8192}, {"0x2000", 0x2000},
      {"0X2a", 42}, {"0x0010", 16}, {"18446744073709551615", UINT64_MAX},
      {"", {}},     {"0x", {}},     {"08", {}},
      {"-1", {}},   {"+1", {}},     {"1 ", {}},
      {" 1", {}},   {"0b1", {}},    {"18446744073709551616", {}},
      {"Yes", {}},  {"1~2", {}},
  };
  for (const auto& one : kCases) EXPECT_EQ(ParseNumericalValue(one.text), one.value) << one.text;
}

TEST(KeysTest, EachKeyOfTheRfcIsThereOnce) {
  std::set<std::string_view> names;
  for (const KeyInfo& key : AllKeyInfo()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_EQ(FindKeyInfo(key.name), &key);
    EXPECT_THAT(std::string(key.section), HasSubstr("RFC 714"));
    if (!key.default_value.empty()) {
      EXPECT_EQ(JudgeValue(key, key.default_value), "") << key.name;
    }
  }
  EXPECT_EQ(names.size(), 33u);
  EXPECT_EQ(FindKeyInfo("maxburstlength"), nullptr) << "keys are case-sensitive";
}

// Defaults, ranges and functions as RFC 7143 §13 prints them.
TEST(KeysTest, RangesAndDefaults) {
  const struct {
    const char* name;
    KeyFunction function;
    uint64_t min;
    uint64_t max;
    const char* default_value;
  } kCases[] = {
      {"MaxConnections", KeyFunction::kMinimum, 1, 65535, "1"},
      {"MaxBurstLength", KeyFunction::kMinimum, 512, 16777215, "262144"},
      {"FirstBurstLength", KeyFunction::kMinimum, 512, 16777215, "65536"},
      {"MaxRecvDataSegmentLength", KeyFunction::kDeclared, 512, 16777215, "8192"},
      {"DefaultTime2Wait", KeyFunction::kMaximum, 0, 3600, "2"},
      {"DefaultTime2Retain", KeyFunction::kMinimum, 0, 3600, "20"},
      {"MaxOutstandingR2T", KeyFunction::kMinimum, 1, 65535, "1"},
      {"ErrorRecoveryLevel", KeyFunction::kMinimum, 0, 2, "0"},
      {"TargetPortalGroupTag", KeyFunction::kDeclared, 0, 65535, ""},
      {"iSCSIProtocolLevel", KeyFunction::kMinimum, 0, 31, "1"},
      {"InitialR2T", KeyFunction::kOr, 0, 0, "Yes"},
      {"ImmediateData", KeyFunction::kAnd, 0, 0, "Yes"},
      {"DataPDUInOrder", KeyFunction::kOr, 0, 0, "Yes"},
      {"DataSequenceInOrder", KeyFunction::kOr, 0, 0, "Yes"},
      {"HeaderDigest", KeyFunction::kListChoice, 0, 0, "None"},
      {"DataDigest", KeyFunction::kListChoice, 0, 0, "None"},
      {"TaskReporting", KeyFunction::kListChoice, 0, 0, "RFC3720"},
      {"SessionType", KeyFunction::kDeclared, 0, 0, "Normal"},
      {"RDMAExtensions", KeyFunction::kAnd, 0, 0, "No"},
      {"TargetRecvDataSegmentLength", KeyFunction::kMinimum, 512, 16777215, "8192"},
      {"InitiatorRecvDataSegmentLength", KeyFunction::kMinimum, 512, 16777215, "8192"},
      {"MaxOutstandingUnexpectedPDUs", KeyFunction::kDeclared, 0, 4294967295, "0"},
      {"MaxAHSLength", KeyFunction::kDeclared, 0, 4294967295, "256"},
      {"TaggedBufferForSolicitedDataOnly", KeyFunction::kDeclared, 0, 0, "No"},
      {"iSERHelloRequired", KeyFunction::kDeclared, 0, 0, "No"},
  };
  for (const auto& one : kCases) {
    const KeyInfo* key = FindKeyInfo(one.name);
    ASSERT_NE(key, nullptr) << one.name;
    EXPECT_EQ(key->function, one.function) << one.name;
    EXPECT_EQ(key->min, one.min) << one.name;
    EXPECT_EQ(key->max, one.max) << one.name;
    EXPECT_EQ(key->default_value, one.default_value) << one.name;
  }
}

TEST(KeysTest, Answers) {
  const struct {
    const char* key;
    const char* offered;
    const char* answer;
    const char* error;  // empty: right
  } kCases[] = {
      {"MaxBurstLength", "8192", "8192", ""},
      {"MaxBurstLength", "8192", "512", ""},
      {"MaxBurstLength", "8192", "0x2000", ""},
      {"MaxBurstLength", "8192", "8193", "above the offered 8192"},
      {"MaxBurstLength", "8192", "511", "outside 512 to 16777215"},
      {"MaxBurstLength", "8192", "big", "is no number"},
      {"MaxBurstLength", "8192", "Reject", ""},
      {"MaxBurstLength", "8192", "Irrelevant", ""},
      {"MaxBurstLength", "8192", "NotUnderstood", "no answer to a key of the RFC"},
      // An offer that is out of range binds nobody.
      {"MaxBurstLength", "1", "512", ""},
      {"RDMAExtensions", "Yes", "NotUnderstood", ""},
      {"X#NodeArchitecture", "Plan9,v4;mips", "NotUnderstood", ""},
      {"InitiatorAlias", "me", "NotUnderstood", "no answer to a key of the RFC"},
      {"RDMAExtensions", "No", "Yes", "must be No"},
      {"TargetRecvDataSegmentLength", "512", "8192", "above the offered 512"},
      {"MaxAHSLength", "", "1", "outside"},
      {"MaxAHSLength", "", "0", ""},
      {"DefaultTime2Wait", "5", "5", ""},
      {"DefaultTime2Wait", "5", "60", ""},
      {"DefaultTime2Wait", "5", "4", "below the offered 5"},
      {"ImmediateData", "Yes", "No", ""},
      {"ImmediateData", "Yes", "Yes", ""},
      {"ImmediateData", "No", "No", ""},
      {"ImmediateData", "No", "Yes", "must be No"},
      {"ImmediateData", "No", "yes", "neither Yes nor No"},
      {"InitialR2T", "No", "Yes", ""},
      {"InitialR2T", "Yes", "No", "must be Yes"},
      {"HeaderDigest", "CRC32C,None", "None", ""},
      {"HeaderDigest", "CRC32C", "None", "was not among what was offered"},
      {"HeaderDigest", "CRC32C,None", "CRC32", "was not among what was offered"},
  };
  for (const auto& one : kCases) {
    const std::string error = JudgeAnswer(*FindKeyInfo(one.key), one.offered, one.answer);
    if (*one.error == '\0') {
      EXPECT_EQ(error, "") << one.key << " " << one.offered << " " << one.answer;
    } else {
      EXPECT_THAT(error, HasSubstr(one.error)) << one.key << " " << one.offered;
    }
  }
}

TEST(KeysTest, OwnAnswersAreRight) {
  const struct {
    const char* key;
    const char* offered;
    const char* own;
    const char* answer;
  } kCases[] = {
      {"MaxBurstLength", "8192", "4096", "4096"},
      {"MaxBurstLength", "4096", "8192", "4096"},
      {"MaxBurstLength", "1", "8192", "Reject"},
      {"MaxBurstLength", "x", "8192", "Reject"},
      {"DefaultTime2Wait", "5", "2", "5"},
      {"DefaultTime2Wait", "1", "2", "2"},
      {"ImmediateData", "Yes", "No", "No"},
      {"ImmediateData", "Yes", "Yes", "Yes"},
      {"ImmediateData", "No", "Yes", "No"},
      {"InitialR2T", "No", "No", "No"},
      {"InitialR2T", "No", "Yes", "Yes"},
      {"InitialR2T", "Yes", "No", "Yes"},
      {"InitialR2T", "Maybe", "No", "Reject"},
      {"HeaderDigest", "CRC32C,None", "None,CRC32C", "CRC32C"},
      {"HeaderDigest", "Y-a,None", "CRC32C,None", "None"},
      {"HeaderDigest", "CRC32C", "None", "Reject"},
  };
  for (const auto& one : kCases) {
    const KeyInfo& key = *FindKeyInfo(one.key);
    const std::string answer = AnswerTo(key, one.offered, one.own);
    EXPECT_EQ(answer, one.answer) << one.key << " " << one.offered;
    EXPECT_EQ(JudgeAnswer(key, one.offered, answer), "");
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
