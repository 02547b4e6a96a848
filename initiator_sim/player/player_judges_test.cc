// Steps that judge what came by themselves: each of their judgements can fail.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/player/test_target.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Connection = TestTarget::Connection;
using OnPdu = std::function<bool(Connection&, const v1::Pdu&)>;

// Answers Text Requests with a key.
bool TellKey(Connection& c, const v1::Pdu& pdu) {
  if (!pdu.has_text_request()) return false;
  v1::Pdu answer;
  answer.mutable_text_response()->set_final(true);
  answer.mutable_text_response()->set_initiator_task_tag(pdu.text_request().initiator_task_tag());
  answer.mutable_data()->set_raw(std::string("X-a.b=NotUnderstood\0", 20));
  c.Send(std::move(answer));
  return true;
}

TEST(PlayerJudgesTest, WhatATextExchangeCameTo) {
  const struct {
    const char* asked;
    const char* verdict;
  } kCases[] = {
      {"key { name: 'X-a.b' value: 'NotUnderstood' }", "PASS"},
      {"key { name: 'X-a.b' value: '1' }",
       "FAIL: a key came to what it must not: X-a.b=NotUnderstood (offered 1): due is 1"},
      {"key { name: 'X-a.b' absent: true }",
       "FAIL: a key came to what it must not: X-a.b=NotUnderstood (offered 1): there should be "
       "none"},
      {"at_least: 1", "PASS"},
      {"at_least: 2", "FAIL: the text exchange took 1 responses"},
      {"save { field: 'key.X-a.b' as: 's' }", "PASS"},
      {"save { field: 'key.X-c' as: 's' }", "ERROR: save { field: \"key.X-c\" }"},
  };
  for (const auto& one : kCases) {
    PlayerTestBed bed;
    bed.target.on_pdu = TellKey;
    EXPECT_THAT(VerdictOf(bed.Play(absl::StrCat(
                    "step { login {} } step { text_until_final { offer { name: 'X-a.b' value: '1' "
                    "} ",
                    one.asked, " } }"))),
                StartsWith(one.verdict))
        << one.asked;
  }
}

