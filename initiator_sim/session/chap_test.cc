#include "initiator_sim/session/chap.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/bytes.h"
#include "base/hex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "initiator_sim/pdu/data.h"

namespace pushpull::initiator_sim {
namespace {

using testing::HasSubstr;

v1::KeyList Keys(std::initializer_list<std::pair<const char*, std::string>> pairs) {
  v1::KeyList keys;
  for (const auto& [name, value] : pairs) {
    keys.add_key()->set_name(name);
    keys.mutable_key(keys.key_size() - 1)->set_value(value);
  }
  return keys;
}

std::string ValueOf(const std::vector<v1::KeyValue>& keys, const std::string& name) {
  for (const v1::KeyValue& key : keys) {
    if (key.name() == name) return key.value();
  }
  return "(none)";
}

const ChapCredentials kCredentials = {.user = "alice",
                                      .secret = "a secret of 16 b",
                                      .mutual_user = "target",
                                      .mutual_secret = "another one here"};

TEST(ChapTest, ResponsesAreDigestsOfIdentifierSecretAndChallenge) {
  // Computed with md5sum, sha1sum, sha256sum and openssl dgst -sha3-256 of "\x07secretchallenge".
  const struct {
    uint32_t algorithm;
    const char* hex;
  } kCases[] = {
      {kChapMd5, "35524f3f6d24a5b27d3a2ff77c7c5060"},
      {kChapSha1, "680d9c1d423b422bd5d1b011642fe34e01602a6c"},
      {kChapSha256, "e90c73de581a9d0ca40cb82bbeeaa22c97a79c0e02044a798b98e2a3be20e172"},
      {kChapSha3_256, "dc087731d8f9a953cadfb7a7e35b14f543e0a0d9470debfe418717693ea13115"},
  };
  for (const auto& one : kCases) {
    const auto response = ChapResponse(one.algorithm, 7, "secret", "challenge");
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(base::Hex(base::AsBytes(*response)), one.hex) << one.algorithm;
  }
  EXPECT_EQ(ChapResponse(4, 7, "secret", "challenge"), std::nullopt);
}

TEST(ChapTest, BinaryValues) {
  const struct {
    const char* text;
    std::optional<std::string> bytes;
  } kCases[] = {
      {"0x0aff", "\x0a\xff"},
      {"0Xaff", "\x0a\xff"},
      {"0bCv8=", "\x0a\xff"},
      {"0BCv8=", "\x0a\xff"},
      {"0x", {}},
      {"0b", {}},
      {"12", {}},
      {"0xzz", {}},
      {"0b***", {}},
      {"", {}},
      {"0x 12", {}},
  };
  for (const auto& one : kCases) EXPECT_EQ(DecodeBinary(one.text), one.bytes) << one.text;
  for (const bool base64 : {false, true}) {
    const std::string bytes("\0\x01\xfe\xff", 4);
    EXPECT_EQ(DecodeBinary(EncodeBinary(bytes, base64)), bytes);
  }
}

TEST(ChapTest, AnswersTheTargetsChallenge) {
  ChapInitiator chap({}, kCredentials, 1);
  EXPECT_EQ(ValueOf(chap.Offer(), "CHAP_A"), "5");
  const auto answer = chap.Answer(Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "0x6368"}}));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(ValueOf(*answer, "CHAP_N"), "alice");
  EXPECT_EQ(DecodeBinary(ValueOf(*answer, "CHAP_R")),
            ChapResponse(5, 7, kCredentials.secret, "ch"));
  EXPECT_EQ(ValueOf(*answer, "CHAP_C"), "(none)");
  EXPECT_TRUE(chap.complete());
}

TEST(ChapTest, TheTargetProvesItself) {
  for (const bool right : {true, false}) {
    v1::Chap settings;
    settings.set_mutual(true);
    settings.add_algorithm(kChapSha256);
    settings.add_algorithm(kChapMd5);
    ChapInitiator chap(settings, kCredentials, 1);
    EXPECT_EQ(ValueOf(chap.Offer(), "CHAP_A"), "7,5");
    const auto answer =
        chap.Answer(Keys({{"CHAP_A", "7"}, {"CHAP_I", "0x10"}, {"CHAP_C", "0bY2g="}}));
    ASSERT_TRUE(answer.ok());
    EXPECT_TRUE(chap.answered());
    EXPECT_FALSE(chap.complete());
    const auto challenge = DecodeBinary(ValueOf(*answer, "CHAP_C"));
    ASSERT_TRUE(challenge.has_value());
    const uint8_t identifier = static_cast<uint8_t>(std::stoi(ValueOf(*answer, "CHAP_I")));
    const std::string secret = right ? kCredentials.mutual_secret : kCredentials.secret;
    const auto done = chap.Answer(
        Keys({{"CHAP_N", "target"},
              {"CHAP_R", EncodeBinary(*ChapResponse(7, identifier, secret, *challenge), false)}}));
    EXPECT_EQ(done.ok(), right);
    EXPECT_EQ(chap.complete(), right);
  }
}

