#include "conformance/runner/glob.h"

#include "gtest/gtest.h"

namespace pushpull::conformance {
namespace {

TEST(GlobTest, Matches) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } kCases[] = {
      {"login/*", "login/isid_kept", true},
      {"login/*", "nop/login/x", false},
      {"*", "", true},
      {"*isid*", "login/isid_kept", true},
      {"login/isid_kep?", "login/isid_kept", true},
      {"login/isid_kept?", "login/isid_kept", false},
      {"login/isid_kept", "login/isid_kept#row", false},
      {"login/isid_kept*", "login/isid_kept#row", true},
      {"a*b*c", "a/b/b/c", true},
      {"a*b*c", "a/b/b/d", false},
      {"", "x", false},
      {"", "", true},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(GlobMatch(c.pattern, c.text), c.matches) << c.pattern << " " << c.text;
  }
}

TEST(GlobTest, ManyStarsEndInReasonableTime) {
  const std::string text(2000, 'a');
  EXPECT_FALSE(GlobMatch("*a*a*a*a*a*a*a*a*a*b", text));
}

}  // namespace
}  // namespace pushpull::conformance
