// The security stage: choice of a method, and the place of its exchange (RFC 7143 §6.3.2, §12.1).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "target/login/login.h"
#include "target/login/testing.h"

namespace pushpull::target {
namespace {

// CHAP's keys without its arithmetic: CHAP_A, then CHAP_N with the right word in CHAP_R.
class WordExchange : public AuthExchange {
 public:
  explicit WordExchange(std::string_view initiator_name) : word_(initiator_name) {}

  Step OnKeys(std::span<const KeyValue> keys) override {
    using Verdict = Step::Verdict;
    if (!asked_) {
      if (keys.size() != 1 || keys[0].key != "CHAP_A") {
        return {Verdict::kFailed, LoginStatus::kInitiatorError, "no CHAP_A", {}};
      }
      asked_ = true;
      Step step;
      step.keys = {{"CHAP_A", "5"}, {"CHAP_I", "1"}, {"CHAP_C", "0x00"}};
      return step;
    }
    if (keys.empty()) return {Verdict::kFailed, LoginStatus::kMissingParameter, "no CHAP_R", {}};
    for (const KeyValue& pair : keys) {
      if (pair.key == "CHAP_R" && pair.value == word_) {
        Step step;
        step.verdict = Verdict::kAuthenticated;
        if (keys.size() > 2) step.keys = {{"CHAP_N", "target"}, {"CHAP_R", "0x01"}};
        return step;
      }
    }
    return {Verdict::kFailed, LoginStatus::kAuthenticationFailure, "wrong word", {}};
  }

 private:
  std::string word_;
  bool asked_ = false;
};

class WordPolicy : public AuthPolicy {
 public:
  explicit WordPolicy(std::vector<std::string> methods) : methods_(std::move(methods)) {}
  std::vector<std::string> Methods() const override { return methods_; }
  std::unique_ptr<AuthExchange> Start(std::string_view method,
                                      std::string_view initiator_name) override {
    EXPECT_EQ(method, "CHAP");
    return std::make_unique<WordExchange>(initiator_name);
  }