TEST(ChapTest, BreachesOfTheTarget) {
  const struct {
    v1::KeyList keys;
    const char* what;
  } kCases[] = {
      {Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}}), "CHAP_A, CHAP_I and CHAP_C are due"},
      {Keys({{"CHAP_A", "5"}, {"CHAP_C", "0x00"}}), "CHAP_A, CHAP_I and CHAP_C are due"},
      {Keys({{"CHAP_I", "7"}, {"CHAP_C", "0x00"}}), "CHAP_A, CHAP_I and CHAP_C are due"},
      {Keys({{"CHAP_A", "x"}, {"CHAP_I", "7"}, {"CHAP_C", "0x00"}}), "none that was offered"},
      {Keys({{"CHAP_A", "7"}, {"CHAP_I", "7"}, {"CHAP_C", "0x00"}}), "none that was offered"},
      {Keys({{"CHAP_A", "5"}, {"CHAP_I", "256"}, {"CHAP_C", "0x00"}}), "no number up to 255"},
      {Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "abc"}}), "no binary value"},
      {Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "0x" + std::string(2050, 'a')}}),
       "more than 1024 bytes"},
  };
  for (const auto& one : kCases) {
    ChapInitiator chap({}, kCredentials, 1);
    const auto answer = chap.Answer(one.keys);
    ASSERT_FALSE(answer.ok());
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(one.what));
  }
}

// What a target that was challenged owes: its name and the proof (RFC 7143 §12.1.3).
TEST(ChapTest, BreachesOfTheTargetsProof) {
  const struct {
    const char* name;  // null: none
    bool response;
    const char* what;
  } kCases[] = {
      {"target", true, ""},
      {"target", false, "CHAP_N and CHAP_R are due"},
      {nullptr, true, "CHAP_N and CHAP_R are due"},
      {"another", true, "CHAP_N=another is not the target's name"},
  };
  for (const auto& one : kCases) {
    v1::Chap settings;
    settings.set_mutual(true);
    ChapInitiator chap(settings, kCredentials, 1);
    const auto asked = chap.Answer(Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "0x6368"}}));
    ASSERT_TRUE(asked.ok());
    const uint8_t identifier = static_cast<uint8_t>(std::stoi(ValueOf(*asked, "CHAP_I")));
    const std::string challenge = *DecodeBinary(ValueOf(*asked, "CHAP_C"));
    const std::string proof = *ChapResponse(5, identifier, kCredentials.mutual_secret, challenge);
    v1::KeyList keys;
    if (one.name != nullptr) keys.MergeFrom(Keys({{"CHAP_N", one.name}}));
    if (one.response) keys.MergeFrom(Keys({{"CHAP_R", EncodeBinary(proof, false)}}));
    const auto done = chap.Answer(keys);
    EXPECT_EQ(chap.complete(), *one.what == '\0');
    EXPECT_EQ(done.ok(), *one.what == '\0');
    EXPECT_THAT(std::string(done.status().message()), HasSubstr(one.what));
    // What is proven needn't be proven again.
    if (done.ok()) {
      EXPECT_TRUE(chap.Answer(Keys({})).ok());
    }
  }
}

TEST(ChapTest, AScenarioMayNameOtherCredentials) {
  v1::Chap settings;
  settings.set_user("mallory");
  settings.set_secret("guessed");
  ChapInitiator chap(settings, kCredentials, 1);
  const auto answer = chap.Answer(Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "0x6368"}}));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(ValueOf(*answer, "CHAP_N"), "mallory");
  EXPECT_EQ(DecodeBinary(ValueOf(*answer, "CHAP_R")), ChapResponse(5, 7, "guessed", "ch"));
}

