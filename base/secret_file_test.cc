#include "base/secret_file.h"

#include <sys/stat.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Write(const std::string& contents, mode_t mode) {
  const std::string path = ::testing::TempDir() + "/secret";
  std::ofstream(path) << contents;
  chmod(path.c_str(), mode);
  return path;
}

std::string ErrorOf(const std::string& path) {
  return std::string(ReadSecretFile(path).status().message());
}

TEST(SecretFileTest, FirstLineIsTheSecret) {
  EXPECT_EQ(ReadSecretFile(Write("open sesame 1\n\r\n\n", 0600)).value(), "open sesame 1");
  EXPECT_EQ(ReadSecretFile(Write("windows line\r\n", 0400)).value(), "windows line");
  EXPECT_EQ(ReadSecretFile(Write("no end of line", 0700)).value(), "no end of line");
  EXPECT_EQ(ReadSecretFile(Write("a\rb\r\r\n", 0600)).value(), "a\rb\r");
  EXPECT_EQ(ReadSecretFile(Write(std::string(kMaxSecretFileBytes, 'x'), 0600)).value(),
            std::string(kMaxSecretFileBytes, 'x'));
}

TEST(SecretFileTest, FilesOpenToOthersAreRefused) {
  for (const mode_t mode : {0640, 0604, 0620, 0610, 0602, 0601, 0677}) {
    const std::string error = ErrorOf(Write("hush\n", mode));
    EXPECT_THAT(error, HasSubstr("chmod 600"));
    EXPECT_THAT(error, Not(HasSubstr("hush")));
  }
}

TEST(SecretFileTest, SaysWhatIsMissing) {
  EXPECT_THAT(ErrorOf("/nonexistent/secret"), HasSubstr("No such file"));
  EXPECT_THAT(ErrorOf(Write("", 0600)), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf(Write("\nsecond\n", 0600)), HasSubstr("first line is empty"));
  EXPECT_THAT(ErrorOf(Write("\r\nsecond\n", 0600)), HasSubstr("first line is empty"));
  const std::string two = ErrorOf(Write("open sesame 1\nmore\n", 0600));
  EXPECT_THAT(two, HasSubstr("a second line"));
  EXPECT_THAT(two, Not(HasSubstr("more")));
  EXPECT_THAT(ErrorOf(Write("one\n\ntwo", 0600)), HasSubstr("a second line"));
  EXPECT_THAT(ErrorOf(::testing::TempDir()), HasSubstr("not a plain file"));
  EXPECT_THAT(ErrorOf("/dev/zero"), HasSubstr("not a plain file"));
  EXPECT_THAT(ErrorOf(Write(std::string(kMaxSecretFileBytes + 1, 'x'), 0600)),
              HasSubstr("more than 4096 bytes"));
}

}  // namespace
}  // namespace pushpull::base
