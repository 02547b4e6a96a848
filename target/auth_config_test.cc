// CHAP and access rules in the configuration.

#include <sys/stat.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "target/config.h"

namespace pushpull::target {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class AuthConfigTest : public ::testing::Test {
 protected:
  AuthConfigTest() {
    Write("alice", "alice's secret 16\n", 0600);
    Write("bob", "bob's secret of 18\n", 0600);
    Write("short", "hush\n", 0600);
    Write("own", "the target's own\n", 0400);
    Write("open", "everybody's 12 bytes\n", 0644);
    Write("twin", "alice's secret 16\n", 0600);
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(::testing::TempDir(), "/auth_", name);
  }
  static void Write(const std::string& name, const std::string& text, mode_t mode) {
    chmod(Path(name).c_str(), 0600);
    std::ofstream(Path(name)) << text;
    chmod(Path(name).c_str(), mode);
  }

  // "@NAME" is the path of a secret's file.
  static absl::StatusOr<TargetOptions> Load(std::string text) {
    for (const char* name : {"alice", "bob", "short", "own", "open", "twin", "none"}) {
      text = absl::StrReplaceAll(text, {{absl::StrCat("@", name), Path(name)}});
    }
    Write("config.textproto", text, 0600);
    LoadedConfig config;
    if (absl::Status status = config.Load(Path("config.textproto")); !status.ok()) return status;
    return OptionsFromConfig(config);
  }
  // Where in the file, and what.
  static std::string ErrorOf(const std::string& text) {
    const auto options = Load(text);
    EXPECT_FALSE(options.ok()) << text;
    return absl::StrReplaceAll(std::string(options.status().message()),
                               {{Path("config.textproto"), "FILE"}});
  }
};

const char kAlice[] = "chap_account { user: 'alice' secret_file: '@alice' }\n";

TEST_F(AuthConfigTest, SilenceMeansNoAuthentication) {
  const auto options = Load("");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_FALSE(options->chap.has_value());
  EXPECT_THAT(options->node.access, IsEmpty());
}

TEST_F(AuthConfigTest, TakesEachField) {
  const auto options = Load(absl::StrCat(kAlice, R"(
chap_account { user: 'bob' secret_file: '@bob' initiator: 'iqn.b' initiator: 'iqn.c' }
chap {
  mutual_user: 'storage'
  mutual_secret_file: '@own'
  algorithm: 7
  algorithm: 5
  optional: true
  open_discovery: true
  challenge_length: 1024
  base64: true
}
)"));
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_TRUE(options->chap.has_value());
  const ChapOptions& chap = *options->chap;
  ASSERT_EQ(chap.accounts.size(), 2u);
  EXPECT_EQ(chap.accounts[0].user, "alice");
  EXPECT_EQ(chap.accounts[0].secret.Reveal(), "alice's secret 16");
  EXPECT_THAT(chap.accounts[1].initiators, ElementsAre("iqn.b", "iqn.c"));
  ASSERT_TRUE(chap.own.has_value());
  EXPECT_EQ(chap.own->user, "storage");
  EXPECT_EQ(chap.own->secret.Reveal(), "the target's own");
  EXPECT_THAT(chap.algorithms, ElementsAre(ChapAlgorithm::kSha256, ChapAlgorithm::kMd5));
  EXPECT_TRUE(chap.optional);
  EXPECT_TRUE(chap.base64);
  EXPECT_EQ(chap.challenge_length, 1024u);
  EXPECT_TRUE(options->node.open_discovery);
  EXPECT_THAT(options->warnings, IsEmpty());
}

// RFC7143-9.2.1-e, RFC1994-2.3-b
TEST_F(AuthConfigTest, ErrorsSayWhereAndWhat) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"chap_account { secret_file: '@alice' }",
       "FILE:1:1: chap_account.user: CHAP_N has 1 to 255"},
      {"chap_account { user: 'alice' }", "FILE:1:16: chap_account \"alice\" has no secret_file"},
      {"chap_account { user: 'alice' secret_file: '@none' }", "FILE:1:30: secret file "},
      {"chap_account { user: 'alice' secret_file: '@open' }", "FILE:1:30: secret file "},
      {absl::StrCat(kAlice, kAlice), "FILE:2:16: chap_account \"alice\" is there twice"},
      {"chap_account { user: 'a' initiator: 'host' secret_file: '@alice' }",
       "FILE:1:26: initiator \"host\" is no iSCSI name"},
      {"chap { optional: true }", "FILE:1:1: chap: nobody can log in by CHAP; add a chap_account"},
      {absl::StrCat(kAlice, "chap { mutual_user: 's' }"), "FILE:2:8: chap: mutual_user and"},
      {absl::StrCat(kAlice, "chap { mutual_secret_file: '@own' }"), "FILE:2:8: chap: mutual_user"},
      {absl::StrCat(kAlice, "chap { mutual_user: 's' mutual_secret_file: '@short' }"),
       "FILE:2:25: the secret of chap.mutual_user has 4 bytes; RFC 7143 §9.2.1 wants 12"},
      {absl::StrCat(kAlice, "chap { mutual_user: 's' mutual_secret_file: '@twin' }"),
       "FILE:2:25: the target's secret is that of \"alice\", too"},
      {absl::StrCat(kAlice, "chap { algorithm: 4 }"), "FILE:2:8: chap.algorithm 4: there are 5"},
      {absl::StrCat(kAlice, "chap { challenge_length: 15 }"), "FILE:2:8: chap.challenge_length"},
      {absl::StrCat(kAlice, "chap { challenge_length: 1025 }"), "FILE:2:8: chap.challenge_length"},
      {"access { portal: 'tcp://h' }", "FILE:1:10: access: portal \"tcp://h\": "},
      {"access { answer: MOVED_TEMPORARILY }", "FILE:1:10: access: where has the target moved"},
      {"access { redirect_to: 'h' }", "FILE:1:1: access: redirect_to goes with MOVED_"},
      {"access { answer: MOVED_PERMANENTLY redirect_to: 'h:1,2' }",
       "FILE:1:36: access: redirect_to \"h:1,2\": right is HOST[:PORT]"},
  };
  for (const auto& [text, message] : cases) {
    const std::string error = ErrorOf(text);
    EXPECT_THAT(error, StartsWith(message));
    for (const char* secret : {"secret 16", "hush", "everybody's"}) {
      EXPECT_THAT(error, Not(HasSubstr(secret)));
    }
  }
  EXPECT_THAT(ErrorOf("chap_account { user: 'alice' secret_file: '@open' }"),
              HasSubstr("chmod 600"));
}