TEST(ChapTest, OnlyWhatWasOfferedMayBeChosen) {
  const struct {
    const char* chosen;
    const char* says;
  } kCases[] = {
      {"6", "none that was offered"},
      {"x", "none that was offered"},
      {"4", "isn't known here"},
  };
  v1::Chap settings;
  settings.add_algorithm(7);
  settings.add_algorithm(4);
  for (const auto& one : kCases) {
    ChapInitiator chap(settings, kCredentials, 1);
    EXPECT_EQ(chap.Offer().at(0).value(), "7,4");
    const auto answer =
        chap.Answer(Keys({{"CHAP_A", one.chosen}, {"CHAP_I", "7"}, {"CHAP_C", "0x6368"}}));
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr(one.says)) << one.chosen;
    EXPECT_FALSE(chap.answered());
  }
  ChapInitiator chap(settings, kCredentials, 1);
  EXPECT_TRUE(chap.Answer(Keys({{"CHAP_A", "7"}, {"CHAP_I", "255"}, {"CHAP_C", "0x6368"}})).ok());
}

// RFC 7143 §12.1.3: up to 1024 bytes.
TEST(ChapTest, AChallengeOfAnyLength) {
  for (const size_t size : {1, 1024, 1025}) {
    ChapInitiator chap({}, kCredentials, 1);
    const std::string challenge = EncodeBinary(std::string(size, 'c'), false);
    EXPECT_EQ(
        chap.Answer(Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", challenge.c_str()}})).ok(),
        size <= 1024)
        << size;
  }
}

TEST(ChapTest, Deviations) {
  const std::string right = *ChapResponse(5, 7, kCredentials.secret, "ch");
  const auto answer = [&](v1::ChapDeviation deviation) {
    v1::Chap settings;
    settings.set_deviation(deviation);
    settings.set_mutual(deviation >= v1::CHAP_CHALLENGE_REFLECTED);
    ChapInitiator chap(settings, kCredentials, 1);
    return *chap.Answer(Keys({{"CHAP_A", "5"}, {"CHAP_I", "7"}, {"CHAP_C", "0x6368"}}));
  };
  EXPECT_NE(DecodeBinary(ValueOf(answer(v1::CHAP_RESPONSE_WRONG), "CHAP_R")), right);
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_RESPONSE_SHORT), "CHAP_R")), right.substr(0, 15));
  EXPECT_EQ(ValueOf(answer(v1::CHAP_RESPONSE_ABSENT), "CHAP_R"), "(none)");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_NAME_ABSENT), "CHAP_N"), "(none)");
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_RESPONSE_NOT_A_NUMBER), "CHAP_R")), std::nullopt);
  EXPECT_EQ(ValueOf(answer(v1::CHAP_CHALLENGE_REFLECTED), "CHAP_C"), "0x6368");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_CHALLENGE_REFLECTED), "CHAP_I"), "7");
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_CHALLENGE_TOO_LONG), "CHAP_C"))->size(), 1025u);
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_CHALLENGE_LONGEST), "CHAP_C"))->size(), 1024u);
  EXPECT_EQ(ValueOf(answer(v1::CHAP_CHALLENGE_ABSENT), "CHAP_C"), "(none)");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_CHALLENGE_EMPTY), "CHAP_C"), "0x");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_IDENTIFIER_ABSENT), "CHAP_I"), "(none)");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_IDENTIFIER_TOO_LARGE), "CHAP_I"), "256");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_RESPONSE_EMPTY), "CHAP_R"), "0x");
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_RESPONSE_LONG), "CHAP_R"))->size(), 17u);
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_RESPONSE_TOO_LONG), "CHAP_R"))->size(), 1025u);
  EXPECT_EQ(answer(v1::CHAP_RESPONSE_TWICE)[2].name(), "CHAP_R");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_RESPONSE_HALF_BASE64), "CHAP_R"), "0bAAA");
  EXPECT_EQ(DecodeBinary(ValueOf(answer(v1::CHAP_UPPER_CASE), "CHAP_R")), right);
  EXPECT_EQ(ValueOf(answer(v1::CHAP_ALGORITHM_AGAIN), "CHAP_A"), "5");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_RESPONSE_WRONG), "CHAP_A"), "(none)");
  EXPECT_EQ(ValueOf(answer(v1::CHAP_OTHER_METHODS_KEY), "KRB_AP_REQ"), "0x00");
}

}  // namespace
}  // namespace pushpull::initiator_sim
