// The keys of RFC 7145 §6.

#include <string>

#include "gtest/gtest.h"
#include "target/negotiation/negotiator.h"
#include "target/negotiation/testing.h"

namespace pushpull::target {
namespace {

// RFC7145-5.1-h, 6.2-a, -b, 6.3-a, 6.4-a, 6.5-a, 6.6-a, 6.7-a, 6.8-a, 6.9-a
TEST(Rdma, KeysAreNegotiated) {
  Negotiator negotiator = Party{.context = Rdma()}.Make();
  EXPECT_EQ(Say(negotiator,
                "HeaderDigest=CRC32C,None|DataDigest=CRC32C|MaxRecvDataSegmentLength=512|"
                "InitiatorRecvDataSegmentLength=65536|TargetRecvDataSegmentLength=16777215|"
                "MaxOutstandingUnexpectedPDUs=4|MaxAHSLength=0|OFMarker=Yes|"
                "TaggedBufferForSolicitedDataOnly=Yes|iSERHelloRequired=Yes|RDMAExtensions=Yes"),
            "HeaderDigest=None|DataDigest=Irrelevant|InitiatorRecvDataSegmentLength=65536|"
            "TargetRecvDataSegmentLength=262144|OFMarker=Reject|RDMAExtensions=Yes");
  EXPECT_EQ(Declared(negotiator), "MaxOutstandingUnexpectedPDUs=16");
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_TRUE(negotiator.session().rdma_extensions);
  EXPECT_EQ(negotiator.session().initiator_max_outstanding_unexpected_pdus, 4u);
  EXPECT_EQ(negotiator.session().target_max_outstanding_unexpected_pdus, 16u);
  EXPECT_EQ(negotiator.session().initiator_max_ahs_length, 0u);
  EXPECT_TRUE(negotiator.session().tagged_buffer_for_solicited_data_only);
  EXPECT_TRUE(negotiator.session().iser_hello_required);
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 65536u);
  EXPECT_EQ(negotiator.connection().target_max_recv_data_segment_length, 262144u);
  EXPECT_EQ(negotiator.connection().data_digest, Digest::kNone);
}

TEST(Rdma, ValuesAreChecked) {
  const Party party{.context = Rdma()};
  EXPECT_EQ(SayOnce(party, "RDMAExtensions=Yes|TargetRecvDataSegmentLength=511"),
            "RDMAExtensions=Yes|TargetRecvDataSegmentLength=Reject");
  EXPECT_EQ(SayOnce(party, "RDMAExtensions=Yes|TargetRecvDataSegmentLength=512"),
            "RDMAExtensions=Yes|TargetRecvDataSegmentLength=512");
  EXPECT_EQ(SayOnce(party, "RDMAExtensions=Yes|MaxOutstandingUnexpectedPDUs=1"),
            "error: MaxOutstandingUnexpectedPDUs has an inadmissible value (RFC 7145 §6.7)");
  EXPECT_EQ(SayOnce(party, "RDMAExtensions=Yes|iSERHelloRequired=yes"),
            "error: iSERHelloRequired has an inadmissible value (RFC 7145 §6.10)");
}

// What the initiator declares, either way.
TEST(Rdma, DeclarationsOfBooleansAreTaken) {
  for (const bool yes : {false, true}) {
    NegotiationContext context;
    context.rdma_transport = true;
    Negotiator negotiator = Party{.context = context}.Make();
    const std::string value = yes ? "Yes" : "No";
    Say(negotiator, "RDMAExtensions=Yes|TaggedBufferForSolicitedDataOnly=" + value +
                        "|iSERHelloRequired=" + value);
    EXPECT_EQ(negotiator.session().iser_hello_required, yes);
    EXPECT_TRUE(negotiator.session().iser_hello_negotiated);
    EXPECT_EQ(negotiator.session().tagged_buffer_for_solicited_data_only, yes);
  }
}

// Each key of RFC 7145 §6, and what is answered where it has its place and where it hasn't. None is
// ever answered NotUnderstood (§3.3); a declaration has no answer (RFC 7143 §6.2).
struct KeyAnswers {
  const char* pair;
  const char* rdma;       // with RDMAExtensions=Yes
  const char* tcp;        // without
  const char* discovery;  // over RDMA
  const char* later;      // in the Full Feature Phase
};
constexpr KeyAnswers kKeyAnswers[] = {
    {"RDMAExtensions=Yes", "RDMAExtensions=Yes", "RDMAExtensions=No", "RDMAExtensions=Irrelevant",
     "RDMAExtensions=Reject"},
    {"TargetRecvDataSegmentLength=4096", "TargetRecvDataSegmentLength=4096",
     "TargetRecvDataSegmentLength=Irrelevant", "TargetRecvDataSegmentLength=Irrelevant",
     "TargetRecvDataSegmentLength=Reject"},
    {"InitiatorRecvDataSegmentLength=4096", "InitiatorRecvDataSegmentLength=4096",
     "InitiatorRecvDataSegmentLength=Irrelevant", "InitiatorRecvDataSegmentLength=Irrelevant",
     "InitiatorRecvDataSegmentLength=Reject"},
    {"MaxOutstandingUnexpectedPDUs=4", "", "", "",
     "error: MaxOutstandingUnexpectedPDUs can't be used in the Full Feature Phase (RFC 7143 §13)"},
    {"MaxAHSLength=512", "", "", "",
     "error: MaxAHSLength can't be used in the Full Feature Phase (RFC 7143 §13)"},
    {"TaggedBufferForSolicitedDataOnly=Yes", "", "", "",
     "error: TaggedBufferForSolicitedDataOnly can't be used in the Full Feature Phase "
     "(RFC 7143 §13)"},
    {"iSERHelloRequired=Yes", "", "", "",
     "error: iSERHelloRequired can't be used in the Full Feature Phase (RFC 7143 §13)"},
};

TEST(Rdma, NoKeyIsEverNotUnderstood) {
  NegotiationContext discovery = Discovery();
  discovery.rdma_transport = true;
  for (const KeyAnswers& key : kKeyAnswers) {
    SCOPED_TRACE(key.pair);
    const std::string pair(key.pair);
    const bool extensions = pair == "RDMAExtensions=Yes";
    const std::string offered = extensions ? pair : "RDMAExtensions=Yes|" + pair;
    const std::string answered = std::string("RDMAExtensions=Yes") +
                                 (extensions || *key.rdma == 0 ? "" : "|") +
                                 (extensions ? "" : key.rdma);
    EXPECT_EQ(SayOnce({.context = Rdma()}, offered), answered);
    EXPECT_EQ(SayOnce(Party(), pair), key.tcp);
    EXPECT_EQ(SayOnce({.context = discovery}, pair), key.discovery);
    EXPECT_EQ(SayOnce(Party(), pair, kFullFeature), key.later);
  }
}

// The order within one text doesn't matter: open-iscsi sends RDMAExtensions last.
TEST(Rdma, ExtensionsSettleKeysThatStandBeforeThem) {
  EXPECT_EQ(SayOnce({.context = Rdma()}, "TargetRecvDataSegmentLength=4096|RDMAExtensions=Yes"),
            "TargetRecvDataSegmentLength=4096|RDMAExtensions=Yes");
  EXPECT_EQ(SayOnce({.context = Rdma()}, "TargetRecvDataSegmentLength=4096|RDMAExtensions=No"),
            "TargetRecvDataSegmentLength=Irrelevant|RDMAExtensions=No");
}

// Nor in a Discovery session, or in a request before the one that brings RDMAExtensions.
TEST(Rdma, DigestsAreNeverAgreed) {
  NegotiationContext discovery = Discovery();
  discovery.rdma_transport = true;
  for (const NegotiationContext& context : {discovery, Rdma()}) {
    Negotiator negotiator = Party{.context = context}.Make();
    EXPECT_EQ(Say(negotiator, "HeaderDigest=CRC32C,None|DataDigest=CRC32C"),
              "HeaderDigest=None|DataDigest=Irrelevant");
    EXPECT_EQ(negotiator.connection().header_digest, Digest::kNone);
    EXPECT_EQ(negotiator.connection().data_digest, Digest::kNone);
  }
}

TEST(Rdma, NumbersAtTheEdges) {
  const struct {
    const char* offer;
    const char* answer;  // behind RDMAExtensions=Yes
  } kCases[] = {
      {"InitiatorRecvDataSegmentLength=511", "InitiatorRecvDataSegmentLength=Reject"},
      {"InitiatorRecvDataSegmentLength=512", "InitiatorRecvDataSegmentLength=512"},
      {"InitiatorRecvDataSegmentLength=16777215", "InitiatorRecvDataSegmentLength=16777215"},
      {"InitiatorRecvDataSegmentLength=16777216", "InitiatorRecvDataSegmentLength=Reject"},
      {"TargetRecvDataSegmentLength=16777216", "TargetRecvDataSegmentLength=Reject"},
      {"MaxOutstandingUnexpectedPDUs=0", ""},
      {"MaxOutstandingUnexpectedPDUs=2", ""},
      {"MaxOutstandingUnexpectedPDUs=4294967295", ""},
      {"MaxOutstandingUnexpectedPDUs=4294967296",
       "error: MaxOutstandingUnexpectedPDUs has an inadmissible value (RFC 7145 §6.7)"},
      {"MaxAHSLength=0", ""},
      {"MaxAHSLength=1", "error: MaxAHSLength has an inadmissible value (RFC 7145 §6.8)"},
      {"MaxAHSLength=2", ""},
      {"MaxAHSLength=4294967296", "error: MaxAHSLength has an inadmissible value (RFC 7145 §6.8)"},
      {"TaggedBufferForSolicitedDataOnly=1",
       "error: TaggedBufferForSolicitedDataOnly has an inadmissible value (RFC 7145 §6.9)"},
  };
  for (const auto& test : kCases) {
    const std::string said =
        SayOnce({.context = Rdma()}, std::string("RDMAExtensions=Yes|") + test.offer);
    const std::string answer(test.answer);
    const std::string expected = answer.starts_with("error") ? answer
                                 : answer.empty()            ? "RDMAExtensions=Yes"
                                                             : "RDMAExtensions=Yes|" + answer;
    EXPECT_EQ(said, expected) << test.offer;
  }
}

TEST(Rdma, LinuxInitiatorHearsNoUnknownKeys) {
  Party party{.context = Rdma()};
  const char* const kLinux =
      "InitiatorRecvDataSegmentLength=8192|TargetRecvDataSegmentLength=8192|RDMAExtensions=Yes";
  Negotiator quiet = party.Make();
  Say(quiet, kLinux);
  EXPECT_EQ(Declared(quiet), "");
  party.limits.always_declare_iser_limits = true;
  party.limits.max_ahs_length = 1020;
  Negotiator always = party.Make();
  Say(always, kLinux);
  EXPECT_EQ(Declared(always), "MaxOutstandingUnexpectedPDUs=16|MaxAHSLength=1020");
  EXPECT_EQ(always.session().target_max_ahs_length, 1020u);
}

TEST(Rdma, ExtensionsAreProposedAndNeeded) {
  Negotiator negotiator = Party{.context = Rdma()}.Make();
  EXPECT_TRUE(negotiator.WouldPropose());
  Say(negotiator, "MaxBurstLength=262144");
  EXPECT_EQ(Declared(negotiator), "RDMAExtensions=Yes");
  EXPECT_TRUE(negotiator.awaiting_answers());
  EXPECT_EQ(Say(negotiator, "RDMAExtensions=Yes"), "");
  EXPECT_EQ(Declared(negotiator), "");
  EXPECT_EQ(FinishOf(negotiator), "ok");

  for (const char* answer : {"No", "Reject", "NotUnderstood"}) {
    Negotiator refused = Party{.context = Rdma()}.Make();
    Declared(refused);
    EXPECT_EQ(Say(refused, std::string("RDMAExtensions=") + answer), "");
    EXPECT_EQ(FinishOf(refused), "RDMAExtensions is not Yes on a connection over RDMA");
  }
  EXPECT_EQ(SayOnce({.context = Rdma()}, "RDMAExtensions=No"), "RDMAExtensions=No");
}

TEST(Rdma, DiscoveryGoesWithout) {
  NegotiationContext context = Discovery();
  context.rdma_transport = true;
  Negotiator negotiator = Party{.context = context}.Make();
  EXPECT_FALSE(negotiator.WouldPropose());
  EXPECT_EQ(Say(negotiator, "RDMAExtensions=Yes"), "RDMAExtensions=Irrelevant");
  EXPECT_EQ(Declared(negotiator), "MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(FinishOf(negotiator), "ok");
}

// RFC 7145 §6.2: what was declared for TCP counts no longer, however long before it was.
TEST(Rdma, SegmentsThatWereDeclaredBeforeCountNoLonger) {
  Party party{.context = Rdma()};
  Negotiator negotiator = party.Make();
  Say(negotiator, "MaxRecvDataSegmentLength=4096");
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 4096u);
  EXPECT_EQ(Say(negotiator, "RDMAExtensions=Yes"), "RDMAExtensions=Yes");
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 8192u);
  EXPECT_EQ(negotiator.connection().target_max_recv_data_segment_length, 8192u);
}

