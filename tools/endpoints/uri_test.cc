#include "tools/endpoints/uri.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::tools {
namespace {

using ::testing::HasSubstr;

TEST(UriTest, ParsesAllForms) {
  const auto plain = ParseTargetUri("tcp://example.com");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->kind, TargetUri::Kind::kTcp);
  EXPECT_EQ(plain->address.host, "example.com");
  EXPECT_EQ(plain->address.port, 3260);
  EXPECT_EQ(plain->target_name, "");
  EXPECT_FALSE(plain->lun.has_value());

  const auto full = ParseTargetUri("tcp://[::1]:13260/iqn.2026-11.org.x:disk:1/7");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(full->address, (fabric::Address{"::1", 13260}));
  EXPECT_EQ(full->target_name, "iqn.2026-11.org.x:disk:1");
  EXPECT_EQ(full->lun, 7);

  EXPECT_EQ(ParseTargetUri("embedded:")->kind, TargetUri::Kind::kEmbedded);
  EXPECT_EQ(ParseTargetUri("embedded-sim:")->kind, TargetUri::Kind::kEmbeddedSim);
}

TEST(UriTest, TakesWhatIsJustWithin) {
  const std::string longest(223, 'a');
  const struct {
    std::string text;
    fabric::Address address;
    std::string name;
    std::optional<uint64_t> lun;
  } kRight[] = {
      {"tcp://h/", {"h", 3260}, "", std::nullopt},
      {"tcp://h:1", {"h", 1}, "", std::nullopt},
      {"tcp://h:65535/", {"h", 65535}, "", std::nullopt},
      {"tcp://[::1]", {"::1", 3260}, "", std::nullopt},
      {"iser://[fe80::1%eth0]:7/iqn.x", {"fe80::1%eth0", 7}, "iqn.x", std::nullopt},
      {"tcp://h/iqn.x:a", {"h", 3260}, "iqn.x:a", std::nullopt},
      {"tcp://h/iqn.x/", {"h", 3260}, "iqn.x", std::nullopt},
      {"tcp://h/iqn.x/0", {"h", 3260}, "iqn.x", 0},
      {"tcp://h/iqn.x/16383", {"h", 3260}, "iqn.x", 16383},
      {"tcp://h/" + longest + "/1", {"h", 3260}, longest, 1},
  };
  for (const auto& right : kRight) {
    const auto uri = ParseTargetUri(right.text);
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_EQ(uri->text, right.text);
    EXPECT_EQ(uri->address, right.address) << right.text;
    EXPECT_EQ(uri->target_name, right.name) << right.text;
    EXPECT_EQ(uri->lun, right.lun) << right.text;
  }
}

TEST(UriTest, WhatIsOfferedIsTaken) {
  for (const TargetScheme& scheme : TargetSchemes()) {
    const std::string text = std::string(scheme.begin) + (scheme.remote ? "192.0.2.1/iqn.x" : "");
    const auto uri = ParseTargetUri(text);
    EXPECT_EQ(uri.ok(), scheme.wired) << uri.status();
    if (uri.ok()) {
      EXPECT_EQ(uri->kind, scheme.kind);
    }
    for (const bool meanings : {false, true}) {
      const bool offered = TargetForms(meanings).find(scheme.form) != std::string::npos;
      EXPECT_EQ(offered, scheme.wired) << scheme.form;
    }
  }
}

TEST(UriTest, SaysWhatIsWrong) {
  const std::pair<std::string, const char*> kWrong[] = {
      {"", "this is no target"},
      {"http://x", "this is no target"},
      {"embedded", "embedded-sim:"},
      {"tcp://", "there is no host"},
      {"tcp://:3260", "there is no host"},
      {"tcp://::1/iqn.x", "brackets"},
      {"tcp://[::1", "bracket"},
      {"tcp://[::1]3260", "a port"},
      {"tcp://[]:1", "there is no host"},
      {"tcp://h:1x", "a port"},
      {"tcp://h:/iqn.x", "a port"},
      {"iser://h:0", "port 0"},
      {"embedded:x", "it is embedded:, and nothing more"},
      {"embedded::", "it is embedded:, and nothing more"},
      {"embedded", "it is embedded:, and nothing more"},
      {"embedded-sim:/iqn.x", "it is embedded-sim:, and nothing more"},
      {"embedded-", "this is no target"},
      {"tcp:/h", "tcp://HOST is due"},
      {"tcp:", "tcp://HOST is due"},
      {"iser", "iser://HOST is due"},
      {"tcp://h/iqn.x/1/2", "a LUN"},
      {"tcp://h/iqn.x/-1", "a LUN"},
      {"tcp://h:", "a port"},
      {"tcp://h:0", "port 0"},
      {"tcp://h:65536", "a port"},
      {"tcp://h:-1", "a port"},
      {"tcp://h//1", "name is empty"},
      {"tcp://h/iqn.x/16384", "a LUN"},
      {"tcp://h/iqn.x/one", "a LUN"},
      {"tcp://h/" + std::string(224, 'a'), "223"},
  };
  for (const auto& [text, what] : kWrong) {
    const auto uri = ParseTargetUri(text);
    ASSERT_FALSE(uri.ok()) << text;
    EXPECT_THAT(std::string(uri.status().message()), HasSubstr(what)) << text;
  }
}

}  // namespace
}  // namespace pushpull::tools
