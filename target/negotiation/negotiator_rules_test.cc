// Rules that span keys, places, repetition, reserved words, and what the target says first
// (RFC 7143 §6.2, §6.3).

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {
namespace {

// RFC7143-6.2-j: rules across keys.
TEST(CrossKeyRules, FirstBurstStaysBelowMaxBurst) {
  for (const char* text :
       {"MaxBurstLength=4096|FirstBurstLength=8192", "FirstBurstLength=8192|MaxBurstLength=4096"}) {
    Negotiator negotiator = Party().Make();
    EXPECT_NE(Say(negotiator, text).find("FirstBurstLength=4096"), std::string::npos);
    EXPECT_EQ(negotiator.session().first_burst_length, 4096u);
    EXPECT_EQ(FinishOf(negotiator), "ok");
  }
  // Against a MaxBurstLength that was not mentioned, its default counts.
  Party party;
  party.limits.first_burst_length = 1 << 20;
  EXPECT_EQ(SayOnce(party, "FirstBurstLength=524288"), "FirstBurstLength=262144");
  // Agreed one after the other there is no way out.
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(Say(negotiator, "FirstBurstLength=8192"), "FirstBurstLength=8192");
  EXPECT_EQ(Say(negotiator, "MaxBurstLength=4096"), "MaxBurstLength=4096");
  EXPECT_EQ(FinishOf(negotiator), "FirstBurstLength exceeds MaxBurstLength");
}

TEST(CrossKeyRules, FirstBurstIsProposedWhereItsDefaultExceedsMaxBurst) {
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(Say(negotiator, "MaxBurstLength=4096"), "MaxBurstLength=4096");
  EXPECT_TRUE(negotiator.WouldPropose());
  EXPECT_EQ(Proposed(negotiator), "FirstBurstLength=4096");
  EXPECT_TRUE(negotiator.awaiting_answers());
  EXPECT_EQ(Proposed(negotiator), "");
  EXPECT_EQ(Say(negotiator, "FirstBurstLength=1024"), "");
  EXPECT_FALSE(negotiator.awaiting_answers());
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session().first_burst_length, 1024u);
}

TEST(CrossKeyRules, FirstBurstIsIrrelevantWithoutUnsolicitedData) {
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(
      Say(negotiator, "FirstBurstLength=4192|InitialR2T=Yes|ImmediateData=No|MaxBurstLength=512"),
      "FirstBurstLength=Irrelevant|InitialR2T=Yes|ImmediateData=No|MaxBurstLength=512");
  EXPECT_FALSE(negotiator.WouldPropose());
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session().first_burst_length, 512u);
}

TEST(CrossKeyRules, FirstBurstCountsWithEitherKindOfUnsolicitedData) {
  Party party;
  party.limits.initial_r2t = false;
  EXPECT_EQ(SayOnce(party, "InitialR2T=No|ImmediateData=No|FirstBurstLength=4096"),
            "InitialR2T=No|ImmediateData=No|FirstBurstLength=4096");
  EXPECT_EQ(SayOnce(party, "InitialR2T=Yes|ImmediateData=Yes|FirstBurstLength=4096"),
            "InitialR2T=Yes|ImmediateData=Yes|FirstBurstLength=4096");
}

// RFC7143-13.19-a
TEST(CrossKeyRules, RecoveryInOrderHasOneR2t) {
  Party party;
  party.limits.error_recovery_level = 2;
  EXPECT_EQ(SayOnce(party, "MaxOutstandingR2T=8|DataSequenceInOrder=Yes|ErrorRecoveryLevel=1"),
            "MaxOutstandingR2T=1|DataSequenceInOrder=Yes|ErrorRecoveryLevel=1");
  EXPECT_EQ(SayOnce(party, "MaxOutstandingR2T=8|ErrorRecoveryLevel=0"),
            "MaxOutstandingR2T=8|ErrorRecoveryLevel=0");
  Negotiator later = party.Make();
  EXPECT_EQ(Say(later, "MaxOutstandingR2T=8"), "MaxOutstandingR2T=8");
  EXPECT_EQ(Say(later, "ErrorRecoveryLevel=2"), "ErrorRecoveryLevel=0");
  EXPECT_EQ(FinishOf(later), "ok");
  party.limits.data_sequence_in_order = false;
  EXPECT_EQ(SayOnce(party, "MaxOutstandingR2T=8|DataSequenceInOrder=No|ErrorRecoveryLevel=1"),
            "MaxOutstandingR2T=8|DataSequenceInOrder=No|ErrorRecoveryLevel=1");
}