// RFC 7143 §9.2.1
TEST_F(AuthConfigTest, WarnsOfWeakAndSharedSecrets) {
  const auto options = Load(absl::StrCat(kAlice, R"(
chap_account { user: 'bob' secret_file: '@short' }
chap_account { user: 'carol' secret_file: '@twin' }
)"));
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_EQ(options->warnings.size(), 2u);
  EXPECT_THAT(options->warnings[0], HasSubstr(":3:1: the secret of \"bob\" has 4 bytes"));
  EXPECT_THAT(options->warnings[1], HasSubstr("that of \"alice\", too"));
}

TEST_F(AuthConfigTest, AccessRules) {
  const auto options = Load(R"(
access { initiator: 'iqn.a:*' portal: '192.0.2.1:3260' answer: MOVED_PERMANENTLY
         redirect_to: '192.0.2.2' redirect_to: '[::1]:3261' }
access { initiator: 'iqn.b' answer: REMOVED }
access { portal: ':3261' answer: UNAVAILABLE }
access { initiator: 'iqn.d' answer: DENY }
access {}
)");
  ASSERT_TRUE(options.ok()) << options.status();
  const std::vector<AccessRule>& rules = options->node.access;
  const Admission moved = Admit(rules, "iqn.a:x", {"192.0.2.1", 3260});
  EXPECT_EQ(moved.status, LoginStatus::kTargetMovedPermanently);
  EXPECT_THAT(moved.redirect_addresses, ElementsAre("192.0.2.2", "[::1]:3261"));
  EXPECT_EQ(Admit(rules, "iqn.b", {"h", 1}).status, LoginStatus::kTargetRemoved);
  EXPECT_EQ(Admit(rules, "iqn.c", {"h", 3261}).status, LoginStatus::kServiceUnavailable);
  EXPECT_EQ(Admit(rules, "iqn.d", {"h", 1}).status, LoginStatus::kAuthorizationFailure);
  EXPECT_EQ(Admit(rules, "iqn.e", {"h", 1}).status, LoginStatus::kSuccess);
}

}  // namespace
}  // namespace pushpull::target
