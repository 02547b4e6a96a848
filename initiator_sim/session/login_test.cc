#include "initiator_sim/session/login.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"
#include "initiator_sim/session/accept.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Progress = LoginExchange::Progress;

// "A=1;B=2" as keys on the wire.
std::string Text(std::string keys) {
  for (char& c : keys) c = c == ';' ? '\0' : c;
  return keys + '\0';
}

// A login in which the test plays the target.
class Dialogue {
 public:
  explicit Dialogue(LoginConfig config) : exchange(std::move(config), &state) {}

  // The next request, as it goes over the wire.
  v1::Pdu Next() {
    v1::Pdu pdu = exchange.Next();
    NoteLoginRequest(pdu, &state);
    return pdu;
  }

  Progress Answer(const std::string& keys, bool transit, v1::Stage next = v1::FULL_FEATURE_PHASE) {
    v1::Pdu pdu;
    v1::LoginResponse* response = pdu.mutable_login_response();
    response->set_current_stage(state.stage);
    response->set_transit(transit);
    if (transit) response->set_next_stage(next);
    if (!keys.empty()) pdu.mutable_data()->set_raw(Text(keys));
    return Answer(pdu);
  }
  Progress Answer(const v1::Pdu& pdu) {
    AbsorbLoginResponse(pdu, &session, &state);
    return exchange.OnResponse(pdu);
  }

  Session session;
  ConnectionState state;
  LoginExchange exchange;
};

LoginConfig Config() {
  LoginConfig config;
  config.initiator_name = "iqn.i";
  config.target_name = "iqn.t";
  return config;
}
std::string KeyOf(const v1::Pdu& pdu, const std::string& name) {
  const ParsedKeys parsed = ParseKeys(pdu.data().raw());
  const std::string* value = FindKey(parsed.keys, name);
  return value == nullptr ? "(none)" : *value;
}

TEST(LoginTest, OneRequestIsEnough) {
  Dialogue dialogue(Config());
  const v1::Pdu request = dialogue.Next();
  EXPECT_TRUE(request.login_request().transit());
  EXPECT_EQ(KeyOf(request, "TargetName"), "iqn.t");
  EXPECT_EQ(dialogue.Answer("MaxBurstLength=8192", true), Progress::kReached);
  EXPECT_TRUE(dialogue.exchange.reached());
  EXPECT_EQ(dialogue.session.parameters.Number("MaxBurstLength"), 8192u);
}

TEST(LoginTest, ATargetMayTakeItsTime) {
  Dialogue dialogue(Config());
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("MaxOutstandingR2T=1", false), Progress::kSend);
  const v1::Pdu again = dialogue.Next();
  EXPECT_TRUE(again.login_request().transit()) << "T is kept (§6.3.3)";
  EXPECT_FALSE(again.has_data());
  EXPECT_EQ(dialogue.Answer("", true), Progress::kReached);
}

TEST(LoginTest, OffersOfTheTargetAreAnswered) {
  LoginConfig config = Config();
  config.keys = {{.name = "MaxOutstandingR2T", .value = {}, .omit = true},
                 {.name = "DataPDUInOrder", .value = {}, .omit = true}};
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("X-vendor=1;IFMarker=Yes;DataPDUInOrder=Yes;TargetAlias=a", false),
            Progress::kSend);
  const v1::Pdu answer = dialogue.Next();
  EXPECT_EQ(KeyOf(answer, "X-vendor"), "NotUnderstood");
  EXPECT_EQ(KeyOf(answer, "IFMarker"), "Reject");
  EXPECT_EQ(KeyOf(answer, "DataPDUInOrder"), "Yes");
  EXPECT_EQ(KeyOf(answer, "TargetAlias"), "(none)") << "a declaration";
}

TEST(LoginTest, WhatIsAnsweredIsOfferedNoMore) {
  LoginConfig config = Config();
  config.one_key_per_request = true;
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("MaxBurstLength=4096", false), Progress::kSend);
  size_t said = 0;
  bool transit = false;
  while (!transit) {
    const v1::Pdu request = dialogue.Next();
    said += KeyOf(request, "MaxBurstLength") != "(none)";
    transit = request.login_request().transit();
    ASSERT_EQ(dialogue.Answer("", transit), transit ? Progress::kReached : Progress::kSend);
  }
  EXPECT_EQ(said, 1u);
  EXPECT_EQ(dialogue.session.parameters.Number("MaxBurstLength"), 4096u);
}

