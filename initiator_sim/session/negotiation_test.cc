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