// RFC7143-13-b, 6.3-f
TEST(Places, AreChecked) {
  struct Case {
    NegotiationPhase phase;
    const char* text;
    const char* answer;
  };
  constexpr NegotiationPhase kSecurity = NegotiationPhase::kSecurity;
  const Case kCases[] = {
      {kSecurity, "MaxBurstLength=512",
       "error: MaxBurstLength is not allowed in this stage (RFC 7143 §6.3)"},
      {kSecurity, "HeaderDigest=None",
       "error: HeaderDigest is not allowed in this stage (RFC 7143 §6.3)"},
      {kSecurity, "X#NodeArchitecture=a",
       "error: X#NodeArchitecture is not allowed in this stage (RFC 7143 §6.3)"},
      {kSecurity, "X-com.test=1", "X-com.test=NotUnderstood"},
      {kSecurity, "InitiatorName=iqn.a|InitiatorAlias=b|SessionType=Normal|TargetName=iqn.c", ""},
      {kSecurity, "CHAP_A=5", ""},
      {kOperational, "AuthMethod=None",
       "error: AuthMethod is not allowed in this stage (RFC 7143 §6.3)"},
      {kOperational, "CHAP_A=5", "error: CHAP_A is not allowed in this stage (RFC 7143 §6.3)"},
      {kOperational, "SendTargets=All",
       "error: SendTargets is not allowed in this stage (RFC 7143 §6.3)"},
      {kOperational, "TargetAlias=a",
       "error: TargetAlias is not the initiator's to send (RFC 7143 §13.6)"},
      {kOperational, "TargetAddress=a",
       "error: TargetAddress is not the initiator's to send (RFC 7143 §13.8)"},
      {kOperational, "TargetPortalGroupTag=1",
       "error: TargetPortalGroupTag is not the initiator's to send (RFC 7143 §13.9)"},
      {kFullFeature, "HeaderDigest=CRC32C", "HeaderDigest=Reject"},
      {kFullFeature, "TargetRecvDataSegmentLength=512", "TargetRecvDataSegmentLength=Reject"},
      {kFullFeature, "X-com.test=1", "X-com.test=NotUnderstood"},
      {kFullFeature, "InitiatorAlias=a", ""},
      {kFullFeature, "MaxRecvDataSegmentLength=1024", ""},
      {kFullFeature, "X#NodeArchitecture=a", ""},
      {kFullFeature, "OFMarker=No", "OFMarker=Reject"},
      {kFullFeature, "InitiatorName=iqn.a",
       "error: InitiatorName can't be used in the Full Feature Phase (RFC 7143 §13)"},
      {kFullFeature, "SessionType=Normal",
       "error: SessionType can't be used in the Full Feature Phase (RFC 7143 §13)"},
      {kFullFeature, "AuthMethod=None",
       "error: AuthMethod can't be used in the Full Feature Phase (RFC 7143 §13)"},
      {kFullFeature, "MaxAHSLength=256",
       "error: MaxAHSLength can't be used in the Full Feature Phase (RFC 7143 §13)"},
  };
  for (const Case& c : kCases) EXPECT_EQ(SayOnce({}, c.text, c.phase), c.answer) << c.text;
}

// RFC7143-6.3-j, 13.4-a, 6.4-d
TEST(Repetition, IsAnError) {
  struct Case {
    const char* first;
    const char* second;
  };
  const Case kCases[] = {
      {"MaxBurstLength=512", "MaxBurstLength=512"},
      {"HeaderDigest=None", "HeaderDigest=CRC32C"},
      {"InitiatorName=iqn.a", "InitiatorName=iqn.a"},
      {"TargetName=iqn.a", "TargetName=iqn.a"},
      {"InitiatorAlias=a", "InitiatorAlias=b"},
      {"X-a=1", "X-a=2"},
      {"X#NodeArchitecture=a", "X#NodeArchitecture=a"},
      {"IFMarker=No", "IFMarker=No"},
      {"MaxBurstLength=1", "MaxBurstLength=512"},  // a rejected offer is one too
  };
  for (const Case& c : kCases) {
    const std::string key = std::string(c.first).substr(0, std::string(c.first).find('='));
    const std::string error = "error: " + key + " was sent twice (RFC 7143 §6.3)";
    EXPECT_EQ(SayOnce({}, std::string(c.first) + "|" + c.second), error);
    Negotiator negotiator = Party().Make();
    Say(negotiator, c.first);
    EXPECT_EQ(Say(negotiator, c.second), error);
  }
  // Of this key the last declaration counts: no text forbids the repetition plainly.
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(Say(negotiator, "MaxRecvDataSegmentLength=512|MaxRecvDataSegmentLength=1024"), "");
  EXPECT_EQ(Say(negotiator, "MaxRecvDataSegmentLength=2048"), "");
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 2048u);
}

