#include "target/negotiation/keys.h"

#include <set>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "target/negotiation/key_values.h"
#include "target/negotiation/text.h"

namespace pushpull::target {
namespace {

TEST(Keys, AreFoundByExactName) {
  for (const KeyRow& row : AllKeys()) {
    EXPECT_EQ(FindKey(row.name), &row);
    EXPECT_EQ(&RowOf(row.key), &row);
  }
  EXPECT_EQ(FindKey("headerdigest"), nullptr);  // RFC7143-6.1-a
  EXPECT_EQ(FindKey("HeaderDigest "), nullptr);
  EXPECT_EQ(FindKey(""), nullptr);
}

TEST(Keys, AreWellFormedAndDistinct) {
  std::set<std::string_view> names;
  for (const KeyRow& row : AllKeys()) {
    EXPECT_TRUE(IsKeyName(row.name)) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.section.starts_with("RFC 714")) << row.name;
    EXPECT_TRUE(row.by_initiator || row.by_target) << row.name;
  }
}

// Every key of RFC 7143 §12 and §13, RFC 7144 §7.1.1 and RFC 7145 §6 (RFC7143-6.2-f,
// RFC7145-3.3-d), by the words of those sections.
TEST(Keys, StandAsTheRfcsSay) {
  struct Expectation {
    const char* name;
    const char* use;
    const char* scope;
    const char* senders;
    const char* stages;
    uint64_t low, high, default_value;
  };
  const Expectation kExpectations[] = {
      {"AuthMethod", "IO", "CO", "IT", "security", 0, 0, 0},
      {"CHAP_A", "IO", "CO", "IT", "security", 0, 0, 0},
      {"CHAP_R", "IO", "CO", "IT", "security", 0, 0, 0},
      {"KRB_AP_REQ", "IO", "CO", "IT", "security", 0, 0, 0},
      {"SRP_GROUP", "IO", "CO", "IT", "security", 0, 0, 0},
      {"TargetAuth", "IO", "CO", "IT", "security", 0, 0, 0},
      {"HeaderDigest", "IO", "CO", "IT", "operational", 0, 0, 0},
      {"DataDigest", "IO", "CO", "IT", "operational", 0, 0, 0},
      {"MaxConnections", "LO", "SW", "IT", "operational", 1, 65535, 1},
      {"SendTargets", "FFPO", "SW", "I", "none", 0, 0, 0},
      {"TargetName", "IO", "SW", "IT", "any", 0, 0, 0},
      {"InitiatorName", "IO", "SW", "I", "any", 0, 0, 0},
      {"TargetAlias", "ALL", "SW", "T", "any", 0, 0, 0},
      {"InitiatorAlias", "ALL", "SW", "I", "any", 0, 0, 0},
      {"TargetAddress", "ALL", "SW", "T", "any", 0, 0, 0},
      {"TargetPortalGroupTag", "IO", "SW", "T", "any", 0, 0, 0},
      {"InitialR2T", "LO", "SW", "IT", "operational", 0, 1, 1},
      {"ImmediateData", "LO", "SW", "IT", "operational", 0, 1, 1},
      {"MaxRecvDataSegmentLength", "ALL", "CO", "IT", "operational", 512, 16777215, 8192},
      {"MaxBurstLength", "LO", "SW", "IT", "operational", 512, 16777215, 262144},
      {"FirstBurstLength", "LO", "SW", "IT", "operational", 512, 16777215, 65536},
      {"DefaultTime2Wait", "LO", "SW", "IT", "operational", 0, 3600, 2},
      {"DefaultTime2Retain", "LO", "SW", "IT", "operational", 0, 3600, 20},
      {"MaxOutstandingR2T", "LO", "SW", "IT", "operational", 1, 65535, 1},
      {"DataPDUInOrder", "LO", "SW", "IT", "operational", 0, 1, 1},
      {"DataSequenceInOrder", "LO", "SW", "IT", "operational", 0, 1, 1},
      {"ErrorRecoveryLevel", "LO", "SW", "IT", "operational", 0, 2, 0},
      {"SessionType", "LO", "SW", "I", "any", 0, 0, 0},
      {"TaskReporting", "LO", "SW", "IT", "operational", 0, 0, 0},
      {"X#NodeArchitecture", "LO", "SW", "IT", "operational", 0, 0, 0},
      {"iSCSIProtocolLevel", "LO", "SW", "IT", "operational", 0, 31, 1},
      {"RDMAExtensions", "LO", "SW", "IT", "operational", 0, 1, 0},
      {"TargetRecvDataSegmentLength", "IO", "CO", "IT", "operational", 512, 16777215, 8192},
      {"InitiatorRecvDataSegmentLength", "IO", "CO", "IT", "operational", 512, 16777215, 8192},
      {"MaxOutstandingUnexpectedPDUs", "LO", "SW", "IT", "operational", 2, 4294967295, 0},
      {"MaxAHSLength", "LO", "SW", "IT", "operational", 2, 4294967295, 256},
      {"TaggedBufferForSolicitedDataOnly", "LO", "SW", "I", "operational", 0, 1, 0},
      {"iSERHelloRequired", "LO", "SW", "I", "operational", 0, 1, 0},
  };
  for (const Expectation& expected : kExpectations) {
    SCOPED_TRACE(expected.name);
    const KeyRow* row = FindKey(expected.name);
    ASSERT_NE(row, nullptr);
    const char* const kUses[] = {"ALL", "IO", "LO", "FFPO"};
    EXPECT_STREQ(kUses[static_cast<int>(row->use)], expected.use);
    EXPECT_STREQ(row->session_wide ? "SW" : "CO", expected.scope);
    EXPECT_EQ(std::string(row->by_initiator ? "I" : "") + (row->by_target ? "T" : ""),
              expected.senders);
    EXPECT_STREQ(row->security && row->operational ? "any"
                 : row->security                   ? "security"
                 : row->operational                ? "operational"
                                                   : "none",
                 expected.stages);
    EXPECT_EQ(row->low, expected.low);
    EXPECT_EQ(row->high, expected.high);
    EXPECT_EQ(row->default_value, expected.default_value);
  }
  for (const char* name : {"IFMarker", "OFMarker", "IFMarkInt", "OFMarkInt"}) {
    ASSERT_NE(FindKey(name), nullptr);
    EXPECT_EQ(FindKey(name)->rule, KeyRule::kObsolete);
  }
}

// The initial values of the parameters are the table's defaults.
TEST(Keys, DefaultsAreTheParameters) {
  for (const KeyRow& row : AllKeys()) {
    const bool has_value =
        row.negotiated() && row.rule != KeyRule::kObsolete && row.key != Key::kAuthMethod;
    if (!has_value) continue;
    EXPECT_EQ(GetValue(row.key, {}, {}), row.default_value) << row.name;
    const uint64_t other = row.rule == KeyRule::kFirstSupported ? 1 : row.high;
    SessionParameters session;
    ConnectionParameters connection;
    SetValue(row.key, other, session, connection);
    EXPECT_EQ(GetValue(row.key, session, connection), other) << row.name;
    EXPECT_EQ(row.session_wide, connection == ConnectionParameters()) << row.name;
  }
  EXPECT_EQ(RowOf(Key::kMaxRecvDataSegmentLength).default_value,
            ConnectionParameters().initiator_max_recv_data_segment_length);
  EXPECT_EQ(RowOf(Key::kMaxAhsLength).default_value, SessionParameters().initiator_max_ahs_length);
}

// The target's own wishes are such as it may utter.
TEST(Keys, WishesAreAdmissible) {
  for (const KeyRow& row : AllKeys()) {
    if (row.rule > KeyRule::kOr) continue;
    EXPECT_TRUE(row.Admits(WishFor(row.key, {}))) << row.name;
  }
}

TEST(Keys, AdmitZeroForUnlimited) {
  const KeyRow& row = RowOf(Key::kMaxOutstandingUnexpectedPdus);
  EXPECT_TRUE(row.Admits(0));
  EXPECT_FALSE(row.Admits(1));
  EXPECT_TRUE(row.Admits(2));
  EXPECT_FALSE(RowOf(Key::kMaxBurstLength).Admits(0));
}

}  // namespace
}  // namespace pushpull::target