TEST(LoginTest, TextGoesOnBothWays) {
  LoginConfig config = Config();
  config.data_segment_length = 64;
  Dialogue dialogue(config);
  std::string sent;
  v1::Pdu request = dialogue.Next();
  while (request.login_request().text_continue()) {
    EXPECT_FALSE(request.login_request().transit());
    sent += request.data().raw();
    ASSERT_EQ(dialogue.Answer("", false), Progress::kSend);
    request = dialogue.Next();
  }
  sent += request.data().raw();
  EXPECT_EQ(KeyOf(request, "InitiatorName"), "(none)") << "it went with the first piece";
  EXPECT_NE(FindKey(ParseKeys(sent).keys, "DataSequenceInOrder"), nullptr);

  v1::Pdu part;
  part.mutable_login_response()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
  part.mutable_login_response()->set_text_continue(true);
  part.mutable_data()->set_raw("MaxBurstLen");
  EXPECT_EQ(dialogue.Answer(part), Progress::kSend);
  const v1::Pdu empty = dialogue.Next();
  EXPECT_FALSE(empty.has_data());
  EXPECT_FALSE(empty.login_request().transit());
  EXPECT_EQ(dialogue.Answer("gth=4096", false), Progress::kSend);
  EXPECT_TRUE(dialogue.Next().login_request().transit());
  EXPECT_EQ(dialogue.Answer("", true), Progress::kReached);
  EXPECT_EQ(dialogue.session.parameters.Number("MaxBurstLength"), 4096u);
}

TEST(LoginTest, KeysAreReplacedAddedAndDropped) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.keys = {{.name = "InitiatorName", .value = "iqn.other"},
                 {.name = "SessionType", .value = {}, .omit = true},
                 {.name = "AuthMethod", .value = "None,CHAP"},
                 {.name = "MaxBurstLength", .value = "512"},
                 {.name = "X-new", .value = "1"}};
  Dialogue dialogue(config);
  const v1::Pdu security = dialogue.Next();
  EXPECT_EQ(KeyOf(security, "InitiatorName"), "iqn.other");
  EXPECT_EQ(KeyOf(security, "SessionType"), "(none)");
  EXPECT_EQ(KeyOf(security, "AuthMethod"), "None,CHAP");
  EXPECT_EQ(KeyOf(security, "X-new"), "(none)");
  EXPECT_EQ(security.login_request().next_stage(), v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_EQ(dialogue.Answer("AuthMethod=None", true, v1::LOGIN_OPERATIONAL_NEGOTIATION),
            Progress::kSend);
  const v1::Pdu operational = dialogue.Next();
  EXPECT_EQ(operational.login_request().current_stage(), v1::LOGIN_OPERATIONAL_NEGOTIATION);
  EXPECT_EQ(KeyOf(operational, "InitiatorName"), "(none)");
  EXPECT_EQ(KeyOf(operational, "MaxBurstLength"), "512");
  EXPECT_EQ(KeyOf(operational, "X-new"), "1");
}

TEST(LoginTest, DiscoveryAndLaterConnectionsOfferLess) {
  LoginConfig discovery = Config();
  discovery.discovery = true;
  Dialogue one(discovery);
  const v1::Pdu request = one.Next();
  EXPECT_EQ(KeyOf(request, "SessionType"), "Discovery");
  EXPECT_EQ(KeyOf(request, "TargetName"), "(none)");
  EXPECT_EQ(KeyOf(request, "MaxBurstLength"), "(none)") << "irrelevant in discovery";
  EXPECT_EQ(KeyOf(request, "ErrorRecoveryLevel"), "0");

  LoginConfig later = Config();
  later.leading = false;
  Dialogue two(later);
  const v1::Pdu second = two.Next();
  EXPECT_EQ(KeyOf(second, "SessionType"), "(none)");
  EXPECT_EQ(KeyOf(second, "TargetName"), "iqn.t");
  EXPECT_EQ(KeyOf(second, "MaxBurstLength"), "(none)");
  EXPECT_EQ(KeyOf(second, "HeaderDigest"), "None");
}

