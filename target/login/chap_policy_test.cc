// CHAP within a login (RFC 7143 §9.2, §9.2.1, §12.1.3; RFC 1994), the initiator's side by hand.

#include "target/login/chap_policy.h"

#include <cctype>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "target/login/chap.h"
#include "target/login/login.h"
#include "target/login/testing.h"
#include "target/negotiation/values.h"

namespace pushpull::target {
namespace {

const char kSecret[] = "alice's secret 16";
const char kOwnSecret[] = "the target's own";

ChapOptions Alice() {
  ChapOptions options;
  options.accounts = {{"alice", ChapSecret(kSecret), {}}};
  options.own = ChapAccount{"storage", ChapSecret(kOwnSecret), {}};
  return options;
}

// What the target says with its challenge.
struct Challenge {
  std::string algorithm, identifier, text;
  std::vector<uint8_t> bytes;
};

class Login {
 public:
  explicit Login(ChapPolicy* policy) { dialogue.host.target.auth = policy; }

  std::string Begin() { return dialogue.Say("0", kNames + "|AuthMethod=CHAP"); }

  // Up to the challenge.
  Challenge Challenged(const std::string& algorithms = "5") {
    Begin();
    const std::string answer = dialogue.Say("0", "CHAP_A=" + algorithms);
    Challenge challenge;
    const auto value = [&answer](std::string_view key) {
      const size_t at = answer.find(key);
      if (at == answer.npos) return std::string();
      const size_t from = at + key.size();
      return answer.substr(from, answer.find('|', from) - from);
    };
    challenge.algorithm = value("CHAP_A=");
    challenge.identifier = value("CHAP_I=");
    challenge.text = value("CHAP_C=");
    challenge.bytes = ParseBinary(challenge.text, kMaxChapBinary).value_or(std::vector<uint8_t>());
    EXPECT_FALSE(challenge.bytes.empty()) << answer;
    return challenge;
  }

  static std::vector<uint8_t> Response(const Challenge& challenge, std::string_view secret) {
    const auto algorithm = FindChapAlgorithm(*ParseNumber(challenge.algorithm));
    const auto identifier = static_cast<uint8_t>(*ParseNumber(challenge.identifier));
    return *ChapResponse(*algorithm, identifier, secret, challenge.bytes);
  }

  // The answer to a challenge, with `more` keys.
  std::string Answer(const Challenge& challenge, std::string_view secret = kSecret,
                     const std::string& more = "", const std::string& user = "alice") {
    return dialogue.Say(
        "0-1", "CHAP_N=" + user + "|CHAP_R=" + FormatHex(Response(challenge, secret)) + more);
  }

  Dialogue dialogue;
};

class ChapTest : public testing::Test {
 protected:
  explicit ChapTest(ChapOptions options = Alice())
      : policy_(std::move(options), SeededEntropy(1)), login_(&policy_) {}

