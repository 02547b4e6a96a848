#include "initiator_sim/session/negotiation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "A=1;B=2" as keys on the wire.
std::string Text(std::string keys) {
  for (char& c : keys) c = c == ';' ? '\0' : c;
  return keys + '\0';
}

TEST(NegotiationTest, AnswersAndDeclarationsAreToldApart) {
  Negotiation negotiation;
  negotiation.Sent(Text("MaxBurstLength=8192;MaxRecvDataSegmentLength=4096;ImmediateData=No"),
                   false);
  negotiation.Received(Text("MaxBurstLength=4096;MaxRecvDataSegmentLength=512;TargetAlias=x"),
                       false);
  EXPECT_THAT(negotiation.flaws(), IsEmpty());
  EXPECT_EQ(*negotiation.AnswerOfPeer("MaxBurstLength"), "4096");
  EXPECT_EQ(negotiation.AnswerOfPeer("MaxRecvDataSegmentLength"), nullptr);
  EXPECT_EQ(*negotiation.OfferedByPeer("MaxRecvDataSegmentLength"), "512");
  EXPECT_EQ(negotiation.Outcome("MaxBurstLength"), "4096");
  EXPECT_EQ(negotiation.Outcome("ImmediateData"), "No") << "decided by the offer alone";
  EXPECT_EQ(negotiation.Outcome("InitialR2T"), std::nullopt);
  EXPECT_THAT(negotiation.TakeUnanswered(), IsEmpty());

  Parameters parameters;
  EXPECT_EQ(parameters.Get("MaxBurstLength"), "262144");
  EXPECT_TRUE(parameters.Yes("ImmediateData"));
  negotiation.Apply(&parameters);
  EXPECT_EQ(parameters.Number("MaxBurstLength"), 4096u);
  EXPECT_FALSE(parameters.Yes("ImmediateData"));
  EXPECT_EQ(parameters.Number("MaxRecvDataSegmentLength"), 512u) << "the peer's, which binds us";
}

TEST(NegotiationTest, TheOwnDeclarationDoesntBindUs) {
  Negotiation negotiation;
  negotiation.Sent(Text("MaxRecvDataSegmentLength=4096"), false);
  Parameters parameters;
  negotiation.Apply(&parameters);
  EXPECT_EQ(parameters.Number("MaxRecvDataSegmentLength"), 8192u);
}

TEST(NegotiationTest, OffersOfThePeerWantAnswers) {
  Negotiation negotiation;
  negotiation.Received(Text("MaxOutstandingR2T=4;X-a=b"), false);
  const auto unanswered = negotiation.TakeUnanswered();
  ASSERT_EQ(unanswered.size(), 2u);
  EXPECT_EQ(unanswered[1].name(), "X-a");
  EXPECT_EQ(negotiation.Outcome("MaxOutstandingR2T"), std::nullopt);
  negotiation.Sent(Text("MaxOutstandingR2T=2;X-a=NotUnderstood"), false);
  EXPECT_EQ(negotiation.Outcome("MaxOutstandingR2T"), "2");
  EXPECT_EQ(negotiation.Outcome("X-a"), std::nullopt);
  EXPECT_EQ(negotiation.Offered("MaxOutstandingR2T"), nullptr) << "that was an answer";
}

TEST(NegotiationTest, TextsGoOnOverPdus) {
  Negotiation negotiation;
  negotiation.Sent("MaxBurst", true);
  EXPECT_EQ(negotiation.Offered("MaxBurstLength"), nullptr);
  negotiation.Sent(Text("Length=8192"), false);
  EXPECT_EQ(*negotiation.Offered("MaxBurstLength"), "8192");
  negotiation.Received("MaxBurstLength=40", true);
  EXPECT_TRUE(negotiation.receiving());
  EXPECT_EQ(negotiation.SaidByPeer("MaxBurstLength"), nullptr);
  negotiation.Received(Text("96"), false);
  EXPECT_FALSE(negotiation.receiving());
  EXPECT_EQ(negotiation.Outcome("MaxBurstLength"), "4096");
}

TEST(NegotiationTest, NothingMayGoOn) {
  Negotiation negotiation;
  negotiation.Received("", true);
  EXPECT_TRUE(negotiation.receiving()) << "the C bit of a PDU without text";
  negotiation.Received("", false);
  EXPECT_FALSE(negotiation.receiving());
  EXPECT_THAT(negotiation.flaws(), IsEmpty());
}

TEST(NegotiationTest, BooleansAreNumbers) {
  Parameters parameters;
  parameters.Set("InitialR2T", "No");
  EXPECT_EQ(parameters.Number("InitialR2T"), 0u);
  EXPECT_EQ(parameters.NumberOr("ImmediateData", 7), 1u);
  EXPECT_EQ(parameters.Number("X-unknown"), std::nullopt);
  EXPECT_EQ(parameters.NumberOr("X-unknown", 7), 7u);
}

// RFC 7143 §6.2: what is declared answers no declaration, and a Boolean that decides by itself
// needs no answer, whoever says it.
TEST(NegotiationTest, WhatThePeerSaysFirst) {
  Negotiation negotiation;
  negotiation.Received(Text("MaxRecvDataSegmentLength=512;ImmediateData=No;InitialR2T=No;X-a=b"),
                       false);
  EXPECT_EQ(negotiation.Outcome("MaxRecvDataSegmentLength"), "512");
  EXPECT_EQ(negotiation.Outcome("ImmediateData"), "No");
  EXPECT_EQ(negotiation.Outcome("InitialR2T"), std::nullopt) << "OR: not by one alone";
  EXPECT_EQ(negotiation.Outcome("X-a"), std::nullopt);
  negotiation.Sent(Text("MaxRecvDataSegmentLength=4096;InitialR2T=Reject;X-a=Reject"), false);
  EXPECT_EQ(*negotiation.Offered("MaxRecvDataSegmentLength"), "4096") << "no answer";
  EXPECT_EQ(negotiation.Outcome("MaxRecvDataSegmentLength"), "512");
  EXPECT_EQ(negotiation.Outcome("InitialR2T"), std::nullopt);
  EXPECT_EQ(negotiation.Offered("X-a"), nullptr);
}

