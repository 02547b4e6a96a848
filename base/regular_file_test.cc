#include "base/regular_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

TEST(RegularFileTest, WhatIsNoFileIsNamed) {
  const std::string folder = testing::TempDir();
  const std::string file = folder + "/a_file", pipe = folder + "/a_pipe";
  std::fclose(std::fopen(file.c_str(), "w"));
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(CheckRegularFile(file).ok());
  const struct {
    std::string path;
    absl::StatusCode code;
    std::string says;
  } kCases[] = {
      {pipe, absl::StatusCode::kInvalidArgument, "is a pipe"},
      {folder, absl::StatusCode::kInvalidArgument, "is a folder"},
      {"/dev/null", absl::StatusCode::kInvalidArgument, "is a device"},
      {folder + "/none", absl::StatusCode::kNotFound, "No such file"},
      {file + "/below", absl::StatusCode::kNotFound, "Not a directory"},
      {"", absl::StatusCode::kInvalidArgument, "empty"},
  };
  for (const auto& one : kCases) {
    const absl::Status status = CheckRegularFile(one.path);
    EXPECT_EQ(status.code(), one.code) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), one.says)) << status;
    EXPECT_EQ(status.message().substr(0, one.path.size()), one.path);
  }
}

TEST(RegularFileTest, KindsAndErrorsOfTheSystem) {
  const std::pair<mode_t, const char*> kKinds[] = {{S_IFDIR, "is a folder"},
                                                   {S_IFIFO, "is a pipe"},
                                                   {S_IFSOCK, "is a socket"},
                                                   {S_IFBLK, "is a device"},
                                                   {S_IFCHR, "is a device"}};
  for (const auto& [mode, says] : kKinds) {
    const absl::Status status = CheckRegularMode("p", mode | 0600);
    EXPECT_TRUE(absl::StrContains(status.message(), says)) << status;
  }
  EXPECT_TRUE(CheckRegularMode("p", S_IFREG | 0600).ok());
  for (const int error : {ENOENT, ENOTDIR}) EXPECT_TRUE(absl::IsNotFound(FileError("p", error)));
  for (const int error : {EACCES, EPERM}) {
    EXPECT_TRUE(absl::IsPermissionDenied(FileError("p", error)));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(FileError("p", EIO)));
  EXPECT_EQ(FileError("p", EIO).message(), "p: Input/output error");
}

TEST(RegularFileTest, WritesTheWholeFileOrSaysWhy) {
  const std::string path = testing::TempDir() + "/written";
  ASSERT_TRUE(WriteRegularFile(path, "longer than the next").ok());
  ASSERT_TRUE(WriteRegularFile(path, std::string_view("a\0b", 3)).ok());
  std::string text;
  std::FILE* const file = std::fopen(path.c_str(), "r");
  for (int c; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
  std::fclose(file);
  EXPECT_EQ(text, std::string("a\0b", 3));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteRegularFile("/dev/full", "x")));
  const absl::Status status = WriteRegularFile(path + "/below", "x");
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "Not a directory; see that its folder"))
      << status;
}

}  // namespace
}  // namespace pushpull::base