// RFC 7143 §11.8.4.
TEST(PlayerJudgesTest, AnR2tAsksForWhatTheCommandHas) {
  const auto play = [](uint32_t offset, uint32_t length) {
    PlayerTestBed bed;
    bed.target.on_pdu = [=](Connection& c, const v1::Pdu& pdu) {
      if (!pdu.has_scsi_command() || !pdu.scsi_command().write()) return false;
      v1::Pdu r2t;
      r2t.mutable_r2t()->set_initiator_task_tag(pdu.scsi_command().initiator_task_tag());
      r2t.mutable_r2t()->set_target_transfer_tag(7);
      r2t.mutable_r2t()->set_buffer_offset(offset);
      r2t.mutable_r2t()->set_desired_data_transfer_length(length);
      c.Send(std::move(r2t));
      return true;
    };
    return VerdictOf(bed.Play(R"(step { login {} }
      step { send { task: "w" pdu { scsi_command { cdb { write { blocks: 2 } } } } } }
      step { serve_r2ts { task: "w" stop_after_r2ts: 1 } } epilogue: NOTHING)"));
  };
  constexpr char kWrong[] = "FAIL: an R2T asks for what the command doesn't have";
  EXPECT_EQ(play(0, 1024), "PASS");
  EXPECT_EQ(play(512, 512), "PASS");
  EXPECT_THAT(play(0, 0), StartsWith(kWrong));
  EXPECT_THAT(play(0, 1025), StartsWith(kWrong));
  EXPECT_THAT(play(1, 1024), StartsWith(kWrong));
}

TEST(PlayerJudgesTest, AReadIsAnsweredByDataAndAStatus) {
  PlayerTestBed bed;
  bed.target.on_pdu = [](Connection& c, const v1::Pdu& pdu) {
    if (!pdu.has_scsi_command() || !pdu.scsi_command().read()) return false;
    v1::Pdu other;
    other.mutable_task_management_response()->set_initiator_task_tag(
        pdu.scsi_command().initiator_task_tag());
    c.Send(std::move(other));
    return true;
  };
  EXPECT_THAT(VerdictOf(bed.Play(R"(step { login {} }
      step { send { task: "r" pdu { scsi_command { cdb { read { blocks: 1 } } } } } }
      step { gather_data_in { task: "r" } })")),
              StartsWith("FAIL: a read was answered by what is no Data-In or SCSI Response"));
}

TEST(PlayerJudgesTest, TheDataOfAReadAreWhatWasExpected) {
  const auto play = [](const char* expect) {
    PlayerTestBed bed;
    bed.target.disk.replace(0, 512, std::string(512, 'z'));
    return VerdictOf(bed.Play(absl::StrCat(R"(step { login {} }
      step { send { task: "r" pdu { scsi_command { cdb { read { blocks: 1 } } } } } }
      step { gather_data_in { task: "r" )",
                                           expect, " } }")));
  };
  const std::string all(512, 'z');
  EXPECT_EQ(play(absl::StrCat("expect_data { raw: '", all, "' }").c_str()), "PASS");
  EXPECT_THAT(play("expect_data { zeros: 512 }"),
              StartsWith("FAIL: the data that came are others"));
  EXPECT_THAT(play("expect_data { pattern { seed: 1 } }"),
              StartsWith("FAIL: the data that came are others"));
  EXPECT_THAT(play("expect_data { pattern { seed: 1 length: 256 } }"),
              HasSubstr("data of 512 bytes, expected 256 bytes"));
  EXPECT_EQ(play("expect_length: 512"), "PASS");
  EXPECT_EQ(play("expect_length: 511"), "FAIL: 512 bytes of data came");
}

TEST(PlayerJudgesTest, ALoginThatShouldHaveEndedTheConnection) {
  PlayerTestBed bed;
  const PlayResult result = bed.Play("step { login { expect { or_closed: true } } }");
  EXPECT_EQ(VerdictOf(result), "FAIL: the login ended with status 0x0000 (Success)");
  EXPECT_EQ(result.failure.expected(), "login status none, but the end of the connection");
}

// A case with its own idea of security is not to be judged by the run's credentials.
TEST(PlayerJudgesTest, ACaseThatSaysAuthMethodHasNoneOfTheRunsCredentials) {
  const auto said = [](const char* login) {
    PlayerTestBed bed;
    bed.options.chap.user = "me";
    bed.options.chap.secret = "twelve bytes are the least";
    bed.Play(absl::StrCat("step { login { ", login, " } } epilogue: NOTHING"));
    const std::vector<v1::Pdu> requests = bed.target.Seen(v1::Pdu::kLoginRequest);
    return requests.empty() ? std::string() : DataBytes(requests[0].data()).value_or("");
  };
  EXPECT_THAT(said(""), HasSubstr("AuthMethod=CHAP"));
  EXPECT_THAT(said("with_security_stage: true key { name: 'AuthMethod' value: 'None' }"),
              HasSubstr("AuthMethod=None"));
  EXPECT_THAT(said("skip_security_stage: true"), Not(HasSubstr("CHAP")));
}

TEST(PlayerJudgesTest, IdentityKeysAreWhoTheInitiatorIsAndWhomItMeans) {
  PlayerTestBed bed;
  bed.Play(R"(step { connect {} }
    step { send { task: "l" identity_keys: true
           pdu { login_request { current_stage: LOGIN_OPERATIONAL_NEGOTIATION }
                 data { raw: "X-a=1\000" } } } }
    step { expect { task: "l" one_of { pdu { login_response {} } } } } epilogue: NOTHING)");
  const std::vector<v1::Pdu> requests = bed.target.Seen(v1::Pdu::kLoginRequest);
  ASSERT_FALSE(requests.empty());
  std::string due;
  for (const std::string& pair :
       {absl::StrCat("InitiatorName=", bed.options.initiator_name),
        std::string("SessionType=Normal"), absl::StrCat("TargetName=", bed.options.target_name),
        std::string("X-a=1")}) {
    due += pair + '\0';
  }
  EXPECT_EQ(DataBytes(requests[0].data()).value_or(""), due);
}

}  // namespace
}  // namespace pushpull::initiator_sim