// RFC7143-6.2-g: words that are answers only.
TEST(ReservedWords, AreNoProposals) {
  for (const char* word : {"Reject", "Irrelevant", "NotUnderstood"}) {
    for (const char* key : {"MaxBurstLength", "InitialR2T", "HeaderDigest", "X-a", "InitiatorAlias",
                            "MaxRecvDataSegmentLength", "IFMarker"}) {
      EXPECT_EQ(SayOnce({}, std::string(key) + "=" + word),
                std::string("error: ") + key + " proposes a reserved word (RFC 7143 §6.2)");
    }
  }
}

// RFC7143-6.2-l, 13.26.2: answers to what the target declared.
TEST(ReservedWords, AnswerDeclarations) {
  Party party;
  party.limits.node_architecture = "pushpull/1";
  const auto after_declare = [&party](std::string_view text) {
    Negotiator negotiator = party.Make();
    negotiator.NoteDeclared(Key::kTargetAlias);
    Declared(negotiator);
    return Say(negotiator, text);
  };
  EXPECT_EQ(after_declare("X#NodeArchitecture=NotUnderstood"), "");
  EXPECT_EQ(after_declare("X#NodeArchitecture=NotUnderstood|X#NodeArchitecture=NotUnderstood"),
            "error: X#NodeArchitecture proposes a reserved word (RFC 7143 §6.2)");
  EXPECT_EQ(after_declare("MaxRecvDataSegmentLength=Irrelevant"), "");
  EXPECT_EQ(after_declare("TargetAlias=NotUnderstood"),
            "error: TargetAlias was answered NotUnderstood (RFC 7143 §6.2)");
  EXPECT_EQ(after_declare("MaxRecvDataSegmentLength=Reject"),
            "error: MaxRecvDataSegmentLength was answered Reject (RFC 7143 §7.12)");
}

TEST(Declarations, AreCheckedAndKept) {
  Negotiator negotiator = Party().Make();
  EXPECT_EQ(Say(negotiator,
                "InitiatorAlias=Web Server|MaxRecvDataSegmentLength=0x10000|"
                "X#NodeArchitecture=Os/1"),
            "");
  EXPECT_EQ(negotiator.initiator_alias(), "Web Server");
  EXPECT_EQ(negotiator.initiator_node_architecture(), "Os/1");
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 65536u);
  for (const char* value : {"511", "16777216", "0", "x", "", "-1"}) {
    EXPECT_EQ(SayOnce({}, std::string("MaxRecvDataSegmentLength=") + value),
              "error: MaxRecvDataSegmentLength has an inadmissible value (RFC 7143 §13.12)");
  }
  EXPECT_EQ(SayOnce({}, "InitiatorAlias=\xff"),
            "error: InitiatorAlias is not UTF-8 (RFC 7143 §6.1)");
}

// §6.1: 255 bytes for a simple-value; §13.26.1: and for all of X#NodeArchitecture's list.
TEST(Declarations, AndValuesAreBounded) {
  const std::string good(255, 'a'), bad(256, 'a');
  for (const std::string key : {"X#NodeArchitecture", "InitiatorAlias"}) {
    EXPECT_EQ(SayOnce({}, key + "=" + good), "");
    EXPECT_EQ(SayOnce({}, key + "=" + bad),
              "error: " + key + " has a value of more than 255 bytes (RFC 7143 §6.1)");
  }
  EXPECT_EQ(SayOnce({}, "HeaderDigest=" + good + ",CRC32C"), "HeaderDigest=CRC32C");
  EXPECT_EQ(SayOnce({}, "HeaderDigest=" + bad + ",CRC32C"),
            "error: HeaderDigest has a value of more than 255 bytes (RFC 7143 §6.1)");
  EXPECT_EQ(SayOnce({}, "X-a=" + bad), "X-a=NotUnderstood");
  EXPECT_EQ(SayOnce({}, std::string(63, 'K') + "=1"), std::string(63, 'K') + "=NotUnderstood");
  EXPECT_EQ(SayOnce({}, std::string(64, 'K') + "=1"),
            "error: a key's name is malformed (RFC 7143 §6.1)");
}