TEST(LoginTest, ChapTakesThreeExchanges) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.chap.emplace();
  config.credentials = {.user = "u", .secret = "s", .mutual_user = {}, .mutual_secret = {}};
  Dialogue dialogue(config);
  const v1::Pdu first = dialogue.Next();
  EXPECT_EQ(KeyOf(first, "AuthMethod"), "CHAP");
  EXPECT_FALSE(first.login_request().transit());
  EXPECT_EQ(dialogue.Answer("AuthMethod=CHAP;TargetPortalGroupTag=1", false), Progress::kSend);
  const v1::Pdu second = dialogue.Next();
  EXPECT_EQ(KeyOf(second, "CHAP_A"), "5");
  EXPECT_FALSE(second.login_request().transit());
  EXPECT_EQ(dialogue.Answer("CHAP_A=5;CHAP_I=1;CHAP_C=0x00112233", false), Progress::kSend);
  const v1::Pdu third = dialogue.Next();
  EXPECT_EQ(KeyOf(third, "CHAP_N"), "u");
  EXPECT_TRUE(third.login_request().transit());
  EXPECT_EQ(dialogue.Answer("", true, v1::LOGIN_OPERATIONAL_NEGOTIATION), Progress::kSend);
  EXPECT_EQ(KeyOf(dialogue.Next(), "MaxConnections"), "1");
}

TEST(LoginTest, MutualChapSendsItsOwnChallenge) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.one_key_per_request = true;
  config.chap.emplace().set_mutual(true);
  config.credentials = {.user = "u", .secret = "s", .mutual_user = "t", .mutual_secret = "m"};
  Dialogue dialogue(config);
  EXPECT_EQ(KeyOf(dialogue.Next(), "AuthMethod"), "CHAP");
  EXPECT_EQ(dialogue.Answer("AuthMethod=CHAP", false), Progress::kSend);
  EXPECT_EQ(KeyOf(dialogue.Next(), "CHAP_A"), "5");
  EXPECT_EQ(dialogue.Answer("CHAP_A=5;CHAP_I=1;CHAP_C=0x00112233", false), Progress::kSend);
  const v1::Pdu answer = dialogue.Next();
  EXPECT_EQ(KeyOf(answer, "CHAP_N"), "u");
  for (const char* key : {"CHAP_R", "CHAP_I", "CHAP_C"}) EXPECT_NE(KeyOf(answer, key), "(none)");
}

TEST(LoginTest, ATargetMayChooseNoneInsteadOfChap) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.chap.emplace();
  config.keys = {{.name = "AuthMethod", .value = "CHAP,None"}};
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("AuthMethod=None", false), Progress::kSend);
  EXPECT_TRUE(dialogue.Next().login_request().transit());
  EXPECT_EQ(dialogue.Answer("", true, v1::LOGIN_OPERATIONAL_NEGOTIATION), Progress::kSend);
}

TEST(LoginTest, TheTargetMustProveItselfBeforeTheStageEnds) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.chap.emplace().set_mutual(true);
  Dialogue dialogue(config);
  dialogue.Next();
  dialogue.Answer("AuthMethod=CHAP", false);
  dialogue.Next();
  dialogue.Answer("CHAP_A=5;CHAP_I=1;CHAP_C=0x00112233", false);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("", true, v1::LOGIN_OPERATIONAL_NEGOTIATION), Progress::kBreach);
  EXPECT_THAT(dialogue.exchange.breach(), HasSubstr("CHAP_N and CHAP_R are due"));
}

TEST(LoginTest, StopsWhereItIsTold) {
  LoginConfig config = Config();
  config.until = v1::LOGIN_OPERATIONAL_NEGOTIATION;
  Dialogue at_once(config);
  EXPECT_TRUE(at_once.exchange.reached());
  config.first_stage = v1::SECURITY_NEGOTIATION;
  Dialogue after_security(config);
  EXPECT_FALSE(after_security.exchange.reached());
  after_security.Next();
  EXPECT_EQ(after_security.Answer("", true, v1::LOGIN_OPERATIONAL_NEGOTIATION), Progress::kReached);
}

