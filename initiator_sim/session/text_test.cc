#include "initiator_sim/session/text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using Progress = TextExchange::Progress;

v1::Pdu Response(bool final, uint32_t tag, const std::string& text, bool more = false) {
  v1::Pdu pdu;
  pdu.mutable_text_response()->set_final(final);
  pdu.mutable_text_response()->set_text_continue(more);
  pdu.mutable_text_response()->set_target_transfer_tag(tag);
  pdu.mutable_text_response()->set_lun_bytes(0x55);
  if (!text.empty()) pdu.mutable_data()->set_raw(text);
  return pdu;
}

const std::string kSendTargets("SendTargets=All\0", 16);

TEST(TextTest, OneExchange) {
  TextExchange text(kSendTargets, 8192);
  const v1::Pdu request = text.Next();
  EXPECT_TRUE(request.text_request().final());
  EXPECT_EQ(request.text_request().target_transfer_tag(), 0xffffffffu);
  EXPECT_EQ(request.data().raw(), kSendTargets);
  EXPECT_EQ(text.OnResponse(Response(true, 0xffffffff, std::string("TargetName=a\0", 13))),
            Progress::kDone);
  EXPECT_EQ(*text.negotiation().SaidByPeer("TargetName"), "a");
}

TEST(TextTest, TheTargetGoesOn) {
  TextExchange text(kSendTargets, 8192);
  text.Next();
  EXPECT_EQ(text.OnResponse(Response(false, 7, "TargetNa", true)), Progress::kSend);
  const v1::Pdu second = text.Next();
  EXPECT_EQ(second.text_request().target_transfer_tag(), 7u);
  EXPECT_EQ(second.text_request().lun_bytes(), 0x55u) << "as it came (§11.10.4)";
  EXPECT_FALSE(second.has_data());
  EXPECT_EQ(text.OnResponse(Response(true, 0xffffffff, std::string("me=b\0", 5))), Progress::kDone);
  EXPECT_EQ(*text.negotiation().SaidByPeer("TargetName"), "b");
  EXPECT_EQ(text.responses(), 2u);
}

TEST(TextTest, TheRequestGoesOn) {
  TextExchange text(kSendTargets, 10);
  const v1::Pdu first = text.Next();
  EXPECT_TRUE(first.text_request().text_continue());
  EXPECT_FALSE(first.text_request().final());
  EXPECT_EQ(first.data().raw(), "SendTarget");
  EXPECT_EQ(text.OnResponse(Response(false, 9, "")), Progress::kSend);
  const v1::Pdu second = text.Next();
  EXPECT_TRUE(second.text_request().final());
  EXPECT_EQ(second.text_request().target_transfer_tag(), 9u);
  EXPECT_EQ(second.data().raw(), std::string("s=All\0", 6));
}

TEST(TextTest, OffersOfTheTargetAreRefused) {
  TextExchange text(kSendTargets, 8192);
  text.Next();
  EXPECT_EQ(text.OnResponse(Response(false, 7, std::string("X-a=1\0MaxBurstLength=512\0", 25))),
            Progress::kSend);
  EXPECT_EQ(text.Next().data().raw(),
            std::string("X-a=NotUnderstood\0MaxBurstLength=Reject\0", 40));
}

TEST(TextTest, Breaches) {
  const struct {
    v1::Pdu response;
    const char* what;
  } kCases[] = {
      {Response(true, 0xffffffff, "x", true), "both C and F"},
      {Response(true, 5, ""), "other than 0xffffffff"},
      {Response(false, 0xffffffff, ""), "F is 0, but the Target Transfer Tag"},
      {Response(true, 0xffffffff, "no NUL"), "RFC 7143 §6.1"},
  };
  for (const auto& one : kCases) {
    TextExchange text(kSendTargets, 8192);
    text.Next();
    EXPECT_EQ(text.OnResponse(one.response), Progress::kBreach) << one.what;
    EXPECT_THAT(text.breach(), HasSubstr(one.what));
  }
  TextExchange text(kSendTargets, 4);
  text.Next();
  EXPECT_EQ(text.OnResponse(Response(true, 0xffffffff, "")), Progress::kBreach)
      << "F in the answer to a request without it";
  TextExchange more(kSendTargets, 4);
  more.Next();
  EXPECT_EQ(more.OnResponse(Response(false, 1, std::string("A=b\0", 4))), Progress::kBreach)
      << "text in the answer to a request with the C bit";
}

}  // namespace
}  // namespace pushpull::initiator_sim
