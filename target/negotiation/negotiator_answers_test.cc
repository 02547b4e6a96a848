// What the target answers to each key (RFC 7143 §13), and what results.

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "target/negotiation/key_values.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {
namespace {

// RFC7143-6.2.2-d, -e: both boolean functions, each offer against each wish.
TEST(Booleans, FollowTheirFunctions) {
  struct Case {
    const char* key;
    bool is_and;
    bool NegotiationLimits::* wish;
  };
  const Case kCases[] = {
      {"InitialR2T", false, &NegotiationLimits::initial_r2t},
      {"ImmediateData", true, &NegotiationLimits::immediate_data},
      {"DataPDUInOrder", false, &NegotiationLimits::data_pdu_in_order},
      {"DataSequenceInOrder", false, &NegotiationLimits::data_sequence_in_order},
  };
  for (const Case& c : kCases) {
    const std::string key = c.key;
    for (const bool offer : {false, true}) {
      for (const bool wish : {false, true}) {
        Party party;
        party.limits.*c.wish = wish;
        const bool result = c.is_and ? offer && wish : offer || wish;
        Negotiator negotiator = party.Make();
        EXPECT_EQ(Say(negotiator, key + (offer ? "=Yes" : "=No")), key + (result ? "=Yes" : "=No"));
        EXPECT_EQ(GetValue(FindKey(key)->key, negotiator.session(), negotiator.connection()),
                  result);
      }
    }
    for (const char* value : {"yes", "YES", "", "1", "None", "Yes,No"}) {
      EXPECT_EQ(SayOnce({}, key + "=" + value), key + "=Reject");
    }
  }
}

// RFC7143-6.2.2-a, -b, -f, 13.15-a, 13.20-a, RFC7144-7.1.1-a: every number, in and out of range,
// against a wish below, at and above it.
TEST(Numbers, FollowTheirFunctionsAndRanges) {
  int keys = 0;
  for (const KeyRow& row : AllKeys()) {
    const bool number = row.rule == KeyRule::kMinimum || row.rule == KeyRule::kMaximum;
    if (!number || row.irrelevant == kIrrelevantWithoutRdma) continue;
    ++keys;
    SCOPED_TRACE(row.name);
    const std::string key(row.name);
    Party party;
    party.limits.error_recovery_level = 1;
    party.limits.first_burst_length = 4096;
    party.limits.iscsi_protocol_level = 2;
    party.limits.default_time2wait = 10;
    const uint64_t wish = WishFor(row.key, party.limits);
    for (const uint64_t offer : {row.low, row.low + 1, wish, wish + 1, row.high - 1, row.high}) {
      const uint64_t result =
          row.rule == KeyRule::kMinimum ? std::min(offer, wish) : std::max(offer, wish);
      Negotiator negotiator = party.Make();
      EXPECT_EQ(Say(negotiator, key + "=" + std::to_string(offer)),
                key + "=" + std::to_string(result));
      EXPECT_EQ(GetValue(row.key, negotiator.session(), negotiator.connection()), result);
    }
    std::vector<std::string> bad = {"",
                                    "abc",
                                    "-1",
                                    "1~2",
                                    "None",
                                    "01",
                                    "1,2",
                                    "99999999999999999999999999",
                                    std::to_string(row.high + 1)};
    if (row.low > 0) bad.push_back(std::to_string(row.low - 1));
    for (const std::string& value : bad) {
      Negotiator negotiator = party.Make();
      EXPECT_EQ(Say(negotiator, key + "=" + value), key + "=Reject") << value;
      EXPECT_EQ(GetValue(row.key, negotiator.session(), negotiator.connection()),
                row.default_value);
    }
  }
  EXPECT_EQ(keys, 8);
}

// What the target says by default, key by key.
TEST(Answers, OfADefaultTarget) {
  struct Case {
    const char* offer;
    const char* answer;
  };
  const Case kCases[] = {
      {"HeaderDigest=CRC32C,None", "HeaderDigest=CRC32C"},
      {"HeaderDigest=None,CRC32C", "HeaderDigest=None"},        // RFC7143-6.2.1-a
      {"DataDigest=Y-com.test.x,CRC32C", "DataDigest=CRC32C"},  // RFC7143-6.2.1-b
      {"DataDigest=Y-a,Y-b", "DataDigest=Reject"},              // RFC7143-6.2.1-d
      {"HeaderDigest=crc32c", "HeaderDigest=Reject"},           // RFC7143-6.1-a
      {"HeaderDigest=", "HeaderDigest=Reject"},
      {"MaxConnections=8", "MaxConnections=1"},
      {"InitialR2T=No", "InitialR2T=No"},
      {"ImmediateData=Yes", "ImmediateData=Yes"},
      {"MaxBurstLength=262144", "MaxBurstLength=262144"},
      {"MaxBurstLength=16777215", "MaxBurstLength=1048576"},
      {"FirstBurstLength=0x1000", "FirstBurstLength=4096"},  // RFC7143-6.1-f
      {"FirstBurstLength=16777215", "FirstBurstLength=262144"},
      {"DefaultTime2Wait=0", "DefaultTime2Wait=2"},  // RFC7143-13.15-a
      {"DefaultTime2Wait=3600", "DefaultTime2Wait=3600"},
      {"DefaultTime2Retain=0", "DefaultTime2Retain=0"},
      {"DefaultTime2Retain=3600", "DefaultTime2Retain=20"},
      {"MaxOutstandingR2T=1", "MaxOutstandingR2T=1"},
      {"MaxOutstandingR2T=65535", "MaxOutstandingR2T=16"},
      {"DataPDUInOrder=No", "DataPDUInOrder=No"},
      {"DataSequenceInOrder=No", "DataSequenceInOrder=Yes"},
      {"ErrorRecoveryLevel=2", "ErrorRecoveryLevel=0"},  // RFC7143-13.20-a, 7.1.5-b
      {"TaskReporting=RFC3720,ResponseFence", "TaskReporting=RFC3720"},
      {"TaskReporting=FastAbort,ResponseFence,RFC3720", "TaskReporting=FastAbort"},
      {"TaskReporting=FastAbort", "TaskReporting=FastAbort"},
      {"iSCSIProtocolLevel=31", "iSCSIProtocolLevel=1"},  // RFC7143-13.24-a
      {"iSCSIProtocolLevel=0", "iSCSIProtocolLevel=0"},
      {"iSCSIProtocolLevel=32", "iSCSIProtocolLevel=Reject"},  // RFC7144-7.1.1-a
      {"IFMarker=No", "IFMarker=Reject"},                      // RFC7143-13.25-b, -c
      {"OFMarker=Yes", "OFMarker=Reject"},
      {"OFMarkInt=2048~8192", "OFMarkInt=Reject"},  // RFC7143-13.25-a, 6.2.2-c
      {"IFMarkInt=2048", "IFMarkInt=Reject"},
      {"RDMAExtensions=Yes", "RDMAExtensions=No"},
      {"TargetRecvDataSegmentLength=8192", "TargetRecvDataSegmentLength=Irrelevant"},
      {"InitiatorRecvDataSegmentLength=511", "InitiatorRecvDataSegmentLength=Irrelevant"},
      {"X-com.test.foo=1", "X-com.test.foo=NotUnderstood"},  // RFC7143-6.2-e, 13.22-a
      {"FutureKey=1", "FutureKey=NotUnderstood"},
      {"headerdigest=CRC32C", "headerdigest=NotUnderstood"},
      // Declarations have no answer.
      {"MaxRecvDataSegmentLength=512", ""},
      {"InitiatorAlias=Web Server 4", ""},
      {"X#NodeArchitecture=ExampleOS/1", ""},  // RFC7143-13.26.2-a
      {"MaxOutstandingUnexpectedPDUs=1", ""},  // irrelevant over TCP
      {"MaxAHSLength=260", ""},
      {"iSERHelloRequired=Yes", ""},
      {"TaggedBufferForSolicitedDataOnly=maybe", ""},
  };
  for (const Case& c : kCases) EXPECT_EQ(SayOnce({}, c.offer), c.answer) << c.offer;
}

// RFC7143-6.2-f, RFC7145-3.3-d: whatever is offered for a key that an RFC has.
TEST(Answers, NeverCallAKnownKeyUnknown) {
  for (const KeyRow& row : AllKeys()) {
    for (const char* value : {"Yes", "1", "512", "None", "", "a,b"}) {
      const std::string offer = std::string(row.name) + "=" + value;
      for (const bool rdma : {false, true}) {
        for (const NegotiationPhase phase :
             {NegotiationPhase::kSecurity, kOperational, kFullFeature}) {
          Party party;
          party.context.rdma_transport = rdma;
          EXPECT_EQ(SayOnce(party, offer, phase).find("=NotUnderstood"), std::string::npos)
              << offer;
        }
      }
    }
  }
}

// RFC7143-6.2.1-c: None only if it was offered.
TEST(Answers, DigestsThatTheTargetHasNot) {
  Party party;
  party.limits.header_digest = false;
  EXPECT_EQ(SayOnce(party, "HeaderDigest=CRC32C"), "HeaderDigest=Reject");
  EXPECT_EQ(SayOnce(party, "HeaderDigest=CRC32C,None"), "HeaderDigest=None");
  EXPECT_EQ(SayOnce(party, "DataDigest=CRC32C"), "DataDigest=CRC32C");
}

// RFC7143-10.7-a
TEST(Answers, FastAbortWhereTheTargetHasIt) {
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(Say(negotiator, "TaskReporting=FastAbort,ResponseFence,RFC3720"),
            "TaskReporting=FastAbort");
  EXPECT_EQ(negotiator.session().task_reporting, TaskReporting::kFastAbort);
  Party without;
  without.limits.fast_abort = false;
  EXPECT_EQ(SayOnce(without, "TaskReporting=FastAbort,ResponseFence,RFC3720"),
            "TaskReporting=ResponseFence");
  EXPECT_EQ(SayOnce(without, "TaskReporting=FastAbort"), "TaskReporting=Reject");
}

TEST(Answers, AreInTheOrderOfTheOffers) {
  EXPECT_EQ(SayOnce({},
                    "FirstBurstLength=8192|X-a=1|MaxRecvDataSegmentLength=512|"
                    "MaxBurstLength=4096|ErrorRecoveryLevel=0"),
            "FirstBurstLength=4096|X-a=NotUnderstood|MaxBurstLength=4096|ErrorRecoveryLevel=0");
}

// RFC7143-13.21-a, 7.4.1-a, RFC7144-7.1.1-a
TEST(DiscoverySessions, FindMostKeysIrrelevant) {
  Party party{.context = Discovery()};
  party.limits.error_recovery_level = 2;
  for (const char* offer :
       {"MaxConnections=4", "InitialR2T=No", "ImmediateData=Yes", "MaxBurstLength=512",
        "FirstBurstLength=512", "MaxOutstandingR2T=8", "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes", "TaskReporting=RFC3720", "iSCSIProtocolLevel=2",
        "RDMAExtensions=Yes"}) {
    const std::string key = std::string(offer).substr(0, std::string(offer).find('='));
    EXPECT_EQ(SayOnce(party, offer), key + "=Irrelevant");
  }
  EXPECT_EQ(SayOnce(party, "ErrorRecoveryLevel=2"), "ErrorRecoveryLevel=0");
  EXPECT_EQ(SayOnce(party, "DefaultTime2Wait=5"), "DefaultTime2Wait=5");
  EXPECT_EQ(SayOnce(party, "HeaderDigest=CRC32C"), "HeaderDigest=CRC32C");
  Negotiator negotiator = party.Make();
  Say(negotiator, "MaxBurstLength=512|MaxConnections=4");
  EXPECT_FALSE(negotiator.WouldPropose());
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session().max_connections, 1);
}