TEST(NegotiationTest, WhatWeOfferAlone) {
  Negotiation negotiation;
  negotiation.Sent(Text("ImmediateData=Yes;InitialR2T=Yes;MaxBurstLength=512;X-a=b"), false);
  EXPECT_EQ(negotiation.Outcome("ImmediateData"), std::nullopt) << "AND: not by one alone";
  EXPECT_EQ(negotiation.Outcome("InitialR2T"), "Yes");
  EXPECT_EQ(negotiation.Outcome("MaxBurstLength"), std::nullopt);
  EXPECT_EQ(negotiation.Outcome("X-a"), std::nullopt);
}

TEST(NegotiationTest, ARefusalOfWhatDecidesByItself) {
  Negotiation negotiation;
  negotiation.Received(Text("ImmediateData=No"), false);
  negotiation.Sent(Text("ImmediateData=Reject"), false);
  EXPECT_EQ(negotiation.Outcome("ImmediateData"), std::nullopt);
}

TEST(NegotiationTest, TheFirstAnswerCounts) {
  Negotiation negotiation;
  negotiation.Received(Text("MaxOutstandingR2T=4"), false);
  negotiation.Sent(Text("MaxOutstandingR2T=2"), false);
  negotiation.Sent(Text("MaxOutstandingR2T=3"), false);
  EXPECT_EQ(negotiation.Outcome("MaxOutstandingR2T"), "2");
}

TEST(NegotiationTest, KeysThatNobodyKnows) {
  Negotiation negotiation;
  negotiation.Sent(Text("X-a=b;MaxRecvDataSegmentLength=4096"), false);
  negotiation.Received(Text("X-a=c;MaxRecvDataSegmentLength=NotUnderstood"), false);
  EXPECT_EQ(*negotiation.SaidByPeer("X-a"), "c");
  EXPECT_THAT(negotiation.flaws(), testing::Not(testing::Contains(HasSubstr("X-a"))));
  EXPECT_EQ(*negotiation.AnswerOfPeer("MaxRecvDataSegmentLength"), "NotUnderstood");
  EXPECT_EQ(negotiation.OfferedByPeer("MaxRecvDataSegmentLength"), nullptr);
  negotiation.Received(Text("X-b=1;X-b=2"), false);
  EXPECT_THAT(negotiation.flaws(), testing::Contains(HasSubstr("X-b came twice")));
  EXPECT_EQ(*negotiation.SaidByPeer("X-b"), "1");
  EXPECT_THAT(negotiation.TakeUnanswered(), testing::SizeIs(1)) << "is answered once";
}

TEST(NegotiationTest, BreachesAreKept) {
  const struct {
    const char* sent;
    std::string received;
    const char* flaw;
  } kCases[] = {
      {"MaxBurstLength=8192", Text("MaxBurstLength=9000"), "above the offered 8192"},
      {"MaxBurstLength=8192", Text("MaxBurstLength=4096;MaxBurstLength=4096"), "answered twice"},
      {"InitialR2T=No", Text("TargetAlias=a;TargetAlias=b"), "TargetAlias came twice"},
      {"InitialR2T=No", Text("MaxRecvDataSegmentLength=1"), "outside 512"},
      {"InitialR2T=No", "InitialR2T=No", "RFC 7143 §6.1"},  // no NUL at its end
      {"InitialR2T=No", Text("nonsense"), "RFC 7143 §6.1"},
  };
  for (const auto& one : kCases) {
    Negotiation negotiation;
    negotiation.Sent(Text(one.sent), false);
    negotiation.Received(one.received, false);
    EXPECT_THAT(negotiation.flaws(), testing::Contains(HasSubstr(one.flaw))) << one.flaw;
  }
  // SendTargets answers and redirections repeat these.
  Negotiation negotiation;
  negotiation.Received(Text("TargetName=a;TargetAddress=1;TargetAddress=2;TargetName=b"), false);
  EXPECT_THAT(negotiation.flaws(), IsEmpty());
  EXPECT_EQ(negotiation.received().key_size(), 4);
}

TEST(NegotiationTest, NoAgreementLeavesTheDefault) {
  for (const char* answer : {"Reject", "Irrelevant"}) {
    Negotiation negotiation;
    negotiation.Sent(Text("MaxBurstLength=8192"), false);
    negotiation.Received(Text(std::string("MaxBurstLength=") + answer), false);
    EXPECT_EQ(negotiation.Outcome("MaxBurstLength"), std::nullopt);
    Parameters parameters;
    negotiation.Apply(&parameters);
    EXPECT_EQ(parameters.Get("MaxBurstLength"), "262144");
  }
}

TEST(NegotiationTest, EndlessTextIsNotKept) {
  Negotiation negotiation;
  for (int i = 0; i < 300; ++i) negotiation.Received(std::string(8192, 'x'), true);
  EXPECT_THAT(negotiation.flaws(), testing::Contains(HasSubstr("bytes of text")));
}

}  // namespace
}  // namespace pushpull::initiator_sim
