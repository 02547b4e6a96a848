#include "base/shell_quote.h"

#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(ShellQuotedTest, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(ShellQuoted("read/underflow"), "read/underflow");
  EXPECT_EQ(ShellQuoted("tcp://[::1]/iqn.x"), "'tcp://[::1]/iqn.x'");
  EXPECT_EQ(ShellQuoted("a/b#row"), "'a/b#row'");
  EXPECT_EQ(ShellQuoted("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(ShellQuoted(""), "''");
}

}  // namespace
}  // namespace pushpull::base
