#include "conformance/runner/preconditions.h"

#include <google/protobuf/text_format.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

using ::testing::HasSubstr;

Offer Plenty() {
  Offer offer;
  offer.facts.luns = {0, 1};
  offer.facts.block_size = 512;
  offer.facts.block_count = 2048;
  offer.portals = 2;
  offer.hooks = {"drain"};
  offer.writes = offer.whole_lun = true;
  offer.link = offer.virtual_time = offer.chap = offer.mutual_chap = true;
  return offer;
}

v1::Scenario Scenario(const std::string& text) {
  v1::Scenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario)) << text;
  return scenario;
}

TEST(PreconditionsTest, EachNeedIsLookedAt) {
  const struct {
    const char* scenario;
    void (*take_away)(Offer*);
    const char* message;
  } kCases[] = {
      {"needs { writes: true }", [](Offer* o) { o->writes = false; }, "--allow-writes"},
      {"needs { writes: true }", [](Offer* o) { o->facts.write_protected = true; }, "writable"},
      {"needs { whole_lun: true }", [](Offer* o) { o->writes = false; }, "--allow-writes lets"},
      {"needs { whole_lun: true }", [](Offer* o) { o->whole_lun = false; }, "--scratch-lba"},
      {"needs { luns: 2 }", [](Offer* o) { o->facts.luns = {0}; }, "2 LUNs"},
      {"needs { portals: 2 }", [](Offer* o) { o->portals = 1; }, "--target"},
      {"needs { blocks: 2048 }", [](Offer* o) { o->facts.block_count = 2047; }, "2047"},
      {"needs { blocks: 2048 }", [](Offer* o) { o->scratch_lba = 1; }, "there are 2047"},
      {"needs { blocks: 64 }", [](Offer* o) { o->scratch_lba = 9000; }, "there are 0"},
      {"needs { blocks: 65 writes: true }",
       [](Offer* o) { o->scratch_lba = 10, o->scratch_last_lba = 73; },
       "65 blocks from --scratch-lba 10 on; there are 64"},
      {"needs { transfer_blocks: 65 }", [](Offer* o) { o->facts.max_transfer_blocks = 64; },
       "allows 64"},
      {"needs { block_size: 512 }", [](Offer* o) { o->facts.block_size = 4096; }, "4096"},
      {"needs { hook: \"drain\" }", [](Offer* o) { o->hooks = {"other"}; }, "\"drain\""},
      {"needs { virtual_time: true }", [](Offer* o) { o->virtual_time = false; }, "embedded-sim:"},
      {"needs { rfc7145: true }", [](Offer* o) { o->rfc7145 = false; }, "--iser-dialect"},
      {"fabric { mtu: 1024 }", [](Offer* o) { o->link = false; }, "softroce --link"},
      {"needs { chap: true }", [](Offer* o) { o->chap = false; }, "--chap-user"},
      {"needs { mutual_chap: true }", [](Offer* o) { o->mutual_chap = false; }, "mutual"},
  };
  for (const auto& c : kCases) {
    Offer offer = Plenty();
    EXPECT_FALSE(FindUnmet(Scenario(c.scenario), offer).has_value()) << c.scenario;
    c.take_away(&offer);
    const std::optional<Unmet> unmet = FindUnmet(Scenario(c.scenario), offer);
    ASSERT_TRUE(unmet.has_value()) << c.scenario;
    EXPECT_EQ(unmet->verdict, v1::SKIP);
    EXPECT_THAT(unmet->message, HasSubstr(c.message));
  }
}

TEST(PreconditionsTest, WhatACaseDoesNotNeedMayBeMissing) {
  Offer least;
  least.facts.luns = {0};
  least.facts.block_size = 512;
  least.facts.block_count = 2048;
  least.rfc7145 = false;
  EXPECT_FALSE(FindUnmet(Scenario("step { login {} }"), least).has_value());
}

TEST(PreconditionsTest, ReadsMayGoBeyondTheScratchArea) {
  Offer offer = Plenty();
  offer.scratch_lba = 10;
  offer.scratch_last_lba = 73;
  EXPECT_FALSE(FindUnmet(Scenario("needs { blocks: 65 }"), offer).has_value());
  EXPECT_FALSE(FindUnmet(Scenario("needs { blocks: 64 writes: true }"), offer).has_value());
  offer.facts.max_transfer_blocks = 64;
  EXPECT_FALSE(FindUnmet(Scenario("needs { transfer_blocks: 64 }"), offer).has_value());
}