TEST(LoginTest, BreachesAndRefusals) {
  const struct {
    std::function<void(v1::Pdu*)> change;
    Progress progress;
    const char* what;
  } kCases[] = {
      {[](v1::Pdu* p) { p->mutable_login_response()->set_status_class(2); }, Progress::kRefused,
       ""},
      {[](v1::Pdu* p) { p->mutable_login_response()->set_text_continue(true); }, Progress::kBreach,
       "both C and T"},
      {[](v1::Pdu* p) { p->mutable_data()->set_raw(Text("MaxBurstLength=16777215")); },
       Progress::kBreach, "above the offered"},
      {[](v1::Pdu* p) { p->mutable_data()->set_raw(Text("TargetAlias=a;TargetAlias=b")); },
       Progress::kBreach, "came twice"},
      {[](v1::Pdu* p) { p->mutable_login_response()->set_next_stage(v1::SECURITY_NEGOTIATION); },
       Progress::kBreach, "NSG is 0"},
  };
  for (const auto& one : kCases) {
    Dialogue dialogue(Config());
    dialogue.Next();
    v1::Pdu pdu;
    pdu.mutable_login_response()->set_current_stage(v1::LOGIN_OPERATIONAL_NEGOTIATION);
    pdu.mutable_login_response()->set_next_stage(v1::FULL_FEATURE_PHASE);
    pdu.mutable_login_response()->set_transit(true);
    one.change(&pdu);
    EXPECT_EQ(dialogue.Answer(pdu), one.progress) << one.what;
    EXPECT_THAT(dialogue.exchange.breach(), HasSubstr(one.what));
  }
  LoginConfig config = Config();
  config.data_segment_length = 64;
  Dialogue goes_on(config);
  goes_on.Next();
  EXPECT_EQ(goes_on.Answer("TargetAlias=a", false), Progress::kBreach)
      << "text in the answer to a request with the C bit";
  Dialogue endless(Config());
  Progress progress = Progress::kSend;
  for (int i = 0; i < 1000 && progress == Progress::kSend; ++i) {
    endless.Next();
    progress = endless.Answer("", false);
  }
  EXPECT_EQ(progress, Progress::kBreach);
  EXPECT_THAT(endless.exchange.breach(), StartsWith("the login hasn't ended after"));
}

// RFC 7143 §6.3: the target goes on only where the initiator said that it may.
TEST(LoginTest, NobodyGoesOnUnasked) {
  LoginConfig in_pieces = Config();
  in_pieces.data_segment_length = 64;
  LoginConfig one_by_one = Config();
  one_by_one.one_key_per_request = true;
  LoginConfig chap = Config();
  chap.first_stage = v1::SECURITY_NEGOTIATION;
  chap.chap.emplace();
  for (const LoginConfig& config : {in_pieces, one_by_one, chap}) {
    Dialogue dialogue(config);
    EXPECT_FALSE(dialogue.Next().login_request().transit());
    EXPECT_EQ(dialogue.Answer("", true), Progress::kBreach);
    EXPECT_THAT(dialogue.exchange.breach(), StartsWith("T in the answer to a request without it"));
  }
}

TEST(LoginTest, AnswersSayWhatTheInitiatorWouldHaveOffered) {
  LoginConfig config = Config();
  config.one_key_per_request = true;
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("InitialR2T=No;TaskReporting=FastAbort,RFC3720", false),
            Progress::kSend);
  std::string said;
  for (v1::Pdu request = dialogue.Next();; request = dialogue.Next()) {
    said += request.data().raw();
    if (request.login_request().transit()) break;
    ASSERT_EQ(dialogue.Answer("", false), Progress::kSend);
  }
  const ParsedKeys parsed = ParseKeys(said);
  ASSERT_NE(FindKey(parsed.keys, "InitialR2T"), nullptr);
  EXPECT_EQ(*FindKey(parsed.keys, "InitialR2T"), "No") << "and not its default";
  EXPECT_EQ(std::count_if(parsed.keys.key().begin(), parsed.keys.key().end(),
                          [](const auto& key) { return key.name() == "InitialR2T"; }),
            1);
}

TEST(LoginTest, InDiscoveryWhatMovesNoDataIsIrrelevant) {
  LoginConfig config = Config();
  config.discovery = true;
  config.keys = {{.name = "DefaultTime2Wait", .value = {}, .omit = true}};
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("MaxBurstLength=8192;DefaultTime2Wait=3", false), Progress::kSend);
  const v1::Pdu answer = dialogue.Next();
  EXPECT_EQ(KeyOf(answer, "MaxBurstLength"), "Irrelevant");
  EXPECT_THAT(answer.data().raw(), Not(HasSubstr("MaxBurstLength=8192"))) << "one answer";
  EXPECT_EQ(KeyOf(answer, "DefaultTime2Wait"), "3");
}

