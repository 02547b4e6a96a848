// What both sides' keys come to, on which the monitor's limits rest: where it can't be said,
// nothing may be judged by it.

#include "conformance/monitor/key_exchange.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace pushpull::conformance::monitor {
namespace {

// The initiator says this.
void Say(KeyExchange* keys, const std::string& name, const std::string& value) {
  v1::KeyList list;
  v1::KeyValue* const key = list.add_key();
  key->set_name(name);
  key->set_value(value);
  keys->TakeInitiatorKeys(list, /*security_stage=*/false);
}

KeyOffer ByTarget(const std::string& value) {
  KeyOffer offer;
  offer.value = value;
  offer.by_target = true;
  return offer;
}

// After an offer of the initiator's, and the answer to it ("": none).
KeyExchange After(const std::string& name, const std::string& offer, const std::string& answer) {
  KeyExchange keys;
  Say(&keys, name, offer);
  if (!answer.empty()) keys.offers.at(name).answer = answer;
  return keys;
}

// "?" where it can't be said.
std::string Outcome(const std::string& name, const std::string& offer, const std::string& answer) {
  const KeyExchange::Outcome outcome = After(name, offer, answer).OutcomeOf(name);
  return outcome.known ? outcome.value : "?";
}

TEST(LogicalTextTest, PartsBecomeOneText) {
  LogicalText text;
  EXPECT_EQ(text.Add("A=", /*more=*/true), std::nullopt);
  EXPECT_EQ(text.Add("1", /*more=*/false), "A=1");
  EXPECT_EQ(text.Add("B", /*more=*/false), "B");
}

TEST(LogicalTextTest, TextBeyondAMebibyteIsDropped) {
  const std::string most(size_t{1} << 20, 'x');
  LogicalText all;
  EXPECT_EQ(all.Add(most, /*more=*/false), most);
  EXPECT_FALSE(all.overflowed());
  LogicalText more;
  EXPECT_EQ(more.Add(most, /*more=*/true), std::nullopt);
  EXPECT_FALSE(more.overflowed());
  EXPECT_EQ(more.Add("x", /*more=*/true), std::nullopt);
  EXPECT_TRUE(more.overflowed());
  EXPECT_EQ(more.Add("y", /*more=*/false), std::nullopt) << "its beginning is gone";
}

TEST(KeyExchangeTest, WhatTheInitiatorSaysTwiceIsDoubtful) {
  KeyExchange keys;
  Say(&keys, "MaxRecvDataSegmentLength", "512");
  EXPECT_FALSE(keys.doubtful.contains("MaxRecvDataSegmentLength"));
  Say(&keys, "MaxRecvDataSegmentLength", "1024");
  EXPECT_TRUE(keys.doubtful.contains("MaxRecvDataSegmentLength"));
  Say(&keys, "MaxBurstLength", "512");
  EXPECT_FALSE(keys.offers.at("MaxBurstLength").doubtful);
  Say(&keys, "MaxBurstLength", "512");
  EXPECT_TRUE(keys.offers.at("MaxBurstLength").doubtful);
}

TEST(KeyExchangeTest, WhatIsNoLegalOfferIsDoubtful) {
  for (const char* value : {"1", "Reject", "NotUnderstood", "Irrelevant", "None", "many"}) {
    EXPECT_TRUE(After("MaxBurstLength", value, "").offers.at("MaxBurstLength").doubtful) << value;
  }
  EXPECT_FALSE(After("MaxBurstLength", "512", "").offers.at("MaxBurstLength").doubtful);
  EXPECT_FALSE(After("X-own", "anything", "").offers.at("X-own").doubtful);
}

TEST(KeyExchangeTest, TheInitiatorAnswersTheTargetsOffer) {
  KeyExchange keys;
  keys.offers["MaxBurstLength"] = ByTarget("1024");
  Say(&keys, "MaxBurstLength", "512");
  const KeyOffer& offer = keys.offers.at("MaxBurstLength");
  EXPECT_EQ(offer.answer, "512");
  EXPECT_FALSE(offer.doubtful);
  EXPECT_FALSE(offer.passed_over);
  Say(&keys, "MaxBurstLength", "512");
  EXPECT_TRUE(offer.doubtful) << "it was answered before";
}

TEST(KeyExchangeTest, OnlyTheTargetsOfferCanBePassedOver) {
  KeyExchange keys;
  keys.offers["MaxBurstLength"] = ByTarget("1024");
  Say(&keys, "FirstBurstLength", "512");
  EXPECT_TRUE(keys.offers.at("MaxBurstLength").passed_over);
  EXPECT_FALSE(keys.offers.at("FirstBurstLength").passed_over);
}

TEST(KeyExchangeTest, OutcomesAreSaidWhereTheyAreSure) {
  const struct {
    const char *name, *offer, *answer, *outcome;
  } kCases[] = {
      {"MaxBurstLength", "1024", "512", "512"},
      {"MaxBurstLength", "1024", "1025", "?"},  // no legal answer
      {"MaxBurstLength", "1", "512", "?"},      // no legal offer
      {"MaxBurstLength", "1024", "", "?"},      // not at its end
      {"MaxBurstLength", "1024", "Reject", "262144"},
      {"MaxBurstLength", "1024", "Irrelevant", "262144"},
      {"MaxBurstLength", "1024", "NotUnderstood", "262144"},
      {"InitialR2T", "Yes", "", "Yes"},  // decided by the offer (RFC 7143 §6.2.2)
      {"InitialR2T", "No", "", "?"},
      {"ImmediateData", "No", "", "No"},
      {"ImmediateData", "Yes", "", "?"},
      {"X-own", "1", "2", "?"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(Outcome(c.name, c.offer, c.answer), c.outcome)
        << c.name << "=" << c.offer << " " << c.answer;
  }
  EXPECT_EQ(KeyExchange().OutcomeOf("MaxBurstLength").value, "262144");
  EXPECT_TRUE(KeyExchange().OutcomeOf("X-own").known);
}

TEST(KeyExchangeTest, NumbersAndBooleans) {
  EXPECT_EQ(After("MaxBurstLength", "1024", "0x200").NumberOf("MaxBurstLength"), 512u);
  EXPECT_EQ(After("MaxBurstLength", "1024", "").NumberOf("MaxBurstLength"), std::nullopt);
  EXPECT_EQ(KeyExchange().NumberOf("MaxBurstLength"), 262144u);
  EXPECT_EQ(KeyExchange().BooleanOf("InitialR2T"), true);
  EXPECT_EQ(After("InitialR2T", "No", "No").BooleanOf("InitialR2T"), false);
  EXPECT_EQ(After("InitialR2T", "No", "").BooleanOf("InitialR2T"), std::nullopt);
  EXPECT_EQ(KeyExchange().BooleanOf("MaxBurstLength"), std::nullopt) << "neither Yes nor No";
}

TEST(KeyExchangeTest, NegotiatedIsWhatBothAgreedOn) {
  const auto negotiated = [](const char* offer, const char* answer) {
    return After("MaxBurstLength", offer, answer).Negotiated("MaxBurstLength");
  };
  EXPECT_TRUE(negotiated("1024", "512"));
  EXPECT_FALSE(negotiated("1024", ""));
  EXPECT_FALSE(negotiated("1024", "Reject"));
  EXPECT_FALSE(negotiated("1", "512"));
  EXPECT_FALSE(KeyExchange().Negotiated("MaxBurstLength"));
}

TEST(KeyExchangeTest, WhatIsNoNegotiationWantsNoAnswer) {
  for (const char* name : {"CHAP_A", "SRP_U", "KRB_AP_REQ", "SPKM_REQ", "X#NodeArchitecture",
                           "iSERHelloRequired", "MaxAHSLength", "InitiatorAlias"}) {
    EXPECT_FALSE(WantsAnswer(name, "1")) << name;
  }
  for (const char* name : {"X-own", "MaxBurstLength", "HeaderDigest", "CHAPX"}) {
    EXPECT_TRUE(WantsAnswer(name, "512")) << name;
  }
  EXPECT_FALSE(WantsAnswer("InitialR2T", "Yes"));
  EXPECT_TRUE(WantsAnswer("InitialR2T", "No"));
}

}  // namespace
}  // namespace pushpull::conformance::monitor