// Neither failed nor passed, nor skipped for want of an option.
TEST(PreconditionsTest, ALunThatForgetsSupportsNoWrites) {
  Offer offer = Plenty();
  offer.facts.forgets_writes = true;
  EXPECT_FALSE(FindUnmet(Scenario("needs { luns: 1 }"), offer).has_value());
  const std::optional<Unmet> unmet = FindUnmet(Scenario("needs { writes: true }"), offer);
  ASSERT_TRUE(unmet.has_value());
  EXPECT_EQ(unmet->verdict, v1::UNSUPPORTED);
  EXPECT_THAT(unmet->message, HasSubstr("doesn't keep"));
  // But that it forgets has to be told by somebody: the profile, or a failure.
  const char* const tells = "needs { writes: true capability: 'writes_kept' }";
  EXPECT_FALSE(FindUnmet(Scenario(tells), offer).has_value());
  offer.lacks.insert("writes_kept");
  EXPECT_TRUE(FindUnmet(Scenario(tells), offer).has_value());
}

// What goes in without credentials judges nothing where nobody gets in so.
TEST(PreconditionsTest, LoginsOfTheirOwnNeedAnOpenTarget) {
  const char* const own[] = {
      "step { connect {} } step { send { pdu { login_request {} } } }",
      "step { login { skip_security_stage: true } }",
      "step { login { key { name: 'AuthMethod' value: 'None' } } }",
      "step { login {} } step { connection: 'b' send { pdu { login_request {} } } }",
  };
  const std::string entered = "step { login { until: LOGIN_OPERATIONAL_NEGOTIATION } } ";
  const std::string sent = "step { send { pdu { login_request {} } } }";
  const std::string driven[] = {
      "step { login {} }",
      entered + sent,
      "needs { chap: true } step { connect {} } " + sent,
      "needs { mutual_chap: true } step { connect {} } " + sent,
      "step { connect {} } step { send { pdu { nop_out {} } } }",
  };
  Offer offer = Plenty();
  for (const char* scenario : own) EXPECT_FALSE(FindUnmet(Scenario(scenario), offer)) << scenario;
  offer.facts.authentication_required = true;
  for (const char* scenario : own) {
    const std::optional<Unmet> unmet = FindUnmet(Scenario(scenario), offer);
    ASSERT_TRUE(unmet.has_value()) << scenario;
    EXPECT_THAT(unmet->message, HasSubstr("without authentication"));
  }
  for (const std::string& scenario : driven) {
    EXPECT_FALSE(FindUnmet(Scenario(scenario), offer)) << scenario;
  }
}

TEST(PreconditionsTest, WhatTheTargetIsDeclaredToLackIsUnsupported) {
  Offer offer = Plenty();
  const v1::Scenario scenario = Scenario("needs { capability: \"digests\" }");
  EXPECT_FALSE(FindUnmet(scenario, offer).has_value());
  offer.lacks.insert("digests");
  EXPECT_EQ(FindUnmet(scenario, offer)->verdict, v1::UNSUPPORTED);
}

TEST(PreconditionsTest, ScenariosOfOtherKindsAreSkipped) {
  EXPECT_THAT(FindUnmet(Scenario("role: TARGET"), Plenty())->message, HasSubstr("initiators"));
  EXPECT_THAT(FindUnmet(Scenario("needs { transport: ISER_ONLY }"), Plenty())->message,
              HasSubstr("RDMA"));
}

TEST(PreconditionsTest, OverRdmaWhatIsOfTcpAloneIsSkipped) {
  Offer offer = Plenty();
  EXPECT_FALSE(FindUnmet(Scenario("needs { transport: TCP_ONLY }"), offer).has_value());
  offer.rdma = true;
  EXPECT_EQ(FindUnmet(Scenario("needs { transport: TCP_ONLY }"), offer)->verdict, v1::SKIP);
  const v1::Scenario log = Scenario("needs { transport: ISER_ONLY rdma_log: true }");
  EXPECT_THAT(FindUnmet(log, offer)->message, HasSubstr("embedded-iser:"));
  offer.rdma_log = true;
  EXPECT_FALSE(FindUnmet(log, offer).has_value());
}

}  // namespace
}  // namespace pushpull::conformance