// RFC7143-13.12-a, 9.4-a, 13.26.1-b
TEST(Declarations, OfTheTarget) {
  Negotiator silent = Party().Make();
  EXPECT_EQ(Declared(silent), "MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(Declared(silent), "");
  EXPECT_EQ(silent.connection().target_max_recv_data_segment_length, 262144u);

  Party party;
  party.limits.node_architecture = "pushpull/1";
  Negotiator talking = party.Make();
  EXPECT_EQ(Declared(talking), "MaxRecvDataSegmentLength=262144|X#NodeArchitecture=pushpull/1");
  EXPECT_EQ(Declared(talking), "");
  party.context = Added();
  Negotiator added = party.Make();
  EXPECT_EQ(Declared(added), "MaxRecvDataSegmentLength=262144");
}

// RFC7143-13.1-e: no digests.
TEST(Proposals, AreMadeOnlyWhereDefaultsWontDo) {
  Negotiator content = Party().Make();
  EXPECT_EQ(Proposed(content), "");

  Party strict;
  strict.limits = {.max_burst_length = 8192,
                   .first_burst_length = 4096,
                   .initial_r2t = true,
                   .immediate_data = false,
                   .default_time2wait = 5,
                   .default_time2retain = 0};
  Negotiator negotiator = strict.Make();
  EXPECT_EQ(Say(negotiator, "DefaultTime2Retain=7"), "DefaultTime2Retain=0");
  EXPECT_EQ(Proposed(negotiator),
            "ImmediateData=No|MaxBurstLength=8192|FirstBurstLength=4096|DefaultTime2Wait=5");
  // ImmediateData=No needs no answer (§6.2.2).
  EXPECT_EQ(Say(negotiator, "MaxBurstLength=512|FirstBurstLength=Irrelevant|DefaultTime2Wait=9"),
            "");
  EXPECT_FALSE(negotiator.awaiting_answers());
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_FALSE(negotiator.session().immediate_data);
  EXPECT_EQ(negotiator.session().max_burst_length, 512u);
  EXPECT_EQ(negotiator.session().default_time2wait, 9);
  EXPECT_EQ(negotiator.session().default_time2retain, 0);

  for (const NegotiationContext& context : {Discovery(), Added()}) {
    strict.context = context;
    Negotiator other = strict.Make();
    EXPECT_EQ(Proposed(other), "");
  }
}

// RFC7143-6.2.2-f, seen from the proposer.
TEST(Proposals, MustBeAnsweredByTheRules) {
  Party party;
  party.limits = {.max_burst_length = 8192, .first_burst_length = 4096, .default_time2wait = 5};
  const auto answer = [&party](std::string_view text) {
    Negotiator negotiator = party.Make();
    EXPECT_EQ(Proposed(negotiator), "MaxBurstLength=8192|FirstBurstLength=4096|DefaultTime2Wait=5");
    return Say(negotiator, text);
  };
  EXPECT_EQ(answer("MaxBurstLength=8192|FirstBurstLength=4096|DefaultTime2Wait=5"), "");
  EXPECT_EQ(answer("MaxBurstLength=8193|FirstBurstLength=4096|DefaultTime2Wait=5"),
            "error: MaxBurstLength was answered against its result function (RFC 7143 §6.2.2)");
  EXPECT_EQ(answer("MaxBurstLength=511|FirstBurstLength=4096|DefaultTime2Wait=5"),
            "error: MaxBurstLength was answered against its result function (RFC 7143 §6.2.2)");
  EXPECT_EQ(answer("MaxBurstLength=8192|FirstBurstLength=4096|DefaultTime2Wait=4"),
            "error: DefaultTime2Wait was answered against its result function (RFC 7143 §6.2.2)");
  EXPECT_EQ(answer("MaxBurstLength=8192|FirstBurstLength=4096"),
            "error: DefaultTime2Wait was not answered (RFC 7143 §6.2.2)");
  EXPECT_EQ(answer("MaxBurstLength=NotUnderstood|FirstBurstLength=4096|DefaultTime2Wait=5"),
            "error: MaxBurstLength was answered NotUnderstood (RFC 7143 §6.2)");
  EXPECT_EQ(answer("MaxBurstLength=Reject|FirstBurstLength=Reject|DefaultTime2Wait=Reject"), "");
}

}  // namespace
}  // namespace pushpull::target
