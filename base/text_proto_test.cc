#include "base/text_proto.h"

#include <algorithm>
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
using testing::Not;
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

TEST(TextProtoTest, AMissingBraceIsToldWithTheBlockThatLacksIt) {
  const auto said = [](const std::string& text) {
    Message message;
    return std::string(ParseTextProto(text, "p", &message).message());
  };
  EXPECT_THAT(
      said("package: \"a\"\nmessage_type {\n  name: \"}\"  # }\n"),
      StartsWith("p:2: the block that begins here, \"message_type {\", is never closed: a } "
                 "is missing\n"));
  // Not at the end of the file, but where the next block begins.
  EXPECT_THAT(
      said("message_type {\n  field {\n    name: \"f\"\n  }\n"
           "message_type {\n  name: \"b\"\n}\n"),
      StartsWith("p:1: the block that begins here, \"message_type {\", is never closed: a } "
                 "is missing, most likely before line 5\n"));
  EXPECT_THAT(said("message_type {\n  field {\n    name: \"f\"\n  field { name: \"g\" }\n}\n"),
              StartsWith("p:2: the block that begins here, \"field {\", "));
  // An error that is no missing brace says nothing of one.
  EXPECT_THAT(said("message_type {\n  nome: 1\n}\n"), StartsWith("p:2:"));
  EXPECT_THAT(said("package: 5"), Not(HasSubstr("missing")));
}

TEST(TextProtoTest, TellsTheFirstErrorsAndCountsTheOthers) {
  const auto said = [](int errors) {
    std::string text;
    for (int i = 0; i < errors; ++i) text += "dependency: \"\\q\"\n";
    Message message;
    return std::string(ParseTextProto(text, "p", &message).message());
  };
  const std::string ten = said(10);
  EXPECT_EQ(std::count(ten.begin(), ten.end(), '\n'), 9) << ten;
  EXPECT_THAT(ten, HasSubstr("\np:10:15: "));
  EXPECT_TRUE(said(13).ends_with("\n3 more errors")) << said(13);
}

TEST(TextProtoTest, RefusesWhatIsNoText) {
  Message message;
  const auto said = [&message](const std::string& text) {
    return std::string(ParseTextProto(text, "p", &message).message());
  };
  EXPECT_EQ(said(std::string("# a\0b", 5)),
            "p: is binary (a zero byte at offset 3); text format is due");
  const std::string longest = "#" + std::string(kMaxTextProtoBytes - 1, 'a');
  EXPECT_EQ(said(longest), "");
  EXPECT_THAT(said(longest + "a"), StartsWith("p: has more than "));
  // Nested messages: 64, and no more.
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += i == 0 ? "message_type { " : "nested_type { ";
    return text + std::string(static_cast<size_t>(depth), '}');
  };
  EXPECT_EQ(said(nested(64)), "");
  EXPECT_THAT(said(nested(65)), HasSubstr("p:1:"));
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