TEST(Rdma, DeclarationsAreVoidOverTcp) {
  Negotiator negotiator = Party().Make();
  Say(negotiator,
      "MaxOutstandingUnexpectedPDUs=4|MaxAHSLength=0|iSERHelloRequired=Yes|"
      "TaggedBufferForSolicitedDataOnly=Yes");
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session(), SessionParameters());
}

// A connection that joins an iSER session: its own keys are negotiated, the session's are not.
TEST(Rdma, AddedConnection) {
  Party party{.context = {.leading = false, .rdma_transport = true}};
  party.session.rdma_extensions = true;
  party.session.target_max_outstanding_unexpected_pdus = 16;
  party.session.iser_hello_required = true;
  Negotiator negotiator = party.Make();
  EXPECT_FALSE(negotiator.WouldPropose());
  EXPECT_EQ(Say(negotiator, "RDMAExtensions=Yes|InitiatorRecvDataSegmentLength=512"),
            "RDMAExtensions=Reject|InitiatorRecvDataSegmentLength=512");
  EXPECT_EQ(Declared(negotiator), "");
  EXPECT_EQ(FinishOf(negotiator), "ok");
  EXPECT_EQ(negotiator.session(), party.session);
  EXPECT_EQ(negotiator.connection().initiator_max_recv_data_segment_length, 512u);
}

TEST(Rdma, MaxRecvDataSegmentLengthIsIgnoredInFullFeaturePhase) {
  Party party{.context = {.leading = false, .rdma_transport = true}};
  party.session.rdma_extensions = true;
  Negotiator negotiator = party.Make();
  EXPECT_EQ(Say(negotiator, "MaxRecvDataSegmentLength=512", kFullFeature), "");
  EXPECT_EQ(negotiator.connection(), ConnectionParameters());
}

}  // namespace
}  // namespace pushpull::target
