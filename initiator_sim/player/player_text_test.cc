// Text Requests, and responses whose text comes in parts.

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::StartsWith;

using Connection = TestTarget::Connection;

TEST(PlayerTextTest, TextUntilFinal) {
  size_t requests = 0;
  PlayerTestBed bed;
  bed.target.on_pdu = [&](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_text_request()) return false;
    ++requests;
    EXPECT_EQ(pdu.text_request().target_transfer_tag(), requests == 1 ? 0xffffffffu : 0x99u);
    v1::Pdu answer;
    v1::TextResponse* response = answer.mutable_text_response();
    response->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
    response->set_final(requests == 3);
    response->set_text_continue(requests < 3);
    if (requests < 3) response->set_target_transfer_tag(0x99);
    const char* pieces[] = {"TargetName=iqn.a", "\0TargetAddress=1.2", ".3.4:3260,1\0"};
    const size_t sizes[] = {16, 18, 12};
    answer.mutable_data()->set_raw(std::string(pieces[requests - 1], sizes[requests - 1]));
    c.Send(std::move(answer));
    return true;
  };
  EXPECT_EQ(VerdictOf(bed.Play(R"(
    step { login {} }
    step { text_until_final { offer { name: "SendTargets" value: "All" } at_least: 3
             key { name: "TargetAddress" value: "1.2.3.4:3260,1" }
             save { field: "key.TargetName" as: "n" } save_as: "all" } }
  )")),
            "PASS");
  EXPECT_EQ(requests, 3u);
  EXPECT_TRUE(bed.target.Seen(v1::Pdu::kTextRequest)[1].data().raw().empty())
      << "a response with C is answered by an empty request";

  requests = 0;
  PlayerTestBed bounded;
  bounded.target.on_pdu = bed.target.on_pdu;
  EXPECT_EQ(VerdictOf(bounded.Play("step { login {} } step { text_until_final { at_most: 2 } }")),
            "FAIL: the text exchange hasn't ended after 2 responses");
}

// RFC 7143 §6.1: a target may cut its text as it likes.
TEST(PlayerTextTest, AnExpectedTextIsSeenWhole) {
  size_t requests = 0;
  const auto answer_in_parts = [&](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_text_request()) return false;
    ++requests;
    v1::Pdu answer;
    v1::TextResponse* response = answer.mutable_text_response();
    response->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
    response->set_final(requests == 3);
    response->set_text_continue(requests < 3);
    if (requests < 3) response->set_target_transfer_tag(0x99);
    const char* pieces[] = {"TargetN", "ame=iqn.", "a"};
    std::string text = pieces[requests - 1];
    if (requests == 3) text += '\0';
    answer.mutable_data()->set_raw(text);
    c.Send(std::move(answer));
    return true;
  };
  const std::string steps =
      "step { login {} } step { send { task: \"t\" pdu { text_request { final: true } "
      "data { raw: \"SendTargets=All\\000\" } } } } step { expect { task: \"t\" one_of { pdu { ";
  PlayerTestBed bed;
  bed.target.on_pdu = answer_in_parts;
  EXPECT_EQ(VerdictOf(bed.Play(steps + "text_response { final: true } data { keys { key { name: "
                                       "\"TargetName\" value: \"iqn.a\" } } } } } } }")),
            "PASS");
  EXPECT_EQ(requests, 3u);
  EXPECT_TRUE(bed.target.Seen(v1::Pdu::kTextRequest)[2].data().raw().empty());
  EXPECT_EQ(bed.target.Seen(v1::Pdu::kTextRequest)[2].text_request().target_transfer_tag(), 0x99u);

  // A step that speaks of the C bit sees the parts.
  requests = 0;
  PlayerTestBed parts;
  parts.target.on_pdu = answer_in_parts;
  EXPECT_EQ(VerdictOf(parts.Play(steps + "text_response { text_continue: true } data { raw: "
                                         "\"TargetN\" } } } } }")),
            "PASS");
  EXPECT_EQ(requests, 1u);
}

TEST(PlayerTextTest, TextWithoutAnEndIsNotWaitedFor) {
  const std::string steps =
      "step { login {} } step { send { task: \"t\" pdu { text_request { final: true } "
      "data { raw: \"SendTargets=All\\000\" } } } } "
      "step { expect { task: \"t\" one_of { pdu { text_response { final: true } "
      "data { keys { key { name: \"TargetName\" value: \"iqn.a\" } } } } } } }";
  bool final = false;
  const auto answer_c = [&](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_text_request()) return false;
    v1::Pdu answer;
    v1::TextResponse* response = answer.mutable_text_response();
    response->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
    response->set_final(final);
    response->set_text_continue(true);
    if (!final) response->set_target_transfer_tag(0x99);
    c.Send(std::move(answer));
    return true;
  };
  PlayerTestBed endless;
  endless.target.on_pdu = answer_c;
  EXPECT_EQ(VerdictOf(endless.Play(steps)), "FAIL: text without an end (RFC 7143 §6.2)");
  EXPECT_EQ(endless.target.Seen(v1::Pdu::kTextRequest).size(), 65u);

  final = true;
  PlayerTestBed both;
  both.target.on_pdu = answer_c;
  EXPECT_THAT(VerdictOf(both.Play(steps)), StartsWith("FAIL: another PDU came than was expected"));
  EXPECT_EQ(both.target.Seen(v1::Pdu::kTextRequest).size(), 1u) << "a last response is not a part";
}

}  // namespace
}  // namespace pushpull::initiator_sim
