#include "initiator_sim/session/accept.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace pushpull::initiator_sim {
namespace {

constexpr v1::Stage kSecurity = v1::SECURITY_NEGOTIATION;
constexpr v1::Stage kOperational = v1::LOGIN_OPERATIONAL_NEGOTIATION;
constexpr v1::Stage kFull = v1::FULL_FEATURE_PHASE;

const std::string kNormal = "InitiatorName=iqn.2026-01.a:i TargetName=iqn.2026-01.a:t ";
const std::string kDiscovery = "InitiatorName=iqn.2026-01.a:i SessionType=Discovery ";

// A scripted target, and who asks it.
class AcceptTest : public testing::Test {
 protected:
  void Settings(const std::string& text) {
    v1::AcceptLogin settings;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &settings));
    acceptance_ = std::make_unique<LoginAcceptance>(settings, &connection_);
  }

  // The keys of the answer, apart by blanks.
  std::string Ask(v1::Stage stage, std::optional<v1::Stage> next, const std::string& keys,
                  bool more = false) {
    const std::string text = absl::StrReplaceAll(keys, {{" ", std::string(1, '\0')}});
    connection_.stage = stage;
    connection_.negotiation.Received(text, more);
    v1::Pdu pdu;
    v1::LoginRequest* request = pdu.mutable_login_request();
    request->set_current_stage(stage);
    request->set_text_continue(more);
    if (next) {
      request->set_transit(true);
      request->set_next_stage(*next);
    }
    const v1::Pdu answer = acceptance_->OnRequest(pdu);
    response_ = answer.login_response();
    std::string said, sent;
    for (const v1::KeyValue& key : answer.data().keys().key()) {
      absl::StrAppend(&said, said.empty() ? "" : " ", key.name(), "=", key.value());
      absl::StrAppend(&sent, key.name(), "=", key.value(), std::string(1, '\0'));
    }
    connection_.negotiation.Sent(sent, /*more=*/false);
    return said;
  }

  ConnectionState connection_;
  std::unique_ptr<LoginAcceptance> acceptance_;
  v1::LoginResponse response_;
};

// RFC 7143 §6.2.
TEST_F(AcceptTest, AnswersAsARightTargetDoes) {
  Settings("");
  EXPECT_EQ(Ask(kOperational, kFull,
                kNormal + "HeaderDigest=CRC32C,None MaxBurstLength=512 InitialR2T=Yes "
                          "ErrorRecoveryLevel=2 X-a=1 "),
            "HeaderDigest=CRC32C MaxBurstLength=512 InitialR2T=Yes ErrorRecoveryLevel=0 "
            "X-a=NotUnderstood TargetPortalGroupTag=1 MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(response_.current_stage(), kOperational);
  EXPECT_TRUE(response_.transit());
  EXPECT_EQ(response_.next_stage(), kFull);
  EXPECT_EQ(response_.status_class(), 0u);
  EXPECT_TRUE(acceptance_->done());
}

TEST_F(AcceptTest, SaysItsPortalGroupOnceAndToNormalSessionsAlone) {
  Settings("");
  EXPECT_EQ(Ask(kSecurity, kOperational, kNormal + "AuthMethod=CHAP,None "),
            "AuthMethod=None TargetPortalGroupTag=1");
  EXPECT_FALSE(acceptance_->done());
  EXPECT_EQ(Ask(kOperational, std::nullopt, ""), "") << "declares nothing before its last answer";
  EXPECT_FALSE(response_.transit());
  EXPECT_EQ(Ask(kOperational, kFull, ""), "MaxRecvDataSegmentLength=262144");
  EXPECT_TRUE(acceptance_->done());
}

TEST_F(AcceptTest, ADiscoverySessionHasNoPortalGroup) {
  Settings("");
  EXPECT_EQ(Ask(kOperational, kFull, kDiscovery), "MaxRecvDataSegmentLength=262144");
}

TEST_F(AcceptTest, TextThatGoesOnIsAnsweredByNothing) {  // §6.2
  Settings("");
  EXPECT_EQ(Ask(kOperational, std::nullopt, "InitiatorName=iqn", /*more=*/true), "");
  EXPECT_FALSE(response_.transit());
  EXPECT_EQ(Ask(kOperational, kFull, ".a TargetName=iqn.b "),
            "TargetPortalGroupTag=1 MaxRecvDataSegmentLength=262144");
}

TEST_F(AcceptTest, RefusesWithItsStatus) {
  Settings("status: 0x0203 key { name: 'TargetAddress' value: 'h' }");
  EXPECT_EQ(Ask(kSecurity, kFull, kNormal), "TargetAddress=h");
  EXPECT_EQ(response_.status_class(), 2u);
  EXPECT_EQ(response_.status_detail(), 3u);
  EXPECT_FALSE(response_.transit());
  EXPECT_TRUE(acceptance_->done());
}

TEST_F(AcceptTest, StopsWhereTheScriptGoesOnByHand) {
  Settings("until: LOGIN_OPERATIONAL_NEGOTIATION");
  Ask(kSecurity, std::nullopt, kNormal);
  EXPECT_FALSE(acceptance_->done());
  Ask(kSecurity, kOperational, "");
  EXPECT_TRUE(acceptance_->done());
}

TEST_F(AcceptTest, SaysWhatTheScriptSays) {
  Settings(
      "key { name: 'MaxBurstLength' value: '7' } key { name: 'TargetPortalGroupTag' value: '9' } "
      "key { name: 'MaxRecvDataSegmentLength' value: '512' } key { name: 'X-b' value: '2' }");
  EXPECT_EQ(Ask(kOperational, kFull, kDiscovery + "MaxBurstLength=512 "),
            "MaxBurstLength=7 TargetPortalGroupTag=9 MaxRecvDataSegmentLength=512 X-b=2");
}

TEST_F(AcceptTest, RefusesToNegotiateWhatMustBeAnswered) {
  Settings("refuse_negotiation: true key { name: 'MaxBurstLength' value: '512' }");
  EXPECT_EQ(Ask(kOperational, kFull,
                kNormal + "MaxBurstLength=1024 FirstBurstLength=512 InitialR2T=Yes "
                          "ImmediateData=No X-a=1 "),
            "MaxBurstLength=512 FirstBurstLength=Reject X-a=NotUnderstood "
            "TargetPortalGroupTag=1 MaxRecvDataSegmentLength=262144");
}

}  // namespace
}  // namespace pushpull::initiator_sim
