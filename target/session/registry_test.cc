#include "target/session/registry.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

LoginIdentity Identity(uint16_t tsih = 0, uint16_t cid = 1) {
  LoginIdentity identity;
  identity.initiator_name = "iqn.i";
  identity.target_name = "iqn.t";
  identity.tsih = tsih;
  identity.cid = cid;
  return identity;
}

// RFC7143-7.4.2.1-a, -b, -c, -d, 7.4.2.2-a
TEST(SessionRegistryTest, KeysTellSessionsApart) {
  LoginIdentity other_isid = Identity();
  other_isid.isid[5] = 1;
  LoginIdentity other_initiator = Identity();
  other_initiator.initiator_name = "iqn.j";
  LoginIdentity unnamed = Identity();
  unnamed.target_name.reset();
  const std::set<std::string> keys = {
      SessionRegistry::Key(Identity(), 1, "a:1"),      SessionRegistry::Key(Identity(), 2, "a:1"),
      SessionRegistry::Key(other_isid, 1, "a:1"),      SessionRegistry::Key(unnamed, 1, "a:1"),
      SessionRegistry::Key(other_initiator, 1, "a:1"), SessionRegistry::Key(unnamed, 1, "a:2"),
  };
  EXPECT_EQ(keys.size(), 6u);
  // Named sessions don't depend on the portal, unnamed ones not on its group (RFC 7143 §7.4.2).
  EXPECT_EQ(SessionRegistry::Key(Identity(), 1, "a:1"), SessionRegistry::Key(Identity(), 1, "a:2"));
  EXPECT_EQ(SessionRegistry::Key(unnamed, 1, "a:1"), SessionRegistry::Key(unnamed, 2, "a:1"));
}

// The table of RFC 7143 §6.3.1.
TEST(SessionRegistryTest, Places) {
  SessionRegistry registry(10);
  EXPECT_EQ(registry.FindPlace("a", Identity()).kind, LoginKind::kNewSession);
  EXPECT_EQ(registry.FindPlace("a", Identity(7)).status, LoginStatus::kSessionDoesNotExist);
  SessionParameters parameters;
  parameters.max_burst_length = 4096;
  const auto claim = registry.ClaimName("a", nullptr, parameters, "CHAP user");
  EXPECT_NE(claim.tsih, 0);
  EXPECT_FALSE(claim.predecessor.has_value());
  registry.SetConnections(claim.id, {1});
  EXPECT_EQ(registry.FindPlace("a", Identity()).kind, LoginKind::kSessionReinstatement);
  EXPECT_EQ(registry.FindPlace("b", Identity()).kind, LoginKind::kNewSession);
  EXPECT_EQ(registry.FindPlace("b", Identity(claim.tsih)).status, LoginStatus::kSessionDoesNotExist)
      << "another's TSIH";
  const LoginPlace again = registry.FindPlace("a", Identity(claim.tsih, 1));
  EXPECT_EQ(again.status, LoginStatus::kSuccess);
  EXPECT_EQ(again.kind, LoginKind::kConnectionReinstatement);
  EXPECT_EQ(again.session.max_burst_length, 4096u);
  EXPECT_EQ(again.authentication, "CHAP user");
  EXPECT_EQ(registry.FindPlace("a", Identity(claim.tsih, 2)).status,
            LoginStatus::kTooManyConnections);
  registry.SetConnections(claim.id, {});
  EXPECT_EQ(registry.FindPlace("a", Identity(claim.tsih, 2)).kind, LoginKind::kNewConnection);
}

TEST(SessionRegistryTest, AClaimTakesTheNameFromTheLast) {
  SessionRegistry registry(10);
  const auto first = registry.ClaimName("a", nullptr, {});
  const auto second = registry.ClaimName("a", nullptr, {});
  ASSERT_TRUE(second.predecessor.has_value());
  EXPECT_EQ(second.predecessor->id, first.id);
  EXPECT_NE(second.tsih, first.tsih);
  EXPECT_FALSE(registry.Find("a", first.tsih).has_value()) << "it has lost its name";
  EXPECT_EQ(registry.Find("a", second.tsih)->id, second.id);
  registry.Release(first.id);
  EXPECT_EQ(registry.Find("a", second.tsih)->id, second.id);
  registry.Release(second.id);
  registry.Release(second.id);
  EXPECT_EQ(registry.size(), 0u);
  EXPECT_EQ(registry.FindPlace("a", Identity()).kind, LoginKind::kNewSession);
}

TEST(SessionRegistryTest, NumbersBeginAnywhereAndPassOverZero) {
  SessionRegistry registry(10, 0xfffe);
  for (const int tsih : {0xfffe, 0xffff, 1, 2}) {
    EXPECT_EQ(registry.ClaimName(std::to_string(tsih), nullptr, {}).tsih, tsih);
  }
}

TEST(SessionRegistryTest, NumbersAreReusedAndRunOut) {
  SessionRegistry registry(65535);
  std::set<uint16_t> tsihs;
  SessionId last = 0;
  for (int i = 0; i < 65535; ++i) {
    const auto claim = registry.ClaimName(std::to_string(i), nullptr, {});
    ASSERT_NE(claim.tsih, 0);
    ASSERT_TRUE(tsihs.insert(claim.tsih).second);
    last = claim.id;
  }
  EXPECT_EQ(registry.FindPlace("more", Identity()).status, LoginStatus::kOutOfResources);
  EXPECT_EQ(registry.ClaimName("more", nullptr, {}).tsih, 0);
  registry.Release(last);
  EXPECT_NE(registry.ClaimName("more", nullptr, {}).tsih, 0);
}

}  // namespace
}  // namespace pushpull::target
