// Texts that span PDUs, both ways, and their bounds (RFC 7143 §6.1, §6.2).

#include <memory>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "target/login/login.h"
#include "target/login/testing.h"

namespace pushpull::target {
namespace {

const std::string kKeys =
    kNames + "|MaxBurstLength=65536|HeaderDigest=CRC32C|X-a=1|FirstBurstLength=0x1000";
const std::string kAnswer =
    "final 1-3 TargetPortalGroupTag=1|MaxBurstLength=65536|HeaderDigest=CRC32C|X-a=NotUnderstood|"
    "FirstBurstLength=4096|MaxRecvDataSegmentLength=262144";

// RFC7143-6.1-e, 6.2-b, 6.3.1-g: the text cut at every byte.
TEST(LoginText, CutAnywhereIsTheSame) {
  const std::string wire = WireText(kKeys);
  for (size_t cut = 0; cut <= wire.size(); ++cut) {
    Dialogue login;
    EXPECT_EQ(login.SayBytes("1+", wire.substr(0, cut)), "1");
    EXPECT_EQ(login.SayBytes("1-3", wire.substr(cut)), kAnswer) << cut;
  }
}

TEST(LoginText, InSingleBytes) {
  const std::string wire = WireText(kKeys);
  Dialogue login;
  for (const char byte : wire.substr(0, wire.size() - 1)) {
    ASSERT_EQ(login.SayBytes("1+", {&byte, 1}), "1");
    ASSERT_TRUE(login.step.text.empty());
  }
  EXPECT_EQ(login.SayBytes("1-3", wire.substr(wire.size() - 1)), kAnswer);
}

// RFC7143-11.12.2-a
TEST(LoginText, ContinueAndTransitExcludeEachOther) {
  Dialogue login;
  LoginRequest request = login.header;
  request.current_stage = Stage::kLoginOperationalNegotiation;
  request.next_stage = Stage::kFullFeaturePhase;
  request.transit = true;
  request.text_continue = true;
  EXPECT_EQ(login.Show(login.machine.OnRequest(request, base::AsBytes(WireText(kKeys)))),
            "fail 0200");
}

TEST(LoginText, Malformed) {
  const std::string names = WireText(kNames);
  using std::string_literals::operator""s;
  for (const std::string& bytes :
       {names + "MaxBurstLength=512", names + "MaxBurstLength\0"s, names + "=512\0"s, names + "\0"s,
        "\0"s + names, names + "Bad key=1\0"s, names + "Ke\xc3\xa9=1\0"s, "InitiatorName"s,
        "\0"s}) {
    Dialogue login;
    EXPECT_EQ(login.SayBytes("1-3", bytes), "fail 0200");
  }
}

// RFC7143-6.1-c
TEST(LoginText, EightKibibytesAreTaken) {
  std::string wire = WireText(kNames), answers;
  for (int i = 0; wire.size() < 8192 - 64; ++i) {
    const std::string key = "X-com.test.padding" + std::to_string(i);
    AppendPair(wire, key, std::string(100, 'v'));
    answers += "|" + key + "=NotUnderstood";
  }
  Dialogue login;
  for (size_t at = 0; at + 1000 < wire.size(); at += 1000) {
    ASSERT_EQ(login.SayBytes("1+", wire.substr(at, 1000)), "1");
  }
  EXPECT_EQ(login.SayBytes("1-3", wire.substr(wire.size() / 1000 * 1000)),
            "final 1-3 TargetPortalGroupTag=1" + answers + "|MaxRecvDataSegmentLength=262144");
}

// RFC7143-6.1-d: 64 KiB and not a byte more, in each stage.
TEST(LoginText, IsBounded) {
  std::string wire = WireText(kNames);
  wire += "X-a=" + std::string(65536 - wire.size() - 5, 'v') + '\0';
  for (const bool too_long : {false, true}) {
    Dialogue login;
    if (too_long) wire.insert(wire.size() - 1, "v");
    for (size_t at = 0; at < 57344; at += 8192) {
      ASSERT_EQ(login.SayBytes("1+", wire.substr(at, 8192)), "1");
    }
    const std::string rest = wire.substr(57344, 8192);
    if (too_long) {
      ASSERT_EQ(login.SayBytes("1+", rest), "1");
      EXPECT_EQ(login.SayBytes("1-3", wire.substr(65536)), "fail 0200");
    } else {
      EXPECT_EQ(login.SayBytes("1-3", rest),
                "final 1-3 TargetPortalGroupTag=1|X-a=NotUnderstood|"
                "MaxRecvDataSegmentLength=262144");
    }
  }
}

// §6.2: each stage is a negotiation of its own.
TEST(LoginText, EachStageHasTheWholeBound) {
  std::string names = WireText(kNames);
  names += "X-a=" + std::string(8192 - names.size() - 5, 'v') + '\0';
  const std::string part = "X-b=" + std::string(8000, 'v');
  Dialogue login;
  EXPECT_EQ(login.SayBytes("0-1", names), "0-1 TargetPortalGroupTag=1|X-a=NotUnderstood");
  for (int i = 0; i < 7; ++i) ASSERT_EQ(login.SayBytes("1+", part), "1");
  EXPECT_EQ(login.SayBytes("1-3", part + '\0'),
            "final 1-3 X-b=NotUnderstood|MaxRecvDataSegmentLength=262144");
}

// §6.3: 8192 bytes for each PDU during login.
TEST(LoginText, PduIsBounded) {
  for (const size_t excess : {0, 1}) {
    std::string wire = WireText(kNames);
    wire += "X-a=" + std::string(8192 + excess - wire.size() - 5, 'v') + '\0';
    Dialogue login;
    const std::string answer = login.SayBytes("1-3", wire);
    EXPECT_EQ(answer.starts_with("final"), excess == 0) << answer;
  }
}

// More answers than a response holds: RFC7143-6.3-a, 6.2-a, 6.2-b, 11.13.7-a, 6.1-b.
class LongAnswer : public testing::TestWithParam<bool> {
 protected:
  LongAnswer() {
    std::string wire = WireText(kNames);
    AppendPair(answers_, "TargetPortalGroupTag", "1");
    for (int i = 0; wire.size() < 8180; ++i) {
      const std::string key = "X" + std::to_string(i);
      AppendPair(wire, key, "");
      AppendPair(answers_, key, "NotUnderstood");
    }
    AppendPair(answers_, "MaxRecvDataSegmentLength", "262144");
    wire_ = wire;
    LoginConfig config;
    config.limits.cut_inside_pairs = GetParam();
    login_ = std::make_unique<Dialogue>(config);
  }
  std::string wire_;
  std::string answers_;
  std::unique_ptr<Dialogue> login_;
};

TEST_P(LongAnswer, IsContinued) {
  for (const char* next : {"1", "1-3"}) {
    LoginConfig config;
    config.limits.cut_inside_pairs = GetParam();
    Dialogue login(config);
    login.SayBytes("1-3", wire_);
    std::string text;
    int pdus = 1;
    for (; login.step.response.text_continue && pdus < 100; ++pdus) {
      EXPECT_FALSE(login.step.response.transit);
      EXPECT_LE(login.step.text.size(), 8192u);
      if (GetParam()) {
        EXPECT_EQ(login.step.text.size(), 8192u);
      }
      if (!GetParam()) {
        EXPECT_EQ(login.step.text.back(), '\0');
      }
      text += login.step.text;
      login.Say(next);
    }
    text += login.step.text;
    EXPECT_EQ(text, answers_);
    EXPECT_GT(pdus, 2);
    // The last part goes with T where its own request has T.
    const bool transit = std::string_view(next) == "1-3";
    EXPECT_EQ(login.step.kind, transit ? LoginStep::Kind::kFinal : LoginStep::Kind::kRespond);
    if (!transit) {
      EXPECT_EQ(login.Say("1-3"), "final 1-3");
    }
  }
}

TEST_P(LongAnswer, BearsNoTextBetween) {
  login_->SayBytes("1-3", wire_);
  ASSERT_TRUE(login_->step.response.text_continue);
  EXPECT_EQ(login_->Say("1-3", "MaxBurstLength=512"), "fail 0200");
}

TEST_P(LongAnswer, BearsNoContinuationBetween) {
  login_->SayBytes("1-3", wire_);
  EXPECT_EQ(login_->Say("1+"), "fail 0200");
}

INSTANTIATE_TEST_SUITE_P(Cuts, LongAnswer, testing::Bool());

// RFC7143-6.2-k, 6.3.3-a: six exchanges at least, but not for ever.
TEST(LoginText, ExchangesAreBounded) {
  LoginConfig config;
  config.max_exchanges = 10;
  for (const char* stage : {"1", "1+"}) {
    Dialogue login(config);
    login.Say("1", kNames);
    for (int i = 2; i <= 10; ++i) ASSERT_EQ(login.Say(stage), "1") << i;
    EXPECT_EQ(login.Say(stage), "fail 0200");
  }
}

// RFC7143-6.2-k: one key in each request.
TEST(LoginText, OneKeyInEachExchange) {
  Dialogue login;
  EXPECT_EQ(login.Say("1", kNames), "1 TargetPortalGroupTag=1|MaxRecvDataSegmentLength=262144");
  for (const char* pair :
       {"HeaderDigest=CRC32C", "DataDigest=None", "MaxConnections=1", "InitialR2T=Yes",
        "ImmediateData=Yes", "MaxBurstLength=262144", "FirstBurstLength=65536",
        "DefaultTime2Wait=2", "DefaultTime2Retain=0", "MaxOutstandingR2T=1", "DataPDUInOrder=Yes",
        "DataSequenceInOrder=Yes", "ErrorRecoveryLevel=0", "TaskReporting=RFC3720"}) {
    EXPECT_EQ(login.Say("1", pair), std::string("1 ") + pair);
  }
  EXPECT_EQ(login.Say("1-3"), "final 1-3");
}

// RFC7143-6.3-h, 11.13.6-b: what the target has to propose costs one exchange, and T waits.
TEST(LoginText, ProposalsOfTheTarget) {
  LoginConfig config;
  config.limits.max_burst_length = 8192;
  config.limits.first_burst_length = 4096;
  Dialogue login(config);
  EXPECT_EQ(login.Say("1-3", kNames),
            "1 TargetPortalGroupTag=1|MaxRecvDataSegmentLength=262144|MaxBurstLength=8192|"
            "FirstBurstLength=4096");
  EXPECT_EQ(login.Say("1-3", "MaxBurstLength=8192|FirstBurstLength=2048"), "final 1-3");
  EXPECT_EQ(login.machine.result().session.first_burst_length, 2048u);

  // Straight from the security stage: the target takes the stage between.
  Dialogue security(config);
  EXPECT_EQ(security.Say("0-3", kNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(security.Say("1-3", "MaxBurstLength=4096|FirstBurstLength=4096"),
            "final 1-3 MaxBurstLength=4096|FirstBurstLength=4096|MaxRecvDataSegmentLength=262144");

  Dialogue silent(config);
  silent.Say("1-3", kNames);
  EXPECT_EQ(silent.Say("1-3"), "fail 0200");
}

// RFC7143-6.2-j, 7.12-a
TEST(LoginText, BrokenRulesEndTheLogin) {
  Dialogue login;
  login.Say("1", kNames + "|FirstBurstLength=8192");
  EXPECT_EQ(login.Say("1-3", "MaxBurstLength=4096"), "fail 0200");
}

TEST(LoginText, RdmaWantsItsExtensions) {
  LoginConfig config;
  config.rdma_transport = true;
  Dialogue offered(config);
  EXPECT_EQ(offered.Say("1-3", kNames + "|RDMAExtensions=Yes|InitiatorRecvDataSegmentLength=8192"),
            "final 1-3 TargetPortalGroupTag=1|RDMAExtensions=Yes|"
            "InitiatorRecvDataSegmentLength=8192");
  Dialogue late(config);
  EXPECT_EQ(late.Say("0-3", kNames), "0-1 TargetPortalGroupTag=1");
  EXPECT_EQ(late.Say("1-3"), "1 RDMAExtensions=Yes");
  EXPECT_EQ(late.Say("1-3", "RDMAExtensions=Yes"), "final 1-3");
  EXPECT_TRUE(late.machine.result().session.rdma_extensions);
  Dialogue refused(config);
  EXPECT_EQ(refused.Say("1-3", kNames + "|RDMAExtensions=No"), "fail 0200");
}

}  // namespace
}  // namespace pushpull::target