TEST(LoginTest, ATargetThatSaysNothingOfAuthMethodHasChosenNothing) {
  LoginConfig config = Config();
  config.first_stage = v1::SECURITY_NEGOTIATION;
  config.chap.emplace();
  Dialogue dialogue(config);
  dialogue.Next();
  EXPECT_EQ(dialogue.Answer("TargetAlias=a", false), Progress::kSend);
  EXPECT_EQ(KeyOf(dialogue.Next(), "CHAP_A"), "(none)");
}

// RFC 7145 §6.
TEST(LoginTest, KeysOfIser) {
  const auto keys = [](bool discovery, bool leading, IserDialect dialect) {
    std::string text;
    for (const v1::KeyValue& key : DefaultOperationalKeys(discovery, leading, dialect)) {
      if (key.name() == "HeaderDigest") break;
      text += key.name() + "=" + key.value() + " ";
    }
    return text;
  };
  EXPECT_EQ(keys(false, true, IserDialect::kRfc7145),
            "RDMAExtensions=Yes TargetRecvDataSegmentLength=262144 "
            "InitiatorRecvDataSegmentLength=8192 MaxOutstandingUnexpectedPDUs=32 MaxAHSLength=256 "
            "TaggedBufferForSolicitedDataOnly=No iSERHelloRequired=No ");
  EXPECT_EQ(keys(false, true, IserDialect::kLinux),
            "RDMAExtensions=Yes TargetRecvDataSegmentLength=262144 "
            "InitiatorRecvDataSegmentLength=262144 ");
  EXPECT_EQ(keys(false, false, IserDialect::kRfc7145),
            "TargetRecvDataSegmentLength=262144 InitiatorRecvDataSegmentLength=8192 ");
  EXPECT_EQ(keys(true, true, IserDialect::kRfc7145), "");
}

// The initiator's driver against the scripted target's: whatever is asked for, they agree.
TEST(LoginTest, AcceptanceAndExchangeAgree) {
  for (const bool security : {false, true}) {
    for (const uint32_t segment : {8192u, 40u}) {
      for (const bool one_by_one : {false, true}) {
        LoginConfig config = Config();
        if (security) config.first_stage = v1::SECURITY_NEGOTIATION;
        config.data_segment_length = segment;
        config.one_key_per_request = one_by_one;
        config.keys = {{.name = "HeaderDigest", .value = "CRC32C,None"},
                       {.name = "X-unknown", .value = "1"}};
        Dialogue dialogue(config);
        ConnectionState target_state;
        target_state.phase = LoginPhase::kNegotiating;
        v1::AcceptLogin settings;
        settings.add_key()->set_name("MaxBurstLength");
        settings.mutable_key(0)->set_value("4096");
        LoginAcceptance acceptance(settings, &target_state);
        Progress progress = Progress::kSend;
        for (int i = 0; i < 100 && progress == Progress::kSend; ++i) {
          const v1::Pdu request = dialogue.Next();
          target_state.stage = request.login_request().current_stage();
          target_state.negotiation.Received(TextOf(request),
                                            request.login_request().text_continue());
          v1::Pdu response = acceptance.OnRequest(request);
          if (response.has_data()) {
            const std::string text = EncodeKeys(response.data().keys());
            response.mutable_data()->set_raw(text);
            target_state.negotiation.Sent(text, false);
          }
          progress = dialogue.Answer(response);
        }
        EXPECT_EQ(progress, Progress::kReached) << dialogue.exchange.breach();
        EXPECT_TRUE(acceptance.done());
        EXPECT_TRUE(dialogue.state.digests.header_digest);
        EXPECT_EQ(dialogue.session.parameters.Number("MaxBurstLength"), 4096u);
        EXPECT_EQ(target_state.negotiation.Outcome("MaxBurstLength"), "4096");
        EXPECT_EQ(*dialogue.state.negotiation.AnswerOfPeer("X-unknown"), "NotUnderstood");
      }
    }
  }
}

}  // namespace
}  // namespace pushpull::initiator_sim