// Only digests have the answer None.
TEST(DiscoverySessions, FindAListIrrelevantWhateverItOffers) {
  EXPECT_EQ(SayOnce({.context = Discovery()}, "TaskReporting=FastAbort,None"),
            "TaskReporting=Irrelevant");
}

// RFC7143-13-a: leading-only keys of another connection, and in the Full Feature Phase.
TEST(LeadingOnlyKeys, DontChangeLater) {
  for (const KeyRow& row : AllKeys()) {
    if (row.use != KeyUse::kLeadingOnly || !row.negotiated()) continue;
    const std::string key(row.name);
    EXPECT_EQ(SayOnce({.context = Added()}, key + "=1"), key + "=Reject");
    EXPECT_EQ(SayOnce({}, key + "=1", kFullFeature), key + "=Reject");
  }
  Negotiator added = Party{.context = Added()}.Make();
  EXPECT_EQ(Say(added, "HeaderDigest=CRC32C|MaxBurstLength=512"),
            "HeaderDigest=CRC32C|MaxBurstLength=Reject");
  EXPECT_EQ(added.session(), SessionParameters());
  EXPECT_EQ(added.connection().header_digest, Digest::kCrc32c);
  EXPECT_EQ(SayOnce({.context = Added()}, "MaxAHSLength=256"),
            "error: MaxAHSLength belongs to the leading login (RFC 7143 §13)");
  EXPECT_EQ(SayOnce({.context = Added()}, "X#NodeArchitecture=a"), "");
}

