#include "target/session/access.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

const fabric::Address kPortal{"192.0.2.2", 3260};

TEST(AccessTest, NamesFitPatterns) {
  struct Case {
    const char* pattern;
    const char* name;
    bool fits;
  };
  const Case cases[] = {
      {"", "iqn.x", true},
      {"*", "iqn.x", true},
      {"iqn.x", "iqn.x", true},
      {"iqn.x", "iqn.X", true},
      {"IQN.x", "iqn.x", true},
      {"iqn.x", "iqn.xy", false},
      {"iqn.xy", "iqn.x", false},
      {"iqn.*:a", "iqn.b:a", true},
      {"iqn.*:a", "iqn.:a:a", true},
      {"iqn.*:a", "iqn.b:ab", false},
      {"iqn.*b*", "iqn.abc", true},
      {"iqn.*b*d", "iqn.abc", false},
      {"iqn.x**", "iqn.x", true},
      // What one part of a pattern took is not there for the next.
      {"ab*b*", "abc", false},
      {"ab*b*", "abcb", true},
      {"*ab*ab*", "xabx", false},
      {"*ab*ab*", "xabab", true},
  };
  for (const Case& c : cases) {
    const std::vector<AccessRule> rules = {{.initiator = c.pattern}};
    EXPECT_EQ(Admit(rules, c.name, kPortal).status,
              c.fits ? LoginStatus::kSuccess : LoginStatus::kAuthorizationFailure)
        << c.pattern << " " << c.name;
  }
}

TEST(AccessTest, FirstRuleThatFitsDecides) {
  const std::vector<AccessRule> rules = {
      {.initiator = "iqn.bad", .portal = {}, .status = LoginStatus::kAuthorizationFailure},
      {.initiator = "iqn.late",
       .portal = {"192.0.2.2", 3260},
       .status = LoginStatus::kTargetMovedTemporarily,
       .redirect_addresses = {"192.0.2.3:3261"}},
      {.initiator = "iqn.*", .portal = {"192.0.2.2", {}}},
      {.initiator = "", .portal = {"", 99}},
  };
  EXPECT_EQ(Admit(rules, "iqn.bad", kPortal).status, LoginStatus::kAuthorizationFailure);
  const Admission moved = Admit(rules, "iqn.late", kPortal);
  EXPECT_EQ(moved.status, LoginStatus::kTargetMovedTemporarily);
  EXPECT_EQ(moved.redirect_addresses, std::vector<std::string>{"192.0.2.3:3261"});
  EXPECT_EQ(Admit(rules, "iqn.late", {"192.0.2.2", 3261}).status, LoginStatus::kSuccess);
  EXPECT_EQ(Admit(rules, "iqn.good", kPortal).status, LoginStatus::kSuccess);
  EXPECT_EQ(Admit(rules, "iqn.good", {"192.0.2.9", 3260}).status,
            LoginStatus::kAuthorizationFailure);
  EXPECT_EQ(Admit(rules, "eui.good", {"192.0.2.9", 99}).status, LoginStatus::kSuccess);
}

TEST(AccessTest, PortalPatterns) {
  struct Case {
    const char* text;
    const char* host;  // null: an error
    int port;          // -1: any
  };
  const Case cases[] = {
      {"", "", -1},
      {"192.0.2.2", "192.0.2.2", -1},
      {"192.0.2.2:3260", "192.0.2.2", 3260},
      {":3260", "", 3260},
      {"[::1]", "::1", -1},
      {"[::1]:7", "::1", 7},
      {"::1", nullptr, 0},
      {"[::1", nullptr, 0},
      {"[::1]7", nullptr, 0},
      {"host:", nullptr, 0},
      {"host:65536", nullptr, 0},
      {"host:x", nullptr, 0},
      {"tcp://host", nullptr, 0},
      {"host:3260,1", nullptr, 0},
  };
  for (const Case& c : cases) {
    const auto pattern = ParsePortalPattern(c.text);
    ASSERT_EQ(pattern.ok(), c.host != nullptr) << c.text;
    if (c.host == nullptr) continue;
    EXPECT_EQ(pattern->host, c.host) << c.text;
    EXPECT_EQ(pattern->port ? static_cast<int>(*pattern->port) : -1, c.port) << c.text;
  }
}

TEST(AccessTest, AnIpv6AddressIsToldToNeedBrackets) {
  EXPECT_THAT(ParsePortalPattern("::1").status().message(), ::testing::HasSubstr("brackets"));
}

TEST(AccessTest, RedirectAddresses) {
  for (const char* right : {"host", "host:3260", "[::1]", "[::1]:1"}) {
    EXPECT_TRUE(IsRedirectAddress(right)) << right;
  }
  for (const char* wrong : {"", ":3260", "host:0", "host:3260,1", "::1"}) {
    EXPECT_FALSE(IsRedirectAddress(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace pushpull::target