 private:
  std::vector<std::string> methods_;
};

const std::string kFirst = "TargetPortalGroupTag=1";
const std::string kWord = std::string("CHAP_N=me|CHAP_R=") + kInitiator;

class ChapOnly : public testing::Test {
 protected:
  ChapOnly() { login_.host.target.auth = &policy_; }
  WordPolicy policy_{{"CHAP"}};
  Dialogue login_;
};

// RFC7143-6.2.1-a, -b, 7.12-a, 6.3.2: what is answered where no authentication is configured.
TEST(NoAuthentication, Choices) {
  struct Case {
    const char* offer;
    std::string answer;
  };
  const Case kCases[] = {
      {"None", "0-1 " + kFirst + "|AuthMethod=None"},
      {"CHAP,None", "0-1 " + kFirst + "|AuthMethod=None"},
      {"Z-com.test,KRB5,None", "0-1 " + kFirst + "|AuthMethod=None"},
      {"CHAP", "fail 0201 AuthMethod=Reject"},
      {"Foo", "fail 0201 AuthMethod=Reject"},
      {"none", "fail 0201 AuthMethod=Reject"},
      {"", "fail 0201 AuthMethod=Reject"},
      {"Reject", "fail 0200"},
      {"NotUnderstood", "fail 0200"},
  };
  for (const Case& c : kCases) {
    Dialogue login;
    EXPECT_EQ(login.Say("0-1", kNames + "|AuthMethod=" + c.offer), c.answer) << c.offer;
  }
}

TEST(NoAuthentication, KeysOfMethodsAreOutOfPlace) {
  for (const char* pair : {"CHAP_A=5", "SRP_U=me", "KRB_AP_REQ=0x00", "CHAP_R=0x00"}) {
    Dialogue plain;
    EXPECT_EQ(plain.Say("0-1", kNames + "|" + pair), "fail 0200") << pair;
    Dialogue none;
    EXPECT_EQ(none.Say("0-1", kNames + "|AuthMethod=None|" + pair), "fail 0200") << pair;
  }
}

TEST(NoAuthentication, MethodIsNamedOnce) {
  Dialogue login;
  EXPECT_EQ(login.Say("0", kNames + "|AuthMethod=None"), "0 " + kFirst + "|AuthMethod=None");
  EXPECT_EQ(login.Say("0-1", "AuthMethod=None"), "fail 0200");
}

TEST_F(ChapOnly, GoesThrough) {
  EXPECT_EQ(login_.Say("0", kNames + "|AuthMethod=CHAP,None"), "0 " + kFirst + "|AuthMethod=CHAP");
  EXPECT_EQ(login_.Say("0", "CHAP_A=5"), "0 CHAP_A=5|CHAP_I=1|CHAP_C=0x00");
  EXPECT_EQ(login_.Say("0-1", kWord), "0-1");
  EXPECT_EQ(login_.Say("1-3"), "final 1-3 MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(login_.machine.result().auth_method, "CHAP");
}

// RFC7143-6.3-h, 11.13.6-b: T doesn't shorten the exchange.
TEST_F(ChapOnly, TransitWaitsForTheExchange) {
  EXPECT_EQ(login_.Say("0-3", kNames + "|AuthMethod=CHAP"), "0 " + kFirst + "|AuthMethod=CHAP");
  EXPECT_EQ(login_.Say("0-3", "CHAP_A=5"), "0 CHAP_A=5|CHAP_I=1|CHAP_C=0x00");
  EXPECT_EQ(login_.Say("0-3", kWord + "|CHAP_I=2"), "final 0-3 CHAP_N=target|CHAP_R=0x01");
}

TEST_F(ChapOnly, FirstStepMayComeWithTheMethod) {
  EXPECT_EQ(login_.Say("0", kNames + "|AuthMethod=CHAP|CHAP_A=5"),
            "0 " + kFirst + "|AuthMethod=CHAP|CHAP_A=5|CHAP_I=1|CHAP_C=0x00");
}

TEST_F(ChapOnly, StaysInTheStageAfterwards) {
  login_.Say("0", kNames + "|AuthMethod=CHAP|CHAP_A=5");
  EXPECT_EQ(login_.Say("0", kWord), "0");
  EXPECT_EQ(login_.Say("0-1"), "0-1");
  EXPECT_EQ(login_.Say("1-3", kWord), "fail 0200");
}

TEST_F(ChapOnly, NothingFollowsTheExchange) {
  login_.Say("0", kNames + "|AuthMethod=CHAP|CHAP_A=5");
  EXPECT_EQ(login_.Say("0", kWord), "0");
  EXPECT_EQ(login_.Say("0-1", "CHAP_I=2"), "fail 0200");
}

TEST_F(ChapOnly, FailsWithTheMethodsStatus) {
  login_.Say("0", kNames + "|AuthMethod=CHAP|CHAP_A=5");
  EXPECT_EQ(login_.Say("0-1", "CHAP_N=me|CHAP_R=wrong"), "fail 0201");
  EXPECT_EQ(login_.step.error.reason, "wrong word");
}

TEST_F(ChapOnly, EmptyAnswerIsTheMethodsToJudge) {
  login_.Say("0", kNames + "|AuthMethod=CHAP|CHAP_A=5");
  EXPECT_EQ(login_.Say("0-1"), "fail 0207");
}

TEST_F(ChapOnly, NoneIsNotEnough) {
  EXPECT_EQ(login_.Say("0-1", kNames + "|AuthMethod=None"), "fail 0201 AuthMethod=Reject");
}

// RFC7143-6.3.1-h
TEST_F(ChapOnly, OperationalStageFirstIsRefused) {
  EXPECT_EQ(login_.Say("1-3", kNames), "fail 0201");
}

// §6.3.2: the initiator leaves the offer to the target.
TEST_F(ChapOnly, IsOfferedByTheTarget) {
  EXPECT_EQ(login_.Say("0-1", kNames), "0 " + kFirst + "|AuthMethod=CHAP");
  EXPECT_EQ(login_.Say("0-1", "AuthMethod=CHAP|CHAP_A=5"), "0 CHAP_A=5|CHAP_I=1|CHAP_C=0x00");
  EXPECT_EQ(login_.Say("0-1", kWord), "0-1");
}

TEST_F(ChapOnly, OfferIsRefused) {
  for (const char* answer : {"Reject", "NotUnderstood", "None", "Foo"}) {
    Dialogue login;
    login.host.target.auth = &policy_;
    login.Say("0-1", kNames);
    EXPECT_EQ(login.Say("0-1", std::string("AuthMethod=") + answer), "fail 0201 AuthMethod=Reject");
  }
  login_.Say("0-1", kNames);
  EXPECT_EQ(login_.Say("0-1"), "fail 0201");
}

TEST(OptionalAuthentication, IsTheInitiatorsChoice) {
  WordPolicy policy({"CHAP", "None"});
  Dialogue plain;
  plain.host.target.auth = &policy;
  EXPECT_EQ(plain.Say("1-3", kNames), "final 1-3 " + kFirst + "|MaxRecvDataSegmentLength=262144");
  Dialogue chap;
  chap.host.target.auth = &policy;
  EXPECT_EQ(chap.Say("0", kNames + "|AuthMethod=CHAP,None"), "0 " + kFirst + "|AuthMethod=CHAP");
  EXPECT_EQ(chap.Say("0-1"), "fail 0200");
  Dialogue none;
  none.host.target.auth = &policy;
  EXPECT_EQ(none.Say("0-1", kNames + "|AuthMethod=None,CHAP"),
            "0-1 " + kFirst + "|AuthMethod=None");
}

TEST(OptionalAuthentication, IsFinishedOnceItHasBegun) {
  WordPolicy policy({"CHAP", "None"});
  Dialogue dialogue;
  dialogue.host.target.auth = &policy;
  EXPECT_EQ(dialogue.Say("0-1", kNames + "|AuthMethod=CHAP"), "0 " + kFirst + "|AuthMethod=CHAP");
  EXPECT_EQ(dialogue.Say("0-1", "CHAP_A=5"), "0 CHAP_A=5|CHAP_I=1|CHAP_C=0x00");
}

// §6.3.2: the target offers when the initiator wants to leave the stage, and not before.
TEST(Authentication, IsNotOfferedBeforeTheEnd) {
  WordPolicy policy({"CHAP"});
  Dialogue dialogue;
  dialogue.host.target.auth = &policy;
  EXPECT_EQ(dialogue.Say("0", kNames), "0 " + kFirst);
  EXPECT_EQ(dialogue.Say("0"), "0");
  EXPECT_EQ(dialogue.Say("0-1"), "0 AuthMethod=CHAP");
}

}  // namespace
}  // namespace pushpull::target