TEST(Results, AreAllDefaultsWhereNothingWasSaid) {  // RFC7143-6.2-h
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session(), SessionParameters());
  EXPECT_EQ(negotiator.connection(), ConnectionParameters());
}

TEST(Defects, AreAsNamed) {
  if (!kBugsEnabled) GTEST_SKIP();
  struct Case {
    Bug bug;
    const char* offer;
    const char* answer;
  };
  const Case kCases[] = {
      {Bug::kMaxBurstMaximum, "MaxBurstLength=512", "MaxBurstLength=1048576"},
      {Bug::kTime2WaitMinimum, "DefaultTime2Wait=9", "DefaultTime2Wait=2"},
      {Bug::kBooleanAndOrSwapped, "ImmediateData=No", "ImmediateData=Yes"},
      {Bug::kBooleanAndOrSwapped, "InitialR2T=Yes", "InitialR2T=No"},
      {Bug::kListPicksLast, "HeaderDigest=CRC32C,None,Foo", "HeaderDigest=None"},
      {Bug::kUnknownKeyUnanswered, "X-a=1", ""},
      {Bug::kKnownKeyNotUnderstood, "TaskReporting=RFC3720", "TaskReporting=NotUnderstood"},
      {Bug::kRedeclaredKeyAccepted, "MaxBurstLength=1024|MaxBurstLength=512",
       "MaxBurstLength=1024|MaxBurstLength=512"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(SayOnce({.bugs = Bugs(c.bug)}, c.offer), c.answer) << BugName(c.bug);
    EXPECT_NE(SayOnce({}, c.offer), c.answer) << BugName(c.bug);
  }
}

}  // namespace
}  // namespace pushpull::target
