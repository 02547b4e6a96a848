#include "base/text_proto.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"

namespace pushpull::base {
namespace {

// Any message does.
using Message = google::protobuf::FileDescriptorProto;
using testing::HasSubstr;
using testing::StartsWith;

TEST(TextProtoTest, LoadsWhatAFileSays) {
  const std::string path = testing::TempDir() + "/message";
  std::ofstream(path) << "package: \"a\"  # a comment\ndependency: \"b\" dependency: \"c\"";
  const auto message = LoadTextProto<Message>(path);
  ASSERT_TRUE(message.ok()) << message.status().ToString();
  EXPECT_EQ(message->package(), "a");
  EXPECT_EQ(message->dependency_size(), 2);
  EXPECT_THAT(std::string(LoadTextProto<Message>(path + "x").status().message()),
              StartsWith(path + "x: "));
}

TEST(TextProtoTest, ErrorsSayWhere) {
  Message message;
  const auto status = ParseTextProto("package: 5", "p", &message);
  EXPECT_THAT(std::string(status.message()), HasSubstr("p:1:10: "));
}

TEST(TextProtoTest, ReplacesWhatWasThere) {
  Message message;
  message.add_dependency("old");
  ASSERT_TRUE(ParseTextProto("package: \"a\"", "p", &message).ok());
  EXPECT_EQ(message.dependency_size(), 0);
}

TEST(TextProtoTest, StringsAreUtf8) {
  google::protobuf::Value value;
  EXPECT_TRUE(ParseTextProto("string_value: \"\\303\\244\"", "p", &value).ok());
  const auto status = ParseTextProto("string_value: \"\\377\"", "p", &value);
  EXPECT_THAT(std::string(status.message()), StartsWith("p: a string in it isn't UTF-8"));
}

TEST(TextProtoTest, FilesHaveALimit) {
  const std::string path = testing::TempDir() + "/limited";
  std::ofstream(path) << "12345";
  EXPECT_EQ(*ReadTextFile(path, 5), "12345");
  EXPECT_TRUE(absl::IsResourceExhausted(ReadTextFile(path, 4).status()));
}

}  // namespace
}  // namespace pushpull::base