  ChapPolicy policy_;
  Login login_;
};

// RFC7143-9.2.1-b: by a secret of 17 bytes.
TEST_F(ChapTest, ProvesTheInitiator) {
  EXPECT_EQ(login_.Answer(login_.Challenged()), "0-1");
  EXPECT_EQ(login_.dialogue.Say("1-3"), "final 1-3 MaxRecvDataSegmentLength=262144");
  EXPECT_EQ(login_.dialogue.machine.result().authentication, "CHAP alice");
}

TEST_F(ChapTest, ProvesTheTarget) {
  for (const char* algorithm : {"5", "6", "7", "8"}) {
    Login login(&policy_);
    const std::vector<uint8_t> ours(32, 0x77);
    const std::string answer =
        login.Answer(login.Challenged(algorithm), kSecret, "|CHAP_I=255|CHAP_C=" + FormatHex(ours));
    const auto due =
        ChapResponse(*FindChapAlgorithm(*ParseNumber(algorithm)), 255, kOwnSecret, ours);
    EXPECT_EQ(answer, "0-1 CHAP_N=storage|CHAP_R=" + FormatHex(*due)) << algorithm;
  }
}

// RFC7143-12.1.3-a, -f
TEST_F(ChapTest, TakesTheFirstKnownAlgorithm) {
  struct Case {
    const char* offer;
    const char* chosen;  // empty: status 0201
  };
  const Case cases[] = {{"5", "5"},      {"7,5", "7"},    {"99,5", "5"}, {"8,7,6,5", "8"},
                        {"0x6,5", "6"},  {"99", ""},      {"4", ""},     {"261", ""},
                        {"5,5,99", "5"}, {"99,4,300", ""}};
  for (const Case& c : cases) {
    Login login(&policy_);
    if (*c.chosen != 0) {
      EXPECT_EQ(login.Challenged(c.offer).algorithm, c.chosen) << c.offer;
    } else {
      login.Begin();
      EXPECT_EQ(login.dialogue.Say("0", std::string("CHAP_A=") + c.offer), "fail 0201") << c.offer;
    }
  }
}

TEST_F(ChapTest, OnlyConfiguredAlgorithms) {
  ChapOptions options = Alice();
  options.algorithms = {ChapAlgorithm::kSha256};
  ChapPolicy policy(std::move(options), SeededEntropy(1));
  EXPECT_EQ(Login(&policy).Challenged("5,6,7").algorithm, "7");
  Login login(&policy);
  login.Begin();
  EXPECT_EQ(login.dialogue.Say("0", "CHAP_A=5"), "fail 0201");
}

// RFC7143-9.2-b, 12.1.3-g: the first step.
TEST_F(ChapTest, FirstStepIsCheckedForItsKeys) {
  struct Case {
    const char* keys;
    const char* answer;
  };
  const Case cases[] = {
      {"", "fail 0207"},
      {"CHAP_A=", "fail 0200"},
      {"CHAP_A=five", "fail 0200"},
      {"CHAP_A=5,x", "fail 0200"},
      {"CHAP_A=5|CHAP_A=5", "fail 0200"},
      {"CHAP_A=5|CHAP_I=1", "fail 0200"},
      {"CHAP_A=5|CHAP_C=0x00", "fail 0200"},
      {"CHAP_A=5|CHAP_N=alice", "fail 0200"},
      {"CHAP_N=alice|CHAP_R=0x00", "fail 0200"},
      {"KRB_AP_REQ=0x00", "fail 0200"},
      {"CHAP_A=5|SRP_U=alice", "fail 0200"},
      {"CHAP_A=Reject", "fail 0200"},
  };
  for (const Case& c : cases) {
    Login login(&policy_);
    login.Begin();
    EXPECT_EQ(login.dialogue.Say("0", c.keys), c.answer) << c.keys;
  }
}

// RFC7143-9.2-b, -d: the second step. @R is a right response.
// Whoever else looked for them: a method has each of its keys once.
TEST_F(ChapTest, AKeyThatComesTwiceIsRefused) {
  const auto exchange = policy_.Start("CHAP", "iqn.i");
  const auto status = [&exchange](std::vector<KeyValue> keys) {
    const AuthExchange::Step step = exchange->OnKeys(keys);
    return step.verdict == AuthExchange::Step::Verdict::kFailed ? step.status
                                                                : LoginStatus::kSuccess;
  };
  const KeyValue algorithm{"CHAP_A", "5", true}, name{"CHAP_N", "alice", true},
      response{"CHAP_R", "0x00112233445566778899aabbccddeeff", true};
  EXPECT_EQ(status({algorithm, algorithm}), LoginStatus::kInitiatorError);
  EXPECT_EQ(status({algorithm}), LoginStatus::kSuccess);
  EXPECT_EQ(status({algorithm, name, response}), LoginStatus::kInitiatorError);
}

TEST_F(ChapTest, SecondStepIsCheckedForItsKeys) {
  const std::string name = "CHAP_N=alice";
  const std::string longest(kMaxChapBinary * 2, 'a');
  const std::pair<std::string, std::string> cases[] = {
      {"", "fail 0207"},
      {name, "fail 0207"},
      {"CHAP_R=@R", "fail 0207"},
      {name + "|CHAP_I=1|CHAP_C=0x00", "fail 0207"},
      {name + "|CHAP_R=@R|CHAP_I=1", "fail 0207"},
      {name + "|CHAP_R=@R|CHAP_C=0x00", "fail 0207"},
      {name + "|CHAP_R=@R|CHAP_A=5", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_R=@R", "fail 0200"},
      {name + "|CHAP_R=@R|KRB_AP_REQ=0x00", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=256|CHAP_C=0x0011", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=x|CHAP_C=0x0011", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=0x", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=0b", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=1234", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=0b====", "fail 0200"},
      {name + "|CHAP_R=@R|CHAP_I=1|CHAP_C=0x" + longest + "aa", "fail 0200"},
      {"CHAP_N=|CHAP_R=@R", "fail 0200"},
      {"CHAP_N=" + std::string(256, 'a') + "|CHAP_R=@R", "fail 0200"},
      {"CHAP_N=" + std::string(255, 'a') + "|CHAP_R=@R", "fail 0201"},
      {name + "|CHAP_R=", "fail 0200"},
      {name + "|CHAP_R=0x", "fail 0200"},
      {name + "|CHAP_R=0xnothing", "fail 0200"},
      {name + "|CHAP_R=0bABC", "fail 0200"},
      {name + "|CHAP_R=0b" + std::string(4096, 'A'), "fail 0200"},
      {name + "|CHAP_R=0x" + longest, "fail 0201"},
      {name + "|CHAP_R=@R00", "fail 0201"},
      {name + "|CHAP_R=0x0", "fail 0201"},
      {"CHAP_N=bob|CHAP_R=@R", "fail 0201"},
      {"CHAP_N=Alice|CHAP_R=@R", "fail 0201"},
  };
  for (const auto& [keys, answer] : cases) {
    Login login(&policy_);
    const Challenge challenge = login.Challenged();
    std::string said = keys;
    const std::string right = FormatHex(Login::Response(challenge, kSecret));
    for (size_t at; (at = said.find("@R")) != said.npos;) said.replace(at, 2, right);
    EXPECT_EQ(login.dialogue.Say("0-1", said), answer) << keys;
    EXPECT_EQ(login.dialogue.step.error.reason.find(right), std::string::npos) << "in a log";
  }
}

// RFC7143-12.1.3-b, 9.2-c
TEST_F(ChapTest, WhatDoesNotProveIsRefused) {
  EXPECT_EQ(login_.Answer(login_.Challenged(), "alice's secret 17"), "fail 0201");
  Login stranger(&policy_);
  EXPECT_EQ(stranger.Answer(stranger.Challenged(), kSecret, "", "bob"), "fail 0201");
  Login late(&policy_);
  Challenge challenge = late.Challenged();
  challenge.identifier = std::to_string((*ParseNumber(challenge.identifier) + 1) % 256);
  EXPECT_EQ(late.Answer(challenge), "fail 0201") << "of another identifier";
}

// RFC7143-12.1.3-d, -e
TEST_F(ChapTest, BothEncodingsAreTaken) {
  for (const bool base64 : {false, true}) {
    ChapOptions options = Alice();
    options.base64 = base64;
    options.challenge_length = kMaxChapBinary;
    ChapPolicy policy(std::move(options), SeededEntropy(1));
    Login login(&policy);
    const Challenge challenge = login.Challenged("8");
    EXPECT_EQ(challenge.text.substr(0, 2), base64 ? "0b" : "0x");
    EXPECT_EQ(challenge.bytes.size(), kMaxChapBinary);
    const std::vector<uint8_t> response = Login::Response(challenge, kSecret);
    std::string upper = FormatHex(response);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string text = base64 ? FormatBase64(response) : upper;
    const std::vector<uint8_t> longest(kMaxChapBinary, 0xff);
    const std::string answer = login.dialogue.Say(
        "0-1", "CHAP_N=alice|CHAP_R=" + text + "|CHAP_I=0x0|CHAP_C=" + FormatBase64(longest));
    const auto due = ChapResponse(ChapAlgorithm::kSha3_256, 0, kOwnSecret, longest);
    EXPECT_EQ(answer,
              "0-1 CHAP_N=storage|CHAP_R=" + (base64 ? FormatBase64(*due) : FormatHex(*due)));
  }
}

// RFC7143-9.2.1-d: of this login and of any other that is under way.
TEST_F(ChapTest, ReflectedChallengesAreRefused) {
  const Challenge own = login_.Challenged();
  Login other(&policy_);
  const Challenge others = other.Challenged();
  EXPECT_EQ(login_.Answer(own, kSecret, "|CHAP_I=1|CHAP_C=" + others.text), "fail 0201");
  EXPECT_EQ(other.Answer(others, kSecret, "|CHAP_I=1|CHAP_C=" + others.text), "fail 0201");
}

// RFC7143-9.2.1-c, RFC1994-2.3-a
TEST_F(ChapTest, ItsOwnResponseProvesNothing) {
  ChapOptions options = Alice();
  options.own->secret = ChapSecret(kSecret);
  ChapPolicy policy(std::move(options), SeededEntropy(1));
  Login login(&policy);
  EXPECT_EQ(login.Answer(login.Challenged()), "fail 0201");
}

// RFC7143-12.1.3-c
TEST_F(ChapTest, WithoutASecretOfItsOwnItRefuses) {
  ChapOptions options = Alice();
  options.own.reset();
  ChapPolicy policy(std::move(options), SeededEntropy(1));
  Login login(&policy);
  EXPECT_EQ(login.Answer(login.Challenged(), kSecret, "|CHAP_I=1|CHAP_C=0x1122"), "fail 0201");
  Login one_way(&policy);
  EXPECT_EQ(one_way.Answer(one_way.Challenged()), "0-1");
}

// RFC7143-9.2-e
TEST_F(ChapTest, UsersBelongToInitiators) {
  ChapOptions options = Alice();
  options.accounts[0].initiators = {"iqn.2026-11.org.example:other"};
  options.accounts.push_back({"bob", ChapSecret("bob's own secret"), {kInitiator}});
  ChapPolicy policy(std::move(options), SeededEntropy(1));
  Login alice(&policy);
  EXPECT_EQ(alice.Answer(alice.Challenged()), "fail 0201");
  Login bob(&policy);
  EXPECT_EQ(bob.Answer(bob.Challenged(), "bob's own secret", "", "bob"), "0-1");
}

// RFC1994-4.1-a, -b: 1,000 logins, all under way.
TEST_F(ChapTest, ChallengesAndIdentifiersChange) {
  std::set<std::vector<uint8_t>> challenges;
  std::vector<std::unique_ptr<Login>> logins;
  std::string last;
  for (int i = 0; i < 1000; ++i) {
    logins.push_back(std::make_unique<Login>(&policy_));
    const Challenge challenge = logins.back()->Challenged();
    EXPECT_TRUE(challenges.insert(challenge.bytes).second);
    EXPECT_NE(challenge.identifier, last);
    last = challenge.identifier;
  }
}

// RFC 7143 §9.2.1: a challenge is its login's own while that is under way, and nobody's later.
TEST_F(ChapTest, ChallengesBelongToTheirLogin) {
  ChapOptions options = Alice();
  options.challenge_length = 2;
  int drawn = 0;
  // The first is the identifier's; then the same comes three times, and another, and the same.
  ChapPolicy policy(std::move(options), [&drawn](std::span<uint8_t> bytes) {
    ++drawn;
    for (uint8_t& byte : bytes) byte = drawn == 5 ? 0x22 : 0x11;
    return true;
  });
  std::string former;
  {
    Login first(&policy);
    former = first.Challenged().text;
    EXPECT_EQ(former, "0x1111");
    Login second(&policy);
    EXPECT_EQ(second.Challenged().text, "0x2222");
    EXPECT_EQ(drawn, 5);
    // Where there is no other, two have it, and the login goes on.
    Login third(&policy);
    EXPECT_EQ(third.Challenged().text, "0x1111");
  }
  drawn = 0;
  Login reader(&policy);
  const Challenge own = reader.Challenged();
  EXPECT_EQ(own.text, "0x1111") << "it is free again";
  EXPECT_EQ(drawn, 1);
  const std::string answer =
      reader.Answer(own, kSecret, "|CHAP_I=1|CHAP_C=0x2222");  // of a login that is over
  EXPECT_TRUE(answer.starts_with("0-1 CHAP_N=storage|CHAP_R=0x")) << answer;
}

TEST_F(ChapTest, WithoutEntropyNobodyGetsIn) {
  ChapPolicy policy(Alice(), [](std::span<uint8_t>) { return false; });
  Login login(&policy);
  login.Begin();
  EXPECT_EQ(login.dialogue.Say("0", "CHAP_A=5"), "fail 0300");
}

// RFC7143-9.2-f, -g
TEST_F(ChapTest, AllConnectionsOfASessionAreOnesOwn) {
  const std::pair<const char*, const char*> cases[] = {
      {"CHAP alice", "final 1-3 MaxRecvDataSegmentLength=262144"},
      {"CHAP bob", "fail 0201"},
      {"", "fail 0201"},
  };
  for (const auto& [session, answer] : cases) {
    Login login(&policy_);
    login.dialogue.header.tsih = 7;
    login.dialogue.host.place =
        LoginPlace{.kind = LoginKind::kConnectionReinstatement, .authentication = session};
    EXPECT_EQ(login.Answer(login.Challenged()), "0-1");
    EXPECT_EQ(login.dialogue.Say("1-3"), answer) << session;
  }
  Dialogue anonymous;
  anonymous.header.tsih = 7;
  anonymous.host.place =
      LoginPlace{.kind = LoginKind::kConnectionReinstatement, .authentication = "CHAP alice"};
  EXPECT_EQ(anonymous.Say("1-3", kNames), "fail 0201");
}

// RFC7143-9.2-a, 12.1-b: no other methods are there.
TEST_F(ChapTest, OptionalChapLetsOthersIn) {
  ChapOptions options = Alice();
  options.optional = true;
  ChapPolicy policy(std::move(options), SeededEntropy(1));
  EXPECT_EQ(policy.Methods(), (std::vector<std::string>{"CHAP", "None"}));
  EXPECT_EQ(policy_.Methods(), (std::vector<std::string>{"CHAP"}));
}

// For whom there is no secret something is computed all the same; that proves nothing.
TEST_F(ChapTest, NobodysSecretProvesNothing) {
  EXPECT_EQ(login_.Answer(login_.Challenged(), "nobody's secret", "", "bob"), "fail 0201");
}

// One login's end doesn't make another's challenge a stranger's.
TEST_F(ChapTest, AChallengeIsOursUntilItsOwnLoginEnds) {
  auto other = std::make_unique<Login>(&policy_);
  other->Challenged();
  const Challenge mine = login_.Challenged();
  other.reset();
  EXPECT_EQ(login_.Answer(mine, kSecret, "|CHAP_I=1|CHAP_C=" + mine.text), "fail 0201");
}

TEST_F(ChapTest, IdentifiersBeginAnywhere) {
  std::set<std::string> first;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    ChapPolicy policy(Alice(), SeededEntropy(seed));
    first.insert(Login(&policy).Challenged().identifier);
  }
  EXPECT_GT(first.size(), 4u);
}

}  // namespace
}  // namespace pushpull::target
